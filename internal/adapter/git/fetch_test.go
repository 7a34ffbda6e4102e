package git

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
)

func TestFetchBringsOnlyOurBranches(t *testing.T) {
	s := newServer(t)
	main := s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
	ours := s.commit("sluice/stg/app", main, map[string]file{"a.yaml": text("a: 2\n")})
	foreign := s.commit("feature/0", main, map[string]file{"b.yaml": text("b: 1\n")})
	var more strings.Builder
	for i := range 100 {
		fmt.Fprintf(&more, "create refs/heads/feature-%d %s\ncreate refs/tags/v%d %s\n", i, foreign, i, foreign)
	}
	gitInput(t, s.repo, more.String(), "update-ref", "--stdin")
	git(t, s.repo, "tag", "on-main", string(main))
	m := mustOpen(t, s.config())

	got := mustFetch(t, m)
	want := Refs{Default: "main", Head: main, Branches: map[string]core.SHA{"sluice/stg/app": ours}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("refs (-want +got):\n%s", diff)
	}
	if _, err := m.Commit(foreign); core.KindOf(err) != core.NotFound {
		t.Errorf("commit of a foreign branch: got %v, want not found", err)
	}
	refs := git(t, m.store.path, "for-each-ref", "--format=%(refname)")
	if refs != "refs/heads/main\nrefs/heads/sluice/stg/app\n" {
		t.Errorf("mirror has other refs:\n%s", refs)
	}
	git(t, m.store.path, "fsck", "--strict")
}

func TestFetchFollowsTheServer(t *testing.T) {
	s := newServer(t)
	first := s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
	s.commit("sluice/gone", first, map[string]file{"a.yaml": text("a: 2\n")})
	m := mustOpen(t, s.config())
	mustFetch(t, m)

	second := s.commit("main", first, map[string]file{"a.yaml": text("a: 3\n")})
	git(t, s.repo, "update-ref", "-d", "refs/heads/sluice/gone")
	here := s.commit("sluice/here", second, map[string]file{"a.yaml": text("a: 4\n")})
	want := Refs{Default: "main", Head: second, Branches: map[string]core.SHA{"sluice/here": here}}
	if diff := cmp.Diff(want, mustFetch(t, m)); diff != "" {
		t.Errorf("after changes (-want +got):\n%s", diff)
	}
	if refs := git(t, m.store.path, "for-each-ref", "--format=%(refname)"); strings.Contains(refs, "gone") {
		t.Errorf("the deleted branch is still there:\n%s", refs)
	}

	s.requests()
	if diff := cmp.Diff(want, mustFetch(t, m)); diff != "" {
		t.Errorf("without changes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"GET refs"}, s.requests()); diff != "" {
		t.Errorf("requests without changes (-want +got):\n%s", diff)
	}

	rewritten := s.commit("main", "", map[string]file{"a.yaml": text("a: 5\n")})
	if got := mustFetch(t, m); got.Head != rewritten {
		t.Errorf("after a rewrite the head is %s, want %s", got.Head, rewritten)
	}
	git(t, m.store.path, "fsck", "--strict")
}

func TestFetchTakesTheNamedDefaultBranch(t *testing.T) {
	s := newServer(t)
	main := s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
	trunk := s.commit("trunk", main, map[string]file{"a.yaml": text("a: 2\n")})
	m := mustOpen(t, s.config())
	for _, tc := range []struct {
		ask, name string
		head      core.SHA
	}{{"main", "main", main}, {"trunk", "trunk", trunk}, {"", "main", main}} {
		got, err := m.Fetch(t.Context(), tc.ask)
		if err != nil || got.Default != tc.name || got.Head != tc.head {
			t.Errorf("fetch %q: got %+v, %v, want %s at %s", tc.ask, got, err, tc.name, tc.head)
		}
		if refs := git(t, m.store.path, "for-each-ref", "--format=%(refname:short)"); refs != tc.name+"\n" {
			t.Errorf("after fetching %q the mirror has %q", tc.ask, refs)
		}
	}
	_, err := m.Fetch(t.Context(), "gone")
	wantKind(t, err, core.NotFound, `"gone"`, s.url)
}

func TestFetchExplainsWhatIsWrong(t *testing.T) {
	answer := func(status int, header ...string) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			_, password, _ := r.BasicAuth()
			if len(header) > 0 {
				w.Header().Set(header[0], header[1])
			}
			http.Error(w, "no, not with "+password+"\n"+strings.Repeat("x", 1<<20), status)
			return true
		}
	}
	for name, tc := range map[string]struct {
		answer func(http.ResponseWriter, *http.Request) bool
		kind   core.Kind
		says   string
		wait   time.Duration
	}{
		"bad token":    {answer(401), core.Denied, "authentication required: no, not with [redacted]", 0},
		"no rights":    {answer(403), core.Denied, "authorization failed", 0},
		"no project":   {answer(404), core.NotFound, "repository not found", 0},
		"slow down":    {answer(429, "Retry-After", "17"), core.Transient, "429", 17 * time.Second},
		"maintenance":  {answer(503), core.Transient, "503", 0},
		"elsewhere":    {answer(302, "Location", "ftp://elsewhere.example/"), core.Invalid, "redirect", 0},
		"not git":      {answer(200), core.Transient, "", 0},
		"disconnected": {func(http.ResponseWriter, *http.Request) bool { panic(http.ErrAbortHandler) }, core.Transient, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			m := mustOpen(t, s.config())
			s.intercept(tc.answer)
			_, err := m.Fetch(t.Context(), "main")
			wantKind(t, err, tc.kind, "fetch "+s.url, tc.says)
			if core.WaitOf(err) != tc.wait {
				t.Errorf("wait is %s, want %s", core.WaitOf(err), tc.wait)
			}
			if len(err.Error()) > 2*maxWords {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
		})
	}
}

