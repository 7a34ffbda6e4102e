package git

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

func TestTree(t *testing.T) {
	s := newServer(t)
	main := s.commit("main", "", map[string]file{
		"a/x.yaml": text("x: 1\r\n"), "a.yaml": text("between\n"), "a-b": text("before\n"), "a0": text("after\n"),
		"run": {"100755", "#!\n"}, "link": {"120000", "a/x.yaml"}, "sub": {"160000", strings.Repeat("12", 20)},
		"big": text(strings.Repeat("x", maxBlob+1)), "fits": text(strings.Repeat("x", maxBlob)), "empty": text(""),
	})
	m := mustOpen(t, s.config())
	mustFetch(t, m)
	tree, err := m.Tree(main)
	if err != nil {
		t.Fatal(err)
	}
	entries, err := tree.List("")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, fmt.Sprint(e.SHA, " ", e.Type, " ", e.Name))
	}
	var want []string
	types := map[string]overlay.EntryType{"040000": overlay.Directory, "100644": overlay.Regular, "100755": overlay.Regular, "120000": overlay.Other, "160000": overlay.Other}
	for line := range strings.Lines(git(t, s.repo, "ls-tree", string(main))) {
		f := strings.Fields(line)
		want = append(want, fmt.Sprint(f[2], " ", types[f[0]], " ", f[3]))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("root (-want +got):\n%s", diff)
	}

	for path, want := range map[string]string{"a/x.yaml": "x: 1\r\n", "run": "#!\n", "empty": "", "fits": strings.Repeat("x", maxBlob)} {
		if b, err := tree.Read(path); string(b) != want || err != nil {
			t.Errorf("read %s: got %d bytes, %v", path, len(b), err)
		}
	}
	for _, path := range []string{"", ".", "/", "a", "a/", "gone", "a/gone", "a.yaml/x", "link", "link/x", "sub", "sub/x", "./a.yaml", "a//x.yaml", "a/../a.yaml"} {
		if _, err := tree.Read(path); core.KindOf(err) != core.NotFound {
			t.Errorf("read %q: got %v, want not found", path, err)
		}
	}
	for _, path := range []string{".", "/", "a/", "gone", "a.yaml", "link", "sub", "a/x.yaml"} {
		if _, err := tree.List(path); core.KindOf(err) != core.NotFound {
			t.Errorf("list %q: got %v, want not found", path, err)
		}
	}
	_, err = tree.Read("big")
	wantKind(t, err, core.Invalid, `"big"`)
	_, err = m.Tree(core.SHA(strings.Repeat("9", 40)))
	wantKind(t, err, core.NotFound)
	_, err = m.Tree(entries[0].SHA)
	wantKind(t, err, core.NotFound)
	_, err = m.Tree(core.SHA(strings.Repeat("9", 64)))
	wantKind(t, err, core.Invalid, "SHA-256")
}

func TestTreeIsReadByManyDuringFetches(t *testing.T) {
	s := newServer(t)
	files := map[string]file{}
	for i := range 200 {
		files[fmt.Sprintf("d%d/e%d/f.yaml", i%7, i)] = text(fmt.Sprint("v: ", i, "\n"))
	}
	main := s.commit("main", "", files)
	m := mustOpen(t, s.config())
	mustFetch(t, m)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			tree, err := m.Tree(main)
			for path, f := range files {
				var b []byte
				if err == nil {
					b, err = tree.Read(path)
				}
				if string(b) != f.content || err != nil {
					t.Errorf("read %s: %q, %v", path, b, err)
					return
				}
			}
		})
	}
	head := main
	for i := range 5 {
		head = s.commit("main", head, map[string]file{"d0/e0/f.yaml": text(fmt.Sprint("w: ", i, "\n"))})
		mustFetch(t, m)
	}
	all.Wait()
}

