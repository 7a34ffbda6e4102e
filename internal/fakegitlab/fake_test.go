package fakegitlab_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

const (
	repoPath = "platform/mono"
	signing  = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

// world is a server with people, a project and clients for each of them.
type world struct {
	*fakegitlab.Server
	t     *testing.T
	base  string
	clock *clock
	ids   map[string]int64
	pid   int64
}

// clock is a fake one that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func start(t *testing.T, o fakegitlab.ProjectOptions) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{t: time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)}, ids: map[string]int64{}}
	w.Server = must[*fakegitlab.Server](t)(fakegitlab.New(fakegitlab.Config{Dir: t.TempDir(), Clock: w.clock.now, HookTimeout: 2 * time.Second}))
	for _, name := range []string{"ann", "bob", "dev", "reporter", "outsider", "sluice-bot"} {
		w.ids[name] = must[int64](t)(w.AddUser(fakegitlab.User{Username: name, Name: strings.ToUpper(name[:1]) + name[1:], Token: core.Secret("glpat-" + name), Bot: name == "sluice-bot"}))
	}
	_, err := w.AddGroup("platform", fakegitlab.Member{Username: "ann", Level: fakegitlab.Maintainer})
	check(t, err)
	if o.Files == nil {
		o.Files = map[string][]byte{"README.md": []byte("# mono\n"), "apps/web/values.yaml": []byte("tag: v1\n")}
	}
	w.pid = must[int64](t)(w.AddProject(repoPath, o,
		fakegitlab.Member{Username: "bob", Level: fakegitlab.Maintainer},
		fakegitlab.Member{Username: "sluice-bot", Level: fakegitlab.Maintainer},
		fakegitlab.Member{Username: "dev", Level: fakegitlab.Developer},
		fakegitlab.Member{Username: "reporter", Level: fakegitlab.Reporter}))
	srv := httptest.NewServer(w.Handler())
	t.Cleanup(srv.Close)
	w.base = srv.URL
	w.SetURL(srv.URL)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return w
}

// as is a client of one user, without retries.
func (w *world) as(name string) *gitlab.Client {
	w.t.Helper()
	return must[*gitlab.Client](w.t)(gitlab.NewClient("glpat-"+name, gitlab.WithBaseURL(w.base), gitlab.WithoutRetries()))
}

// call speaks plain HTTP, for what the client library hides.
func (w *world) call(method, path, user string, body any) (int, http.Header, string) {
	w.t.Helper()
	var rd io.Reader
	if body != nil {
		raw, err := json.Marshal(body)
		check(w.t, err)
		rd = strings.NewReader(string(raw))
	}
	req, err := http.NewRequest(method, w.base+path, rd)
	check(w.t, err)
	req.Header.Set("Content-Type", "application/json")
	if user != "" {
		req.Header.Set("PRIVATE-TOKEN", "glpat-"+user)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	check(w.t, err)
	return res.StatusCode, res.Header, strings.TrimSpace(string(text))
}

// commit makes a branch from main (or adds to it) with one changed file.
func (w *world) commit(user, branch, path, content string) string {
	w.t.Helper()
	o := &gitlab.CreateCommitOptions{
		Branch: &branch, CommitMessage: gitlab.Ptr("change " + path),
		Actions: []*gitlab.CommitActionOptions{{Action: gitlab.Ptr(gitlab.FileUpdate), FilePath: &path, Content: &content}},
	}
	if _, _, err := w.as(user).Branches.GetBranch(repoPath, branch); err != nil {
		o.StartBranch = gitlab.Ptr("main")
	}
	if _, _, err := w.as(user).RepositoryFiles.GetFile(repoPath, path, &gitlab.GetFileOptions{Ref: gitlab.Ptr("main")}); err != nil {
		o.Actions[0].Action = gitlab.Ptr(gitlab.FileCreate)
	}
	c, _, err := w.as(user).Commits.CreateCommit(repoPath, o)
	check(w.t, err)
	return c.ID
}

// open opens a merge request from a new branch with one change.
func (w *world) open(branch string) *gitlab.MergeRequest {
	w.t.Helper()
	w.commit("sluice-bot", branch, "apps/web/values.yaml", "tag: "+branch+"\n")
	mr, _, err := w.as("sluice-bot").MergeRequests.CreateMergeRequest(repoPath, &gitlab.CreateMergeRequestOptions{
		SourceBranch: &branch, TargetBranch: gitlab.Ptr("main"), Title: gitlab.Ptr("Promote " + branch),
		Labels: &gitlab.LabelOptions{"sluice", "env::stg"},
	})
	check(w.t, err)
	return mr
}

func (w *world) get(iid int64) *gitlab.MergeRequest {
	w.t.Helper()
	mr, _, err := w.as("sluice-bot").MergeRequests.GetMergeRequest(repoPath, iid, nil)
	check(w.t, err)
	return mr
}

func (w *world) head(branch string) string {
	w.t.Helper()
	b, _, err := w.as("sluice-bot").Branches.GetBranch(repoPath, branch)
	check(w.t, err)
	return b.Commit.ID
}

// eventually polls until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
		<-time.After(2 * time.Millisecond)
	}
}