func TestFetchRefusesRepositoriesItCannotMirror(t *testing.T) {
	empty := newServer(t)
	_, err := mustOpen(t, empty.config()).Fetch(t.Context(), "main")
	wantKind(t, err, core.NotFound, "empty")

	other := newServer(t, "--object-format=sha256")
	other.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
	_, err = mustOpen(t, other.config()).Fetch(t.Context(), "main")
	wantKind(t, err, core.Invalid, "sha256")
}

func TestFetchEndsWithItsContext(t *testing.T) {
	s := newServer(t)
	s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
	m := mustOpen(t, s.config())
	_, err := m.Fetch(canceled(t), "main")
	wantKind(t, err, core.Transient, "interrupted")

	ctx, cancel := context.WithCancel(t.Context())
	s.intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			_, _ = io.Copy(io.Discard, r.Body) // only then does the server notice that the client is gone
			cancel()
			<-r.Context().Done()
			return true
		}
		return false
	})
	_, err = m.Fetch(ctx, "main")
	wantKind(t, err, core.Transient, "interrupted")
	s.intercept(nil)
	mustFetch(t, m)
}

func TestFetchSurvivesACutDownload(t *testing.T) {
	s := newServer(t)
	s.commit("main", "", map[string]file{"a.yaml": text(strings.Repeat("a: 1\n", 9999))})
	m := mustOpen(t, s.config())
	s.intercept(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet {
			return false
		}
		w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		w.Write([]byte("0008NAK\n0023\x01PACK\x00\x00\x00\x02\x00\x00\x00\x03and then nothing more"))
		return true
	})
	_, err := m.Fetch(t.Context(), "main")
	wantKind(t, err, core.Transient)
	s.intercept(nil)
	mustFetch(t, m)
	git(t, m.store.path, "fsck", "--strict")
}

func TestTokenIsReadAtEachUseAndStoredNowhere(t *testing.T) {
	s := newServer(t)
	main := s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
	now := core.Secret(token)
	cfg := s.config()
	cfg.Auth.Token = func() (core.Secret, error) { return now, nil }
	m := mustOpen(t, cfg)
	mustFetch(t, m)

	s.mu.Lock()
	s.token = "glpat-the-next-one"
	s.mu.Unlock()
	_, err := m.Fetch(t.Context(), "main")
	wantKind(t, err, core.Denied)
	now = "glpat-the-next-one"
	mustFetch(t, m)
	mustPush(t, m, change("sluice/x", main, "", "a.yaml", "a: 2\n"))

	err = filepath.WalkDir(cfg.Dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), "glpat") {
			t.Errorf("%s holds the token", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	now = ""
	_, err = m.Fetch(t.Context(), "main")
	wantKind(t, err, core.Denied, "the token is empty")
}
