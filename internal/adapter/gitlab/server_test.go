package gitlab_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
	"github.com/sluice-gitops/sluice/internal/core"
)

// token stands for a real one: no error and no log may contain it.
const token = "glpat-0123456789abcdef"

// reply is one scripted answer.
type reply struct {
	status int // 0 means 200
	header map[string]string
	body   string
}

// sent is one request as the server got it.
type sent struct {
	line   string // method and path with query
	body   string
	header http.Header
}

// script answers requests from a table: "METHOD path?query" below /api/v4/ to
// the replies it gives one after the other, the last one for ever. A request
// that is not in the table fails the test.
type script struct {
	t   *testing.T
	url string

	mu      sync.Mutex
	replies map[string][]reply
	got     []sent
}

func serve(t *testing.T, replies map[string][]reply) *script {
	t.Helper()
	s := &script{t: t, replies: replies}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	line := r.Method + " " + strings.TrimPrefix(r.RequestURI, "/api/v4/")
	s.mu.Lock()
	s.got = append(s.got, sent{line: line, body: string(body), header: r.Header.Clone()})
	queue, known := s.replies[line]
	if len(queue) > 1 {
		s.replies[line] = queue[1:]
	}
	s.mu.Unlock()
	if !known {
		s.t.Errorf("unexpected request %s %s", line, body)
		http.Error(w, "not in the script", http.StatusTeapot)
		return
	}
	for k, v := range queue[0].header {
		w.Header().Set(k, strings.ReplaceAll(v, "{url}", s.url))
	}
	w.WriteHeader(max(queue[0].status, 200))
	io.WriteString(w, queue[0].body)
}

// lines are the requests so far, without the one that opens the project.
func (s *script) lines() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	for _, r := range s.got {
		if r.line != openProject {
			lines = append(lines, r.line)
		}
	}
	return lines
}

func (s *script) last() sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.got[len(s.got)-1]
}

const (
	openProject = "GET projects/ai%2Fflux"
	projectBody = `{"id":7,"path_with_namespace":"ai/flux","web_url":"https://gl.example/ai/flux","default_branch":"main","archived":false}`
)

// one makes a table of a single request.
func one(line string, replies ...reply) map[string][]reply {
	return map[string][]reply{line: replies}
}

// clock is a time that moves only when told.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// setup is what a test may want to differ from the usual.
type setup struct {
	clock *clock
	token func() (core.Secret, error)
	log   io.Writer
}

func (s *script) client(with setup) *gitlab.Client {
	s.t.Helper()
	if with.token == nil {
		with.token = func() (core.Secret, error) { return token, nil }
	}
	if with.clock == nil {
		with.clock = newClock()
	}
	if with.log == nil {
		with.log = io.Discard
	}
	client, err := gitlab.New(gitlab.Config{
		BaseURL: s.url, Token: with.token, Clock: with.clock.Now,
		Logger: slog.New(slog.NewTextHandler(with.log, nil)),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return client
}

// project opens the project with id 7 and the default branch main.
func (s *script) project(with setup) *gitlab.Project {
	s.t.Helper()
	s.mu.Lock()
	if s.replies[openProject] == nil {
		s.replies[openProject] = []reply{{body: projectBody}}
	}
	s.mu.Unlock()
	p, err := s.client(with).Project(s.t.Context(), "ai/flux")
	if err != nil {
		s.t.Fatal(err)
	}
	return p
}

// wantError checks an error's kind and that its text has all the parts, and
// nothing that errors must not have.
func wantError(t *testing.T, err error, kind core.Kind, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one of kind %q", kind)
	}
	text := err.Error()
	if core.KindOf(err) != kind {
		t.Errorf("kind of %q is %q, want %q", text, core.KindOf(err), kind)
	}
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("error %q lacks %q", text, part)
		}
	}
	if strings.Contains(text, token) || strings.Contains(fmt.Sprintf("%#v", err), token) {
		t.Errorf("error shows the token: %s", text)
	}
	if strings.Contains(text, "/api/v4") || strings.ContainsAny(text, "\n\r\x1b") {
		t.Errorf("error has an address or control characters: %q", text)
	}
}