func TestBranch(t *testing.T) {
	s := newServer(t)
	base := map[string]file{
		"a.yaml": text("a: 1\n"), "d/e/b.yaml": text("b: 1\n"), "d/gone.yaml": text("gone\n"), "run.sh": text("echo\n"),
		"link": text("a.yaml"), "turns/into/dir": text("x\n"), "dir": text("y\n"),
	}
	root := s.commit("main", "", base)
	main := s.commit("main", root, map[string]file{"z.yaml": text("z: 1\n")})
	sha := s.commit("sluice/x", main, map[string]file{
		"d/e/b.yaml": text("b: 2\n"), "d/gone.yaml": {}, "run.sh": {"100755", "echo\n"}, "link": {"120000", "a.yaml"}, "new/n.yaml": text("n\n"),
		"turns": text("now a file\n"), "dir": {}, "dir/sub": text("now a directory\n"),
	})
	human := s.commit("sluice/y", sha, map[string]file{"a.yaml": text("a: 2\n")})
	m := mustOpen(t, s.config())
	mustFetch(t, m)

	want, was := map[string]core.SHA{}, map[string]core.SHA{}
	for line := range strings.Lines(git(t, s.repo, "diff-tree", "-r", "--no-abbrev", "--no-renames", "--format=", string(main), string(sha))) {
		f := strings.Fields(line)
		was[f[5]], want[f[5]] = core.SHA(f[2]), core.SHA(f[3])
		switch {
		case f[4] == "A":
			was[f[5]] = ""
		case f[4] == "D", ":"+f[1] != f[0]: // another mode makes it another kind of file
			want[f[5]] = ""
		}
	}
	for range 2 { // the second answer comes from memory
		got, err := m.Branch(t.Context(), "sluice/x", sha)
		if err != nil {
			t.Fatal(err)
		}
		diff := cmp.Diff(plan.Branch{
			Name: "sluice/x", Head: sha, Parents: []core.SHA{main}, Rooted: true, Message: "setup",
			Tree: core.SHA(strings.TrimSpace(git(t, s.repo, "rev-parse", string(sha)+"^{tree}"))), Changed: want, Base: was,
		}, got)
		if diff != "" {
			t.Errorf("branch (-want +got):\n%s", diff)
		}
	}
	got, err := m.Branch(t.Context(), "sluice/y", human)
	if err != nil || got.Rooted || len(got.Changed) != 1 {
		t.Errorf("a commit on top of ours: got %+v, %v, want one change, not rooted", got, err)
	}
	got, err = m.Branch(t.Context(), "main", root)
	if err != nil || got.Rooted || len(got.Changed) != len(base) {
		t.Errorf("a root commit: got %+v, %v, want all its files", got, err)
	}
	_, err = m.Branch(t.Context(), "sluice/z", core.SHA(strings.Repeat("9", 40)))
	wantKind(t, err, core.NotFound, "sluice/z")
}

func TestBranchDoesNotListWhatNoPromotionTouches(t *testing.T) {
	s := newServer(t)
	main := s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
	files := map[string]file{}
	for i := range maxChanged + 1 {
		files[fmt.Sprintf("many/%d", i)] = text("x\n")
	}
	sha := s.commit("sluice/x", main, files)
	m := mustOpen(t, s.config())
	mustFetch(t, m)
	if got, err := m.Branch(t.Context(), "sluice/x", sha); got.Changed != nil || err != nil {
		t.Errorf("got %d changes, %v, want nil", len(got.Changed), err)
	}
	delete(files, "many/0")
	sha = s.commit("sluice/x", main, files)
	mustFetch(t, m)
	if got, err := m.Branch(t.Context(), "sluice/x", sha); len(got.Changed) != maxChanged || err != nil {
		t.Errorf("got %d changes, %v, want %d", len(got.Changed), err, maxChanged)
	}
}

func TestContains(t *testing.T) {
	s := newServer(t)
	one := s.commit("main", "", map[string]file{"a": text("1\n")})
	two := s.commit("main", one, map[string]file{"a": text("2\n")})
	three := s.commit("main", two, map[string]file{"a": text("3\n")})
	ours := s.commit("sluice/x", two, map[string]file{"a": text("4\n")})
	m := mustOpen(t, s.config())
	check := func(want map[[2]core.SHA]bool) {
		t.Helper()
		mustFetch(t, m)
		for pair, want := range want {
			if got, err := m.Contains(t.Context(), pair[0], pair[1]); got != want || err != nil {
				t.Errorf("%s in %s: got %t, %v, want %t", pair[0].Short(), pair[1].Short(), got, err, want)
			}
		}
	}
	check(map[[2]core.SHA]bool{{one, three}: true, {three, three}: true, {three, two}: false, {ours, three}: false, {one, ours}: true, {three, ours}: false})
	four := s.commit("main", three, map[string]file{"a": text("4\n")})
	check(map[[2]core.SHA]bool{{one, four}: true, {four, four}: true, {ours, four}: false})
	s.commit("main", two, map[string]file{"a": text("5\n")}) // set back: what was merged after it no longer counts
	five := s.ref("refs/heads/main")
	check(map[[2]core.SHA]bool{{two, five}: true, {three, five}: false, {four, five}: false})
	if b, err := m.Branch(t.Context(), "sluice/x", ours); !b.Rooted || err != nil {
		t.Errorf("got %+v, %v, want rooted", b, err)
	}
	_, err := m.Contains(t.Context(), core.SHA(strings.Repeat("9", 40)), five)
	wantKind(t, err, core.NotFound)
}
