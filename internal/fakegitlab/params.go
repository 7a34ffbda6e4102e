package fakegitlab

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// params are the parameters of a request, wherever they came from: GitLab's
// API does not tell the query, a form and a JSON document apart.
type params map[string]any

// readParams gathers the parameters of a request. A body that is neither a
// form nor JSON is refused.
func readParams(r *http.Request) (params, error) {
	p := params{}
	for k, v := range r.URL.Query() {
		p.put(k, v)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	switch {
	case err != nil:
		return nil, failWith(http.StatusBadRequest, "unreadable body")
	case len(body) > maxBody:
		return nil, failWith(http.StatusRequestEntityTooLarge, "Request Entity Too Large")
	case len(strings.TrimSpace(string(body))) == 0:
		return p, nil
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return p, p.form(r, string(body))
	}
	d := json.NewDecoder(strings.NewReader(string(body)))
	d.UseNumber()
	if err := d.Decode(&p); err != nil {
		return nil, failWith(http.StatusBadRequest, "message body does not match declared format")
	}
	return p, nil
}

func (p params) form(r *http.Request, body string) error {
	r.Body = io.NopCloser(strings.NewReader(body))
	if err := r.ParseForm(); err != nil {
		return failWith(http.StatusBadRequest, "message body does not match declared format")
	}
	for k, v := range r.PostForm {
		p.put(k, v)
	}
	return nil
}

// put stores values of the query or of a form, where name[] is a list.
func (p params) put(key string, values []string) {
	name, isList := strings.CutSuffix(key, "[]")
	if !isList {
		p[key] = values[len(values)-1]
		return
	}
	list, _ := p[name].([]any)
	for _, v := range values {
		list = append(list, v)
	}
	p[name] = list
}

// has tells a parameter that is there, even if null or empty, from one that is not.
func (p params) has(key string) bool {
	_, there := p[key]
	return there
}

// text returns a scalar as text; "" when absent.
func (p params) text(key string) string {
	switch v := p[key].(type) {
	case nil, []any, map[string]any:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// boolean reads what Ruby's API takes for one: true, "true", 1, "1".
func (p params) boolean(key string, otherwise bool) bool {
	b, err := strconv.ParseBool(p.text(key))
	if err != nil {
		return otherwise
	}
	return b
}

func (p params) integer(key string, otherwise int64) int64 {
	n, err := strconv.ParseInt(p.text(key), 10, 64)
	if err != nil {
		return otherwise
	}
	return n
}

// list accepts a JSON list, name[] and a text with commas.
func (p params) list(key string) []string {
	var out []string
	switch v := p[key].(type) {
	case []any:
		for _, x := range v {
			out = append(out, fmt.Sprint(x))
		}
	case nil:
	default:
		out = strings.Split(fmt.Sprint(v), ",")
	}
	clean := out[:0]
	for _, s := range out {
		if s = strings.TrimSpace(s); s != "" {
			clean = append(clean, s)
		}
	}
	return clean
}

func (p params) ids(key string) []int64 {
	var out []int64
	for _, s := range p.list(key) {
		if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 {
			out = append(out, n)
		}
	}
	return out
}

// moment reads an ISO 8601 time or date; ok is false when absent or not one.
func (p params) moment(key string) (t time.Time, ok bool) {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, p.text(key)); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// require refuses with Grape's words when parameters are missing.
func (p params) require(keys ...string) error {
	var missing []string
	for _, k := range keys {
		if p.text(k) == "" {
			missing = append(missing, k+" is missing")
		}
	}
	if missing != nil {
		return failWith(http.StatusBadRequest, strings.Join(missing, ", "))
	}
	return nil
}
