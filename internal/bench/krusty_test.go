package bench

import (
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

// checkout writes a monorepo of n apps to a disk, for those who need one.
func checkout(t testing.TB, n int) string {
	t.Helper()
	root := t.TempDir()
	generate(n, func(path, content string) {
		name := filepath.Join(root, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	})
	return root
}

// renderAll renders every overlay of every cluster, as kustomize build does,
// but without starting a process for each; it takes each step-th app.
func renderAll(t testing.TB, root string, n, step int) (rendered int) {
	t.Helper()
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsNone
	fs := filesys.MakeFsOnDisk()
	for _, cluster := range clusters() {
		for i := 0; i < n; i += step {
			built, err := krusty.MakeKustomizer(options).Run(fs, filepath.Join(root, overlayDir(cluster, i)))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := built.AsYaml(); err != nil {
				t.Fatal(err)
			}
			rendered++
		}
	}
	return rendered
}
