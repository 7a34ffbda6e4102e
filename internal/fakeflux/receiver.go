package fakeflux

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"net/http"
	"strings"
)

// ReceiverURL is the Receiver's address if [Flux.Handler] is served at base,
// such as "http://127.0.0.1:9292". It is secret.
func (f *Flux) ReceiverURL(base string) string {
	return strings.TrimRight(base, "/") + f.receiverPath()
}

func (f *Flux) receiverPath() string {
	c := f.config
	sum := sha256.Sum256([]byte(c.ReceiverToken.Reveal() + c.ReceiverName + c.ReceiverNamespace))
	return "/hook/" + hex.EncodeToString(sum[:])
}

// Handler answers as notification-controller's Receiver server does for one
// Receiver, without a body: 404 unless the whole request line fits, 503 while
// suspended, 413 above 3 MiB, 400 for credentials that are wrong or missing, 500
// where a resource is missing, else 200. Any method will do.
func (f *Flux) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, body := f.receive(w, r)
		f.mu.Lock()
		if status == http.StatusOK {
			f.status.Triggers++
			f.status.LastTrigger = body
		} else {
			f.status.Refused++
		}
		f.mu.Unlock()
		if status == http.StatusOK || status == http.StatusInternalServerError {
			f.poke()
		}
		w.WriteHeader(status)
	})
}

func (f *Flux) receive(w http.ResponseWriter, r *http.Request) (status int, body []byte) {
	b := f.Behaviour()
	if r.RequestURI != f.receiverPath() || b.Unreconciled {
		return http.StatusNotFound, nil
	}
	if b.Suspended {
		return http.StatusServiceUnavailable, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReceiverBody))
	if e := (*http.MaxBytesError)(nil); errors.As(err, &e) {
		return http.StatusRequestEntityTooLarge, nil
	}
	if err != nil || !f.admits(r.Header, body) {
		return http.StatusBadRequest, nil
	}
	if b.Missing {
		return http.StatusInternalServerError, nil
	}
	return http.StatusOK, body
}

// admits is what each type asks for: a signature of the body, the token itself
// beside an event that is among spec.events, or nothing but the path.
func (f *Flux) admits(h http.Header, body []byte) bool {
	switch f.config.ReceiverType {
	case "generic":
		return true
	case "gitlab":
		return h.Get("X-Gitlab-Token") == f.config.ReceiverToken.Reveal() && strings.EqualFold(h.Get("X-Gitlab-Event"), "Push Hook")
	}
	return f.signed(h.Get("X-Signature"), body)
}

func (f *Flux) signed(signature string, body []byte) bool {
	hashes := map[string]func() hash.Hash{"sha1": sha1.New, "sha256": sha256.New, "sha512": sha512.New}
	algorithm, digits, _ := strings.Cut(signature, "=")
	given, err := hex.DecodeString(digits)
	newHash, known := hashes[algorithm]
	if err != nil || !known {
		return false
	}
	mac := hmac.New(newHash, []byte(f.config.ReceiverToken.Reveal()))
	mac.Write(body)
	return hmac.Equal(given, mac.Sum(nil))
}

// poke asks Run for a fetch. One that is asked for already will do.
func (f *Flux) poke() {
	select {
	case f.triggered <- struct{}{}:
	default:
	}
}
