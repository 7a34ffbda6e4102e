package git

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/history"
)

// gitTrail asks Git itself for what Trail tells.
func gitTrail(t *testing.T, dir, head string) []string {
	t.Helper()
	var out []string
	for _, sha := range strings.Fields(git(t, dir, "rev-list", "--first-parent", head)) {
		parent := "4b825dc642cb6eb9a060e54bf8d69288fbee4904" // the empty tree
		if parents := strings.Fields(git(t, dir, "rev-list", "--parents", "-n1", sha)); len(parents) > 1 {
			parent = parents[1]
		}
		paths := strings.Fields(git(t, dir, "diff-tree", "-r", "-t", "--no-renames", "--name-only", parent, sha))
		for _, file := range strings.Fields(git(t, dir, "diff-tree", "-r", "--no-renames", "--name-only", parent, sha)) {
			paths = append(paths, strings.TrimPrefix(path.Dir(file)+"/", "."))
		}
		out = append(out, sha+" "+trimmed(paths))
	}
	return out
}

func told(commits []history.Commit) []string {
	var out []string
	for _, c := range commits {
		out = append(out, string(c.SHA)+" "+trimmed(c.Changed))
	}
	return out
}

func trimmed(paths []string) string {
	slices.Sort(paths)
	return strings.Join(slices.Compact(paths), " ")
}

func TestTrailTellsWhatGitTells(t *testing.T) {
	s := newServer(t)
	at := s.commit("main", "", map[string]file{"a.yaml": text("a: 0\n"), "d/e/f.yaml": text("f: 0\n"), "d/e.yaml": text("e: 0\n"), "d/e-x/g": text("g")})
	at = s.commit("main", at, map[string]file{"d/e/f.yaml": text("f: 1\n")})
	at = s.commit("main", at, map[string]file{"d/e/new/deep/x": text("x"), "d/e.yaml": text("e: 1\n")})
	s.commit("main", at, map[string]file{})
	dir, _ := clone(t, s)
	git(t, dir, "checkout", "--quiet", "-b", "side")
	for i, script := range []string{"git rm -q -r d/e", "echo now a file > d/e", "git mv d/e-x d/e-y", "ln -s a.yaml link", "git rm -q d/e.yaml; mkdir -p d/e.yaml; echo x > d/e.yaml/y", "chmod +x a.yaml"} {
		git(t, dir, "-c", "alias.sh=!"+script, "sh")
		git(t, dir, "add", "--all")
		git(t, dir, "commit", "--quiet", "--allow-empty", "-m", fmt.Sprint(i))
	}
	git(t, dir, "checkout", "--quiet", "main")
	git(t, dir, "commit", "--quiet", "--allow-empty", "-m", "meanwhile")
	at = core.SHA(strings.TrimSpace(git(t, dir, "rev-parse", "HEAD")))
	git(t, dir, "merge", "--quiet", "--no-ff", "-m", "a merge", "side")
	git(t, dir, "push", "--quiet", "origin", "main")
	m := mustOpen(t, s.config())
	head := mustFetch(t, m).Head
	l := mustOpenLocal(t, dir)
	for name, trail := range map[string]func() ([]history.Commit, history.End, error){
		"mirror": func() ([]history.Commit, history.End, error) { return m.Trail(t.Context(), head, "", 100) },
		"local":  func() ([]history.Commit, history.End, error) { return l.Trail(t.Context(), head, "", 100) },
	} {
		got, end, err := trail()
		if err != nil || end != history.Beginning {
			t.Fatalf("%s ends with %q, %v", name, end, err)
		}
		if diff := cmp.Diff(gitTrail(t, dir, "main"), told(got)); diff != "" {
			t.Errorf("%s (-git +trail):\n%s", name, diff)
		}
		if root := got[len(got)-1]; root.By != "A Person" || root.At.Unix() != 1770000000 {
			t.Errorf("%s: the first commit is by %q at %s", name, root.By, root.At)
		}
	}
	side := core.SHA(strings.TrimSpace(git(t, dir, "rev-parse", "side")))
	sideways, _, err := l.Trail(t.Context(), side, "", 100)
	if diff := cmp.Diff(gitTrail(t, dir, "side"), told(sideways)); diff != "" || err != nil {
		t.Errorf("another branch: %v (-git +trail):\n%s", err, diff)
	}
	newer, end, err := m.Trail(t.Context(), head, at, 1)
	if err != nil || end != "" || len(newer) != 1 || newer[0].SHA != head {
		t.Errorf("since a known commit: %v, end %q, %v", newer, end, err)
	}
	if none, end, err := m.Trail(t.Context(), head, head, 1); len(none) > 0 || end != "" || err != nil {
		t.Errorf("since the head itself: %v, end %q, %v", none, end, err)
	}
	_, _, err = m.Trail(canceled(t), head, "", 1)
	if err == nil {
		t.Error("a cancelled walk goes on")
	}
	_, _, err = m.Trail(t.Context(), core.SHA(strings.Repeat("9", 40)), "", 1)
	wantKind(t, err, core.NotFound)
}

func TestTrailEndsWhereTheRepositoryDoes(t *testing.T) {
	s := newServer(t)
	git(t, s.repo, "config", "uploadpack.allowFilter", "true")
	at := s.commit("main", "", map[string]file{"a.yaml": text("a: 0\n")})
	for i := range 5 {
		at = s.commit("main", at, map[string]file{"d/a.yaml": text(fmt.Sprintf("a: %d\n", i))})
	}
	for name, tc := range map[string]struct {
		args   []string
		length int
		end    history.End
	}{
		"shallow":       {[]string{"--depth", "3"}, 3, history.Missing},
		"without blobs": {[]string{"--filter=blob:none"}, 6, history.Beginning},
		"without trees": {[]string{"--filter=tree:0", "--no-checkout"}, 1, history.Missing},
	} {
		t.Run(name, func(t *testing.T) {
			_, l := clone(t, s, tc.args...)
			got, end, err := l.Trail(t.Context(), at, "", 1)
			if err != nil || len(got) != tc.length || end != tc.end {
				t.Fatalf("%d commits, end %q, %v; want %d, %s", len(got), end, err, tc.length, tc.end)
			}
			if last := got[len(got)-1]; last.Everything != (tc.end == history.Missing) {
				t.Errorf("what the last commit changed: %+v", last)
			}
		})
	}
}

func TestTrailHasItsLimits(t *testing.T) {
	s := newServer(t)
	old := s.commitAt(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), "main", "", map[string]file{"a": text("0")})
	mid := s.commitAt(time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), "main", old, map[string]file{"a": text("1")})
	head := s.commitAt(time.Date(2026, 8, 1, 0, 0, 0, 0, time.UTC), "main", mid, map[string]file{"a": text("2")})
	many := map[string]file{}
	for i := range maxTouched + 1 {
		many[fmt.Sprintf("many/%d", i)] = text("x")
	}
	mass := s.commitAt(time.Date(2026, 8, 2, 0, 0, 0, 0, time.UTC), "main", head, many)
	m := mustOpen(t, s.config())
	mustFetch(t, m)
	got, end, err := m.Trail(t.Context(), mass, "", 1)
	if err != nil || end != history.Limit || len(got) != 3 || !got[0].Everything || got[0].Changed != nil || got[1].Everything {
		t.Errorf("%+v, end %q, %v; want three commits, the newest of everything, none of January", got, end, err)
	}
	if got, end, err = m.Trail(t.Context(), mass, "", 3); err != nil || end != history.Beginning || len(got) != 4 {
		t.Errorf("the past of the third commit as well: %d commits, end %q, %v", len(got), end, err)
	}
}
