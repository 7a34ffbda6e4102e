package git

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// change is a push of one file.
func change(branch string, parent, expect core.SHA, path, content string) plan.PushBranch {
	return plan.PushBranch{
		Branch: branch, Parent: parent, Expect: expect, Message: "promote " + path + "\n",
		Files: []plan.File{{Path: path, Content: []byte(content)}},
	}
}

func TestPushChangesNothingElse(t *testing.T) {
	s := newServer(t)
	main := s.commit("main", "", map[string]file{
		"apps/a/x.yaml":      text("tag: 1\r\nother: 1\r\n"),
		"apps/a/run.sh":      {"100755", "echo 1\n"},
		"apps/a.yaml":        text("between a and a/\n"),
		"apps/b/y.yaml":      text("tag: 1\n"),
		"link":               {"120000", "apps/a/x.yaml"},
		"vendor/lib":         {"160000", strings.Repeat("12", 20)},
		"deep/er/and/z.yaml": text("z: 1"),
	})
	m := mustOpen(t, s.config())
	mustFetch(t, m)
	sha := mustPush(t, m, plan.PushBranch{
		Branch: "sluice/prd/a", Parent: main, Message: "promote a to 2\n\nSluice-Target: a in prd\n",
		Files: []plan.File{
			{Path: "apps/a/x.yaml", Content: []byte("tag: 2\r\nother: 1\r\n")},
			{Path: "apps/a/run.sh", Content: []byte("echo 2\n")},
			{Path: "apps/a/new/n.yaml", Content: []byte("n: 1\n")},
			{Path: "apps/b/y.yaml", Content: []byte("tag: 1\n")},
		},
	})

	if got := s.ref("refs/heads/sluice/prd/a"); got != sha {
		t.Fatalf("the server has %s, Push returned %s", got, sha)
	}
	git(t, s.repo, "fsck", "--strict")
	got := git(t, s.repo, "diff-tree", "-r", "--no-abbrev", "--format=", string(main), string(sha))
	var lines []string
	for line := range strings.Lines(got) {
		f := strings.Fields(line)
		lines = append(lines, strings.Join([]string{f[0], f[1], f[4], f[5]}, " "))
	}
	want := []string{":000000 100644 A apps/a/new/n.yaml", ":100755 100755 M apps/a/run.sh", ":100644 100644 M apps/a/x.yaml"}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("diff (-want +got):\n%s", diff)
	}
	if got := git(t, s.repo, "show", string(sha)+":apps/a/x.yaml"); got != "tag: 2\r\nother: 1\r\n" {
		t.Errorf("content is %q", got)
	}
	log := git(t, s.repo, "log", "-1", "--format=%an <%ae> %aI|%cn <%ce> %cI|%P|%B", string(sha))
	wantLog := "Sluice <sluice@example.org> 2026-05-04T03:02:01+00:00|Sluice <sluice@example.org> 2026-05-04T03:02:01+00:00|" +
		string(main) + "|promote a to 2\n\nSluice-Target: a in prd\n\n"
	if log != wantLog {
		t.Errorf("log is %q, want %q", log, wantLog)
	}

	if _, err := m.Commit(sha); err != nil {
		t.Errorf("the mirror lacks what it pushed: %v", err)
	}
	s.requests()
	if refs := mustFetch(t, m); refs.Branches["sluice/prd/a"] != sha || len(s.requests()) != 1 {
		t.Errorf("fetching our own push: got %v, want no download", refs)
	}
}

