package git

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/storer"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Resolve finds the commit that a revision names: HEAD, a branch, a tag, a
// remote's branch such as origin/main, or an object name, whole or its first
// digits (at least four). Where a name has several meanings, Git's order
// decides. The error is of kind core.NotFound if it names no commit here, and
// core.Invalid if it is the beginning of several commits' names.
func (l *Local) Resolve(revision string) (core.SHA, error) {
	if h, err := objectName(core.SHA(revision)); err == nil {
		return l.peel(revision, h)
	}
	if h, ok := l.ref(revision); ok {
		return l.peel(revision, h)
	}
	found, err := l.abbreviated(revision)
	if err != nil {
		return "", core.Errorf(core.KindOf(err), "look for revision %q: %w", revision, err)
	}
	switch len(found) {
	case 0:
		return "", core.Errorf(core.NotFound, "revision %q names no commit here: want HEAD, a branch, a tag or an object name", revision)
	case 1:
		return found[0], nil
	}
	return "", core.Errorf(core.Invalid, "revision %q is the beginning of %d commits' names, such as %s and %s: write more digits", revision, len(found), found[0], found[1])
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
