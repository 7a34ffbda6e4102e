package git

import (
	"fmt"
	"io/fs"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
)

// The types of entries by shorter names.
const (
	fileType  = overlay.Regular
	treeType  = overlay.Directory
	otherType = overlay.Other
)

// typeOf reduces Git's modes to what the rest of Sluice tells apart. Deprecated
// is 100664, which old tools have left in some histories.
func typeOf(m filemode.FileMode) overlay.EntryType {
	switch m {
	case filemode.Regular, filemode.Executable, filemode.Deprecated:
		return fileType
	case filemode.Dir:
		return treeType
	default:
		return otherType
	}
}

// Tree returns the content of a commit. Nothing is read before it is asked
// for, and what was read is shared between all trees of the mirror. The tree
// is safe for concurrent use and outlives fetches; its errors are those of
// overlay.Tree, and core.Transient if the mirror turns out to be damaged. The
// error of Tree itself is of kind core.NotFound if the mirror lacks the commit.
func (m *Mirror) Tree(sha core.SHA) (overlay.Tree, error) {
	c, err := m.lookup(sha)
	if err != nil {
		return nil, err
	}
	return commitTree{store: m.store, root: c.TreeHash}, nil
}

// commitTree implements overlay.Tree. It is two words; what it has read lives in
// the store, where other trees find it.
type commitTree struct {
	store *store
	root  plumbing.Hash
}

// List implements overlay.Tree.
func (t commitTree) List(path string) ([]overlay.Entry, error) {
	d, err := t.walk(path)
	if err != nil {
		return nil, fmt.Errorf("list %q: %w", path, err)
	}
	return d.listed, nil
}

// Read implements overlay.Tree.
func (t commitTree) Read(path string) ([]byte, error) {
	b, err := t.read(path)
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", path, err)
	}
	return b, nil
}

// read finds the file and says, without its path, what is wrong with it.
func (t commitTree) read(path string) ([]byte, error) {
	parent, name := split(path)
	d, err := t.walk(parent)
	if err != nil {
		return nil, err
	}
	i, ok := d.find(name)
	if !ok {
		return nil, core.Errorf(core.NotFound, "there is no such file")
	}
	if typeOf(d.entries[i].Mode) != fileType {
		return nil, core.Errorf(core.NotFound, "it is not a regular file (its mode is %o)", uint32(d.entries[i].Mode))
	}
	return t.store.blob(d.entries[i].Hash)
}

// walk returns the directory that a path names.
func (t commitTree) walk(path string) (*dir, error) {
	d, err := t.store.dir(t.root)
	if err != nil || path == "" {
		return d, err
	}
	if path == "." || !fs.ValidPath(path) {
		return nil, core.Errorf(core.NotFound, "it is not a clean path from the root")
	}
	for name := range strings.SplitSeq(path, "/") {
		i, ok := d.find(name)
		if !ok || typeOf(d.entries[i].Mode) != treeType {
			return nil, core.Errorf(core.NotFound, "there is no directory of that name")
		}
		if d, err = t.store.dir(d.entries[i].Hash); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// split parts a path before its last element; the root's parent is the root.
func split(path string) (parent, name string) {
	i := strings.LastIndexByte(path, '/')
	return path[:max(i, 0)], path[i+1:]
}
