package gitlab

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/core"
)

func TestABodyOverTheLimitFailsRatherThanEnds(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		body string
		ok   bool
	}{{"", true}, {"12345", true}, {"123456", false}, {strings.Repeat("x", 5000), false}} {
		b := &boundedBody{ReadCloser: io.NopCloser(strings.NewReader(tc.body)), left: 5}
		got, err := io.ReadAll(b)
		if (err == nil) != tc.ok || tc.ok && string(got) != tc.body {
			t.Errorf("%d bytes: read %q, %v", len(tc.body), got, err)
		}
		if !tc.ok && core.KindOf(err) != core.Invalid {
			t.Errorf("%d bytes: kind of %v is %q", len(tc.body), err, core.KindOf(err))
		}
	}
}

func FuzzMessage(f *testing.F) {
	for _, seed := range []string{
		"", "Retry later\n", `{"message":{"title":["is too long"]}}`, `{"error":"x","error_description":"y"}`, `[1,[null]]`,
		"<html>", "\x1b[2J\u202e", `"\u0000\ud800"`, strings.Repeat("é", 400),
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got := message(body)
		if utf8.RuneCountInString(got) > maxMessage || !utf8.ValidString(got) {
			t.Errorf("%d characters: %q", utf8.RuneCountInString(got), got)
		}
		if strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("not printable: %q", got)
		}
	})
}

func FuzzWaitAsked(f *testing.F) {
	f.Add(429, "17", "", "")
	f.Add(503, "Wed, 04 Mar 2026 05:06:37 GMT", "0", "1772600790")
	f.Add(429, "-1", "5", "99999999999999999999")
	f.Add(429, "", "", "9223372036854775807")
	now := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	f.Fuzz(func(t *testing.T, status int, after, left, reset string) {
		h := http.Header{"Retry-After": {after}, "Ratelimit-Remaining": {left}, "Ratelimit-Reset": {reset}}
		wait, everywhere := waitAsked(status, h, now)
		if wait < 0 || wait > maxWait || everywhere && wait == 0 {
			t.Errorf("wait %v, everywhere %v", wait, everywhere)
		}
		if status == http.StatusTooManyRequests && wait == 0 {
			t.Error("a 429 without a wait")
		}
	})
}

// answers is a network that gives one header to everything.
type answers http.Header

func (a answers) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: 200, Header: http.Header(a).Clone(), Body: io.NopCloser(strings.NewReader("[]")), Request: req}, nil
}

// The client library takes the Link header's form for granted and panics
// where a proxy adds an entry of another form.
func FuzzLinkHeader(f *testing.F) {
	for _, seed := range []string{
		`<https://x/y?page=2>; rel="next"`, `</a.css>; preload; rel=x`, ";", "<a>;", "<a>;b=", `,;=,<%zz>; rel="next"`, "<a;b>;c=d",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, link string) {
		c, err := New(Config{
			BaseURL:   "https://gl.example",
			Token:     func() (core.Secret, error) { return "t", nil },
			Transport: answers{"Link": {link}},
		})
		if err != nil {
			t.Fatal(err)
		}
		_, resp, err := send[[]int](t.Context(), c, request{what: "ask", method: http.MethodGet, path: "x"})
		if err != nil {
			t.Fatal(err)
		}
		next, ok := gl.WithNext(resp)
		if !ok {
			return
		}
		_, _, err = send[[]int](t.Context(), c, request{what: "ask on", method: http.MethodGet, path: "x"}, next)
		var kind *core.Error
		if err != nil && !errors.As(err, &kind) {
			t.Errorf("an error without a kind: %v", err)
		}
	})
}
