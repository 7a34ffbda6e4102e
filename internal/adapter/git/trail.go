package git

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/history"
)

// Trail lists a commit and those before it along the first parents, newest
// first, with what each changed. It ends before the commit known, and then the
// end is "". If it does not come to that one, it goes back as far as package
// history looks from the commit that is the heads-th of the list, and the end
// says why there are no more. The error is of kind core.NotFound if the mirror
// lacks the first commit.
func (m *Mirror) Trail(ctx context.Context, head, known core.SHA, heads int) ([]history.Commit, history.End, error) {
	return m.store.trail(ctx, head, known, heads, nil)
}

// Trail is that of [Mirror.Trail]. A shallow clone's ends where the clone does,
// and so does one of a partial clone at the first commit that is not whole.
func (l *Local) Trail(ctx context.Context, head, known core.SHA, heads int) ([]history.Commit, history.End, error) {
	ends, err := l.shallow()
	if err != nil {
		return nil, "", err
	}
	return l.store.trail(ctx, head, known, heads, ends)
}

// trail does not go behind the commits at which the repository ends.
func (s *store) trail(ctx context.Context, head, known core.SHA, heads int, ends []plumbing.Hash) (out []history.Commit, end history.End, err error) {
	next, err := objectName(head)
	if err != nil {
		return nil, "", err
	}
	c, err := s.commit(next)
	if err != nil {
		return nil, "", err
	}
	seen := trees{store: s}
	for core.SHA(next.String()) != known {
		if err := ctx.Err(); err != nil {
			return nil, "", err
		}
		at := history.Commit{SHA: core.SHA(next.String()), At: c.Committer.When.UTC(), By: c.Author.Name}
		if enough(out, at, heads) {
			return out, history.Limit, nil
		}
		parent, err := seen.parent(c, slices.Contains(ends, next), &at)
		switch {
		case err != nil && s.foreign: // a partial or shallow clone
			at.Everything = true
			return append(out, at), history.Missing, nil
		case err != nil:
			return nil, "", err
		case parent == nil:
			return append(out, at), history.Beginning, nil
		}
		out = append(out, at)
		next, c = parent.Hash, parent
	}
	return out, "", nil
}

// parent is the first parent of a commit, nil if there is none, and fills in
// what the commit changed.
func (t *trees) parent(c *object.Commit, cut bool, at *history.Commit) (parent *object.Commit, err error) {
	was := plumbing.ZeroHash
	switch {
	case cut:
		return nil, core.Errorf(core.NotFound, "the repository ends at commit %s", at.SHA)
	case len(c.ParentHashes) > 0:
		if parent, err = t.store.ancestor(c.ParentHashes[0]); err != nil {
			return nil, err
		}
		parent.Hash, was = c.ParentHashes[0], parent.TreeHash
	}
	at.Changed, at.Everything, err = t.changes(was, c.TreeHash)
	return parent, err
}

// ancestor reads a commit that must be there, since one that is there follows it.
func (s *store) ancestor(h plumbing.Hash) (*object.Commit, error) {
	c, err := s.commit(h)
	if err != nil {
		return nil, s.lost(h, err)
	}
	return c, nil
}

// enough tells whether a commit lies further back than is looked.
func enough(newer []history.Commit, c history.Commit, heads int) bool {
	if len(newer) < heads {
		return false
	}
	return len(newer) >= heads-1+history.MaxCommits || c.At.Before(newer[heads-1].At.Add(-history.MaxAge))
}

// trees compares the trees of one commit after the other. It keeps those of the
// last comparison, half of which the next one needs again.
type trees struct {
	store      *store
	young, old map[plumbing.Hash]string
}

// changes names every path at which two trees differ. If there are too many of
// them, it says so instead.
func (t *trees) changes(was, is plumbing.Hash) (paths []string, tooMany bool, err error) {
	t.young, t.old = map[plumbing.Hash]string{}, t.young
	d := treeDiff{trees: t, direct: map[string]bool{}}
	err = d.directory("", was, is)
	if errors.Is(err, errTooMany) {
		return nil, true, nil
	}
	return d.paths, false, err
}

