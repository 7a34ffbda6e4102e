package git

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/sluice-gitops/sluice/internal/core"
)

// fail turns an error of the conversation into one of ours: with a kind, with
// what was attempted, without go-git's types and without the token.
func (c *call) fail(ctx context.Context, err error) error {
	if ended := ctx.Err(); ended != nil {
		return core.Errorf(core.Transient, "%s: interrupted: %w", c.doing, ended)
	}
	var ours *core.Error
	if errors.As(err, &ours) {
		return core.Errorf(ours.Kind, "%s: %w", c.doing, err)
	}
	kind, wait := kindOf(err)
	out := core.Errorf(kind, "%s: %s", c.doing, c.clean(err.Error()))
	if wait > 0 && kind == core.Transient {
		return core.RetryAfter(wait, out)
	}
	return out
}

// clean makes a server's words fit to be shown.
func (c *call) clean(text string) string {
	if c.secret != "" {
		text = strings.ReplaceAll(text, c.secret.Reveal(), c.secret.String())
	}
	return tidy(text)
}

// tidy bounds a foreign text and puts it on one line.
func tidy(text string) string {
	text = strings.ToValidUTF8(text[:min(len(text), maxWords)], "")
	printable := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(printable), " ")
}

// kindOf sorts go-git's errors, and gives the wait that the server asked for.
// What nobody foresaw is of the network, most likely, and worth another try.
func kindOf(err error) (core.Kind, time.Duration) {
	var status *githttp.Err
	var certificate *tls.CertificateVerificationError
	var tooLarge *http.MaxBytesError
	err = plain(err)
	switch {
	case errors.Is(err, transport.ErrAuthenticationRequired), errors.Is(err, transport.ErrAuthorizationFailed), errors.As(err, &certificate):
		return core.Denied, 0
	case errors.Is(err, transport.ErrRepositoryNotFound), errors.Is(err, transport.ErrEmptyRemoteRepository):
		return core.NotFound, 0
	case errors.As(err, &status):
		return kindOfStatus(status.Response)
	case errors.As(err, &tooLarge), strings.Contains(err.Error(), "http redirect:"):
		return core.Invalid, 0
	}
	return core.Transient, 0
}

// plain looks into go-git's wrapper, which does not support errors.As.
func plain(err error) error {
	var wrapped *plumbing.UnexpectedError
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// kindOfStatus sorts HTTP statuses that go-git has no error of its own for.
func kindOfStatus(res *http.Response) (core.Kind, time.Duration) {
	switch code := res.StatusCode; {
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code >= 500:
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After")) // a date, or nothing, is no wait
		return core.Transient, time.Duration(max(seconds, 0)) * time.Second
	case code == http.StatusGone:
		return core.NotFound, 0
	default:
		return core.Denied, 0
	}
}

// refusal makes an error of what an SSH server said instead of an answer.
func refusal(said string) error {
	said = tidy(said)
	switch text := strings.ToLower(said); {
	case said == "":
		return core.Errorf(core.Transient, "the server closed the connection without a word")
	case containsAny(text, "could not be found", "not found", "does not appear to be a git repository", "does not exist"):
		return core.Errorf(core.NotFound, "the server says: %s", said)
	case containsAny(text, "denied", "not allowed", "permission", "forbidden", "read-only"):
		return core.Errorf(core.Denied, "the server says: %s", said)
	}
	return core.Errorf(core.Transient, "the server says: %s", said)
}

// rejection makes an error of a ref update that the server turned down. Git
// servers word a lost race in many ways: "failed to update ref" is the one of
// git itself up to 2.49, "incorrect old value provided" that of newer ones.
func rejection(status, said string) error {
	text := strings.ToLower(status + " " + said)
	kind := core.Transient
	switch {
	case containsAny(text, "internal api", "is not available", "timed out", "timeout"):
	case containsAny(text, "hook declined", "protected", "prohibited", "not allowed", "denied", "deny ", "exceeds"):
		kind = core.Denied
	case containsAny(text, "incorrect old value", "failed to update ref", "failed to lock", "cannot lock ref", "already exists",
		"does not exist", "non-fast-forward", "fetch first", "stale info", "conflict", "missing necessary objects"):
		kind = core.Conflict
	}
	if said == "" {
		return core.Errorf(kind, "the server refuses: %s", tidy(status))
	}
	return core.Errorf(kind, "the server refuses: %s (it says: %s)", tidy(status), said)
}

// containsAny looks for any of the parts in a text.
func containsAny(text string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}

// words keeps the beginning of what a server says on the side.
type words struct {
	mu   sync.Mutex
	text []byte
}

// Write implements io.Writer and never fails.
func (w *words) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text = append(w.text, p[:min(len(p), maxWords-len(w.text))]...)
	return len(p), nil
}

// String returns what was kept.
func (w *words) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return string(w.text)
}
