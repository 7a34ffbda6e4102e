package setup

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

const (
	repo   = "ai/flux"
	token  = "glpat-0123456789abcdef"
	secret = "the-webhook-secret"
)

// signing is a signing token of the form that GitLab wants.
var signing = "whsec_" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{7}, 32))

const policyText = `version: 1
layout:
  - clusters/{cluster}/apps/{app}
environments:
  - name: dev
    clusters: [one-dev]
  - name: prd
    from: dev
    clusters: [one-prd]
    merge: auto
`

// rig is a GitLab with a project, a receiver, and a clock that moves when
// somebody waits.
type rig struct {
	t    *testing.T
	fake *fakegitlab.Server
	url  string

	mu       sync.Mutex
	now      time.Time
	paused   []time.Duration
	answer   int // of the receiver
	received int
	hookURL  string
}

// given is what a test may want to differ from the usual.
type given struct {
	edition fakegitlab.Edition
	level   fakegitlab.Level // of Sluice's user; zero: maintainer
	scopes  []string
	expires time.Duration // from now; zero: a year
	options fakegitlab.ProjectOptions
	user    string // zero: sluice-bot
	admin   bool   // and no member
}

func newRig(t *testing.T, g given) *rig {
	t.Helper()
	r := &rig{t: t, now: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), answer: http.StatusAccepted}
	fake, err := fakegitlab.New(fakegitlab.Config{Dir: t.TempDir(), Clock: r.clock, Edition: g.edition})
	if err != nil {
		t.Fatal(err)
	}
	r.fake = fake
	server := httptest.NewServer(fake.Handler())
	t.Cleanup(server.Close)
	fake.SetURL(server.URL)
	r.url = server.URL
	receiver := httptest.NewServer(http.HandlerFunc(r.receive))
	t.Cleanup(receiver.Close)
	r.hookURL = receiver.URL + "/hooks/gitlab"
	r.populate(g)
	return r
}

func (r *rig) populate(g given) {
	r.t.Helper()
	if g.user == "" {
		g.user = "sluice-bot"
	}
	u := fakegitlab.User{Username: g.user, Token: token, Bot: true, Scopes: g.scopes, Admin: g.admin}
	if g.expires != 0 {
		u.TokenExpires = r.now.Add(g.expires)
	}
	if g.level == 0 {
		g.level = fakegitlab.Maintainer
	}
	o := g.options
	if o.Files == nil {
		o.Files = map[string][]byte{"sluice.yaml": []byte(policyText), "clusters/one-dev/apps/web/kustomization.yaml": []byte("{}\n")}
	}
	members := []fakegitlab.Member{{Username: "ann", Level: fakegitlab.Maintainer}}
	if !g.admin {
		members = append(members, fakegitlab.Member{Username: g.user, Level: g.level})
	}
	_, err := r.fake.AddUser(u)
	if err == nil {
		_, err = r.fake.AddUser(fakegitlab.User{Username: "ann", Token: "ann-token"})
	}
	if err == nil {
		_, err = r.fake.AddProject(repo, o, members...)
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) clock() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.now
}

func (r *rig) pause(_ context.Context, d time.Duration) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now, r.paused = r.now.Add(d), append(r.paused, d)
	return nil
}

func (r *rig) receive(w http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.received++
	status := r.answer
	if req.Header.Get("X-Gitlab-Token") != secret && req.Header.Get("Webhook-Signature") == "" {
		status = http.StatusUnauthorized
	}
	w.WriteHeader(status)
}

func (r *rig) answers(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = status
}

// outcome is one run of the command.
type outcome struct {
	code        int
	out, stderr string
	writes      []string // method and path of what was not read, below the project
}

// secrets is the environment that sets both.
func secrets() []string {
	return []string{"SLUICE_GITLAB_WEBHOOK_SECRETS=" + secret, "SLUICE_GITLAB_SIGNING_KEYS=" + signing}
}

// run runs "sluice setup" with the webhook, and with both secrets unless the
// environment is given.
func (r *rig) run(args ...string) outcome {
	return r.with(secrets(), append([]string{"--hook-url", r.hookURL}, args...)...)
}

