package overlay

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// own is the overlay's own kustomization, and what it had built before Flux
// did anything to it.
type own struct {
	file  string
	kust  *kustomization // nil for an overlay of one file
	built built
	seen  []seen // what its images see at the end
	work  *work
}

func (r *resolver) own(b built) (own, error) {
	file, m, err := r.kustomizationOf(r.dir)
	if missing(err) {
		return own{}, nil
	}
	if err != nil {
		return own{}, err
	}
	return own{file: file, kust: m.kust, built: b, seen: b.seen(r.work), work: r.work}, nil
}

// late is where that stands which a Flux Kustomization does to what its overlay
// has built: it counts also where the overlay has done the same before. It is
// nil as long as the overlay is built. Replacements of the overlay's own come as
// late for what else it says.
type late map[spot]bool

// spot is a place that two readings of a file have in common.
type spot struct {
	file         string
	line, column int
}

func spotOf(at pin.Place) spot { return spot{at.File, at.Line, at.Column} }

func (l late) note(w *work, docs []*node) {
	for _, n := range docs {
		if l == nil || !w.spend(1) {
			return
		}
		l[spotOf(n.at)] = true
		l.note(w, n.items)
		for _, key := range n.keys {
			l.note(w, []*node{n.fields[key]})
		}
	}
}

func (l late) noteImages(entries []imageEntry) {
	for _, e := range entries {
		for _, part := range e.parts {
			if l != nil {
				l[spotOf(part.At)] = true
			}
		}
	}
}

func (l late) with(at pin.Place) late {
	if l == nil {
		l = late{}
	}
	l[spotOf(at)] = true
	return l
}

func (l late) holds(p pin.Pin) bool {
	return slices.ContainsFunc(p.Parts, func(part pin.Part) bool { return l[spotOf(part.At)] })
}

// overrides says for every version that a base has how the overlay can have its
// own, or why not.
func (r *resolver) overrides(was outcome) error {
	if !slices.ContainsFunc(was.pins, func(p pin.Pin) bool { return p.Shared() != nil }) {
		return nil
	}
	o, err := r.own(was.own)
	if err != nil {
		return err
	}
	t := &trials{resolver: r, own: o, was: was, parsed: map[string]*yamledit.File{}}
	for i := range was.pins {
		p := &was.pins[i]
		switch {
		case p.Shared() == nil:
		case r.again.holds(*p):
			p.Bound = "a replacement of the overlay sets it after all else that it says"
		case r.late.holds(*p):
			p.Bound = "its Flux Kustomization sets it after all that the overlay says"
		case o.kust == nil:
			p.Bound = "an overlay of one file has no kustomization that could get one"
		case p.Kind == pin.Setting:
			p.Bound = "a line of the overlay's own would be a text, whatever type the value has"
		case p.Kind == pin.Image:
			t.image(i)
		default:
			t.propose(i, nil, nil)
		}
	}
	t.run()
	return nil
}

// seen is an image as the overlay's own images see it at the end.
type seen struct {
	imaged
	written pin.Place
}

func (b built) seen(w *work) []seen {
	var all []seen
	for _, r := range b.resources {
		if r.kind() == "CustomResourceDefinition" {
			continue // as for kustomize
		}
		images(w, r.root, func(image *node) {
			now, ok := r.images[image]
			if !ok {
				now = untouched(image)
			}
			if len(now.parts) == 0 {
				now.parts = []pin.Part{{Form: pin.ImageRef, Text: image.text, At: image.at}}
			}
			all = append(all, seen{now, image.at})
		})
	}
	return all
}

// of tells whether the image's version is the pin's.
func (s seen) of(p pin.Pin) bool {
	for _, part := range s.parts {
		if !slices.ContainsFunc(p.Parts, func(q pin.Part) bool { return q.Form == part.Form && q.Text == part.Text && same(q.At, part.At) }) {
			return false
		}
	}
	return true
}

func same(a, b pin.Place) bool { return a.File == b.File && a.Line == b.Line && a.Column == b.Column }

