package fakegitlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// obj is a JSON object on its way out.
type obj map[string]any

// call is one request to the API, with everything about it looked up.
type call struct {
	*Server
	r       *http.Request
	user    *user // nil: anonymous
	params  params
	project *project
	header  http.Header // goes into the answer
}

// reply is an answer. With later set, the answer comes from it instead, and it
// runs without the lock: that is for what GitLab does within a request to
// others, who may call back.
type reply struct {
	status int
	body   any
	raw    []byte // instead of body, as it is
	later  func() (reply, error)
}

func ok(body any) (reply, error)      { return reply{status: http.StatusOK, body: body}, nil }
func created(body any) (reply, error) { return reply{status: http.StatusCreated, body: body}, nil }
func noContent() (reply, error)       { return reply{status: http.StatusNoContent}, nil }

// apiError is an answer that refuses.
type apiError struct {
	status int
	body   any
}

func (e *apiError) Error() string { return fmt.Sprintf("%d %v", e.status, e.body) }

// fail refuses with GitLab's usual {"message": …}, a text or a structure.
func fail(status int, message any) error { return &apiError{status, obj{"message": message}} }

// failWith refuses with Grape's {"error": …}, as parameter checks do.
func failWith(status int, message any) error { return &apiError{status, obj{"error": message}} }

// notFound is GitLab's 404; what is missing goes between the number and the words.
func notFound(what string) error {
	return fail(http.StatusNotFound, strings.TrimSpace("404 "+what+" Not Found"))
}

func unauthorized() error { return fail(http.StatusUnauthorized, "401 Unauthorized") }
func forbidden() error    { return fail(http.StatusForbidden, "403 Forbidden") }
func notAllowed() error   { return fail(http.StatusMethodNotAllowed, "405 Method Not Allowed") }

// asReply turns an error of a handler into its answer.
func asReply(err error) reply {
	var e *apiError
	switch {
	case errors.As(err, &e):
		return reply{status: e.status, body: e.body}
	case core.KindOf(err) == core.NotFound:
		return asReply(notFound(""))
	case core.KindOf(err) == core.Conflict:
		return reply{status: http.StatusConflict, body: obj{"message": "409 Conflict"}}
	}
	return reply{status: http.StatusInternalServerError, body: obj{"message": "500 Internal Server Error", "fakegitlab": err.Error()}}
}

// write sends a reply with the headers that the call gathered.
func (r reply) write(w http.ResponseWriter, h http.Header) {
	for k, v := range h {
		w.Header()[k] = v
	}
	switch {
	case r.raw != nil:
		w.WriteHeader(r.status)
		_, _ = w.Write(r.raw) // the client is gone: nothing to do
		return
	case r.body == nil:
		w.WriteHeader(r.status)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(r.status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(r.body)
}

// id reads a number from the path; GitLab answers 404 for what is none.
func (c *call) id(name string) (int64, error) {
	n, err := strconv.ParseInt(c.r.PathValue(name), 10, 64)
	if err != nil {
		return 0, notFound("")
	}
	return n, nil
}

// need refuses users below a level.
func (c *call) need(l Level) error {
	if c.user == nil {
		return unauthorized()
	}
	if c.level(c.project, c.user) < l {
		return forbidden()
	}
	return nil
}

// stamp is how the API writes times; hooks write them differently.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func stampOr(t *time.Time) any {
	if t == nil {
		return nil
	}
	return stamp(*t)
}

// orNull makes the null that GitLab shows for an absent text.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// page cuts one page out of a list and sets GitLab's pagination headers.
func page[T any](c *call, all []T) []T {
	per := min(max(int(c.params.integer("per_page", defaultPerPage)), 1), maxPerPage)
	n := max(int(c.params.integer("page", 1)), 1)
	pages := max((len(all)+per-1)/per, 1)
	from := min((n-1)*per, len(all))
	to := min(from+per, len(all))
	h := c.header
	h.Set("X-Page", strconv.Itoa(n))
	h.Set("X-Per-Page", strconv.Itoa(per))
	h.Set("X-Prev-Page", "")
	h.Set("X-Next-Page", "")
	links := []string{c.link("first", 1), c.link("last", pages)}
	if n > 1 {
		h.Set("X-Prev-Page", strconv.Itoa(n-1))
		links = append(links, c.link("prev", n-1))
	}
	if n < pages {
		h.Set("X-Next-Page", strconv.Itoa(n+1))
		links = append(links, c.link("next", n+1))
	}
	if len(all) <= maxTotal {
		h.Set("X-Total", strconv.Itoa(len(all)))
		h.Set("X-Total-Pages", strconv.Itoa(pages))
	}
	h.Set("Link", strings.Join(links, ", "))
	return all[from:to]
}

// link is one entry of the Link header, with all parameters kept.
func (c *call) link(rel string, n int) string {
	q := url.Values{}
	for k, v := range c.r.URL.Query() {
		q[k] = v
	}
	q.Set("page", strconv.Itoa(n))
	return fmt.Sprintf("<%s%s?%s>; rel=%q", c.url, c.r.URL.EscapedPath(), q.Encode(), rel)
}

// render maps a list through a renderer; a JSON list is never null.
func render[T any](all []T, one func(T) obj) []obj {
	out := make([]obj, 0, len(all))
	for _, x := range all {
		out = append(out, one(x))
	}
	return out
}
