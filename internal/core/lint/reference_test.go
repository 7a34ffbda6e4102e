package lint_test

import (
	"io/fs"
	"testing"

	sluice "github.com/sluice-gitops/sluice"
)

func reference(t *testing.T) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(sluice.Monorepo(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(sluice.Monorepo(), name)
		files[name] = string(content)
		return err
	})
	if err != nil || len(files) < 50 {
		t.Fatal(len(files), err)
	}
	return files
}

// The reference monorepo is what a team copies: nothing in it may be wrong.
func TestTheReferenceMonorepoIsClean(t *testing.T) {
	for _, f := range lintFiles(t, reference(t), nil) {
		t.Error(f)
	}
}
