// Package worktree reads the files of a clone as they lie in its directory, and
// writes changes of several of them: all of them or, as far as a file system
// can, none. It runs no git, follows no link and leaves .git alone.
package worktree

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/scaffold"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

const (
	// maxFiles and maxBytes bound what is read: the largest monorepo that Sluice is
	// built for has 80,000 files, and what is far above that is none.
	maxFiles = 200_000
	maxBytes = 1 << 30
	// maxFile bounds one file; a larger one is no manifest.
	maxFile = yamledit.MaxSize
)

// Read reads all files below a directory. What is no regular file, or is larger
// than any manifest may be, is left out and named.
func Read(dir string) (files scaffold.Files, left []string, err error) {
	files = scaffold.Files{}
	size := int64(0)
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.Name() == ".git" && name != dir:
			return skip(d)
		case d.IsDir():
			return nil
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		rel = filepath.ToSlash(rel)
		info, err := d.Info()
		if err != nil {
			return err
		}
		if !d.Type().IsRegular() || info.Size() > maxFile {
			left = append(left, rel)
			return nil
		}
		if size += info.Size(); len(files) == maxFiles || size > maxBytes {
			return core.Errorf(core.Invalid, "more than %d files or %d bytes", maxFiles, maxBytes)
		}
		files[rel], err = os.ReadFile(name)
		return err
	})
	if err != nil {
		return nil, nil, core.Errorf(core.Invalid, "read the clone %s: %w", dir, err)
	}
	return files, left, nil
}

func skip(d fs.DirEntry) error {
	if d.IsDir() {
		return fs.SkipDir
	}
	return nil // the file of a linked working tree
}

// Write makes all changes or, if one cannot be made, undoes those that were.
// Files that are not as the changes found them are not touched: the error is
// then of kind core.Conflict.
func Write(dir string, changes []scaffold.Change) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return core.Errorf(core.Invalid, "open the clone: %w", err)
	}
	defer root.Close() //nolint:errcheck // a directory
	w := &writer{root: root, rename: root.Rename}
	return w.write(changes)
}

// writer is one writing of changes.
type writer struct {
	root   *os.Root
	rename func(from, to string) error
	made   []string // directories, the outermost first
	staged []*staged
}

// staged is a change whose new content lies beside the old one.
type staged struct {
	scaffold.Change
	mode fs.FileMode
	temp string
	done bool
}

func (w *writer) write(changes []scaffold.Change) error {
	err := w.all(changes)
	if err == nil {
		return nil
	}
	undone := w.undo()
	if undone != nil {
		return core.Errorf(core.KindOf(err), "%w; not everything could be undone: %w", err, undone)
	}
	return core.Errorf(core.KindOf(err), "nothing was written: %w", err)
}

func (w *writer) all(changes []scaffold.Change) error {
	for _, c := range changes {
		mode, err := w.check(c)
		if err != nil {
			return err
		}
		w.staged = append(w.staged, &staged{Change: c, mode: mode})
	}
	for _, s := range w.staged {
		if err := errors.Join(w.mkdir(path.Dir(s.Path)), w.stage(s, s.New)); err != nil {
			return core.Errorf(core.Internal, "prepare %s: %w", s.Path, err)
		}
	}
	for _, s := range w.staged {
		if err := w.rename(s.temp, s.Path); err != nil {
			return core.Errorf(core.Internal, "write %s: %w", s.Path, err)
		}
		s.temp, s.done = "", true
	}
	return nil
}

// check compares a file with what the change found, on a way without links.
func (w *writer) check(c scaffold.Change) (fs.FileMode, error) {
	for i, r := range c.Path {
		if r != '/' {
			continue
		}
		if info, err := w.root.Lstat(c.Path[:i]); err == nil && !info.IsDir() {
			return 0, core.Errorf(core.Conflict, "%s is no directory, and %s would lie in it", c.Path[:i], c.Path)
		}
	}
	info, err := w.root.Lstat(c.Path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && c.Old == nil:
		return 0o644, nil
	case err != nil || c.Old == nil || !info.Mode().IsRegular():
		return 0, core.Errorf(core.Conflict, "%s has changed since it was read; run the command again", c.Path)
	}
	is, err := w.root.ReadFile(c.Path)
	if err != nil || !bytes.Equal(is, c.Old) {
		return 0, core.Errorf(core.Conflict, "%s has changed since it was read; run the command again", c.Path)
	}
	return info.Mode().Perm(), nil
}

// mkdir makes the directories that are not there, and remembers which.
func (w *writer) mkdir(dir string) error {
	if dir == "." {
		return nil
	}
	if err := w.mkdir(path.Dir(dir)); err != nil {
		return err
	}
	err := w.root.Mkdir(dir, 0o755)
	if err == nil {
		w.made = append(w.made, dir)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

func (w *writer) stage(s *staged, content []byte) error {
	name := path.Join(path.Dir(s.Path), ".sluice-"+strings.ToLower(rand.Text()))
	f, err := w.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, s.mode)
	if err != nil {
		return err
	}
	s.temp = name
	_, err = f.Write(content)
	return errors.Join(err, f.Chmod(s.mode), f.Sync(), f.Close())
}

// undo puts everything back as it was.
func (w *writer) undo() error {
	var failed []error
	for _, s := range slices.Backward(w.staged) {
		if s.temp != "" {
			failed = append(failed, w.root.Remove(s.temp))
		}
		switch {
		case !s.done:
		case s.Old == nil:
			failed = append(failed, w.root.Remove(s.Path))
		default:
			failed = append(failed, w.stage(s, s.Old), w.root.Rename(s.temp, s.Path))
		}
	}
	for _, dir := range slices.Backward(w.made) {
		failed = append(failed, w.root.Remove(dir))
	}
	return errors.Join(failed...)
}
