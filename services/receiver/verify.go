package receiver

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// refusal says why a delivery is not taken. The empty one takes it. The
// values are labels of a metric, so they are few and hold nothing foreign.
type refusal string

const (
	accepted          refusal = ""
	noCredentials     refusal = "no_credentials"
	badToken          refusal = "bad_token"
	badSignature      refusal = "bad_signature"
	malformed         refusal = "malformed_signature"
	stale             refusal = "stale_timestamp"
	signatureUnknown  refusal = "no_signing_key"
	signatureRequired refusal = "signature_required"
	unknownCluster    refusal = "unknown_cluster"
	tooLarge          refusal = "too_large"
	tooBusy           refusal = "too_busy"
	unreadable        refusal = "body_not_received"
	notPublished      refusal = "not_published"
)

const (
	headerToken     = "X-Gitlab-Token"
	headerID        = "Webhook-Id"
	headerTimestamp = "Webhook-Timestamp"
	headerSignature = "Webhook-Signature"
)

// keyring holds what GitLab's deliveries are checked against. Tokens are kept
// as digests: equal lengths make comparing them take equal time.
type keyring struct {
	signing          [][]byte
	tokens           [][sha256.Size]byte
	requireSignature bool
}

// newKeyring decodes and checks the secrets once; its errors name a secret by
// its place.
func newKeyring(cfg GitLab) (*keyring, error) {
	if len(cfg.SigningKeys) > maxSecrets || len(cfg.Tokens) > maxSecrets {
		return nil, core.Errorf(core.Invalid, "GitLab: %d signing keys and %d tokens, at most %d of each", len(cfg.SigningKeys), len(cfg.Tokens), maxSecrets)
	}
	if cfg.RequireSignature && len(cfg.SigningKeys) == 0 {
		return nil, core.Errorf(core.Invalid, "GitLab: signatures are required, but there is no signing key")
	}
	k := &keyring{requireSignature: cfg.RequireSignature}
	for i, s := range cfg.SigningKeys {
		key, err := signingKey(s)
		if err != nil {
			return nil, core.Errorf(core.Invalid, "GitLab: signing key %d: %w", i+1, err)
		}
		k.signing = append(k.signing, key)
	}
	for i, t := range cfg.Tokens {
		if t == "" {
			return nil, core.Errorf(core.Invalid, "GitLab: token %d is empty and would let everyone in", i+1)
		}
		k.tokens = append(k.tokens, sha256.Sum256([]byte(t.Reveal())))
	}
	return k, nil
}

// signingKey decodes a signing token as GitLab shows it: whsec_ and base64.
func signingKey(s core.Secret) ([]byte, error) {
	encoded, ok := strings.CutPrefix(s.Reveal(), "whsec_")
	if !ok {
		return nil, core.Errorf(core.Invalid, "want whsec_ and base64, as GitLab shows it")
	}
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		// The decoder's error would quote a part of the key.
		return nil, core.Errorf(core.Invalid, "what follows whsec_ is not base64 with padding")
	}
	if len(key) < minKey || len(key) > maxKey {
		return nil, core.Errorf(core.Invalid, "it has %d bytes, want %d to %d", len(key), minKey, maxKey)
	}
	return key, nil
}

// verify is admit and confirm in one.
func (k *keyring) verify(h http.Header, body []byte, now time.Time) refusal {
	c, why := k.admit(h, now)
	if why != accepted {
		return why
	}
	return k.confirm(c, body)
}

// claim is what a delivery says about its signature. A nil claim is a delivery
// that its token has vouched for already.
type claim struct {
	id, timestamp string
	signatures    [][sha256.Size]byte
}

// admit refuses what can be refused by the headers alone, so that a stranger's
// body is not read. A delivery with a signature header is judged by that, and
// a good token beside it counts for nothing: else leaving the token in place
// would undo the signature.
func (k *keyring) admit(h http.Header, now time.Time) (*claim, refusal) {
	if _, signed := h[headerSignature]; signed {
		if len(k.signing) == 0 {
			return nil, signatureUnknown
		}
		return parseClaim(h, now)
	}
	token := h[headerToken]
	switch {
	case len(token) != 1 || token[0] == "":
		return nil, noCredentials
	case !k.knows(token[0]):
		return nil, badToken
	case k.requireSignature:
		return nil, signatureRequired
	}
	return nil, accepted
}

// knows tries every token, so that the time says nothing about which one fits.
func (k *keyring) knows(token string) bool {
	sum := sha256.Sum256([]byte(token))
	found := 0
	for i := range k.tokens {
		found |= subtle.ConstantTimeCompare(sum[:], k.tokens[i][:])
	}
	return found == 1
}

// parseClaim reads the three headers of a signature and judges the time. What
// would be ambiguous, such as two ids, is refused.
func parseClaim(h http.Header, now time.Time) (*claim, refusal) {
	ids, times := h[headerID], h[headerTimestamp]
	if len(ids) != 1 || len(times) != 1 || ids[0] == "" {
		return nil, malformed
	}
	seconds, err := strconv.ParseInt(times[0], 10, 64)
	if err != nil {
		return nil, malformed
	}
	if now.Sub(time.Unix(seconds, 0)).Abs() > tolerance {
		return nil, stale
	}
	c := &claim{id: ids[0], timestamp: times[0]}
	for _, value := range h[headerSignature] {
		for entry := range strings.FieldsSeq(value) {
			if len(c.signatures) == maxSignatures {
				return nil, malformed
			}
			if sum, ok := signature(entry); ok {
				c.signatures = append(c.signatures, sum)
			}
		}
	}
	if len(c.signatures) == 0 {
		return nil, malformed
	}
	return c, accepted
}

// signature reads "v1,<base64>". Entries of other versions are for others.
func signature(entry string) (sum [sha256.Size]byte, ok bool) {
	encoded, ok := strings.CutPrefix(entry, "v1,")
	if !ok || base64.StdEncoding.DecodedLen(len(encoded)) > sha256.Size+2 {
		return sum, false
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(encoded)
	if err != nil || len(raw) != sha256.Size {
		return sum, false
	}
	return [sha256.Size]byte(raw), true
}

// confirm compares each signature with that of each key.
func (k *keyring) confirm(c *claim, body []byte) refusal {
	if c == nil {
		return accepted
	}
	prefix := []byte(c.id + "." + c.timestamp + ".")
	found := 0
	for _, key := range k.signing {
		mac := hmac.New(sha256.New, key)
		mac.Write(prefix)
		mac.Write(body)
		sum := mac.Sum(nil)
		for i := range c.signatures {
			found |= subtle.ConstantTimeCompare(sum, c.signatures[i][:])
		}
	}
	if found != 1 {
		return badSignature
	}
	return accepted
}