func (r *rig) with(environ []string, args ...string) outcome {
	r.t.Helper()
	r.fake.ForgetRequests()
	var out, stderr bytes.Buffer
	env := process.Env{
		Args: append([]string{"--project", repo, "--gitlab-url", r.url}, args...), Environ: append(environ, "SLUICE_GITLAB_TOKEN="+token), Stdout: &out, Stderr: &stderr,
	}
	w := &work{env: env, clock: r.clock, pause: r.pause}
	o := outcome{code: process.Execute(r.t.Context(), env, command(w)), out: out.String(), stderr: stderr.String()}
	for _, q := range r.fake.Requests() {
		if q.Method != http.MethodGet {
			_, below, _ := strings.Cut(q.Path, "/projects/")
			_, below, _ = strings.Cut(below, "/")
			o.writes = append(o.writes, strings.TrimSpace(q.Method+" "+below))
		}
	}
	for _, hidden := range []string{token, secret, signing} {
		if strings.Contains(o.out+o.stderr, hidden) {
			r.t.Errorf("a secret is shown:\n%s%s", o.out, o.stderr)
		}
	}
	return o
}

// want checks the exit code and that the output says all of it.
func (o outcome) want(t *testing.T, code int, says ...string) {
	t.Helper()
	if o.code != code {
		t.Errorf("exit code %d, want %d", o.code, code)
	}
	for _, s := range says {
		if !strings.Contains(o.out+o.stderr, s) {
			t.Errorf("it does not say %q", s)
		}
	}
	if t.Failed() {
		t.Logf("writes %q\n%s%s", o.writes, o.out, o.stderr)
	}
}

// wrote checks which writes there were, in any order of kinds.
func (o outcome) wrote(t *testing.T, want ...string) {
	t.Helper()
	if strings.Join(o.writes, ", ") != strings.Join(want, ", ") {
		t.Errorf("wrote %q, want %q\n%s%s", o.writes, want, o.out, o.stderr)
	}
}

// api calls GitLab in ann's name.
func (r *rig) api(method, path string, body map[string]any, into any) {
	r.t.Helper()
	doc, err := json.Marshal(body)
	if err != nil {
		r.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(r.t.Context(), method, r.url+strings.TrimSuffix("/api/v4/projects/ai%2Fflux/"+path, "/"), bytes.NewReader(doc))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Private-Token", "ann-token")
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		r.t.Fatalf("%s %s: %s %s %v", method, path, resp.Status, text, err)
	}
	if into != nil {
		if err := json.Unmarshal(text, into); err != nil {
			r.t.Fatalf("%s %s: %v in %s", method, path, err, text)
		}
	}
}

// hooks are the project's webhooks as GitLab shows them.
func (r *rig) hooks() (list []map[string]any) {
	r.t.Helper()
	r.api(http.MethodGet, "hooks", nil, &list)
	return list
}

// hook is the only one.
func (r *rig) hook() map[string]any {
	r.t.Helper()
	list := r.hooks()
	if len(list) != 1 {
		r.t.Fatalf("%d webhooks: %v", len(list), list)
	}
	return list[0]
}

func (r *rig) hookPath() string { return fmt.Sprintf("hooks/%v", r.hook()["id"]) }

// keys writes a public key for each cluster.
func (r *rig) keys(clusters ...string) string {
	r.t.Helper()
	dir := r.t.TempDir()
	for i, name := range clusters {
		if err := os.WriteFile(filepath.Join(dir, name+".pub"), []byte(pub(r.t, byte(i))+" "+name+"\n"), 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
	return dir
}

// pub is a public key, the same for the same number.
func pub(t *testing.T, n byte) string {
	t.Helper()
	private := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{n}, ed25519.SeedSize))
	key, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key)))
}

// asJSON decodes the report.
func (o outcome) asJSON(t *testing.T) report {
	t.Helper()
	var got report
	if err := json.Unmarshal([]byte(o.out), &got); err != nil {
		t.Fatalf("%v in %s", err, o.out)
	}
	return got
}
