package git

import (
	"bytes"
	"io/fs"
	"maps"
	"slices"
	"sort"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/memory"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// draft is one commit in the making: it holds exactly the objects that the
// parent does not have along the changed paths.
type draft struct {
	store *store
	made  *memory.Storage
	names []plumbing.Hash // in the order of making
}

// edit is a directory's changes.
type edit struct {
	files map[string][]byte
	dirs  map[string]*edit
}

// newEdit is a directory without changes.
func newEdit() *edit { return &edit{files: map[string][]byte{}, dirs: map[string]*edit{}} }

// newTree builds the tree that the parent's becomes with these files. An
// existing file keeps its mode; a file that is absent is made with mode 100644,
// with the directories that it needs. Symbolic links, submodules and
// directories are never replaced.
func newTree(s *store, root plumbing.Hash, files []plan.File) (*draft, plumbing.Hash, error) {
	e, err := gather(files)
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	d := &draft{store: s, made: memory.NewStorage()}
	tree, err := d.tree("", root, e)
	if err != nil {
		return nil, plumbing.ZeroHash, err
	}
	if tree == root {
		return nil, plumbing.ZeroHash, core.Errorf(core.Invalid, "nothing to change: the parent has these %d files already", len(files))
	}
	return d, tree, nil
}

// gather sorts the files into directories and refuses what cannot be a path of a
// tree, so that nothing is made in vain.
func gather(files []plan.File) (*edit, error) {
	if len(files) == 0 || len(files) > maxChanged {
		return nil, core.Errorf(core.Invalid, "a commit changes 1 to %d files, found %d", maxChanged, len(files))
	}
	root := newEdit()
	for _, f := range files {
		if err := checkFile(f); err != nil {
			return nil, err
		}
		if err := root.enter(f); err != nil {
			return nil, err
		}
	}
	return root, nil
}

// checkFile refuses paths that Git, or a checkout on any system, would refuse.
func checkFile(f plan.File) error {
	if !fs.ValidPath(f.Path) || f.Path == "." || strings.ContainsAny(f.Path, "\x00\\") {
		return core.Errorf(core.Invalid, "file %q: want a clean path from the monorepo's root", f.Path)
	}
	for name := range strings.SplitSeq(f.Path, "/") {
		if strings.EqualFold(name, ".git") {
			return core.Errorf(core.Invalid, "file %q: Git keeps the name .git for itself", f.Path)
		}
	}
	if len(f.Content) > maxBlob {
		return core.Errorf(core.Invalid, "file %q: %d bytes, more than the %d a manifest may have", f.Path, len(f.Content), maxBlob)
	}
	return nil
}

// enter puts a file below the root that it is called on.
func (e *edit) enter(f plan.File) error {
	parent, name := split(f.Path)
	if parent != "" {
		for step := range strings.SplitSeq(parent, "/") {
			if e.dirs[step] == nil {
				e.dirs[step] = newEdit()
			}
			e = e.dirs[step]
		}
	}
	if _, twice := e.files[name]; twice {
		return core.Errorf(core.Invalid, "file %q is given twice", f.Path)
	}
	e.files[name] = f.Content
	return nil
}

// tree builds one directory, bottom up; a zero name stands for one that does
// not exist yet.
func (d *draft) tree(path string, old plumbing.Hash, e *edit) (plumbing.Hash, error) {
	was := &dir{}
	if !old.IsZero() {
		var err error
		if was, err = d.store.dir(old); err != nil {
			return plumbing.ZeroHash, err
		}
	}
	entries := slices.Clone(was.entries)
	for _, name := range slices.Sorted(maps.Keys(e.dirs)) {
		before, err := was.entry(path+name, name, treeType)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		after, err := d.tree(path+name+"/", before.Hash, e.dirs[name])
		if err != nil {
			return plumbing.ZeroHash, err
		}
		entries = was.replace(entries, object.TreeEntry{Name: name, Mode: filemode.Dir, Hash: after})
	}
	for _, name := range slices.Sorted(maps.Keys(e.files)) {
		is, err := d.file(path, name, was, e)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		entries = was.replace(entries, is)
	}
	if slices.Equal(entries, was.entries) && !old.IsZero() {
		return old, nil
	}
	// What was there is in order already; this moves new entries to their places.
	sort.Stable(object.TreeEntrySorter(entries))
	return d.keep(&object.Tree{Entries: entries})
}

// file makes the blob of one file, unless it is what the parent has, and returns
// its entry.
func (d *draft) file(path, name string, was *dir, e *edit) (object.TreeEntry, error) {
	if _, both := e.dirs[name]; both {
		return object.TreeEntry{}, core.Errorf(core.Invalid, "file %q is given, and so is a file below it", path+name)
	}
	is, err := was.entry(path+name, name, fileType)
	if err != nil {
		return is, err
	}
	if is.Mode == filemode.Empty {
		is.Mode = filemode.Regular
	}
	is.Name = name
	content := e.files[name]
	if is.Hash == plumbing.ComputeHash(plumbing.BlobObject, content) {
		return is, nil
	}
	o := &plumbing.MemoryObject{}
	o.SetType(plumbing.BlobObject)
	if _, err := o.Write(content); err != nil {
		return is, err
	}
	is.Hash, err = d.take(o)
	return is, err
}

// entry returns what a directory holds under a name, which must be of that
// type; the zero entry if it holds nothing.
func (d *dir) entry(path, name string, want overlay.EntryType) (object.TreeEntry, error) {
	i, ok := d.find(name)
	if !ok {
		return object.TreeEntry{}, nil
	}
	e := d.entries[i]
	if typeOf(e.Mode) != want {
		return e, core.Errorf(core.Invalid, "path %q: the parent has something of another type there (its mode is %o)", path, uint32(e.Mode))
	}
	return e, nil
}

// replace puts an entry where its name was, or at the end.
func (d *dir) replace(entries []object.TreeEntry, e object.TreeEntry) []object.TreeEntry {
	if i, ok := d.find(e.Name); ok {
		entries[i] = e
		return entries
	}
	return append(entries, e)
}

// encoder is a tree or a commit.
type encoder interface {
	Encode(plumbing.EncodedObject) error
}

// keep makes a tree or a commit.
func (d *draft) keep(e encoder) (plumbing.Hash, error) {
	o := &plumbing.MemoryObject{}
	if err := e.Encode(o); err != nil {
		return plumbing.ZeroHash, err
	}
	return d.take(o)
}

// take adds an object, once, to those that will be sent.
func (d *draft) take(o plumbing.EncodedObject) (plumbing.Hash, error) {
	h, err := d.made.SetEncodedObject(o)
	if err == nil && !slices.Contains(d.names, h) {
		d.names = append(d.names, h)
	}
	return h, err
}

// pack writes the objects made, whole: they are few and small, and the server
// repacks them anyway.
func (d *draft) pack() ([]byte, error) {
	var b bytes.Buffer
	_, err := packfile.NewEncoder(&b, d.made, false).Encode(d.names, 0)
	return b.Bytes(), err
}
