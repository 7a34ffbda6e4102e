package git

import (
	"context"
	"sync"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Contains tells whether ancestor is sha itself or in its history. The error is
// of kind core.NotFound if the mirror lacks one of the two.
func (m *Mirror) Contains(ctx context.Context, ancestor, sha core.SHA) (bool, error) {
	a, err := m.lookup(ancestor)
	if err != nil {
		return false, err
	}
	start, err := m.lookup(sha)
	if err != nil {
		return false, err
	}
	if start.Hash == m.trunk.current() {
		return m.trunk.contains(ctx, m.store, a.Hash)
	}
	found := false
	err = m.store.history(ctx, start.Hash, func(c *object.Commit) step {
		found = c.Hash == a.Hash
		if found {
			return stop
		}
		return on
	})
	return found, err
}

// step is where to go from a commit.
type step int

const (
	on   step = iota // to its parents
	skip             // not to its parents
	stop             // nowhere
)

// history visits a commit, which must be there, and its ancestors, nearest first.
func (s *store) history(ctx context.Context, from plumbing.Hash, visit func(*object.Commit) step) error {
	queue, seen := []plumbing.Hash{from}, map[plumbing.Hash]bool{from: true}
	for ; len(queue) > 0; queue = queue[1:] {
		if err := ctx.Err(); err != nil {
			return err
		}
		c, err := s.commit(queue[0])
		if err != nil {
			return s.lost(queue[0], err)
		}
		switch visit(c) {
		case stop:
			return nil
		case skip:
			continue
		}
		for _, p := range c.ParentHashes {
			if !seen[p] {
				seen[p] = true
				queue = append(queue, p)
			}
		}
	}
	return nil
}

// trunk knows which commits the default branch consists of. It reads the whole
// history once, and after that only what a fetch added. It grows by a map
// entry for each commit of a history that is on disk anyway.
type trunk struct {
	mu      sync.Mutex
	head    plumbing.Hash // of the last fetch
	read    plumbing.Hash // the head whose history commits is; zero if none
	commits map[plumbing.Hash]struct{}
}

// moveTo tells where the default branch is now. The history is read when it is
// asked for.
func (t *trunk) moveTo(head plumbing.Hash) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.head = head
}

// current is the default branch's head as of the last fetch.
func (t *trunk) current() plumbing.Hash {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.head
}

// contains is false for every commit before the first fetch.
func (t *trunk) contains(ctx context.Context, s *store, h plumbing.Hash) (bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.read != t.head {
		if err := t.catchUp(ctx, s); err != nil {
			return false, err
		}
	}
	_, ok := t.commits[h]
	return ok, nil
}

// catchUp adds what came since the last reading. If the branch was set back or
// rewritten, what was read before is forgotten.
func (t *trunk) catchUp(ctx context.Context, s *store) error {
	fresh, grown := map[plumbing.Hash]struct{}{}, false
	err := s.history(ctx, t.head, func(c *object.Commit) step {
		if _, known := t.commits[c.Hash]; known {
			grown = grown || c.Hash == t.read
			return skip
		}
		fresh[c.Hash] = struct{}{}
		return on
	})
	if err != nil {
		return err
	}
	if !grown && t.commits != nil {
		t.commits = nil
		return t.catchUp(ctx, s)
	}
	if t.commits == nil {
		t.commits = fresh
	}
	for h := range fresh {
		t.commits[h] = struct{}{}
	}
	t.read = t.head
	return nil
}
