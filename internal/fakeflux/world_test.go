package fakeflux

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
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
)

const (
	receiverToken = core.Secret("s3cr3t-token\n") // the line break is part of it
	eventKey      = core.Secret("event-key")
	repoToken     = core.Secret("read-only")
)

// world is a repository, something that takes events, and a Flux between them.
type world struct {
	t     *testing.T
	flux  *Flux
	clock *clock
	repo  string // a work tree whose HEAD is what the server serves as main
	base  string // where the Receiver is served
	inbox *inbox
}

// newWorld starts a Flux whose repository has one commit.
func newWorld(t *testing.T, change func(*Config)) *world {
	t.Helper()
	w := &world{t: t, clock: newClock(), repo: t.TempDir(), inbox: new(inbox)}
	w.git("init", "-q", "-b", "main")
	w.commit()
	repo := httptest.NewServer(gitServer(t, w.repo))
	t.Cleanup(repo.Close)
	sluice := httptest.NewServer(w.inbox)
	t.Cleanup(sluice.Close)
	c := Config{
		Cluster: "dev-1", Env: "dev",
		RepoURL: repo.URL + "/.git", RepoToken: repoToken,
		ReceiverName: "promoter", ReceiverToken: receiverToken,
		EventURL: sluice.URL + "/hooks/flux/dev-1", EventKey: eventKey,
		Kustomizations: []string{"apps"},
		Interval:       10 * time.Minute, Clock: w.clock,
	}
	if change != nil {
		change(&c)
	}
	flux, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	w.flux = flux
	receiver := httptest.NewServer(flux.Handler())
	t.Cleanup(receiver.Close)
	w.base = receiver.URL
	return w
}

// run starts the Flux and ends it with the test.
func (w *world) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.flux.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("run: %v", err)
		}
	})
}

func (w *world) git(args ...string) string {
	w.t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = w.repo
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null",
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com")
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("git %v: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

func (w *world) commit() core.SHA {
	w.t.Helper()
	w.git("commit", "-q", "--allow-empty", "-m", "a commit")
	return core.SHA(w.git("rev-parse", "HEAD"))
}

// gitServer serves a repository to whoever has the token.
func gitServer(t *testing.T, root string) http.Handler {
	t.Helper()
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal(err)
	}
	backend := &cgi.Handler{
		Path:   git,
		Args:   []string{"http-backend"},
		Env:    []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=safe.directory", "GIT_CONFIG_VALUE_0=*"},
		Logger: log.New(io.Discard, "", 0),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != repoToken.Reveal() {
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		backend.ServeHTTP(w, r)
	})
}

// call calls the Receiver and returns its status.
func (w *world) call(change func(*http.Request)) int {
	w.t.Helper()
	const body = `{"sha":"deadbeef"}`
	req, err := http.NewRequest(http.MethodPost, w.flux.ReceiverURL(w.base), strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("X-Signature", sign(receiverToken, []byte(body)))
	if change != nil {
		change(req)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, err := io.ReadAll(resp.Body); err != nil || len(answer) > 0 {
		w.t.Errorf("the Receiver answers with a body: %q, %v", answer, err)
	}
	return resp.StatusCode
}

func (w *world) trigger() {
	w.t.Helper()
	if status := w.call(nil); status != http.StatusOK {
		w.t.Fatalf("trigger: %d", status)
	}
}

// until waits for real things, such as HTTP, to have happened.
func (w *world) until(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			w.t.Fatalf("never happened: %s\nstatus: %+v\nevents: %q", what, w.flux.Status(), w.inbox.lines())
		case <-tick.C:
		}
	}
}

// events waits until the inbox has these, in any order.
func (w *world) events(want ...string) {
	w.t.Helper()
	slices.Sort(want)
	w.until(fmt.Sprintf("events %q", want), func() bool {
		got := w.inbox.lines()
		slices.Sort(got)
		return slices.Equal(got, want)
	})
}

func sign(key core.Secret, body []byte) string {
	mac := hmac.New(sha256.New, []byte(key.Reveal()))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// inbox takes events as Sluice's receiver does.
type inbox struct {
	mu       sync.Mutex
	answers  []int // for the next attempts; 204 when used up
	attempts int
	requests []*http.Request
	bodies   [][]byte
}

func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.attempts++
	status := http.StatusNoContent
	if len(i.answers) > 0 {
		status, i.answers = i.answers[0], i.answers[1:]
	}
	if status < 300 {
		i.requests = append(i.requests, r)
		i.bodies = append(i.bodies, body)
	}
	w.WriteHeader(status)
}

func (i *inbox) answer(statuses ...int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.answers = statuses
}

func (i *inbox) tried() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.attempts
}

// lines is "name reason sha" for each event that was taken.
func (i *inbox) lines() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var lines []string
	for _, body := range i.bodies {
		var e event
		if err := json.NewDecoder(bytes.NewReader(body)).Decode(&e); err != nil {
			lines = append(lines, err.Error())
			continue
		}
		_, sha, _ := strings.Cut(e.Metadata["revision"], ":")
		lines = append(lines, e.InvolvedObject.Name+" "+e.Reason+" "+sha)
	}
	return lines
}

// clock is a time that only the test moves.
type clock struct {
	mu     sync.Mutex
	now    time.Time
	timers []timer
}

type timer struct {
	at time.Time
	c  chan time.Time
}

func newClock() *clock { return &clock{now: time.Date(2026, 11, 23, 7, 9, 12, 500, time.UTC)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	t := timer{c.now.Add(d), make(chan time.Time, 1)}
	c.timers = append(c.timers, t)
	return t.c
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.timers = slices.DeleteFunc(c.timers, func(t timer) bool {
		if t.at.After(c.now) {
			return false
		}
		t.c <- c.now
		return true
	})
}

// waiting tells how many wait for a moment that is d away or nearer.
func (c *clock) waiting(d time.Duration) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range c.timers {
		if !t.at.After(c.now.Add(d)) {
			n++
		}
	}
	return n
}

func golden(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
