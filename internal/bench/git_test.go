package bench

import (
	"bufio"
	"bytes"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/internal/adapter/git"
	"github.com/sluice-gitops/sluice/internal/core"
)

// server is git itself behind smart HTTP, as a forge has it.
type server struct {
	t    testing.TB
	repo string // the bare repository's directory
	url  string
}

func newServer(t testing.TB) *server {
	t.Helper()
	root := t.TempDir()
	s := &server{t: t, repo: filepath.Join(root, "flux.git")}
	run(t, root, "init", "-q", "--bare", "-b", "main", "flux.git")
	run(t, s.repo, "config", "http.receivepack", "true")
	web := httptest.NewServer(&cgi.Handler{
		Path: filepath.Join(strings.TrimSpace(run(t, root, "--exec-path")), "git-http-backend"),
		Env:  append(gitEnv(), "GIT_PROJECT_ROOT="+root, "GIT_HTTP_EXPORT_ALL=1"),
	})
	t.Cleanup(web.Close)
	s.url = web.URL + "/flux.git"
	return s
}

// commit makes one commit on main and returns it.
func (s *server) commit(from core.SHA, message string, files func(emit)) core.SHA {
	s.t.Helper()
	cmd := command(s.repo, "fast-import", "--quiet")
	in, err := cmd.StdinPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	w := bufio.NewWriter(in)
	stream(w, "main", string(from), message, files)
	w.Flush()
	in.Close()
	if err := cmd.Wait(); err != nil {
		s.t.Fatalf("fast-import: %v\n%s", err, said.String())
	}
	return core.SHA(strings.TrimSpace(run(s.t, s.repo, "rev-parse", "refs/heads/main")))
}

func (s *server) config(dir string) git.Config {
	return git.Config{
		Dir: dir, URL: s.url, Auth: git.Auth{Token: func() (core.Secret, error) { return "unused", nil }},
		AuthorName: "Sluice", AuthorEmail: "sluice@example.org",
	}
}

// gitEnv keeps the settings of whoever runs this out of what is measured.
func gitEnv() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=/nonexistent", "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null",
		"GIT_AUTHOR_NAME=A Person", "GIT_AUTHOR_EMAIL=person@example.org", "GIT_COMMITTER_NAME=A Person", "GIT_COMMITTER_EMAIL=person@example.org",
	}
}

func command(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Env = dir, gitEnv()
	return cmd
}

func run(t testing.TB, dir string, args ...string) string {
	t.Helper()
	cmd := command(dir, args...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %s: %v\n%s%s", strings.Join(args, " "), err, out, said.String())
	}
	return string(out)
}
