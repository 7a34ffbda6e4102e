package overlay_test

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// TestLayouts reads monorepos that bring a policy of their own, and compares
// what was found with the archive's file "inventory". A reader that remembers
// must see every file's change and removal as a new one does.
func TestLayouts(t *testing.T) {
	files, err := filepath.Glob("testdata/layouts/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no monorepos", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			last := &a.Files[len(a.Files)-1]
			tree := map[string]string{}
			for _, f := range a.Files[:len(a.Files)-1] {
				tree[f.Name] = string(f.Data)
			}
			p := parsePolicy(t, tree[policy.FileName])
			reader := overlay.NewReader()
			got := readText(t, reader, tree, p)
			if *update {
				last.Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(last.Data), got); diff != "" {
				t.Error(diff)
			}
			for _, name := range slices.Sorted(maps.Keys(tree)) {
				changed := maps.Clone(tree)
				changed[name] = strings.NewReplacer("1.", "7.", "substitute:", "other:").Replace(tree[name])
				sameAsAnew(t, reader, name+" changed", changed, p)
				delete(changed, name)
				sameAsAnew(t, reader, name+" removed", changed, p)
				sameAsAnew(t, reader, name+" back", tree, p)
			}
		})
	}
}

func sameAsAnew(t *testing.T, reader *overlay.Reader, what string, tree map[string]string, p *policy.Policy) {
	t.Helper()
	if diff := cmp.Diff(readText(t, overlay.NewReader(), tree, p), readText(t, reader, tree, p)); diff != "" {
		t.Errorf("%s: a new reader (-) and one that remembers (+) differ:\n%s", what, diff)
	}
}

func readText(t *testing.T, reader *overlay.Reader, tree map[string]string, p *policy.Policy) string {
	t.Helper()
	inv, err := reader.Read(memtree.Text(tree), p)
	if err != nil {
		t.Fatal(err)
	}
	return inventoryText(inv)
}
