package receiver

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

const (
	keyA = core.Secret("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")
	keyB = core.Secret("whsec_IB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE=")

	token    = "correct horse"
	anID     = "0190f7a2-5d0e-7c11-9a55-3a1f6c2b7d10"
	sentBody = `{"object_kind":"push","project_id":42}`
)

var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// sign computes a signature from the definitions of HMAC and of Standard
// Webhooks, without the code under test and without crypto/hmac.
func sign(t testing.TB, key core.Secret, id, timestamp, body string) string {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(key.Reveal(), "whsec_"))
	if err != nil {
		t.Fatal(err)
	}
	var inner, outer [64]byte
	copy(inner[:], raw)
	outer = inner
	for i := range inner {
		inner[i] ^= 0x36
		outer[i] ^= 0x5c
	}
	first := sha256.Sum256(append(inner[:], id+"."+timestamp+"."+body...))
	second := sha256.Sum256(append(outer[:], first[:]...))
	return "v1," + base64.StdEncoding.EncodeToString(second[:])
}

// The value was made with OpenSSL:
//
//	printf '%s.%s.%s' "$id" 1780315200 "$body" | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f -binary | base64
func TestSignatureIsThatOfOtherTools(t *testing.T) {
	const made = "v1,aEvN4p5bT0t5JFs02zjcxa/j6W2uUYP5FIbET8VbVj4="
	at := strconv.FormatInt(noon.Unix(), 10)
	if got := sign(t, keyA, anID, at, sentBody); got != made {
		t.Errorf("the test's own signature is %s, OpenSSL's %s", got, made)
	}
	h := http.Header{headerID: {anID}, headerTimestamp: {at}, headerSignature: {made}}
	if why := ring(t, GitLab{SigningKeys: []core.Secret{keyA}}).verify(h, []byte(sentBody), noon); why != accepted {
		t.Errorf("OpenSSL's signature is refused: %s", why)
	}
}

