package fakegitlab

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage"

	"github.com/sluice-gitops/sluice/internal/core"
)

// edit is what becomes of one path: a blob with a mode, or nothing.
type edit struct {
	blob plumbing.Hash
	mode filemode.FileMode
}

// blob stores a file's content.
func (r *repo) blob(content []byte) (plumbing.Hash, error) {
	o := r.git.Storer.NewEncodedObject()
	o.SetType(plumbing.BlobObject)
	w, err := o.Writer()
	if err != nil {
		return plumbing.ZeroHash, fmt.Errorf("write blob: %w", err)
	}
	_, err = w.Write(content)
	if err := errors.Join(err, w.Close()); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("write blob: %w", err)
	}
	return r.git.Storer.SetEncodedObject(o)
}

// editTree applies edits by path to a tree and returns the new tree. Untouched
// subtrees are shared, so a small change of a large repository stays small.
func (r *repo) editTree(root plumbing.Hash, edits map[string]edit) (plumbing.Hash, error) {
	entries := map[string]object.TreeEntry{}
	if !root.IsZero() {
		t, err := r.git.TreeObject(root)
		if err != nil {
			return plumbing.ZeroHash, fmt.Errorf("read tree %s: %w", root, err)
		}
		for _, e := range t.Entries {
			entries[e.Name] = e
		}
	}
	below := map[string]map[string]edit{}
	for path, e := range edits {
		dir, rest, deep := strings.Cut(path, "/")
		switch {
		case deep && below[dir] == nil:
			below[dir] = map[string]edit{rest: e}
		case deep:
			below[dir][rest] = e
		case e.blob.IsZero():
			delete(entries, path)
		default:
			entries[path] = object.TreeEntry{Name: path, Mode: e.mode, Hash: e.blob}
		}
	}
	if err := r.editBelow(entries, below); err != nil {
		return plumbing.ZeroHash, err
	}
	return r.writeTree(slices.Collect(maps.Values(entries)))
}

// editBelow applies the edits of subdirectories. A directory that has become
// empty goes, as Git knows none.
func (r *repo) editBelow(entries map[string]object.TreeEntry, below map[string]map[string]edit) error {
	for dir, edits := range below {
		old := entries[dir]
		if old.Mode != filemode.Dir {
			old.Hash = plumbing.ZeroHash
		}
		tree, err := r.editTree(old.Hash, edits)
		if err != nil {
			return err
		}
		entries[dir] = object.TreeEntry{Name: dir, Mode: filemode.Dir, Hash: tree}
		if tree.String() == emptyTree {
			delete(entries, dir)
		}
	}
	return nil
}

// emptyTree is the id that Git gives a tree without entries. Git never stores
// such a tree below another one.
const emptyTree = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"

// writeTree stores a tree in the order that Git wants.
func (r *repo) writeTree(entries []object.TreeEntry) (plumbing.Hash, error) {
	sort.Sort(object.TreeEntrySorter(entries))
	o := r.git.Storer.NewEncodedObject()
	if err := (&object.Tree{Entries: entries}).Encode(o); err != nil {
		return plumbing.ZeroHash, fmt.Errorf("write tree: %w", err)
	}
	return r.git.Storer.SetEncodedObject(o)
}

// newCommit says what a commit made by the server looks like.
type newCommit struct {
	tree    string
	parents []string
	author  object.Signature
	by      object.Signature
	message string
}

func (r *repo) writeCommit(n newCommit) (string, error) {
	c := object.Commit{Author: n.author, Committer: n.by, Message: n.message, TreeHash: plumbing.NewHash(n.tree)}
	for _, p := range n.parents {
		c.ParentHashes = append(c.ParentHashes, plumbing.NewHash(p))
	}
	o := r.git.Storer.NewEncodedObject()
	if err := c.Encode(o); err != nil {
		return "", fmt.Errorf("write commit: %w", err)
	}
	hash, err := r.git.Storer.SetEncodedObject(o)
	return hash.String(), err
}

// move points a ref from old to sha; an empty old means that the ref must not
// exist yet. A ref that moved meanwhile is a Conflict.
func (r *repo) move(name, old, sha string) error {
	if now := r.ref(name); now != old {
		return core.Errorf(core.Conflict, "ref %s is at %q, not at %q", name, now, old)
	}
	next := plumbing.NewHashReference(plumbing.ReferenceName(name), plumbing.NewHash(sha))
	var prev *plumbing.Reference
	if old != "" {
		prev = plumbing.NewHashReference(next.Name(), plumbing.NewHash(old))
	}
	err := r.git.Storer.CheckAndSetReference(next, prev)
	if errors.Is(err, storage.ErrReferenceHasChanged) {
		return core.Errorf(core.Conflict, "move ref %s: %w", name, err)
	}
	return err
}

func (r *repo) remove(name string) error {
	return r.git.Storer.RemoveReference(plumbing.ReferenceName(name))
}

// seed writes all files as the first commit of a branch, in one git process
// however many there are.
func (r *repo) seed(branch string, files map[string][]byte, by object.Signature) error {
	var stream bytes.Buffer
	writeImport(&stream, branch, files, by)
	if _, err := r.run(&stream, "fast-import", "--quiet"); err != nil {
		return fmt.Errorf("seed %s: %w", r.dir, err)
	}
	return r.reopen()
}

// writeImport writes the stream that git fast-import reads.
func writeImport(b *bytes.Buffer, branch string, files map[string][]byte, by object.Signature) {
	const message = "Initial commit\n"
	fmt.Fprintf(b, "commit refs/heads/%s\ncommitter %s <%s> %d +0000\ndata %d\n%s\n",
		branch, by.Name, by.Email, by.When.Unix(), len(message), message)
	for _, path := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(b, "M 100644 inline %s\ndata %d\n", strconv.Quote(path), len(files[path]))
		b.Write(files[path])
		b.WriteByte('\n')
	}
}

// signature is in whole seconds of UTC, so that equal clocks give equal ids.
func signature(u *user, at time.Time) object.Signature {
	return object.Signature{Name: u.name, Email: u.email(), When: at.UTC().Truncate(time.Second)}
}

// read returns the content of a blob at a path of a commit.
func (r *repo) read(c *object.Commit, path string) (*object.File, []byte, error) {
	f, err := c.File(path)
	if err != nil {
		return nil, nil, core.Errorf(core.NotFound, "file %q: %w", path, err)
	}
	rd, err := f.Reader()
	if err != nil {
		return nil, nil, fmt.Errorf("read %q: %w", path, err)
	}
	defer rd.Close()
	var buf bytes.Buffer
	_, err = buf.ReadFrom(rd)
	return f, buf.Bytes(), err
}
