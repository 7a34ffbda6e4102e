package worktree

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/scaffold"
)

func seeded(t *testing.T) (dir string, before scaffold.Files) {
	t.Helper()
	dir = t.TempDir()
	for name, content := range map[string]string{"a.yaml": "a\n", "sub/b.yaml": "b\n", ".git/config": "x"} {
		if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir, read(t, dir)
}

func read(t *testing.T, dir string) scaffold.Files {
	t.Helper()
	files, _, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func changes() []scaffold.Change {
	return []scaffold.Change{
		{Path: "a.yaml", Old: []byte("a\n"), New: []byte("a\nnew\n")},
		{Path: "new/deep/c.yaml", New: []byte("c\n")},
		{Path: "sub/b.yaml", Old: []byte("b\n"), New: []byte("b2\n")},
		{Path: "sub/d.yaml", New: []byte{}},
	}
}

func TestWrite(t *testing.T) {
	dir, before := seeded(t)
	if err := Write(dir, changes()); err != nil {
		t.Fatal(err)
	}
	want := scaffold.Files{"a.yaml": []byte("a\nnew\n"), "new/deep/c.yaml": []byte("c\n"), "sub/b.yaml": []byte("b2\n"), "sub/d.yaml": {}}
	if diff := cmp.Diff(want, read(t, dir)); diff != "" || len(before) != 2 {
		t.Error(diff, before)
	}
	if info, err := os.Stat(filepath.Join(dir, "a.yaml")); err != nil || info.Mode().Perm() != 0o600 {
		t.Error("the mode of a file was not kept", err)
	}
}

// Whichever rename fails, everything is as it was: files, directories, and
// nothing left behind.
func TestAFailedWriteLeavesNothing(t *testing.T) {
	for fail := range len(changes()) {
		dir, before := seeded(t)
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		w := &writer{root: root, rename: func(from, to string) error {
			if n++; n > fail {
				return errors.New("the disk is gone")
			}
			return root.Rename(from, to)
		}}
		err = w.write(changes())
		if err == nil || !strings.Contains(err.Error(), "the disk is gone") || !strings.Contains(err.Error(), "nothing was written") {
			t.Errorf("after %d: %v", fail, err)
		}
		if diff := cmp.Diff(before, read(t, dir)); diff != "" {
			t.Errorf("after %d: %s", fail, diff)
		}
		if _, err := os.Stat(filepath.Join(dir, "new")); err == nil {
			t.Errorf("after %d a directory is left", fail)
		}
		root.Close() //nolint:errcheck // of a test
	}
}

// What is not as it was when it was read, and what would lead elsewhere, is
// not written.
func TestWriteRefuses(t *testing.T) {
	for name, spoil := range map[string]func(dir string) error{
		"changed":   func(dir string) error { return os.WriteFile(filepath.Join(dir, "a.yaml"), []byte("other"), 0o600) },
		"appeared":  func(dir string) error { return os.WriteFile(filepath.Join(dir, "sub/d.yaml"), nil, 0o600) },
		"gone":      func(dir string) error { return os.Remove(filepath.Join(dir, "sub/b.yaml")) },
		"directory": func(dir string) error { return os.Mkdir(filepath.Join(dir, "sub/d.yaml"), 0o755) },
		"file":      func(dir string) error { return os.WriteFile(filepath.Join(dir, "new"), nil, 0o600) },
		"link":      func(dir string) error { return os.Symlink("sub", filepath.Join(dir, "new")) },
		"away":      func(dir string) error { return os.Symlink("/", filepath.Join(dir, "new")) },
	} {
		t.Run(name, func(t *testing.T) {
			dir, _ := seeded(t)
			if err := spoil(dir); err != nil {
				t.Fatal(err)
			}
			before := read(t, dir)
			err := Write(dir, changes())
			if core.KindOf(err) != core.Conflict {
				t.Errorf("error %v", err)
			}
			if diff := cmp.Diff(before, read(t, dir)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReadLeavesOut(t *testing.T) {
	dir, _ := seeded(t)
	if err := os.Symlink("a.yaml", filepath.Join(dir, "sub/link.yaml")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "large.bin"), make([]byte, maxFile+1), 0o600); err != nil {
		t.Fatal(err)
	}
	files, left, err := Read(dir)
	if err != nil || len(files) != 2 {
		t.Fatal(err, len(files))
	}
	if diff := cmp.Diff([]string{"large.bin", "sub/link.yaml"}, left); diff != "" {
		t.Error(diff)
	}
}
