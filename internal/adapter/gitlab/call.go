package gitlab

import (
	"context"
	"fmt"
	"iter"
	"net/http"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/core"
)

// request is one call of the API. The answer is decoded into a struct of this
// package rather than one of the client library's, which read every field that
// GitLab has and so fail on details that do not matter here.
type request struct {
	what   string // what is attempted, with its identifiers, for the error
	method string
	path   string // below /api/v4/, escaped
	opt    any    // the library's options: the query of a GET, else the JSON body
}

// call carries out one request and decodes its answer into a T. The status is
// that of the answer; an error has a kind.
func call[T any](ctx context.Context, c *Client, r request) (T, int, error) {
	got, resp, err := send[T](ctx, c, r)
	if err != nil {
		return got, 0, err
	}
	return got, resp.StatusCode, nil
}

// send is call with the answer's headers, for paging. Reading the token,
// waiting at the gate and repeating reads all happen within Do.
func send[T any](ctx context.Context, c *Client, r request, more ...gl.RequestOptionFunc) (got T, _ *gl.Response, _ error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := c.api.NewRequest(r.method, r.path, r.opt, append(more, gl.WithContext(ctx)))
	if err != nil {
		return got, nil, core.Errorf(core.Internal, "%s: the request cannot be built: %s", r.what, oneLine(err.Error()))
	}
	var into any = &got
	if r.method == http.MethodDelete { // GitLab answers that with nothing
		into = nil
	}
	resp, err := c.api.Do(req, into)
	if err != nil {
		return got, resp, failure(r.what, resp, err)
	}
	return got, resp, nil
}

// items walks over all pages of a list, in GitLab's order. The number of pages
// is bounded like that of the items, so that empty pages cannot go on for ever. Beyond limit items
// it ends with an error, for a part of a list proves nothing. The error is the
// last thing it yields.
func items[T any](ctx context.Context, c *Client, r request, limit int) iter.Seq2[T, error] {
	tooMany := core.Errorf(core.Invalid, "%s: there are more than the %d that are looked at", r.what, limit)
	return func(yield func(T, error) bool) {
		var zero T
		var next gl.RequestOptionFunc
		seen := 0
		for range limit {
			page, resp, err := send[[]T](ctx, c, r, next)
			if err != nil {
				yield(zero, err)
				return
			}
			for _, item := range page {
				if seen++; seen > limit {
					yield(zero, tooMany)
					return
				}
				if !yield(item, nil) {
					return
				}
			}
			more, ok := gl.WithNext(resp)
			if !ok {
				return
			}
			next = more
		}
		yield(zero, tooMany)
	}
}

// all collects what items walks over. It gives the whole list or an error, and
// never what it had before the error.
func all[T any](ctx context.Context, c *Client, r request, limit int) ([]T, error) {
	var list []T
	for item, err := range items[T](ctx, c, r, limit) {
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, nil
}

// get is a read at a path below the project.
func (p *Project) get(what, path string, opt any) request {
	return p.request(http.MethodGet, what, path, opt)
}

// request addresses something below the project, by the project's number.
func (p *Project) request(method, what, path string, opt any) request {
	return request{
		what:   what + " in " + p.path,
		method: method,
		path:   fmt.Sprintf("projects/%d/%s", p.id, path),
		opt:    opt,
	}
}

// read is a GET outside of the project's own path, so what must name the
// project itself if it matters.
func (p *Project) read(what, path string) request {
	return request{what: what, method: http.MethodGet, path: path}
}