// raw is a tree object; that of no tree is empty.
func (t *trees) raw(h plumbing.Hash) (string, error) {
	if h.IsZero() {
		return "", nil
	}
	text, ok := t.young[h]
	if !ok {
		text, ok = t.old[h]
	}
	if !ok {
		content, err := t.store.read(plumbing.TreeObject, h)
		if err != nil {
			return "", t.store.lost(h, err)
		}
		text = string(content)
	}
	t.young[h] = text
	return text, nil
}

type treeDiff struct {
	*trees
	paths  []string
	direct map[string]bool // directories, with a slash behind them, in which files differ
}

// directory goes through two directories side by side. Their entries are
// compared as they are written, which is many times faster than decoding them.
func (d *treeDiff) directory(dir string, was, is plumbing.Hash) error {
	a, err := d.raw(was)
	if err != nil {
		return err
	}
	b, err := d.raw(is)
	if err != nil {
		return err
	}
	for a != b {
		same := sameEntries(a, b)
		a, b = a[same:], b[same:]
		x, y := firstEntry(a), firstEntry(b)
		switch order := compareEntries(x, y); {
		case x == "" && a != "" || y == "" && b != "":
			return d.store.lost(is, errors.New("the tree object ends in the middle of an entry"))
		case order < 0:
			y = ""
		case order > 0:
			x = ""
		}
		a, b = a[len(x):], b[len(y):]
		if err := d.entry(dir, x, y); err != nil {
			return err
		}
	}
	return nil
}

// entry notes an entry that differs, and goes into what is a directory. One of
// the two may be missing.
func (d *treeDiff) entry(dir, was, is string) error {
	if len(d.paths) >= maxTouched {
		return errTooMany
	}
	name := entryName(was)
	if was == "" {
		name = entryName(is)
	}
	path := strings.TrimPrefix(dir+"/"+strings.TrimSuffix(name, "/"), "/")
	d.paths = append(d.paths, path)
	before, after := subtreeOf(was), subtreeOf(is)
	if direct := dir + "/"; (was != "" && before.IsZero() || is != "" && after.IsZero()) && !d.direct[direct] {
		d.direct[direct] = true
		d.paths = append(d.paths, direct)
	}
	if before == after {
		return nil
	}
	return d.directory(path, before, after)
}

// sameEntries is the length of the entries that two tree objects begin with
// alike. It looks for the ends of entries only as far as the texts are the same,
// and in one of them.
func sameEntries(a, b string) int {
	alike := 0
	for n := 1 << 12; n > 0; n /= 8 {
		for alike+n <= min(len(a), len(b)) && a[alike:alike+n] == b[alike:alike+n] {
			alike += n
		}
	}
	same := 0
	for {
		zero := strings.IndexByte(a[same:alike], 0)
		if zero < 0 || same+zero+1+hashSize > alike {
			return same
		}
		same += zero + 1 + hashSize
	}
}

// firstEntry is the first entry of a tree object as it is written: mode, name and
// object. It is "" if there is none that is whole.
func firstEntry(tree string) string {
	zero := strings.IndexByte(tree, 0)
	if zero < 0 || len(tree) < zero+1+hashSize || strings.IndexByte(tree[:zero], ' ') < 0 {
		return ""
	}
	return tree[:zero+1+hashSize]
}

// entryName is the name by which Git sorts an entry: that of a directory ends in
// a slash.
func entryName(entry string) string {
	if entry == "" {
		return ""
	}
	mode, rest, _ := strings.Cut(entry[:len(entry)-hashSize-1], " ")
	if isTreeMode(mode) {
		return rest + "/"
	}
	return rest
}

// compareEntries orders two entries; the end comes last.
func compareEntries(x, y string) int {
	switch {
	case x == y:
		return 0
	case x == "":
		return 1
	case y == "":
		return -1
	}
	return strings.Compare(entryName(x), entryName(y))
}

// subtreeOf is the tree that an entry names; zero if it is none.
func subtreeOf(entry string) plumbing.Hash {
	var h plumbing.Hash
	if mode, _, _ := strings.Cut(entry, " "); entry != "" && isTreeMode(mode) {
		copy(h[:], entry[len(entry)-hashSize:])
	}
	return h
}

func isTreeMode(mode string) bool { return mode == "40000" || mode == "040000" }
