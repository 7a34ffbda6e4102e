package offline

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// replacement is a file of the working tree that is about to be replaced.
type replacement struct {
	plan.File
	mode   fs.FileMode
	staged string // the new content's own file, beside the old one
}

// write makes the files in the working tree what they shall become, and names
// those that it changed. A file that is so already is left alone; one that is
// neither that nor as the commit has it is somebody's unfinished work, and then
// nothing at all is written. Each file is replaced as a whole.
func (s *snapshot) write(ctx context.Context, files []plan.File) ([]string, error) {
	if s.clone.Root() == "" {
		return nil, core.Errorf(core.Invalid, "the repository is bare: there is no working tree to write to")
	}
	root, err := os.OpenRoot(s.clone.Root())
	if err != nil {
		return nil, core.Errorf(core.Internal, "open the working tree: %w", err)
	}
	defer root.Close() //nolint:errcheck // a directory
	var todo []*replacement
	for _, f := range files {
		r, err := s.check(root, f)
		if err != nil {
			return nil, fmt.Errorf("nothing was written: %w", err)
		}
		if r != nil {
			todo = append(todo, r)
		}
	}
	defer discard(root, todo)
	for _, r := range todo {
		if err := errors.Join(ctx.Err(), r.stage(root)); err != nil {
			return nil, core.Errorf(core.KindOf(err), "nothing was written: prepare %s: %w", r.Path, err)
		}
	}
	return replaceAll(root, todo)
}

// check compares a file with the commit; nil if there is nothing to do.
func (s *snapshot) check(root *os.Root, f plan.File) (*replacement, error) {
	if err := straight(root, f.Path); err != nil {
		return nil, err
	}
	info, err := root.Lstat(f.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, core.Errorf(core.Conflict, "%s is not in the working tree: restore it first", f.Path)
	}
	if err != nil {
		return nil, core.Errorf(core.Internal, "look at the working tree: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, core.Errorf(core.Conflict, "%s is not a regular file in the working tree: restore it first", f.Path)
	}
	was, err := s.tree.Read(f.Path)
	if err != nil {
		return nil, err
	}
	if size := info.Size(); size != int64(len(was)) && size != int64(len(f.Content)) {
		return nil, s.differs(f.Path)
	}
	is, err := root.ReadFile(f.Path)
	switch {
	case err != nil:
		return nil, core.Errorf(core.Internal, "read the working tree: %w", err)
	case bytes.Equal(is, f.Content):
		return nil, nil
	case !bytes.Equal(is, was):
		return nil, s.differs(f.Path)
	}
	return &replacement{File: f, mode: info.Mode().Perm()}, nil
}

func (s *snapshot) differs(name string) error {
	return core.Errorf(core.Conflict, "%s differs in the working tree from what commit %s has: commit it, or restore it, first", name, s.head.Short())
}

// straight refuses a way that leads through a link, and so to another file.
func straight(root *os.Root, name string) error {
	for i, r := range name {
		if r != '/' {
			continue
		}
		info, err := root.Lstat(name[:i])
		if err != nil || !info.IsDir() {
			return core.Errorf(core.Conflict, "%s is not a directory in the working tree: restore it first", name[:i])
		}
	}
	return nil
}

// stage writes the new content beside the old, with the same mode.
func (r *replacement) stage(root *os.Root) (err error) {
	name := path.Join(path.Dir(r.Path), ".sluice-"+strings.ToLower(rand.Text()))
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, r.mode)
	if err != nil {
		return err
	}
	r.staged = name
	_, err = f.Write(r.Content)
	return errors.Join(err, f.Chmod(r.mode), f.Sync(), f.Close())
}

// replaceAll puts the new files in the place of the old ones.
func replaceAll(root *os.Root, todo []*replacement) ([]string, error) {
	var written []string
	for _, r := range todo {
		if err := root.Rename(r.staged, r.Path); err != nil {
			return nil, core.Errorf(core.Internal, "replace %s: %w (replaced before it: %s)", r.Path, err, strings.Join(written, ", "))
		}
		r.staged = ""
		written = append(written, r.Path)
	}
	return written, nil
}

// discard removes what was staged and not put in place.
func discard(root *os.Root, todo []*replacement) {
	for _, r := range todo {
		if r.staged != "" {
			root.Remove(r.staged) //nolint:errcheck // the error at hand says more
		}
	}
}
