package overlay

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// aim is where in an object a patch has to set a version, so that it counts
// instead of a base's.
type aim struct {
	object resource
	way    []string // the keys to the mapping, or to the list of containers
	name   string   // of the container; "" if there is no list on the way
	list   *node    // the containers
	adds   []pin.Addition
	beside []pin.Part
}

// hit is a scalar of a built object.
type hit struct {
	object int
	path   yamledit.Path
}

// hits finds the scalars of the overlay's own build that stand at some places.
func (o own) hits(wanted map[spot]bool) map[spot][]hit {
	found := map[spot][]hit{}
	var visit func(object int, n *node, at yamledit.Path)
	visit = func(object int, n *node, at yamledit.Path) {
		if !o.work.spend(1) {
			return
		}
		if s := spotOf(n.at); n.kind == yamledit.Scalar && wanted[s] {
			found[s] = append(found[s], hit{object, at})
		}
		for i, item := range n.items {
			visit(object, item, with(at, yamledit.Index(i)))
		}
		for _, key := range n.keys {
			visit(object, n.fields[key], with(at, yamledit.Key(key)))
		}
	}
	for i, r := range o.built.resources {
		visit(i, r.root, nil)
	}
	return found
}

// aim finds what a patch would have to set to carry the pin's version.
func (o own) aim(p pin.Pin, hits map[spot][]hit) (aim, error) {
	var all []aim
	var beside []pin.Part
	for _, part := range p.Parts {
		switch found := hits[spotOf(part.At)]; {
		case part.At.Layer == pin.Overlay && (part.At.Path == nil || part.At.Owner != ""):
			return aim{}, fmt.Errorf("the part of it that the overlay has (%s:%d) cannot be edited", part.At.File, part.At.Line)
		case part.At.Layer == pin.Overlay:
			beside = append(beside, part)
		case len(found) == 0:
			return aim{}, o.unpatched(p)
		case len(found) > 1:
			return aim{}, fmt.Errorf("a patch would have to set it at %d places", len(found))
		default:
			a, err := o.lead(found[0], part)
			if err != nil {
				return aim{}, err
			}
			all = append(all, a)
		}
	}
	a := all[0]
	a.beside = beside
	for _, b := range all[1:] {
		if a.object.root != b.object.root || !slices.Equal(a.way, b.way) || a.name != b.name {
			return aim{}, fmt.Errorf("a patch would have to set it at %d places", len(all))
		}
		a.adds = append(a.adds, b.adds...)
	}
	return a, nil
}

// unpatched says why no object of the overlay has a version that it deploys.
func (o own) unpatched(p pin.Pin) error {
	for _, q := range o.built.pins {
		if q.Key == p.Key && p.Kind == pin.Remote {
			return errors.New("no overlay can change a URL among the resources of a base")
		}
		if q.Key == p.Key {
			return errors.New("no overlay can change what kustomize itself renders in a base")
		}
	}
	return errors.New("it is set by the Flux Kustomization, after the overlay itself")
}

// lead turns the way to a scalar into one that a strategic merge patch can go:
// through mappings, and by name into a list of containers.
func (o own) lead(h hit, part pin.Part) (aim, error) {
	a := aim{object: o.kust.before(o.built.resources[h.object])}
	last := len(h.path) - 1
	a.adds = []pin.Addition{{Keys: []string{h.path[last].Key}, Part: pin.Part{Form: part.Form, Text: part.Text}}}
	n := a.object.root
	for i, step := range h.path[:last] {
		if !step.IsIndex {
			n, a.way = n.get(step.Key), append(a.way, step.Key)
			continue
		}
		a.list, n = n, n.items[step.Index]
		if a.name = n.str("name"); i != last-1 || a.name == "" || !a.object.builtin() || !isContainers(a.way[i-1]) {
			return a, fmt.Errorf("it stands in the list %s, which a patch would replace as a whole", h.path[:i])
		}
	}
	return a, nil
}

// before is an object as it is called where the kustomization's own patches
// meet it, before it is renamed.
func (k *kustomization) before(r resource) resource {
	for _, renames := range []bool{k.namespace != "", k.prefix+k.suffix != ""} {
		if renames && len(r.ids) > 1 {
			r.ids = r.ids[1:]
		}
	}
	return r
}

// patches are the ways in which a patch of the overlay can come to set what is
// aimed at, the best one first: in a patch that it has for the object, the later
// the better, and else in a new one. The error says why there is no new one.
func (t *trials) patches(a aim) ([]*pin.Override, error) {
	type choice struct {
		*pin.Override
		left int // how many keys of the way the patch lacks
	}
	var all []choice
	for _, doc := range slices.Backward(t.patchesOf(a.object)) {
		if o, left := a.grow(doc); o != nil {
			all = append(all, choice{o, left})
		}
	}
	slices.SortStableFunc(all, func(x, y choice) int { return x.left - y.left })
	var out []*pin.Override
	for _, c := range all[:min(len(all), maxTrials)] {
		out = append(out, c.Override)
	}
	o, err := t.own.fresh(a)
	if err == nil {
		out = append(out, o)
	}
	return out, err
}

// patchesOf lists the overlay's own strategic merge patches for just that
// object, as far as they can be edited, in the order in which they act.
func (t *trials) patchesOf(object resource) []*node {
	var out []*node
	for _, p := range t.own.kust.patches {
		docs := p.docs
		if file, err := inside(t.dir, p.path); p.path != "" {
			if err != nil || !strings.HasPrefix(file, t.dir+"/") {
				continue
			}
			m, err := t.manifest(file, t.files[file])
			if err != nil {
				continue
			}
			docs = m.patches
		}
		if p.target != nil && !p.target.names(object) {
			continue
		}
		for _, doc := range docs {
			if doc.kind == yamledit.Mapping && doc.at.Path != nil && doc.get("$patch") == nil && (p.target != nil || object.is(doc)) {
				out = append(out, doc)
			}
		}
	}
	return out
}

