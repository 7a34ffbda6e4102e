package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

const token = "glpat-a-token-that-must-not-leak"

// server is git itself behind smart HTTP with basic authentication.
type server struct {
	t    testing.TB
	repo string // the bare repository's directory
	url  string

	mu     sync.Mutex
	token  string
	seen   []string // method and last path element of each request
	before func(http.ResponseWriter, *http.Request) bool
}

func newServer(t testing.TB, initArgs ...string) *server {
	t.Helper()
	root := t.TempDir()
	s := &server{t: t, repo: filepath.Join(root, "flux.git"), token: token}
	git(t, root, append([]string{"init", "-q", "--bare", "-b", "main", "flux.git"}, initArgs...)...)
	git(t, s.repo, "config", "http.receivepack", "true")
	backend := &cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(git(t, root, "--exec-path")), "git-http-backend"),
		Env:  append(gitEnv(), "GIT_PROJECT_ROOT="+root, "GIT_HTTP_EXPORT_ALL=1"),
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(backend, w, r) }))
	t.Cleanup(web.Close)
	s.url = web.URL + "/flux.git"
	return s
}

func (s *server) serve(backend http.Handler, w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	want, before := s.token, s.before
	s.seen = append(s.seen, r.Method+" "+filepath.Base(r.URL.Path))
	s.mu.Unlock()
	if before != nil && before(w, r) {
		return
	}
	user, password, _ := r.BasicAuth()
	if user != "oauth2" || password != want {
		http.Error(w, "HTTP Basic: Access denied for "+password, http.StatusUnauthorized)
		return
	}
	backend.ServeHTTP(w, r)
}

// intercept lets f answer, or look at, each request; f returns whether it answered.
func (s *server) intercept(f func(http.ResponseWriter, *http.Request) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.before = f
}

// requests returns what came in since the last call.
func (s *server) requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	seen := s.seen
	s.seen = nil
	return seen
}

func (s *server) config() Config {
	return Config{
		Dir: filepath.Join(s.t.TempDir(), "mirror"), URL: s.url,
		Auth:       Auth{Token: func() (core.Secret, error) { return token, nil }},
		AuthorName: "Sluice", AuthorEmail: "sluice@example.org",
		Clock: func() time.Time { return time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC) },
	}
}

func (s *server) ref(name string) core.SHA {
	s.t.Helper()
	out := git(s.t, s.repo, "for-each-ref", "--format=%(objectname)", name)
	return core.SHA(strings.TrimSpace(out))
}

// file is a path's mode and content; content of a gitlink is a commit's name.
type file struct{ mode, content string }

func text(content string) file { return file{"100644", content} }

// commit makes one commit by fast-import and returns it. A file without mode is
// removed. from "" makes a root commit.
func (s *server) commit(branch string, from core.SHA, files map[string]file) core.SHA {
	s.t.Helper()
	return s.commitAt(time.Unix(1770000000, 0), branch, from, files)
}

func (s *server) commitAt(at time.Time, branch string, from core.SHA, files map[string]file) core.SHA {
	s.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "commit refs/heads/%s\ncommitter A Person <person@example.org> %d +0100\ndata 5\nsetup\n", branch, at.Unix())
	if from != "" {
		fmt.Fprintf(&b, "from %s\n", from)
	}
	for _, path := range slices.Sorted(maps.Keys(files)) {
		switch f := files[path]; f.mode {
		case "":
			fmt.Fprintf(&b, "D %s\n", path)
		case "160000":
			fmt.Fprintf(&b, "M 160000 %s %s\n", f.content, path)
		default:
			fmt.Fprintf(&b, "M %s inline %s\ndata %d\n%s\n", f.mode, path, len(f.content), f.content)
		}
	}
	gitInput(s.t, s.repo, b.String()+"\n", "fast-import", "--quiet", "--force")
	return s.ref("refs/heads/" + branch)
}

func gitEnv() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=A Person", "GIT_AUTHOR_EMAIL=person@example.org", "GIT_COMMITTER_NAME=A Person", "GIT_COMMITTER_EMAIL=person@example.org",
	}
}

func git(t testing.TB, dir string, args ...string) string {
	t.Helper()
	return gitInput(t, dir, "", args...)
}

func gitInput(t testing.TB, dir, input string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env, cmd.Stdin = dir, gitEnv(), strings.NewReader(input)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %s: %v\n%s%s", strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

func mustOpen(t *testing.T, cfg Config) *Mirror {
	t.Helper()
	m, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	})
	return m
}

func mustFetch(t *testing.T, m *Mirror) Refs {
	t.Helper()
	refs, err := m.Fetch(t.Context(), "main")
	if err != nil {
		t.Fatal(err)
	}
	return refs
}

func mustPush(t *testing.T, m *Mirror, p plan.PushBranch) core.SHA {
	t.Helper()
	sha, err := m.Push(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	return sha
}

// wantKind fails unless err is of a kind and says all the words, and never the token.
func wantKind(t *testing.T, err error, kind core.Kind, says ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("got no error, want one of kind %q", kind)
	}
	if got := core.KindOf(err); got != kind {
		t.Errorf("error is of kind %q, want %q: %v", got, kind, err)
	}
	for _, word := range says {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error does not say %q: %v", word, err)
		}
	}
	if strings.Contains(err.Error(), token) {
		t.Errorf("error shows the token: %v", err)
	}
	for e := err; e != nil; e = errors.Unwrap(e) {
		if strings.Contains(fmt.Sprintf("%T", e), "go-git") {
			t.Errorf("error carries a type of go-git: %T", e)
		}
	}
}

func canceled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
