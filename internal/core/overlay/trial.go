package overlay

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// trials finds out which overrides do what they are for. Each is made in a copy
// of the file, the overlay is built anew, and nothing but the pin's version may
// differ.
type trials struct {
	*resolver
	own    own
	was    outcome
	due    []proposal
	hits   map[spot][]hit
	parsed map[string]*yamledit.File
	left   int // how many more builds may be made
}

// proposal is the ways in which one pin could get a version of its own.
type proposal struct {
	pin   int
	ways  []*pin.Override // the best one first
	entry *pin.Override   // what is taken without a trial if none of the ways will do
	why   error           // why there is no entry, or no new patch
}

// image proposes an entry of the overlay's images, unless patches are its style
// or no entry will do.
func (t *trials) image(i int) {
	p := &t.was.pins[i]
	entry, err := t.own.image(*p)
	if err == nil && t.own.kust.listed != nil {
		p.Override = entry
		return
	}
	t.propose(i, entry, err)
}

// propose notes what can be tried for a pin.
func (t *trials) propose(i int, entry *pin.Override, why error) {
	p := &t.was.pins[i]
	var ways []*pin.Override
	a, err := t.aim(*p)
	if err == nil {
		ways, err = t.patches(a)
	}
	if why == nil {
		why = err
	}
	switch {
	case entry != nil && !t.prefersPatch(ways):
		p.Override = entry
	case len(ways) > 0:
		t.due = append(t.due, proposal{pin: i, ways: ways, entry: entry, why: why})
	default:
		p.Bound = why.Error()
	}
}

func (t *trials) aim(p pin.Pin) (aim, error) {
	if t.hits == nil {
		wanted := map[spot]bool{}
		for _, p := range t.was.pins {
			for _, part := range p.Parts {
				wanted[spotOf(part.At)] = true
			}
		}
		t.hits = t.own.hits(wanted)
	}
	return t.own.aim(p, t.hits)
}

// run tries the best ways of all pins at once, since mostly they will do, and
// one after the other if they will not.
func (t *trials) run() {
	t.left = maxTrials * 4
	all := map[int]*pin.Override{}
	for _, d := range t.due {
		all[d.pin] = d.ways[0]
	}
	if len(all) > 0 && t.try(all) == nil {
		for i, o := range all {
			t.was.pins[i].Override = o
		}
		return
	}
	for _, d := range t.due {
		t.settle(d)
	}
}

// settle tries the ways of one pin. What was wrong with the best one is why it
// has none.
func (t *trials) settle(d proposal) {
	p, why := &t.was.pins[d.pin], d.why
	for _, o := range d.ways {
		err := t.try(map[int]*pin.Override{d.pin: o})
		if err == nil {
			p.Override = o
			return
		}
		if why == nil {
			why = err
		}
	}
	if p.Override = d.entry; d.entry == nil {
		p.Bound = why.Error()
	}
}

// try makes overrides, by the pins' numbers, and says what is wrong with them.
func (t *trials) try(all map[int]*pin.Override) error {
	if t.left--; t.left < 0 || !t.work.spend(10_000*len(all)) {
		return errTooMuch
	}
	edited, err := t.edit(all)
	if err != nil {
		return err
	}
	again := resolver{
		reader: t.reader, tree: t.tree, dir: t.dir, cluster: t.cluster, work: t.work, reading: t.reading, edited: edited,
		depends: map[string]core.SHA{}, files: map[string]core.SHA{}, met: map[int]bool{},
	}
	got, err := again.outcome()
	if err != nil {
		return fmt.Errorf("with a patch of its own it would not be understood: %w", err)
	}
	return t.compare(got, all)
}

// edit makes the overrides in copies of the files.
func (t *trials) edit(all map[int]*pin.Override) (map[string]*manifest, error) {
	settings, edits := map[string][]pin.Given{}, map[string][]yamledit.Edit{}
	touched := map[string]bool{}
	for _, i := range slices.Sorted(maps.Keys(all)) {
		set := pin.Given{Override: all[i], Version: trialVersion(i, t.was.pins[i])}
		touched[set.At.File] = true
		settings[set.At.File] = append(settings[set.At.File], set)
		for _, c := range set.Changes() {
			edits[c.At.File] = append(edits[c.At.File], yamledit.Edit{Doc: c.At.Doc, Path: c.At.Path, Inner: c.At.Inner, Old: c.Old, New: c.New, Keep: c.Keep})
			touched[c.At.File] = true
		}
	}
	out := map[string]*manifest{}
	for _, file := range slices.Sorted(maps.Keys(touched)) {
		text, err := t.update(file, settings[file], edits[file])
		if err != nil {
			return nil, fmt.Errorf("nothing can be added to %s: %w", path.Base(file), err)
		}
		out[file] = parseManifest(file, text, isKustomizationFile(path.Base(file)))
	}
	return out, nil
}

func (t *trials) update(file string, settings []pin.Given, edits []yamledit.Edit) ([]byte, error) {
	insertions, err := pin.Insertions(settings)
	if err != nil {
		return nil, err
	}
	f := t.parsed[file]
	if f == nil {
		src, err := t.tree.Read(file)
		if err != nil {
			return nil, err
		}
		if f, err = yamledit.Parse(src); err != nil {
			return nil, err
		}
		t.parsed[file] = f
	}
	return f.Update(edits, insertions)
}

// trialVersion is one that nothing deploys, in the form of the pin's own.
func trialVersion(i int, p pin.Pin) string {
	var version string
	tag, digest := p.Holds()
	if tag {
		version = fmt.Sprintf("0.0.0-trial.%d", i)
	}
	if digest {
		version += fmt.Sprintf("@sha256:%064x", i+1)
	}
	return version
}

// compare requires that the overlay is as it was, but for the versions that were
// set.
func (t *trials) compare(got outcome, all map[int]*pin.Override) error {
	if len(got.pins) != len(t.was.pins) || len(got.built.resources) != len(t.was.built.resources) {
		return errors.New("a patch of its own would change what else is deployed")
	}
	c := comparer{work: t.work, texts: map[spot]map[string]string{}}
	for i, p := range t.was.pins {
		now, o := got.pins[i], all[i]
		switch {
		case now.Key != p.Key || now.Origin != p.Origin || o == nil && now.Version != p.Version:
			return fmt.Errorf("a patch of its own would change %s as well", p.Key)
		case o != nil && (now.Version != trialVersion(i, p) || now.Shared() != nil):
			return errors.New("a patch of its own would not set it, since something later does")
		case o != nil:
			c.expect(p, trialVersion(i, p))
		}
	}
	for i, r := range t.was.built.resources {
		if !c.object(r.root, got.built.resources[i].root) {
			return fmt.Errorf("a patch of its own would change more of %s %s", r.kind(), r.name())
		}
	}
	return nil
}