// grow plans what a patch gets, and tells how many keys of the way are missing;
// nil if something else stands there.
func (a aim) grow(doc *node) (*pin.Override, int) {
	n, way := doc, a.way
	for len(way) > 0 && n.kind == yamledit.Mapping && n.get(way[0]) != nil {
		n, way = n.get(way[0]), way[1:]
	}
	o := &pin.Override{Keys: way, Name: a.name, Adds: a.adds, Beside: a.beside}
	more := keys(way)
	switch {
	case n.kind == yamledit.Sequence && len(way) == 0 && a.name != "":
		i := slices.IndexFunc(n.items, func(item *node) bool { return item.str("name") == a.name })
		switch {
		case i >= 0:
			n, o.Name = n.items[i], ""
		case !a.follows(n.items):
			return nil, 0
		default:
			more = yamledit.Path{yamledit.Index(len(n.items))}
		}
	case a.name != "" && !a.follows(nil):
		return nil, 0
	case a.name != "":
		more = append(more, yamledit.Index(0))
	}
	leaf := a.adds[0].Keys[0]
	if n.kind == yamledit.Sequence && o.Name == "" || n.kind == yamledit.Mapping && len(way) == 0 && slices.ContainsFunc(a.adds, func(add pin.Addition) bool { return n.get(add.Keys[0]) != nil }) {
		return nil, 0
	}
	if n.kind != yamledit.Mapping && n.kind != yamledit.Sequence {
		return nil, 0
	}
	more = with(more, yamledit.Key(leaf))
	o.At = pin.Place{File: n.at.File, Doc: n.at.Doc, Path: slices.Concat(n.at.Path, more), Layer: pin.Overlay}
	o.Grow = n.at.Path
	if n.at.Inner != nil {
		o.At.Path, o.At.Inner = n.at.Path, slices.Concat(n.at.Inner, more)
		o.Grow = n.at.Inner
	}
	return o, len(way)
}

// follows tells whether the container is the next one behind those of a patch:
// kustomize puts them first, in the patch's order, and no order may change.
func (a aim) follows(items []*node) bool {
	for i, item := range items {
		if i >= len(a.list.items) || item.str("name") != a.list.items[i].str("name") {
			return false
		}
	}
	return len(items) < len(a.list.items) && a.list.items[len(items)].str("name") == a.name
}

// settled tells whether kustomize leaves an object as it is where it merges a
// patch into it that says nothing new. It drops keys without a value, and items
// of named lists whose name is there already.
func settled(w *work, n *node, builtin bool) bool {
	if !w.spend(1) {
		return false
	}
	names := map[string]bool{}
	for _, item := range n.items {
		name := item.str("name")
		if builtin && name != "" && names[name] || !settled(w, item, builtin) {
			return false
		}
		names[name] = true
	}
	for _, value := range n.fields {
		if value.null && value.text == "" || !settled(w, value, builtin) {
			return false
		}
	}
	return true
}

// fresh plans a patch of its own for the object, in the overlay's kustomization.
func (o own) fresh(a aim) (*pin.Override, error) {
	switch {
	case a.name != "" && !a.follows(nil):
		return nil, fmt.Errorf("a patch of its own would put the container %s first", a.name)
	case !settled(o.work, a.object.root, a.object.builtin()):
		return nil, fmt.Errorf("a patch of its own would change more of %s %s, since kustomize drops keys without a value and names that stand twice", a.object.kind(), a.object.name())
	}
	root, space := a.object.root, a.object.ids[0].space
	object := pin.Object{APIVersion: root.str("apiVersion"), Kind: root.str("kind"), Name: a.object.name(), Namespace: space}
	if space == "default" && root.str("metadata", "namespace") == "" {
		object.Namespace = ""
	}
	out := &pin.Override{Grow: yamledit.Path{}, Keys: []string{"patches"}, Object: &object, Way: a.way, Name: a.name, Adds: a.adds, Beside: a.beside}
	count := 0
	switch list := o.kust.patched; {
	case list == nil:
	case list.kind != yamledit.Sequence:
		return nil, fmt.Errorf("the patches of %s are no list (line %d)", path.Base(o.file), list.at.Line)
	default:
		out.Grow, out.Keys, count = list.at.Path, nil, len(list.items)
	}
	out.At = o.place(yamledit.Path{yamledit.Key("patches"), yamledit.Index(count), yamledit.Key("patch")})
	out.At.Inner = keys(a.way)
	if a.name != "" {
		out.At.Inner = append(out.At.Inner, yamledit.Index(0))
	}
	out.At.Inner = append(out.At.Inner, yamledit.Key(a.adds[0].Keys[0]))
	return out, nil
}

func keys(way []string) yamledit.Path {
	out := make(yamledit.Path, 0, len(way)+2)
	for _, key := range way {
		out = append(out, yamledit.Key(key))
	}
	return out
}

// prefersPatch tells whether the overlay says of the object's container already
// what is its own, and has no list of images.
func (t *trials) prefersPatch(list []*pin.Override) bool {
	return t.own.kust.listed == nil && len(list) > 0 && list[0].Object == nil && len(list[0].Keys) == 0 && list[0].Name == ""
}
