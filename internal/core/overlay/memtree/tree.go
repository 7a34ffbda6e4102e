// Package memtree holds a tree in memory, for tests and for whoever has files
// and no repository. It names its objects as Git does, so that what is the same
// has the same name; the names of directories are its own. It is not bounded,
// and it refuses to read from anywhere: the files are handed to it.
package memtree

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
)

// Tree is a tree in memory.
type Tree struct {
	files map[string][]byte
	dirs  map[string][]overlay.Entry
}

// New makes a tree of files by path.
func New(files map[string][]byte) *Tree {
	t := &Tree{files: files, dirs: map[string][]overlay.Entry{}}
	t.build("", slices.Sorted(maps.Keys(files)))
	return t
}

// Text makes a tree of files given as texts.
func Text(files map[string]string) *Tree {
	bytes := make(map[string][]byte, len(files))
	for name, text := range files {
		bytes[name] = []byte(text)
	}
	return New(bytes)
}

// build records a directory, given the sorted paths below it, and returns its name.
func (t *Tree) build(dir string, paths []string) core.SHA {
	var entries []overlay.Entry
	for len(paths) > 0 {
		rest := strings.TrimPrefix(strings.TrimPrefix(paths[0], dir), "/")
		name, _, deep := strings.Cut(rest, "/")
		full := path.Join(dir, name)
		if !deep {
			entries = append(entries, overlay.Entry{Name: name, Type: overlay.Regular, SHA: object("blob", t.files[full])})
			paths = paths[1:]
			continue
		}
		n := 0
		for n < len(paths) && strings.HasPrefix(paths[n], full+"/") {
			n++
		}
		entries = append(entries, overlay.Entry{Name: name, Type: overlay.Directory, SHA: t.build(full, paths[:n])})
		paths = paths[n:]
	}
	t.dirs[dir] = entries
	return object("tree", fmt.Append(nil, entries))
}

func object(kind string, content []byte) core.SHA {
	sum := sha1.Sum(append(fmt.Appendf(nil, "%s %d\x00", kind, len(content)), content...))
	return core.SHA(hex.EncodeToString(sum[:]))
}

// List implements overlay.Tree.
func (t *Tree) List(dir string) ([]overlay.Entry, error) {
	entries, ok := t.dirs[dir]
	if !ok {
		return nil, core.Errorf(core.NotFound, "no directory %q", dir)
	}
	return entries, nil
}

// Read implements overlay.Tree.
func (t *Tree) Read(name string) ([]byte, error) {
	content, ok := t.files[name]
	if !ok {
		return nil, core.Errorf(core.NotFound, "no file %q", name)
	}
	return content, nil
}
