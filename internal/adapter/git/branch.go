package git

import (
	"context"
	"errors"
	"time"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// Commit is what a commit says of itself. All of it but the parents was
// written by whoever made the commit and proves nothing.
type Commit struct {
	SHA         core.SHA
	Tree        core.SHA
	Parents     []core.SHA
	Message     string // whole, trailers included
	AuthorName  string
	AuthorEmail string
	Time        time.Time // the committer's
}

// Commit reads a commit. The error is of kind core.NotFound if the mirror
// lacks it.
func (m *Mirror) Commit(sha core.SHA) (Commit, error) {
	c, err := m.lookup(sha)
	if err != nil {
		return Commit{}, err
	}
	return described(sha, c), nil
}

func described(sha core.SHA, c *object.Commit) Commit {
	return Commit{
		SHA: sha, Tree: core.SHA(c.TreeHash.String()), Parents: shas(c.ParentHashes), Message: c.Message,
		AuthorName: c.Author.Name, AuthorEmail: c.Author.Email, Time: c.Committer.When.UTC(),
	}
}

// Branch describes a branch whose head is sha. Rooted refers to the default
// branch as of the last Fetch of this process. Only subtrees that differ
// between the commit and its first parent are read, and the comparison is
// kept. A commit without parents differs in all its files. The error is of
// kind core.NotFound if the mirror lacks the commit. The result's parts are
// shared and must not be changed.
func (m *Mirror) Branch(ctx context.Context, name string, sha core.SHA) (plan.Branch, error) {
	b, err := m.branch(ctx, sha)
	if err == nil && len(b.Parents) > 0 {
		b.Rooted, err = m.trunk.contains(ctx, m.store, plumbing.NewHash(string(b.Parents[0])))
	}
	if err != nil {
		return plan.Branch{}, core.Errorf(core.KindOf(err), "look at branch %s: %w", name, err)
	}
	b.Name = name
	return b, nil
}

// branch gives all that depends on the commit alone.
func (m *Mirror) branch(ctx context.Context, sha core.SHA) (plan.Branch, error) {
	h, err := objectName(sha)
	if err != nil {
		return plan.Branch{}, err
	}
	if b, ok := m.branches.get(h); ok {
		return b, nil
	}
	c, err := m.store.commit(h)
	if err != nil {
		return plan.Branch{}, err
	}
	d, err := m.changes(ctx, c)
	if err != nil {
		return plan.Branch{}, err
	}
	b := plan.Branch{
		Head: sha, Tree: core.SHA(c.TreeHash.String()),
		Parents: shas(c.ParentHashes), Message: c.Message, Changed: d.changed, Base: d.base,
	}
	m.branches.put(h, b, int64(512+len(c.Message)+400*len(d.changed)))
	return b, nil
}

// errTooMany ends a comparison that no promotion could be the reason of.
var errTooMany = errors.New("more paths differ than are listed")

// changes compares a commit with its first parent. It lists nothing if they
// differ in more paths than are listed.
func (m *Mirror) changes(ctx context.Context, c *object.Commit) (comparison, error) {
	var base plumbing.Hash
	if len(c.ParentHashes) > 0 {
		parent, err := m.store.commit(c.ParentHashes[0])
		if err != nil {
			return comparison{}, m.store.lost(c.ParentHashes[0], err)
		}
		base = parent.TreeHash
	}
	d := comparison{ctx: ctx, store: m.store, changed: map[string]core.SHA{}, base: map[string]core.SHA{}}
	err := d.trees("", base, c.TreeHash)
	if errors.Is(err, errTooMany) {
		return comparison{}, nil
	}
	return d, err
}

// comparison gathers the paths in which two trees differ.
type comparison struct {
	ctx     context.Context // of the one call that the comparison serves
	store   *store
	changed map[string]core.SHA
	base    map[string]core.SHA
}

// trees compares two trees; the zero name stands for an empty one.
func (d *comparison) trees(prefix string, before, after plumbing.Hash) error {
	if err := d.ctx.Err(); err != nil || before == after {
		return err
	}
	old, err := d.open(before)
	if err != nil {
		return err
	}
	now, err := d.open(after)
	if err != nil {
		return err
	}
	for _, e := range old.entries {
		if _, ok := now.find(e.Name); !ok {
			if err := d.entries(prefix+e.Name, e, object.TreeEntry{}); err != nil {
				return err
			}
		}
	}
	for _, e := range now.entries {
		var was object.TreeEntry
		if i, ok := old.find(e.Name); ok {
			was = old.entries[i]
		}
		if err := d.entries(prefix+e.Name, was, e); err != nil {
			return err
		}
	}
	return nil
}

// open reads a tree; the zero name stands for an empty one.
func (d *comparison) open(h plumbing.Hash) (*dir, error) {
	if h.IsZero() {
		return &dir{}, nil
	}
	return d.store.dir(h)
}

// entries compares what two trees hold under one path; the zero entry stands
// for nothing.
func (d *comparison) entries(path string, was, is object.TreeEntry) error {
	if was.Hash == is.Hash && was.Mode == is.Mode {
		return nil
	}
	oldTree, newTree := subtree(was), subtree(is)
	before, after := blob(was), blob(is)
	if before != "" && was.Mode != is.Mode {
		after = "" // a link of the same bytes is not the file that it was
	}
	if before != "" || after != "" {
		d.base[path], d.changed[path] = before, after
	}
	if len(d.changed) > maxChanged {
		return errTooMany
	}
	return d.trees(path+"/", oldTree, newTree)
}

// blob is the name of what an entry holds that is no tree, or "".
func blob(e object.TreeEntry) core.SHA {
	if e.Hash.IsZero() || !subtree(e).IsZero() {
		return ""
	}
	return core.SHA(e.Hash.String())
}

// subtree is the tree that an entry stands for, or the zero name.
func subtree(e object.TreeEntry) plumbing.Hash {
	if typeOf(e.Mode) == treeType {
		return e.Hash
	}
	return plumbing.ZeroHash
}

// lookup reads a commit that a caller names.
func (m *Mirror) lookup(sha core.SHA) (*object.Commit, error) {
	h, err := objectName(sha)
	if err != nil {
		return nil, err
	}
	return m.store.commit(h)
}

// objectName converts a SHA for go-git, which knows SHA-1 only.
func objectName(sha core.SHA) (plumbing.Hash, error) {
	if _, err := core.ParseSHA(string(sha)); err != nil {
		return plumbing.ZeroHash, err
	}
	if len(sha) != 40 {
		return plumbing.ZeroHash, core.Errorf(core.Invalid, "object name %s is of a SHA-256 repository; mirrors hold SHA-1 repositories only", sha)
	}
	return plumbing.NewHash(string(sha)), nil
}

// shas converts names on their way out.
func shas(hashes []plumbing.Hash) []core.SHA {
	out := make([]core.SHA, len(hashes))
	for i, h := range hashes {
		out[i] = core.SHA(h.String())
	}
	return out
}