// inbox is a receiver that keeps what arrives.
type inbox struct {
	*httptest.Server
	mu     sync.Mutex
	got    []letter
	status int
}

type letter struct {
	header http.Header
	body   []byte
}

func (l letter) event() string { return l.header.Get("X-Gitlab-Event") }

func (l letter) field(path string) string {
	var v any
	if json.Unmarshal(l.body, &v) != nil {
		return "not json"
	}
	for _, key := range strings.Split(path, ".") {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return fmt.Sprint(v)
}

func newInbox(t *testing.T) *inbox {
	b := &inbox{status: http.StatusOK}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.got = append(b.got, letter{r.Header.Clone(), body})
		w.WriteHeader(b.status)
	}))
	t.Cleanup(b.Close)
	return b
}

func (b *inbox) all() []letter {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]letter(nil), b.got...)
}

func (b *inbox) answer(status int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.status = status
}

// hook subscribes an inbox to everything.
func (w *world) hook(b *inbox) *gitlab.ProjectHook {
	w.t.Helper()
	h, _, err := w.as("ann").Projects.AddProjectHook(repoPath, &gitlab.AddProjectHookOptions{
		URL: gitlab.Ptr(b.URL + "/hook"), PushEvents: gitlab.Ptr(true), TagPushEvents: gitlab.Ptr(true), MergeRequestsEvents: gitlab.Ptr(true),
		NoteEvents: gitlab.Ptr(true), PipelineEvents: gitlab.Ptr(true), EmojiEvents: gitlab.Ptr(true),
		Token: gitlab.Ptr("s3cret"), SigningToken: gitlab.Ptr(signing),
	})
	check(w.t, err)
	return h
}

// settled waits until no delivery is under way and returns what arrived.
func (w *world) settled(b *inbox) []letter {
	w.t.Helper()
	eventually(w.t, "all hooks delivered", func() bool { return w.PendingHooks() == 0 })
	return b.all()
}

// git runs the real command with a clean environment.
func git(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",
		"GIT_AUTHOR_NAME=Dev", "GIT_AUTHOR_EMAIL=dev@example.com", "GIT_COMMITTER_NAME=Dev", "GIT_COMMITTER_EMAIL=dev@example.com")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func mustGit(t *testing.T, dir string, args ...string) string {
	t.Helper()
	out, err := git(t, dir, args...)
	if err != nil {
		t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(out)
}

// cloneURL carries the credentials of a user.
func (w *world) cloneURL(user string) string {
	return strings.Replace(w.base, "://", "://oauth2:glpat-"+user+"@", 1) + "/" + repoPath + ".git"
}

func (w *world) clone(user string) string {
	w.t.Helper()
	dir := filepath.Join(w.t.TempDir(), "clone")
	mustGit(w.t, w.t.TempDir(), "clone", "-q", w.cloneURL(user), dir)
	return dir
}

func write(t *testing.T, dir, path, content string) {
	t.Helper()
	full := filepath.Join(dir, path)
	check(t, os.MkdirAll(filepath.Dir(full), 0o755))
	check(t, os.WriteFile(full, []byte(content), 0o644))
}
