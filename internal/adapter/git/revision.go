package git

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Resolve finds the commit that a revision names: HEAD, a branch, a tag, a
// remote's branch such as origin/main, or an object name, whole or its first
// digits (at least four). Where a name has several meanings, Git's order
// decides. Behind it, ~3 goes three commits back along the first parents, ^ to
// the first parent and ^2 to the second, in any row. The error is of kind
// core.NotFound if it names no commit here, and core.Invalid if it is the
// beginning of several commits' names, or not written like a revision.
func (l *Local) Resolve(revision string) (core.SHA, error) {
	name, steps := revision, ""
	if i := strings.IndexAny(revision, "~^"); i >= 0 {
		name, steps = revision[:i], revision[i:]
	}
	if name == "@" {
		name = "HEAD"
	}
	sha, err := l.named(name)
	if err != nil || steps == "" {
		return sha, err
	}
	sha, err = l.ascend(sha, steps)
	if err != nil {
		return "", core.Errorf(core.KindOf(err), "revision %q: %w", revision, err)
	}
	return sha, nil
}

// named finds the commit of a revision that is a mere name.
func (l *Local) named(name string) (core.SHA, error) {
	if h, err := objectName(core.SHA(name)); err == nil {
		return l.peel(name, h)
	}
	if h, ok := l.ref(name); ok {
		return l.peel(name, h)
	}
	found, err := l.abbreviated(name)
	if err != nil {
		return "", core.Errorf(core.KindOf(err), "look for revision %q: %w", name, err)
	}
	switch len(found) {
	case 0:
		return "", core.Errorf(core.NotFound, "revision %q names no commit here: want HEAD, a branch, a tag or an object name", name)
	case 1:
		return found[0], nil
	}
	return "", core.Errorf(core.Invalid, "revision %q is the beginning of %d commits' names, such as %s and %s: write more digits", name, len(found), found[0], found[1])
}

// stepForm is one step of a revision: ~, ~3, ^, ^2, and ^{} or ^{commit}, which
// change nothing here, since every name already means a commit.
var stepForm = regexp.MustCompile(`\A(?:\^\{(?:commit)?\}|([~^])([0-9]{0,6}))`)

// ascend goes from a commit to one of its ancestors.
func (l *Local) ascend(from core.SHA, steps string) (core.SHA, error) {
	at := from
	for left := steps; left != ""; {
		m := stepForm.FindStringSubmatch(left)
		if m == nil {
			return "", core.Errorf(core.Invalid, "%q is not understood: want ~, ~3, ^ or ^2", left)
		}
		left = left[len(m[0]):]
		n := 1
		if m[2] != "" {
			n, _ = strconv.Atoi(m[2]) // at most six digits
		}
		var err error
		switch m[1] {
		case "~":
			at, err = l.back(at, n)
		case "^":
			at, err = l.parent(at, n)
		}
		if err != nil {
			return "", err
		}
	}
	return at, nil
}

// back goes along the first parents.
func (l *Local) back(at core.SHA, n int) (core.SHA, error) {
	for range n {
		next, err := l.parent(at, 1)
		if err != nil {
			return "", err
		}
		at = next
	}
	return at, nil
}

// parent is the nth parent of a commit; the 0th is the commit itself.
func (l *Local) parent(at core.SHA, n int) (core.SHA, error) {
	if n == 0 {
		return at, nil
	}
	h, err := objectName(at)
	if err != nil {
		return "", err
	}
	ends, err := l.shallow()
	if err != nil {
		return "", err
	}
	if slices.Contains(ends, h) {
		return "", core.Errorf(core.NotFound, "the clone is shallow and ends at %s: fetch more of its history (git fetch --unshallow)", at.Short())
	}
	c, err := l.store.commit(h)
	if err != nil {
		return "", err
	}
	if n > len(c.ParentHashes) {
		return "", core.Errorf(core.NotFound, "%s has %d parents", at.Short(), len(c.ParentHashes))
	}
	return core.SHA(c.ParentHashes[n-1].String()), nil
}

// peel follows tags from an object to the commit that is meant.
func (l *Local) peel(revision string, h plumbing.Hash) (core.SHA, error) {
	for range maxPeel {
		_, err := l.store.commit(h)
		if err == nil {
			return core.SHA(h.String()), nil
		}
		if core.KindOf(err) != core.NotFound {
			return "", err
		}
		if h, err = l.tagged(h); err != nil {
			return "", core.Errorf(core.KindOf(err), "revision %q: %w", revision, err)
		}
	}
	return "", core.Errorf(core.Invalid, "revision %q leads through more than %d tags", revision, maxPeel)
}

// tagged is what an annotated tag points to.
func (l *Local) tagged(h plumbing.Hash) (plumbing.Hash, error) {
	o, err := l.store.read(plumbing.TagObject, h)
	if errors.Is(err, plumbing.ErrObjectNotFound) {
		return plumbing.ZeroHash, core.Errorf(core.NotFound, "object %s is not a commit of this repository", h)
	}
	if err != nil {
		return plumbing.ZeroHash, l.store.lost(h, err)
	}
	t := &object.Tag{}
	if err := t.Decode(memoryObject(plumbing.TagObject, o)); err != nil {
		return plumbing.ZeroHash, l.store.lost(h, err)
	}
	return t.Target, nil
}

// ref looks a name up among the references. What cannot be read is not one:
// "sluice" is a directory where there is a branch sluice/x.
func (l *Local) ref(name string) (plumbing.Hash, bool) {
	l.store.mu.Lock()
	defer l.store.mu.Unlock()
	for _, rule := range plumbing.RefRevParseRules {
		full := plumbing.ReferenceName(fmt.Sprintf(rule, name))
		if rule == "%s" && !strings.HasPrefix(name, "refs/") && !regexp.MustCompile(`\A[A-Z_]+\z`).MatchString(name) {
			continue // Git keeps other files beside HEAD, and none of them is a reference
		}
		if ref, err := storer.ResolveReference(l.store.disk, full); err == nil {
			return ref.Hash(), true
		}
	}
	return plumbing.ZeroHash, false
}

// abbreviated lists the commits whose names begin with these digits.
func (l *Local) abbreviated(digits string) ([]core.SHA, error) {
	digits = strings.ToLower(digits)
	if !regexp.MustCompile(`\A[0-9a-f]{4,40}\z`).MatchString(digits) {
		return nil, nil
	}
	whole, err := hex.DecodeString(digits[:len(digits)&^1])
	if err != nil {
		return nil, err
	}
	l.store.mu.Lock()
	all, err := l.store.disk.HashesWithPrefix(whole)
	l.store.mu.Unlock()
	if err != nil {
		return nil, core.Errorf(core.Internal, "list the objects: %v", err)
	}
	var found []core.SHA
	for _, h := range all {
		if !strings.HasPrefix(h.String(), digits) {
			continue
		}
		sha, err := l.peel(digits, h)
		if err != nil && core.KindOf(err) != core.NotFound {
			return nil, err
		}
		if err == nil && !slices.Contains(found, sha) {
			found = append(found, sha)
		}
	}
	return found, nil
}
