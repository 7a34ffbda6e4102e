package git

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// clone is a working clone of a server's repository, opened.
func clone(t *testing.T, s *server, args ...string) (string, *Local) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "clone")
	git(t, t.TempDir(), append([]string{"clone", "--quiet", "file://" + s.repo, dir}, args...)...)
	return dir, mustOpenLocal(t, dir)
}

func mustOpenLocal(t *testing.T, dir string) *Local {
	t.Helper()
	l, err := OpenLocal(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func mustResolve(t *testing.T, l *Local, revision string) core.SHA {
	t.Helper()
	sha, err := l.Resolve(revision)
	if err != nil {
		t.Fatal(err)
	}
	return sha
}

func TestLocalIsFoundWhereGitFindsIt(t *testing.T) {
	s := newServer(t)
	main := s.commit("main", "", map[string]file{"d/e/a.yaml": text("a: 1\n")})
	dir, _ := clone(t, s)
	linked := filepath.Join(t.TempDir(), "linked")
	git(t, dir, "worktree", "add", "--quiet", "-b", "topic", linked)
	git(t, linked, "commit", "--quiet", "--allow-empty", "-m", "on topic")
	topic := core.SHA(strings.TrimSpace(git(t, linked, "rev-parse", "HEAD")))
	for name, tc := range map[string]struct {
		dir, root string
		head      core.SHA
	}{
		"the top":             {dir, dir, main},
		"a directory below":   {filepath.Join(dir, "d", "e"), dir, main},
		"its .git":            {filepath.Join(dir, ".git"), "", main},
		"bare":                {s.repo, "", main},
		"a linked tree":       {linked, linked, topic},
		"below a linked tree": {filepath.Join(linked, "d"), linked, topic},
		"inside a bare one":   {filepath.Join(s.repo, "refs", "heads"), "", main},
	} {
		t.Run(name, func(t *testing.T) {
			l := mustOpenLocal(t, tc.dir)
			if l.Root() != tc.root {
				t.Errorf("root is %q, want %q", l.Root(), tc.root)
			}
			if head := mustResolve(t, l, "HEAD"); head != tc.head {
				t.Errorf("HEAD is %s, want %s", head, tc.head)
			}
			tree, err := l.Tree(main)
			if err != nil {
				t.Fatal(err)
			}
			if b, err := tree.Read("d/e/a.yaml"); string(b) != "a: 1\n" || err != nil {
				t.Errorf("read %q, %v", b, err)
			}
		})
	}
}

func TestLocalIsReadInEveryShape(t *testing.T) {
	s := newServer(t)
	root := s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
	second := s.commit("main", root, map[string]file{"a.yaml": text("a: 2\n")})
	main := s.commit("main", second, map[string]file{"a.yaml": text("a: 3\n")})
	git(t, s.repo, "config", "uploadpack.allowFilter", "true")
	for name, tc := range map[string]struct {
		args    []string
		then    [][]string
		history []core.SHA
	}{
		"plain":         {nil, nil, []core.SHA{main, second, root}},
		"packed":        {nil, [][]string{{"gc", "--quiet"}, {"pack-refs", "--all"}}, []core.SHA{main, second, root}},
		"loose":         {nil, [][]string{{"-c", "transfer.unpackLimit=1000", "fetch", "--quiet", "--refetch"}}, []core.SHA{main, second, root}},
		"shallow":       {[]string{"--depth", "2"}, nil, []core.SHA{main, second}},
		"no checkout":   {[]string{"--no-checkout"}, nil, []core.SHA{main, second, root}},
		"sparse":        {[]string{"--sparse"}, [][]string{{"sparse-checkout", "set", "nothing"}}, []core.SHA{main, second, root}},
		"detached":      {nil, [][]string{{"checkout", "--quiet", "--detach"}}, []core.SHA{main, second, root}},
		"partial clone": {[]string{"--filter=blob:none"}, nil, []core.SHA{main, second, root}},
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := clone(t, s, tc.args...)
			for _, args := range tc.then {
				git(t, dir, args...)
			}
			l := mustOpenLocal(t, dir)
			tree, err := l.Tree(mustResolve(t, l, "HEAD"))
			if err != nil {
				t.Fatal(err)
			}
			if b, err := tree.Read("a.yaml"); string(b) != "a: 3\n" || err != nil {
				t.Errorf("read %q, %v", b, err)
			}
			commits, err := l.History(t.Context(), main, 10)
			var got []core.SHA
			for _, c := range commits {
				got = append(got, c.SHA)
			}
			if diff := cmp.Diff(tc.history, got); diff != "" || err != nil {
				t.Errorf("%v; history (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestLocalHistoryFollowsFirstParents(t *testing.T) {
	s := newServer(t)
	s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
	dir, l := clone(t, s)
	git(t, dir, "checkout", "--quiet", "-b", "topic")
	git(t, dir, "commit", "--quiet", "--allow-empty", "-m", "topic")
	git(t, dir, "checkout", "--quiet", "main")
	git(t, dir, "commit", "--quiet", "--allow-empty", "-m", "main")
	git(t, dir, "merge", "--quiet", "--no-ff", "-m", "merge", "topic")
	commits, err := l.History(t.Context(), mustResolve(t, l, "main"), 2)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range commits {
		got = append(got, strings.TrimSpace(c.Message))
	}
	if diff := cmp.Diff([]string{"merge", "main"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := l.History(canceled(t), mustResolve(t, l, "main"), 2); core.KindOf(err) != core.Transient {
		t.Errorf("got %v, want an end when the context ends", err)
	}
}

func TestResolve(t *testing.T) {
	s := newServer(t)
	first := s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
	main := s.commit("main", first, map[string]file{"a.yaml": text("a: 2\n")})
	dir, l := clone(t, s)
	git(t, dir, "tag", "light", string(first))
	git(t, dir, "tag", "-a", "-m", "x", "v1", string(first))
	git(t, dir, "tag", "-a", "-m", "x", "of-a-tag", "v1")
	git(t, dir, "tag", "a-blob", string(first)+":a.yaml")
	git(t, dir, "branch", "group/topic", string(first))
	git(t, dir, "branch", "v1", string(main)) // Git prefers the tag
	git(t, dir, "branch", "feed", string(first))
	for revision, want := range map[string]core.SHA{
		"HEAD": main, "main": main, "refs/heads/main": main, "heads/main": main, "origin/main": main, "origin": main,
		"light": first, "v1": first, "of-a-tag": first, "group/topic": first, "feed": first,
		string(first): first, string(first[:4]): first, string(first[:9]): first, strings.ToUpper(string(main[:12])): main,
		strings.TrimSpace(git(t, dir, "rev-parse", "v1")): first, strings.TrimSpace(git(t, dir, "rev-parse", "v1"))[:10]: first,
	} {
		if got, err := l.Resolve(revision); got != want || err != nil {
			t.Errorf("%s is %s, %v; want %s", revision, got, err, want)
		}
	}
	for _, revision := range []string{
		"", "gone", "group", "config", "../config", "HEAD~2", "HEAD^2", "HEAD^^", "~1", "gone~0", "a-blob", string(first[:3]), "ffffffff",
		strings.Repeat("9", 40), strings.TrimSpace(git(t, dir, "rev-parse", string(first)+"^{tree}")),
	} {
		if got, err := l.Resolve(revision); core.KindOf(err) != core.NotFound || got != "" {
			t.Errorf("%q is %s, %v; want not found", revision, got, err)
		}
	}
}

// TestResolveGoesBackAsGitDoes asks Git itself what each revision means.
func TestResolveGoesBackAsGitDoes(t *testing.T) {
	s := newServer(t)
	at := s.commit("main", "", map[string]file{"a.yaml": text("a: 0\n")})
	for i := range 4 {
		at = s.commit("main", at, map[string]file{"a.yaml": text(fmt.Sprintf("a: %d\n", i+1))})
	}
	dir, l := clone(t, s)
	git(t, dir, "tag", "-a", "-m", "x", "v1", "HEAD~2")
	git(t, dir, "checkout", "--quiet", "-b", "side", "HEAD~1")
	git(t, dir, "commit", "--quiet", "--allow-empty", "-m", "aside")
	git(t, dir, "merge", "--quiet", "--no-ff", "-m", "both", "main")
	for _, revision := range []string{
		"HEAD~", "HEAD~1", "HEAD~3", "HEAD^", "HEAD^1", "HEAD^2", "HEAD^^", "HEAD^2~1", "HEAD~2^", "HEAD^0", "HEAD~0", "@", "@~1", "@^2^",
		"main~3", "refs/heads/main~1", "origin/main^", "v1~1", "v1^{}", "v1^{commit}~1", "v1^{}^", string(at[:8]) + "~2", string(at) + "^",
	} {
		want := strings.TrimSpace(git(t, dir, "rev-parse", revision+"^{commit}"))
		if got, err := l.Resolve(revision); string(got) != want || err != nil {
			t.Errorf("%s is %s, %v; want %s", revision, got, err, want)
		}
	}
	for _, revision := range []string{"HEAD^{tree}", "HEAD~x", "HEAD^-1", "HEAD~1x", "HEAD~12345678", "@{1}~1~{", "HEAD^{/text}"} {
		if got, err := l.Resolve(revision); err == nil || got != "" {
			t.Errorf("%q is %s, want an error", revision, got)
		}
	}
	_, shallow := clone(t, s, "--depth", "2")
	if _, err := shallow.Resolve("HEAD~1"); err != nil {
		t.Error(err)
	}
	_, err := shallow.Resolve("HEAD~2")
	wantKind(t, err, core.NotFound, `revision "HEAD~2"`, "shallow", "--unshallow")
}

func TestResolveRefusesToGuess(t *testing.T) {
	s := newServer(t)
	head := s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
	seen := map[string]core.SHA{string(head[:4]): head}
	dir, l := clone(t, s)
	tree := strings.TrimSpace(git(t, dir, "rev-parse", "HEAD^{tree}"))
	for i := 0; ; i++ { // among some hundred commits two begin alike
		sha := core.SHA(strings.TrimSpace(git(t, dir, "commit-tree", "-m", fmt.Sprint(i), tree)))
		if other, ok := seen[string(sha[:4])]; ok {
			_, err := l.Resolve(string(sha[:4]))
			wantKind(t, err, core.Invalid, string(sha), string(other), "more digits")
			return
		}
		seen[string(sha[:4])] = sha
	}
}

func TestOpenLocalRefusesWhatItCannotRead(t *testing.T) {
	s := newServer(t)
	s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, ".git"), []byte("not a link\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	long := t.TempDir()
	git(t, long, "init", "--quiet", "--object-format=sha256")
	reftable := t.TempDir()
	git(t, reftable, "init", "--quiet")
	git(t, reftable, "config", "core.repositoryformatversion", "1")
	git(t, reftable, "config", "extensions.refStorage", "reftable")
	shared := filepath.Join(t.TempDir(), "shared")
	git(t, t.TempDir(), "clone", "--quiet", "--shared", s.repo, shared)
	for name, tc := range map[string]struct {
		dir  string
		kind core.Kind
		says string
	}{
		"no repository":    {t.TempDir(), core.NotFound, "not in a Git repository"},
		"no directory":     {filepath.Join(broken, "gone"), core.NotFound, "not a directory"},
		"a broken link":    {broken, core.Invalid, "does not name"},
		"SHA-256":          {long, core.Invalid, "objectformat = sha256"},
		"reftable":         {reftable, core.Invalid, "reftable"},
		"borrowed objects": {shared, core.Invalid, "alternates"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := OpenLocal(tc.dir)
			wantKind(t, err, tc.kind, tc.says)
		})
	}
}

// What a partial clone lacks is an error, not a file that does not exist: a
// plan made without it would be wrong.
func TestLocalSaysWhatAPartialCloneLacks(t *testing.T) {
	s := newServer(t)
	root := s.commit("main", "", map[string]file{"a.yaml": text("a: 1\n")})
	s.commit("main", root, map[string]file{"a.yaml": text("a: 2\n")})
	git(t, s.repo, "config", "uploadpack.allowFilter", "true")
	_, l := clone(t, s, "--filter=blob:none")
	tree, err := l.Tree(root)
	if err != nil {
		t.Fatal(err)
	}
	_, err = tree.Read("a.yaml")
	wantKind(t, err, core.Internal, "partial clone")
}

func TestDiffIsWhatGitApplies(t *testing.T) {
	numbered := func(changed ...int) string {
		var b strings.Builder
		for i := range 40 {
			mark := ""
			for _, c := range changed {
				if c == i {
					mark = " changed"
				}
			}
			fmt.Fprintf(&b, "line%d: %d%s\n", i, i, mark)
		}
		return b.String()
	}
	before := map[string]file{
		"crlf.yaml": text("a: 1\r\nb: 1\r\nc: 1\r\n"), "no-end.yaml": text("a: 1\nb: 1"), "only.yaml": text("a: 1"),
		"ümlaut/päth.yaml": text("a: 1\n"), "with space/a b.yaml": text("a: 1\n"), `we"ird\name.yaml`: text("a: 1\n"),
		"many.yaml": text(numbered()), "run.sh": {"100755", "echo 1\n"}, "same.yaml": text("a: 1\n"),
		"first.yaml": text(numbered()), "last.yaml": text(numbered()), "grows.yaml": text("a: 1\nb: 1\n"), "marks.yaml": text("--- a\n+++ b\n@@ c\n- d\n\\ e\n"),
	}
	after := map[string]string{
		"crlf.yaml": "a: 1\r\nb: 2\r\nc: 1\r\n", "no-end.yaml": "a: 1\nb: 2", "only.yaml": "a: 2",
		"ümlaut/päth.yaml": "a: 2 # größer\n", "with space/a b.yaml": "a: 2\n", `we"ird\name.yaml`: "a: 2\n",
		"many.yaml": numbered(0, 1, 7, 14, 22, 23, 39), "run.sh": "echo 2\n", "same.yaml": "a: 1\n",
		"first.yaml": numbered(0), "last.yaml": numbered(39), "grows.yaml": "a: 1\nb: 2\nc: 3\n", "marks.yaml": "--- a\n+++ b\n@@ c\n- D\n\\ e\n",
	}
	s := newServer(t)
	quoted := map[string]file{} // as fast-import wants names
	for name, content := range before {
		if strings.ContainsAny(name, `"\ `) {
			name = fmt.Sprintf("%q", name)
		}
		quoted[name] = content
	}
	main := s.commit("main", "", quoted)
	dir, l := clone(t, s)
	var files []plan.File
	for name, content := range after {
		files = append(files, plan.File{Path: name, Content: []byte(content)})
	}
	patch, err := l.Diff(main, files)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(patch), "same.yaml") {
		t.Error("the patch names a file that stays as it is")
	}
	for _, args := range [][]string{{"apply", "--check", "-"}, {"apply", "--index", "--whitespace=nowarn", "-"}} {
		gitInput(t, dir, string(patch), args...)
	}
	for name, content := range after {
		got, err := os.ReadFile(filepath.Join(dir, name))
		if string(got) != content || err != nil {
			t.Errorf("%s is %q, %v; want %q", name, got, err, content)
		}
	}
	if mode := git(t, dir, "ls-files", "--stage", "run.sh"); !strings.HasPrefix(mode, "100755") {
		t.Errorf("run.sh is no longer executable: %s", mode)
	}

	for path, kind := range map[string]core.Kind{"gone.yaml": core.NotFound, "a\nb.yaml": core.Invalid} {
		_, err := l.Diff(main, []plan.File{{Path: path}})
		wantKind(t, err, kind)
	}
}