// image plans an entry of the overlay's images. It must meet every container
// that has the pin's version, and no other.
func (o own) image(p pin.Pin) (*pin.Override, error) {
	if !o.work.spend(2*len(o.seen) + len(o.seen)*len(p.Parts)/8) {
		return nil, errTooMuch
	}
	if o.built.open {
		return nil, fmt.Errorf("what an entry here would change besides is not known, since remote resources or charts are not read")
	}
	var mine []seen
	reached := pin.Pin{}
	for _, s := range o.seen {
		if s.of(p) {
			mine = append(mine, s)
			reached.Parts = append(reached.Parts, s.parts...)
		}
	}
	switch {
	case len(mine) == 0:
		return o.unmet(p)
	case !(seen{imaged: imaged{parts: p.Parts}}).of(reached):
		return nil, fmt.Errorf("an entry would not meet all of it")
	}
	name := mine[0].now
	pattern, err := newImagePattern(name)
	if err != nil {
		return nil, fmt.Errorf("kustomize would take %q for a pattern", name)
	}
	for _, s := range o.seen {
		switch belongs, meets := s.of(p), pattern.matches(s.text()); {
		case belongs && !meets:
			return nil, fmt.Errorf("an entry for %s would not meet all of it (%s:%d)", name, s.written.File, s.written.Line)
		case !belongs && meets:
			return nil, fmt.Errorf("an entry for %s would change another version as well (%s:%d)", name, s.written.File, s.written.Line)
		}
	}
	if i := o.met(mine); i >= 0 {
		return o.fill(p, i), nil
	}
	return o.enter(p, name)
}

// unmet is for a pin of a base's images that has no container: where no object
// is in sight at all, the name is all there is.
func (o own) unmet(p pin.Pin) (*pin.Override, error) {
	known := slices.ContainsFunc(o.built.pins, func(q pin.Pin) bool { return q.Key == p.Key && seen{imaged: imaged{parts: q.Parts}}.of(p) })
	if !known || len(o.built.resources) > 0 {
		return nil, fmt.Errorf("it is set after the overlay's own images, by its Flux Kustomization")
	}
	if slices.Contains(o.built.renamed, p.Name) {
		return nil, fmt.Errorf("the base renames it")
	}
	return o.enter(p, p.Name)
}

// met is the index of the overlay's own entry that all of the containers were
// met by last, if versions can be written into it; else -1.
func (o own) met(all []seen) int {
	for _, s := range all {
		if s.by.File != o.file || !same(s.by, all[0].by) {
			return -1
		}
	}
	i := slices.IndexFunc(o.kust.images, func(e imageEntry) bool { return same(e.at, all[0].by) })
	if i < 0 || !o.kust.images[i].empty {
		return -1
	}
	for _, later := range o.kust.images[i+1:] {
		if later.name == o.kust.images[i].name || later.name == all[0].now {
			return -1
		}
	}
	return i
}

// fill adds the version to an entry that only renames.
func (o own) fill(p pin.Pin, i int) *pin.Override {
	e := o.kust.images[i]
	adds := entryOf(p)
	return &pin.Override{At: o.place(with(e.at.Path, yamledit.Key(adds[0].Keys[0]))), Grow: e.at.Path, Adds: adds}
}

// enter adds an entry, and the list if there is none. It comes last, and so
// knows the image by the name that it has in the end.
func (o own) enter(p pin.Pin, name string) (*pin.Override, error) {
	if _, rest, _ := strings.Cut(name, "/"); strings.Contains(rest, ":") {
		return nil, fmt.Errorf("%q is no name of an image", name)
	}
	list := yamledit.Path{yamledit.Key("images")}
	out := &pin.Override{Name: name, Adds: entryOf(p), Grow: yamledit.Path{}, Keys: []string{"images"}}
	count := 0
	if o.kust.listed != nil {
		if o.kust.listed.kind != yamledit.Sequence {
			return nil, fmt.Errorf("the images of %s are no list (line %s)", path.Base(o.file), strconv.Itoa(o.kust.listed.at.Line))
		}
		out.Grow, out.Keys, count = list, nil, len(o.kust.listed.items)
	}
	out.At = o.place(with(with(list, yamledit.Index(count)), yamledit.Key(out.Adds[0].Keys[0])))
	return out, nil
}

func (o own) place(at yamledit.Path) pin.Place {
	return pin.Place{File: o.file, Doc: o.kust.doc, Path: at, Layer: pin.Overlay}
}

// entryOf is what an entry of images needs to hold what the pin holds.
func entryOf(p pin.Pin) []pin.Addition {
	tag, digest := p.Holds()
	var adds []pin.Addition
	if tag {
		adds = append(adds, pin.Addition{Keys: []string{"newTag"}, Part: pin.Part{Form: pin.Tag}})
	}
	if digest {
		adds = append(adds, pin.Addition{Keys: []string{"digest"}, Part: pin.Part{Form: pin.Digest}})
	}
	return adds
}
