package flux

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"hash"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// SignatureHeader carries the signature of a body in both directions: of a
// call to a Receiver of type generic-hmac, and of an event from a Provider of
// that type.
const SignatureHeader = "X-Signature"

// ReceiverPath is the path at which notification-controller serves a Receiver.
// The token is used byte for byte, as the controller does: a line break at its
// end makes another path. The result is as secret as the token.
func ReceiverPath(token core.Secret, name, namespace string) string {
	sum := sha256.Sum256([]byte(token.Reveal() + name + namespace))
	return "/hook/" + hex.EncodeToString(sum[:])
}

// Sign returns the value of [SignatureHeader] for a body: "sha256=" and the
// HMAC in hexadecimal. The key is used byte for byte.
func Sign(key core.Secret, body []byte) string {
	return "sha256=" + hex.EncodeToString(mac(sha256.New, key, body))
}

// VerifyEvent checks that the body of an event was signed with the key. It
// accepts SHA-256, which Flux uses, and SHA-512, and takes the same time for
// every wrong signature. Its errors are Denied and reveal nothing of the key
// or of the signature that would have been right. An empty key verifies
// nothing.
func VerifyEvent(key core.Secret, signatureHeader string, body []byte) error {
	if key == "" {
		return core.Errorf(core.Denied, "verify event: no key is configured, and an empty one accepts anybody: set the key that the Flux Provider's Secret holds")
	}
	if signatureHeader == "" {
		return core.Errorf(core.Denied, "verify event: header %s is missing: the Flux Provider must have type generic-hmac and a Secret with a token", SignatureHeader)
	}
	algorithm, digits, found := strings.Cut(signatureHeader, "=")
	if !found {
		return core.Errorf(core.Denied, `verify event: header %s has no "=": want "sha256=" and hexadecimal digits`, SignatureHeader)
	}
	newHash, ok := signatureHash(algorithm)
	if !ok {
		return core.Errorf(core.Denied, "verify event: header %s names the algorithm %q: want sha256 or sha512", SignatureHeader, clip(algorithm))
	}
	given, err := hex.DecodeString(digits)
	if err != nil {
		return core.Errorf(core.Denied, `verify event: header %s has something else than pairs of hexadecimal digits after "="`, SignatureHeader)
	}
	if !hmac.Equal(given, mac(newHash, key, body)) {
		return core.Errorf(core.Denied, "verify event: header %s does not fit the body: the key differs from the token in the Provider's Secret (a line break at its end counts), or the body was changed on the way", SignatureHeader)
	}
	return nil
}

func signatureHash(algorithm string) (func() hash.Hash, bool) {
	switch algorithm {
	case "sha256":
		return sha256.New, true
	case "sha512":
		return sha512.New, true
	default:
		return nil, false
	}
}

func mac(newHash func() hash.Hash, key core.Secret, body []byte) []byte {
	m := hmac.New(newHash, []byte(key.Reveal()))
	m.Write(body)
	return m.Sum(nil)
}

// clip bounds a foreign text that goes into an error.
func clip(s string) string { return s[:min(maxQuoted, len(s))] }