func ring(t testing.TB, cfg GitLab) *keyring {
	t.Helper()
	k, err := newKeyring(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestVerify(t *testing.T) {
	at := strconv.FormatInt(noon.Unix(), 10)
	good := sign(t, keyA, anID, at, sentBody)
	both := GitLab{SigningKeys: []core.Secret{keyA}, Tokens: []core.Secret{token}}
	signed := func(changes ...string) http.Header {
		h := http.Header{headerID: {anID}, headerTimestamp: {at}, headerSignature: {good}, headerToken: {token}}
		for i := 0; i < len(changes); i += 2 {
			h.Set(changes[i], changes[i+1])
		}
		return h
	}
	shifted := func(d time.Duration) http.Header {
		at := strconv.FormatInt(noon.Add(d).Unix(), 10)
		return signed(headerTimestamp, at, headerSignature, sign(t, keyA, anID, at, sentBody))
	}
	for _, tc := range []struct {
		name string
		cfg  GitLab
		h    http.Header
		body string
		want refusal
	}{
		{"signature", both, signed(), sentBody, accepted},
		{"signature of the second key", GitLab{SigningKeys: []core.Secret{keyB, keyA}}, signed(), sentBody, accepted},
		{"signature of an unknown key", GitLab{SigningKeys: []core.Secret{keyB}, Tokens: both.Tokens}, signed(), sentBody, badSignature},
		{"the second signature fits", both, signed(headerSignature, sign(t, keyB, anID, at, sentBody)+" "+good), sentBody, accepted},
		{"signatures in two headers", both, http.Header{headerID: {anID}, headerTimestamp: {at}, headerSignature: {"v1a,AAAA", good}}, sentBody, accepted},
		{"another version beside it", both, signed(headerSignature, "v2,AAAA "+good), sentBody, accepted},
		{"no signature fits", both, signed(headerSignature, sign(t, keyB, anID, at, sentBody)+" "+sign(t, keyB, anID, at, "x")), sentBody, badSignature},

		{"id changed, good token", both, signed(headerID, "other"), sentBody, badSignature},
		{"timestamp changed, good token", both, signed(headerTimestamp, strconv.FormatInt(noon.Unix()+1, 10)), sentBody, badSignature},
		{"body changed, good token", both, signed(), sentBody + " ", badSignature},
		{"signature changed, good token", both, signed(headerSignature, "v1,"+strings.Repeat("A", 43)+"="), sentBody, badSignature},
		{"dot moved from id to timestamp", both, signed(headerID, anID+"."+at, headerTimestamp, ""), sentBody, malformed},
		{"signature empty, good token", both, signed(headerSignature, ""), sentBody, malformed},
		{"signature no base64, good token", both, signed(headerSignature, "v1,%%%"), sentBody, malformed},
		{"signature too short, good token", both, signed(headerSignature, "v1,AAAA"), sentBody, malformed},
		{"too many signatures", both, signed(headerSignature, strings.Repeat(good+" ", maxSignatures+1)), sentBody, malformed},
		{"no id", both, signed(headerID, ""), sentBody, malformed},
		{"two ids", both, http.Header{headerID: {anID, "x"}, headerTimestamp: {at}, headerSignature: {good}}, sentBody, malformed},
		{"timestamp no number", both, signed(headerTimestamp, "noon"), sentBody, malformed},
		{"timestamp beyond all times", both, signed(headerTimestamp, "9223372036854775807"), sentBody, stale},
		{"timestamp before all times", both, signed(headerTimestamp, "-9223372036854775808"), sentBody, stale},

		{"just young enough", both, shifted(-tolerance), sentBody, accepted},
		{"replayed later", both, shifted(-tolerance - time.Second), sentBody, stale},
		{"clock ahead within bounds", both, shifted(tolerance), sentBody, accepted},
		{"from the future", both, shifted(tolerance + time.Second), sentBody, stale},

		{"token", both, http.Header{headerToken: {token}}, sentBody, accepted},
		{"token of the rotation", GitLab{Tokens: []core.Secret{"new", token}}, http.Header{headerToken: {token}}, sentBody, accepted},
		{"wrong token", both, http.Header{headerToken: {"wrong"}}, sentBody, badToken},
		{"token with more behind it", both, http.Header{headerToken: {token + "x"}}, sentBody, badToken},
		{"empty token", both, http.Header{headerToken: {""}}, sentBody, noCredentials},
		{"two tokens", both, http.Header{headerToken: {"wrong", token}}, sentBody, noCredentials},
		{"nothing given", both, http.Header{}, sentBody, noCredentials},
		{"nothing configured, token given", GitLab{}, http.Header{headerToken: {token}}, sentBody, badToken},
		{"nothing configured or given", GitLab{}, http.Header{}, sentBody, noCredentials},
		{"signature given, only tokens configured", GitLab{Tokens: both.Tokens}, signed(), sentBody, signatureUnknown},
		{"signature required, token given", GitLab{SigningKeys: both.SigningKeys, Tokens: both.Tokens, RequireSignature: true}, http.Header{headerToken: {token}}, sentBody, signatureRequired},
		{"signature required and given", GitLab{SigningKeys: both.SigningKeys, Tokens: both.Tokens, RequireSignature: true}, signed(), sentBody, accepted},
	} {
		if got := ring(t, tc.cfg).verify(tc.h, []byte(tc.body), noon); got != tc.want {
			t.Errorf("%s: %q, want %q", tc.name, got, tc.want)
		}
	}
}

func TestSecretsThatCannotBe(t *testing.T) {
	many := make([]core.Secret, maxSecrets+1)
	for i := range many {
		many[i] = "t"
	}
	for name, cfg := range map[string]GitLab{
		"empty token":      {Tokens: []core.Secret{"ok", ""}},
		"too many":         {Tokens: many},
		"no prefix":        {SigningKeys: []core.Secret{"sEcReTsEcReT"}},
		"no base64":        {SigningKeys: []core.Secret{"whsec_sEcReTsEcReT!"}},
		"short key":        {SigningKeys: []core.Secret{"whsec_c0VjUmVU"}},
		"required without": {RequireSignature: true, Tokens: []core.Secret{"ok"}},
	} {
		_, err := newKeyring(cfg)
		if core.KindOf(err) != core.Invalid || strings.Contains(err.Error(), "sEcReT") || strings.Contains(err.Error(), "c0Vj") {
			t.Errorf("%s: error %v, want one of kind invalid that shows no secret", name, err)
		}
	}
}

// Whatever is sent, it is taken only if the right key or token was used.
func FuzzVerify(f *testing.F) {
	at := strconv.FormatInt(noon.Unix(), 10)
	f.Add(anID, at, sign(f, keyA, anID, at, sentBody), "", sentBody)
	f.Add(anID, at, "v1,x v1, "+sign(f, keyB, anID, at, sentBody), token, sentBody)
	f.Add("", "", "", token, "")
	k := ring(f, GitLab{SigningKeys: []core.Secret{keyA}, Tokens: []core.Secret{token}})
	f.Fuzz(func(t *testing.T, id, timestamp, signatures, given, body string) {
		h := http.Header{}
		if signatures != "" {
			h = http.Header{headerID: {id}, headerTimestamp: {timestamp}, headerSignature: {signatures}}
		}
		if given != "" {
			h[headerToken] = []string{given}
		}
		if k.verify(h, []byte(body), noon) != accepted {
			return
		}
		if signatures == "" && given != token {
			t.Fatalf("token %q was taken", given)
		}
		if signatures != "" && !strings.Contains(signatures, sign(t, keyA, id, timestamp, body)) {
			t.Fatalf("signatures %q were taken for %q %q %q", signatures, id, timestamp, body)
		}
	})
}
