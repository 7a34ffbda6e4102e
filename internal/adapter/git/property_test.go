package git

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// Random trees and random changes: the server's tree afterwards is the parent's
// with exactly these files replaced, and git finds nothing wrong with it.
func TestPushedTreeIsTheParentsWithTheFilesReplaced(t *testing.T) {
	s := newServer(t)
	m := mustOpen(t, s.config())
	for seed := range uint64(12) {
		r := rand.New(rand.NewPCG(seed, 1))
		files := randomTree(r)
		main := s.commit("main", "", files)
		refs := mustFetch(t, m)
		if refs.Head != main {
			t.Fatalf("seed %d: head is %s, want %s", seed, refs.Head, main)
		}
		p := plan.PushBranch{Branch: "sluice/x", Parent: main, Expect: refs.Branches["sluice/x"], Message: fmt.Sprint("seed ", seed)}
		want := maps.Clone(files)
		for _, path := range randomPaths(r, files) {
			f := file{"100644", fmt.Sprintf("new: %d\r\n", r.Uint64())}
			if old, ok := files[path]; ok {
				f.mode = old.mode
			}
			want[path] = f
			p.Files = append(p.Files, plan.File{Path: path, Content: []byte(f.content)})
		}
		sha := mustPush(t, m, p)
		if diff := cmp.Diff(want, listing(t, s.repo, sha), cmp.AllowUnexported(file{})); diff != "" {
			t.Fatalf("seed %d (-want +got):\n%s", seed, diff)
		}
		b, err := m.Branch(t.Context(), p.Branch, sha)
		if err != nil {
			t.Fatal(err)
		}
		var changed []string
		for _, f := range p.Files {
			changed = append(changed, f.Path)
		}
		slices.Sort(changed)
		if diff := cmp.Diff(changed, slices.Sorted(maps.Keys(b.Changed))); diff != "" {
			t.Fatalf("seed %d, changed paths (-want +got):\n%s", seed, diff)
		}
	}
	git(t, s.repo, "fsck", "--strict")
	git(t, m.store.path, "fsck", "--strict")
}

// randomTree makes names that sort differently as a file and as a directory.
func randomTree(r *rand.Rand) map[string]file {
	files := map[string]file{}
	for range 1 + r.IntN(60) {
		path := randomPath(r)
		if clashes(files, path) {
			continue
		}
		files[path] = file{[]string{"100644", "100644", "100755"}[r.IntN(3)], fmt.Sprintf("v: %d\n", r.Uint64())}
	}
	return files
}

func randomPaths(r *rand.Rand, files map[string]file) []string {
	picked := map[string]file{}
	known := slices.Sorted(maps.Keys(files))
	for range 1 + r.IntN(8) {
		path := known[r.IntN(len(known))]
		if r.IntN(4) == 0 {
			path = randomPath(r)
		}
		if !clashes(files, path) && !clashes(picked, path) {
			picked[path] = file{}
		}
	}
	return slices.Collect(maps.Keys(picked))
}

func randomPath(r *rand.Rand) string {
	names := []string{"a", "a.b", "a-b", "a0", "a b", "b", "ä", "Z", "a.yaml"}
	parts := make([]string, 1+r.IntN(4))
	for i := range parts {
		parts[i] = names[r.IntN(len(names))]
	}
	return strings.Join(parts, "/")
}

// clashes tells whether a file and a directory would share a name.
func clashes(files map[string]file, path string) bool {
	for other := range files {
		if strings.HasPrefix(other, path+"/") || strings.HasPrefix(path, other+"/") {
			return true
		}
	}
	return false
}

func listing(t *testing.T, repo string, sha core.SHA) map[string]file {
	t.Helper()
	files, names := map[string]file{}, strings.Builder{}
	var paths []string
	for entry := range strings.SplitSeq(strings.TrimSuffix(git(t, repo, "ls-tree", "-r", "-z", string(sha)), "\x00"), "\x00") {
		info, path, _ := strings.Cut(entry, "\t")
		f := strings.Fields(info)
		files[path] = file{mode: f[0]}
		paths = append(paths, path)
		names.WriteString(f[2] + "\n")
	}
	blobs := gitInput(t, repo, names.String(), "cat-file", "--batch=%(objectsize)")
	for _, path := range paths {
		head, rest, _ := strings.Cut(blobs, "\n")
		var size int
		fmt.Sscan(head, &size)
		files[path] = file{files[path].mode, rest[:size]}
		blobs = rest[size+1:]
	}
	return files
}
