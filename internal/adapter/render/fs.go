package render

import (
	"context"
	"errors"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/kustomize/kyaml/filesys"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
)

// Inputs is what a rendering was made from: what stood at each path that was
// looked at. A path where nothing stood is an input as well.
type Inputs map[string]core.SHA

// Hold tells whether a tree has the same at every path. A tree that cannot be
// read has not.
func (in Inputs) Hold(t overlay.Tree) bool {
	fs := &treeFS{ctx: context.Background(), tree: t, inputs: Inputs{}}
	for name, was := range in {
		if strings.HasPrefix(name, listed) {
			fs.list(strings.TrimPrefix(name, listed))
		} else {
			fs.entry(name)
		}
		if fs.inputs[name] != was {
			return false
		}
	}
	return fs.stopped == nil && in != nil
}

// listed marks an input that is the whole list of a directory.
const listed = "list "

// directory stands for a directory of which only the existence matters.
const directory core.SHA = "directory"

// treeFS is a commit's tree as kustomize wants its files: nothing can be
// written, and what is asked for is noted. Once it has stopped, it gives nothing
// any more.
type treeFS struct {
	ctx      context.Context
	tree     overlay.Tree
	inputs   Inputs
	replaced map[string][]byte
	made     map[string][]byte // files that are not in the tree
	known    map[string][]overlay.Entry
	reads    int
	bytes    int
	scale    int // how many times the usual bounds it may need; 0 means once
	stopped  error
}

func (fs *treeFS) stop(kind core.Kind, format string, args ...any) error {
	if fs.stopped == nil {
		fs.stopped = core.Errorf(kind, format, args...)
	}
	return fs.stopped
}

func (fs *treeFS) times(bound int) int { return bound * max(1, fs.scale) }

func (fs *treeFS) spend() error {
	if fs.reads++; fs.reads > fs.times(maxReads) {
		return fs.stop(core.Invalid, "it asks for more than %d files", fs.times(maxReads))
	}
	if errors.Is(fs.ctx.Err(), context.DeadlineExceeded) {
		return fs.stop(core.Invalid, "it takes longer than %s", time.Duration(fs.times(int(buildTimeout))))
	}
	if fs.ctx.Err() != nil {
		return fs.stop(core.Transient, "the rendering was cut short")
	}
	return fs.stopped
}

// inside is a path as the tree knows it.
func inside(name string) string { return strings.TrimPrefix(path.Clean("/"+name), "/") }

// entry is what stands at a path. What is no file and no directory is not there.
func (fs *treeFS) entry(name string) (overlay.Entry, bool) {
	name = inside(name)
	if name == "" {
		return overlay.Entry{Type: overlay.Directory}, true
	}
	e := overlay.Entry{}
	entries := fs.entries(path.Dir(name))
	i := slices.IndexFunc(entries, func(e overlay.Entry) bool { return e.Name == path.Base(name) && e.Type != overlay.Other })
	if i >= 0 {
		e = entries[i]
	}
	fs.inputs[name] = e.SHA
	if e.Type == overlay.Directory {
		fs.inputs[name] = directory
	}
	return e, i >= 0
}

// entries is a directory's list, without its being noted.
func (fs *treeFS) entries(dir string) []overlay.Entry {
	dir = inside(dir)
	if list, ok := fs.known[dir]; ok {
		return list
	}
	list, err := fs.tree.List(dir)
	if err != nil && core.KindOf(err) != core.NotFound {
		_ = fs.stop(core.KindOf(err), "%s cannot be read", dir) // the caller finds nothing, and build finds this
	}
	if fs.known == nil {
		fs.known = map[string][]overlay.Entry{}
	}
	fs.known[dir] = list
	return list
}

// list is a directory's list as an input.
func (fs *treeFS) list(dir string) []overlay.Entry {
	list := fs.entries(dir)
	var b strings.Builder
	for _, e := range list {
		b.WriteString(e.Name + "\x00" + string(rune('0'+int(e.Type))) + "\x00")
	}
	fs.inputs[listed+dir] = core.SHA(b.String())
	return list
}

