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
// Receiver of type generic-hmac, without a body: 404 unless the whole request
// line fits, 503 while suspended, 413 above 3 MiB, 400 for a signature that is
// wrong or missing, else 200. Any method will do.
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
		if status == http.StatusOK {
			f.poke()
		}
		w.WriteHeader(status)
	})
}

func (f *Flux) receive(w http.ResponseWriter, r *http.Request) (status int, body []byte) {
	if r.RequestURI != f.receiverPath() {
		return http.StatusNotFound, nil
	}
	if f.Behaviour().Suspended {
		return http.StatusServiceUnavailable, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxReceiverBody))
	if e := (*http.MaxBytesError)(nil); errors.As(err, &e) {
		return http.StatusRequestEntityTooLarge, nil
	}
	if err != nil || !f.signed(r.Header.Get("X-Signature"), body) {
		return http.StatusBadRequest, nil
	}
	return http.StatusOK, body
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
