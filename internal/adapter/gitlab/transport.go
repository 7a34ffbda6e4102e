package gitlab

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// transport stands between the client library and the network. It bounds every
// body, keeps the text of every error (the library drops it for a 404), shuts
// the gate when GitLab asks for it, and takes out of the headers what the
// library cannot parse.
type transport struct {
	next http.RoundTripper
	gate *gate
}

// RoundTrip implements http.RoundTripper. A refusal stays an answer here, and
// does not become an error: the library then knows that it was one, and does
// not take it for a broken connection.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if resp.Header.Get("X-Next-Page") != "" || !wellFormedLink(resp.Header.Get("Link")) {
		resp.Header.Del("Link")
	}
	if resp.StatusCode < 300 {
		resp.Body = &boundedBody{ReadCloser: resp.Body, left: maxBody}
		return resp, nil
	}
	kept := keep(resp, req.Header.Get(tokenHeader))
	kept.wait, kept.everywhere = waitAsked(resp.StatusCode, resp.Header, t.gate.now())
	if kept.everywhere {
		t.gate.close(kept.wait)
	}
	resp.Body = kept
	return resp, nil
}

// wellFormedLink tells whether every entry has a parameter with a value in the
// second place, which the client library takes for granted.
func wellFormedLink(header string) bool {
	for entry := range strings.SplitSeq(header, ",") {
		_, params, found := strings.Cut(entry, ";")
		first, _, _ := strings.Cut(params, ";")
		if found && !strings.Contains(first, "=") {
			return false
		}
	}
	return true
}

// boundedBody fails, rather than ends, where an answer is too long: a cut off
// document must not look like a whole one.
type boundedBody struct {
	io.ReadCloser
	left int64
}

// Read implements io.Reader.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, core.Errorf(core.Invalid, "the answer is longer than %d MiB", maxBody>>20)
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left+1)])
	b.left -= int64(n)
	return n, err
}

// keptBody is an error's body in memory, together with what the error's
// headers asked for.
type keptBody struct {
	*bytes.Reader
	text       []byte
	wait       time.Duration
	everywhere bool
}

// Close implements io.Closer.
func (*keptBody) Close() error { return nil }

// keep reads the head of an error's body. Should a debugging proxy echo the
// request, the token is taken out here, where it is known.
func keep(resp *http.Response, token string) *keptBody {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody)) // a part of a message is better than none
	resp.Body.Close()
	if token != "" {
		text = bytes.ReplaceAll(text, []byte(token), []byte(core.Secret(token).String()))
	}
	return &keptBody{Reader: bytes.NewReader(text), text: text}
}

// sameHost lets a read follow GitLab to a moved project's new place, and
// nothing else: a redirected write would turn into a read, and another host
// would be given the token.
func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0]
	stays := req.URL.Scheme == first.URL.Scheme && req.URL.Host == first.URL.Host
	if first.Method != http.MethodGet || !stays || len(via) > maxRedirects {
		return http.ErrUseLastResponse
	}
	return nil
}

// retryReads repeats a read after a 5xx that names no time. Nothing else is
// repeated: a write may have acted before its answer was lost.
func retryReads(ctx context.Context, resp *http.Response, err error) (bool, error) {
	if ctx.Err() != nil || err != nil || resp == nil {
		return false, ctx.Err()
	}
	kept, _ := resp.Body.(*keptBody)
	read := resp.Request != nil && resp.Request.Method == http.MethodGet
	return read && resp.StatusCode >= 500 && kept != nil && kept.wait == 0, nil
}