// manifests lists what Flux would take from a directory without a
// kustomization; a directory with one is taken as a whole.
func (fs *treeFS) manifests(dir, under string, depth int) ([]string, error) {
	if err := fs.spend(); err != nil || depth > maxDepth {
		return nil, err
	}
	var out []string
	list := fs.list(path.Join(dir, under))
	for _, e := range list {
		name := path.Join(under, e.Name)
		switch {
		case e.Type == overlay.Regular && (path.Ext(e.Name) == ".yaml" || path.Ext(e.Name) == ".yml"):
			out = append(out, name)
		case e.Type == overlay.Directory && slices.ContainsFunc(fs.list(path.Join(dir, name)), func(e overlay.Entry) bool { return slices.Contains(kustomizationNames(), e.Name) }):
			out = append(out, name)
		case e.Type == overlay.Directory:
			more, err := fs.manifests(dir, name, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
		}
	}
	return out, nil
}

// ReadFile implements filesys.FileSystem. A kustomization that would have
// kustomize reach out is never handed over.
func (fs *treeFS) ReadFile(name string) ([]byte, error) {
	if err := fs.spend(); err != nil {
		return nil, err
	}
	name = inside(name)
	content, ok := fs.made[name]
	if !ok {
		e, found := fs.entry(name)
		if !found || e.Type != overlay.Regular {
			return nil, &os.PathError{Op: "open", Path: name, Err: os.ErrNotExist}
		}
		var err error
		if content, err = fs.read(name); err != nil {
			return nil, err
		}
	}
	if fs.bytes += len(content); fs.bytes > fs.times(maxBytes) {
		return nil, fs.stop(core.Invalid, "it reads more than %d bytes", fs.times(maxBytes))
	}
	if err := fs.check(name, content); err != nil {
		return nil, err
	}
	return slices.Clone(content), nil
}

func (fs *treeFS) read(name string) ([]byte, error) {
	if content, ok := fs.replaced[name]; ok {
		return content, nil
	}
	content, err := fs.tree.Read(name)
	if err != nil {
		return nil, fs.stop(core.KindOf(err), "%s cannot be read", name)
	}
	return content, nil
}

func (fs *treeFS) check(name string, content []byte) error {
	if slices.Contains(kustomizationNames(), path.Base(name)) {
		if reason := reaches(content); reason != "" {
			return fs.stop(core.Invalid, "%s has %s", name, reason)
		}
	}
	if !expandable(content) {
		return fs.stop(core.Invalid, "%s is too large once its aliases are written out", name)
	}
	return nil
}

// CleanedAbs implements filesys.FileSystem.
func (fs *treeFS) CleanedAbs(name string) (filesys.ConfirmedDir, string, error) {
	e, ok := fs.entry(name)
	at := "/" + inside(name)
	switch {
	case !ok:
		return "", "", &os.PathError{Op: "open", Path: inside(name), Err: os.ErrNotExist}
	case e.Type == overlay.Directory:
		return filesys.ConfirmedDir(at), "", nil
	}
	return filesys.ConfirmedDir(path.Dir(at)), path.Base(at), nil
}

// IsDir implements filesys.FileSystem.
func (fs *treeFS) IsDir(name string) bool {
	e, ok := fs.entry(name)
	return ok && e.Type == overlay.Directory
}

// Exists implements filesys.FileSystem.
func (fs *treeFS) Exists(name string) bool {
	_, ok := fs.entry(name)
	return ok
}

// ReadDir implements filesys.FileSystem.
func (fs *treeFS) ReadDir(dir string) ([]string, error) {
	if !fs.IsDir(dir) {
		return nil, &os.PathError{Op: "open", Path: inside(dir), Err: os.ErrNotExist}
	}
	var names []string
	for _, e := range fs.list(inside(dir)) {
		names = append(names, e.Name)
	}
	return names, nil
}

// Open implements filesys.FileSystem; builds of local files never ask for it.
func (fs *treeFS) Open(name string) (filesys.File, error) { return nil, fs.refuse("open", name) }

// Glob implements filesys.FileSystem; only kustomize's editing commands ask for it.
func (fs *treeFS) Glob(pattern string) ([]string, error) { return nil, fs.refuse("glob", pattern) }

// Walk implements filesys.FileSystem; only kustomize's editing commands ask for it.
func (fs *treeFS) Walk(name string, _ filepath.WalkFunc) error { return fs.refuse("walk", name) }

// Create implements filesys.FileSystem by refusing.
func (fs *treeFS) Create(name string) (filesys.File, error) { return nil, fs.refuse("create", name) }

// Mkdir implements filesys.FileSystem by refusing.
func (fs *treeFS) Mkdir(name string) error { return fs.refuse("mkdir", name) }

// MkdirAll implements filesys.FileSystem by refusing.
func (fs *treeFS) MkdirAll(name string) error { return fs.refuse("mkdir", name) }

// RemoveAll implements filesys.FileSystem by refusing.
func (fs *treeFS) RemoveAll(name string) error { return fs.refuse("remove", name) }

// WriteFile implements filesys.FileSystem by refusing.
func (fs *treeFS) WriteFile(name string, _ []byte) error { return fs.refuse("write", name) }

func (fs *treeFS) refuse(op, name string) error {
	return &os.PathError{Op: op, Path: inside(name), Err: os.ErrPermission}
}

var _ filesys.FileSystem = (*treeFS)(nil)