func TestPushIsRepeatable(t *testing.T) {
	s := newServer(t)
	main := s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
	at := time.Unix(1780000000, 0)
	cfg := s.config()
	cfg.Clock = func() time.Time { return at }
	m := mustOpen(t, cfg)
	mustFetch(t, m)
	p := change("sluice/x", main, "", "a.yaml", "a: 2\n")
	sha := mustPush(t, m, p)

	at = at.Add(time.Hour)
	if again := mustPush(t, m, p); again != sha {
		t.Errorf("the same push made %s, then %s", sha, again)
	}
	p.Expect = sha
	if again := mustPush(t, m, p); again != sha {
		t.Errorf("the same push with its own result expected made %s, want %s", again, sha)
	}
	git(t, s.repo, "update-ref", "-d", "refs/heads/sluice/x")
	at, p.Expect = at.Add(-time.Hour), ""
	if again := mustPush(t, m, p); again != sha {
		t.Errorf("the same input at the same time made %s, then %s", sha, again)
	}

	// The answer to somebody's equal push was lost, and this mirror never saw it.
	at = at.Add(time.Minute)
	cfg.Dir = filepath.Join(t.TempDir(), "another")
	git(t, s.repo, "update-ref", "-d", "refs/heads/sluice/x")
	other := mustOpen(t, cfg)
	mustFetch(t, other)
	git(t, s.repo, "update-ref", "refs/heads/sluice/x", string(sha))
	if again := mustPush(t, other, p); again != sha {
		t.Errorf("an equal commit that the mirror lacked: got %s, want %s", again, sha)
	}
}

func TestPushReplacesOnlyWhatWasSeen(t *testing.T) {
	s := newServer(t)
	main := s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
	m := mustOpen(t, s.config())
	mustFetch(t, m)
	first := mustPush(t, m, change("sluice/x", main, "", "a.yaml", "a: 2\n"))
	human := s.commit("sluice/x", first, map[string]file{"b.yaml": text("by hand\n")})

	for name, expect := range map[string]core.SHA{"the old head": first, "nothing": "", "something else": main} {
		_, err := m.Push(t.Context(), change("sluice/x", main, expect, "a.yaml", "a: 3\n"))
		wantKind(t, err, core.Conflict, "sluice/x", string(human))
		wantKind(t, m.Delete(t.Context(), plan.DeleteBranch{Branch: "sluice/x", Expect: main}), core.Conflict)
		if got := s.ref("refs/heads/sluice/x"); got != human {
			t.Fatalf("with %s expected, the human's commit was destroyed", name)
		}
	}
	_, err := m.Push(t.Context(), change("sluice/new", main, first, "a.yaml", "a: 3\n"))
	wantKind(t, err, core.Conflict, "absent")
	_, err = m.Push(t.Context(), change("sluice/x/below", main, "", "a.yaml", "a: 3\n"))
	wantKind(t, err, core.Conflict)

	mustFetch(t, m)
	sha := mustPush(t, m, change("sluice/x", main, human, "a.yaml", "a: 3\n"))
	if got := s.ref("refs/heads/sluice/x"); got != sha {
		t.Errorf("with the right head expected: the server has %s, want %s", got, sha)
	}
}

// The branch moves after its head was listed and before the update arrives.
func TestPushIsACompareAndSwapOnTheServer(t *testing.T) {
	for name, start := range map[string]bool{"created meanwhile": false, "moved meanwhile": true} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			main := s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
			m := mustOpen(t, s.config())
			mustFetch(t, m)
			var seen, human core.SHA
			if start {
				seen = mustPush(t, m, change("sluice/x", main, "", "a.yaml", "a: 2\n"))
			}
			between := func(do func()) {
				s.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
					if r.Method == http.MethodPost {
						do()
					}
					return false
				})
			}
			between(func() { human = s.commit("sluice/x", main, map[string]file{"b.yaml": text("by hand\n")}) })
			_, err := m.Push(t.Context(), change("sluice/x", main, seen, "a.yaml", "a: 3\n"))
			wantKind(t, err, core.Conflict, "sluice/x")
			if got := s.ref("refs/heads/sluice/x"); got != human {
				t.Errorf("the server has %s, want the human's %s", got, human)
			}

			var second core.SHA
			between(func() { second = s.commit("sluice/x", human, map[string]file{"c.yaml": text("by hand\n")}) })
			wantKind(t, m.Delete(t.Context(), plan.DeleteBranch{Branch: "sluice/x", Expect: human}), core.Conflict)
			if got := s.ref("refs/heads/sluice/x"); got != second {
				t.Errorf("the server has %q, want the human's %s", got, second)
			}
		})
	}
}

