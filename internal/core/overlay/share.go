package overlay

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/pin"
)

// Use is a place in a file that several targets use, and that one of them can
// write: what is written there moves all of them.
type Use struct {
	File         string
	Line, Column int           // both 0 if the whole file is meant, on which others build
	By           []core.Target // sorted, at least two
}

// Holds tells whether the use is that of the scalar at a place.
func (u *Use) Holds(at pin.Place) bool {
	return u.File == at.File && u.Line == at.Line && u.Column == at.Column
}

// Shared lists the places that a target has in common with others, ordered by
// file, line and column. Bases belong to nobody and are not among them. The
// caller must not change the list. A use that nothing has happened to is the
// same in all inventories of one Reader.
func (inv *Inventory) Shared(t core.Target) []*Use { return inv.shared[t] }

// sharing is which rows of a survey use a place that is not their own. Places
// that nobody would write to are left out.
type sharing struct {
	rows   map[spot][]*row
	uses   map[spot]*Use          // of those that several targets use
	owners map[string]core.Target // whose overlay a file is; the zero one if nobody's
	moved  map[spot]bool          // by rows that came, changed or went
}

func newSharing() sharing {
	return sharing{rows: map[spot][]*row{}, uses: map[spot]*Use{}, owners: map[string]core.Target{}, moved: map[spot]bool{}}
}

// use is how one overlay uses a place that is not its own.
type use struct {
	spot
	base  bool // it builds on what is there, which belongs to another overlay
	reads bool // it has no version there, but a text with it
}

func (u use) compare(o use) int {
	return cmp.Or(u.spot.compare(o.spot), compareBool(u.base, o.base), compareBool(u.reads, o.reads))
}

func (s spot) compare(o spot) int {
	return cmp.Or(strings.Compare(s.file, o.file), s.line-o.line, s.column-o.column)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// usesOf lists the places outside of a row's own directory that it uses, and
// that its cluster's Flux objects or another overlay hold.
func (s *survey) usesOf(u *row) []use {
	if u.deployment == nil {
		return nil
	}
	var out []use
	add := func(at spot, reads bool) {
		if holds(u.dir, at.file) {
			return
		}
		base := layerOf(u.dir, u.cluster, at.file) == pin.Base
		whole := at.line == 0
		if base && s.owner(at.file) != (core.Target{}) || !base && !whole {
			out = append(out, use{at, base, reads})
		}
	}
	for _, p := range u.deployment.Pins {
		for _, part := range p.Parts {
			add(spotOf(part.At), false)
		}
	}
	for _, at := range u.deployment.Reads {
		add(spotOf(at), true)
	}
	for _, in := range u.deployment.Inputs {
		add(spot{file: in.Path}, true)
	}
	slices.SortFunc(out, use.compare)
	return slices.Clip(slices.Compact(out))
}

// owner is the target whose overlay holds a file, by the layout alone.
func (s *survey) owner(file string) core.Target {
	if found, ok := s.sharing.owners[file]; ok {
		return found
	}
	at, ok := s.site(file, Entry{Name: path.Base(file), Type: Regular})
	for dir := path.Dir(file); dir != "." && !ok; dir = path.Dir(dir) {
		at, ok = s.site(dir, Entry{Name: path.Base(dir), Type: Directory})
	}
	s.sharing.owners[file] = at.target
	return at.target
}

// share makes a row known to the places that it uses from now on.
func (s *survey) share(u *row) {
	uses := s.usesOf(u)
	if slices.Equal(u.uses, uses) {
		return
	}
	for _, old := range u.uses {
		rest := slices.DeleteFunc(s.sharing.rows[old.spot], func(other *row) bool { return other == u })
		if s.sharing.rows[old.spot] = rest; len(rest) == 0 {
			delete(s.sharing.rows, old.spot)
		}
		s.sharing.moved[old.spot] = true
	}
	for i, now := range uses {
		if i == 0 || uses[i-1].spot != now.spot {
			s.sharing.rows[now.spot] = append(s.sharing.rows[now.spot], u)
		}
		s.sharing.moved[now.spot] = true
	}
	u.uses = uses
}

// use is what is to be known of a place, nil if no target shares it with the
// one that would write to it.
func (s *survey) use(at spot) *Use {
	var by []core.Target
	written := false
	for _, u := range s.sharing.rows[at] {
		by = append(by, u.target)
		first, _ := slices.BinarySearchFunc(u.uses, at, func(u use, at spot) int { return u.spot.compare(at) })
		for _, use := range u.uses[first:] {
			if use.spot != at {
				break
			}
			written = written || use.base || !use.reads
			if use.base {
				by = append(by, s.owner(at.file))
			}
		}
	}
	slices.SortFunc(by, core.Target.Compare)
	if by = slices.Compact(by); !written || len(by) < 2 {
		return nil
	}
	return &Use{File: at.file, Line: at.line, Column: at.column, By: slices.Clip(by)}
}

// shared takes the uses of the last inventory on to the next one.
func (s *survey) shared() map[core.Target][]*Use {
	next, cloned := s.inventory.shared, false
	for at := range s.sharing.moved {
		was, is := s.sharing.uses[at], s.use(at)
		if was == nil && is == nil || was != nil && is != nil && slices.Equal(was.By, is.By) {
			continue
		}
		if !cloned {
			next, cloned = maps.Clone(next), true
		}
		if next == nil {
			next = map[core.Target][]*Use{}
		}
		if delete(s.sharing.uses, at); is != nil {
			s.sharing.uses[at] = is
		}
		replaceUse(next, was, is)
	}
	clear(s.sharing.moved)
	return next
}

// replaceUse puts one use, or nothing, in the place of another. Lists are made
// anew, since older inventories have them as well.
func replaceUse(all map[core.Target][]*Use, was, is *Use) {
	if was != nil {
		for _, t := range was.By {
			rest := slices.DeleteFunc(slices.Clone(all[t]), func(u *Use) bool { return u == was })
			if all[t] = rest; len(rest) == 0 {
				delete(all, t)
			}
		}
	}
	if is != nil {
		for _, t := range is.By {
			i, _ := slices.BinarySearchFunc(all[t], is, compareUses)
			all[t] = slices.Insert(slices.Clone(all[t]), i, is)
		}
	}
}

func compareUses(a, b *Use) int {
	return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column)
}
