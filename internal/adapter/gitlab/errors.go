package gitlab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/core"
)

// apiError is an answer that GitLab gave instead of what was asked for. It is
// always inside an error with a kind; callers that know their endpoint look at
// it and may put a better kind around it.
type apiError struct {
	what    string // what was attempted, with its identifiers
	status  int
	message string // GitLab's own words, made fit to print
}

// Error implements error.
func (e *apiError) Error() string {
	text := fmt.Sprintf("%s: gitlab answered %d", e.what, e.status)
	if e.message == "" {
		return text
	}
	return text + ": " + e.message
}

// says tells whether GitLab's message contains a phrase, in any case.
func (e *apiError) says(phrase string) bool {
	return strings.Contains(strings.ToLower(e.message), phrase)
}

// answered returns the answer behind an error, nil if there was none.
func answered(err error) *apiError {
	var e *apiError
	if errors.As(err, &e) {
		return e
	}
	return nil
}

// status is the HTTP status behind an error, 0 if GitLab gave no answer.
func status(err error) int {
	if e := answered(err); e != nil {
		return e.status
	}
	return 0
}

// failure turns what the client library returned into an error with a kind.
// The library's own error texts are dropped where an answer exists, for they
// hold the whole address and, for a 404, nothing else.
func failure(what string, resp *gl.Response, err error) error {
	if kept := keptOf(resp); kept != nil {
		return refused(what, resp.Response, kept)
	}
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err // its text is the whole address
	}
	var own *core.Error
	switch {
	case errors.As(err, &own):
		return fmt.Errorf("%s: %w", what, own)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return core.Errorf(core.Transient, "%s: %w", what, err)
	case resp != nil && !cutOff(err):
		return core.Errorf(core.Internal, "%s: the answer is not of the expected form: %s", what, oneLine(err.Error()))
	case resp != nil:
		return core.Errorf(core.Transient, "%s: the answer is not the JSON document it should be: %s", what, oneLine(err.Error()))
	default:
		return core.Errorf(core.Transient, "%s: gitlab cannot be reached: %s", what, oneLine(err.Error()))
	}
}

// cutOff tells a document that was damaged on its way, such as by a proxy's
// page in its stead, from one that GitLab means differently than we do.
func cutOff(err error) bool {
	var wrongType *json.UnmarshalTypeError
	return !errors.As(err, &wrongType)
}

// keptOf finds what the transport kept of an error; nil after a success, or
// where there was no answer.
func keptOf(resp *gl.Response) *keptBody {
	if resp == nil || resp.Response == nil {
		return nil
	}
	kept, _ := resp.Body.(*keptBody)
	return kept
}

// refused makes the error of an answer that is not a success.
func refused(what string, resp *http.Response, kept *keptBody) error {
	e := &apiError{what: what, status: resp.StatusCode, message: message(kept.text)}
	if resp.StatusCode < 400 { // a redirect has no message, but a host that may be the right one
		e.message = elsewhere(resp)
	}
	if kept.wait > 0 {
		return core.RetryAfter(kept.wait, e)
	}
	return core.Errorf(kindOf(resp.StatusCode), "%w", e)
}

// kindOf holds where the caller knows nothing better about its endpoint. What
// is left over at the end is a request that GitLab will never accept as it is.
func kindOf(status int) core.Kind {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden:
		return core.Denied
	case http.StatusNotFound, http.StatusGone:
		return core.NotFound
	case http.StatusConflict, http.StatusPreconditionFailed:
		return core.Conflict
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return core.Transient
	}
	if status >= 500 {
		return core.Transient
	}
	return core.Invalid
}

// elsewhere names the host a refused redirect points to, and nothing else of
// that address.
func elsewhere(resp *http.Response) string {
	to, err := resp.Location()
	if err != nil {
		return "a redirect that leads nowhere"
	}
	return oneLine(fmt.Sprintf("a redirect to %s://%s, which is not followed: check the base url", to.Scheme, to.Host))
}

// message finds GitLab's own words in an error's body, whatever that is: JSON
// from the API, plain text from the rate limiter, a page from a proxy. It never
// fails, for an error that cannot be read is still that error.
func message(body []byte) string {
	var doc any
	text := strings.TrimSpace(string(body))
	switch {
	case json.Unmarshal(body, &doc) == nil:
		return oneLine(words(doc))
	case strings.HasPrefix(text, "<"):
		return "(an HTML page)"
	default:
		return oneLine(text)
	}
}

// words flattens the shapes GitLab gives its errors: a text, a list, or an
// object from fields to either; the fields "message" and "error" go unnamed.
func words(doc any) string {
	var parts []string
	switch doc := doc.(type) {
	case nil:
	case []any:
		for _, v := range doc {
			parts = append(parts, words(v))
		}
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(doc)) {
			parts = append(parts, named(k, words(doc[k])))
		}
	default:
		return fmt.Sprint(doc)
	}
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

// named puts a field's name before its errors, as in "title is too long",
// unless the name is but an envelope.
func named(key, text string) string {
	if text == "" || key == "message" || key == "error" || key == "base" {
		return text
	}
	return key + " " + text
}

// oneLine makes a foreign text fit for an error: one line, nothing that moves
// a terminal's cursor, and not longer than maxMessage.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if runes := []rune(s); len(runes) > maxMessage {
		return string(runes[:maxMessage-1]) + "…"
	}
	return s
}