func TestOneOfManyPushersWins(t *testing.T) {
	s := newServer(t)
	main := s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
	const pushers = 6
	var all sync.WaitGroup
	errs := make([]error, pushers)
	for i := range pushers {
		m := mustOpen(t, s.config())
		mustFetch(t, m)
		all.Go(func() {
			_, errs[i] = m.Push(t.Context(), change("sluice/x", main, "", "a.yaml", fmt.Sprintf("a: %d\n", i+2)))
		})
	}
	all.Wait()
	won := 0
	for _, err := range errs {
		if err == nil {
			won++
		} else {
			wantKind(t, err, core.Conflict)
		}
	}
	if won != 1 {
		t.Errorf("%d pushers won, want exactly one", won)
	}
}

func TestParallelPushesOfOneMirror(t *testing.T) {
	s := newServer(t)
	main := s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n"), "d/b.yaml": text("b: 1\n")})
	m := mustOpen(t, s.config())
	mustFetch(t, m)
	var all sync.WaitGroup
	for i := range 6 {
		all.Go(func() {
			p := change(fmt.Sprintf("sluice/%d", i), main, "", "d/b.yaml", fmt.Sprintf("b: %d\n", i+2))
			if _, err := m.Push(t.Context(), p); err != nil {
				t.Error(err)
			}
			tree, err := m.Tree(main)
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := tree.Read("d/b.yaml"); err != nil {
				t.Error(err)
			}
			if _, err := m.Fetch(t.Context(), "main"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if refs := mustFetch(t, m); len(refs.Branches) != 6 {
		t.Errorf("got %d branches, want 6", len(refs.Branches))
	}
	git(t, m.store.path, "fsck", "--strict")
}

func TestPushRefusesWhatCannotBe(t *testing.T) {
	s := newServer(t)
	main := s.commit("main", "", map[string]file{
		"a.yaml": text("a: 1\n"), "d/b.yaml": text("b: 1\n"), "link": {"120000", "a.yaml"}, "sub": {"160000", strings.Repeat("12", 20)},
	})
	m := mustOpen(t, s.config())
	mustFetch(t, m)
	content := "x: 1\n"
	for name, tc := range map[string]struct {
		push plan.PushBranch
		kind core.Kind
		says string
	}{
		"the default branch": {change("main", main, main, "a.yaml", content), core.Internal, "main"},
		"a foreign branch":   {change("feature/sluice/x", main, "", "a.yaml", content), core.Internal, "feature"},
		"no name":            {change("sluice/", main, "", "a.yaml", content), core.Internal, ""},
		"a bad name":         {change("sluice/a..b", main, "", "a.yaml", content), core.Internal, ""},
		"no change":          {change("sluice/x", main, "", "a.yaml", "a: 1\n"), core.Invalid, "nothing to change"},
		"a link":             {change("sluice/x", main, "", "link", content), core.Invalid, `"link"`},
		"below a link":       {change("sluice/x", main, "", "link/x", content), core.Invalid, `"link"`},
		"a submodule":        {change("sluice/x", main, "", "sub/x", content), core.Invalid, `"sub"`},
		"a directory":        {change("sluice/x", main, "", "d", content), core.Invalid, `"d"`},
		"below a file":       {change("sluice/x", main, "", "a.yaml/x", content), core.Invalid, `"a.yaml"`},
		"the way out":        {change("sluice/x", main, "", "../a.yaml", content), core.Invalid, "clean path"},
		"absolute":           {change("sluice/x", main, "", "/a.yaml", content), core.Invalid, "clean path"},
		"git's own":          {change("sluice/x", main, "", "d/.GIT/config", content), core.Invalid, ".git"},
		"too big":            {change("sluice/x", main, "", "a.yaml", strings.Repeat("x", maxBlob+1)), core.Invalid, "a.yaml"},
		"no files":           {plan.PushBranch{Branch: "sluice/x", Parent: main, Message: "m"}, core.Invalid, "1 to"},
		"unknown parent":     {change("sluice/x", core.SHA(strings.Repeat("9", 40)), "", "a.yaml", content), core.NotFound, "99999999"},
		"no parent":          {change("sluice/x", "", "", "a.yaml", content), core.Invalid, ""},
		"twice": {plan.PushBranch{Branch: "sluice/x", Parent: main, Message: "m", Files: []plan.File{{Path: "a.yaml"}, {Path: "a.yaml"}}},
			core.Invalid, "twice"},
		"file and below": {plan.PushBranch{Branch: "sluice/x", Parent: main, Message: "m", Files: []plan.File{{Path: "n"}, {Path: "n/m"}}},
			core.Invalid, `"n"`},
		"no message": {plan.PushBranch{Branch: "sluice/x", Parent: main, Files: []plan.File{{Path: "a.yaml"}}}, core.Invalid, "message"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := m.Push(t.Context(), tc.push)
			wantKind(t, err, tc.kind, tc.says)
		})
	}
	wantKind(t, m.Delete(t.Context(), plan.DeleteBranch{Branch: "main", Expect: main}), core.Internal, "main")
	wantKind(t, m.Delete(t.Context(), plan.DeleteBranch{Branch: "sluice/x"}), core.Internal)
	if got := git(t, s.repo, "for-each-ref", "--format=%(refname)"); got != "refs/heads/main\n" {
		t.Errorf("the server has other refs now:\n%s", got)
	}
}

func TestPushPassesTheServersWordsOn(t *testing.T) {
	for name, tc := range map[string]struct {
		hook string
		kind core.Kind
		says string
	}{
		"protected":   {"echo 'GitLab: You are not allowed to push here.' >&2; yes x | head -c 100000 >&2; exit 1", core.Denied, "GitLab: You are not allowed to push here."},
		"unreachable": {"echo 'GitLab: Internal API unreachable' >&2; exit 1", core.Transient, "Internal API unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			main := s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
			m := mustOpen(t, s.config())
			mustFetch(t, m)
			if err := os.WriteFile(filepath.Join(s.repo, "hooks", "pre-receive"), []byte("#!/bin/sh\n"+tc.hook+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
			_, err := m.Push(t.Context(), change("sluice/x", main, "", "a.yaml", "a: 2\n"))
			wantKind(t, err, tc.kind, "push sluice/x to "+s.url, tc.says)
			if len(err.Error()) > 2*maxWords {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestPushExplainsHTTPErrors(t *testing.T) {
	for status, kind := range map[int]core.Kind{401: core.Denied, 403: core.Denied, 404: core.NotFound, 502: core.Transient} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			s := newServer(t)
			main := s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
			m := mustOpen(t, s.config())
			mustFetch(t, m)
			s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
				if r.Method == method {
					http.Error(w, "no", status)
				}
				return r.Method == method
			})
			_, err := m.Push(t.Context(), change("sluice/x", main, "", "a.yaml", "a: 2\n"))
			wantKind(t, err, kind, "sluice/x")
		}
	}
}

func TestDelete(t *testing.T) {
	s := newServer(t)
	main := s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
	m := mustOpen(t, s.config())
	mustFetch(t, m)
	sha := mustPush(t, m, change("sluice/x", main, "", "a.yaml", "a: 2\n"))
	for range 2 { // absent already is success
		if err := m.Delete(t.Context(), plan.DeleteBranch{Branch: "sluice/x", Expect: sha}); err != nil {
			t.Fatal(err)
		}
		if got := s.ref("refs/heads/sluice/x"); got != "" {
			t.Fatalf("the branch is still there at %s", got)
		}
	}
}

// Git servers word a lost race, and a refusal, in different ways.
func TestRejection(t *testing.T) {
	for status, kind := range map[string]core.Kind{
		"failed to update ref":               core.Conflict,
		"incorrect old value provided":       core.Conflict,
		"reference already exists":           core.Conflict,
		"non-fast-forward":                   core.Conflict,
		"cannot lock ref 'refs/heads/x'":     core.Conflict,
		"missing necessary objects":          core.Conflict,
		"pre-receive hook declined":          core.Denied,
		"protected branch hook declined":     core.Denied,
		"deny updating a hidden ref":         core.Denied,
		"unpack unpacker error":              core.Transient,
		"something that nobody has said yet": core.Transient,
	} {
		if got := core.KindOf(rejection(status, "")); got != kind {
			t.Errorf("%q is of kind %q, want %q", status, got, kind)
		}
	}
}
