package overlay

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// named finds the versions of an object of which the policy alone knows. Those
// that are found without it, in the pins from known on and in containers, are
// left as they were found.
func (f *finder) named(r resource, known int) {
	var taken []pin.Place
	for i, rule := range f.reading.Fields {
		if !rule.Of(r.kind(), r.group()) {
			continue
		}
		if taken == nil {
			taken = f.taken(r, known)
		}
		follow := &trail{finder: f, name: rule.Path.String()}
		follow.to(r.root, rule.Path, nil, func(n *node, at yamledit.Path) {
			f.met[i] = true
			if !slices.ContainsFunc(taken, func(at pin.Place) bool { return same(at, n.at) }) {
				f.fixed(pin.Key{Kind: pin.Field, Name: r.kind() + " " + r.original().name + ": " + at.String()}, n, rule)
			}
		})
	}
}

// taken are the places of an object whose versions are known already.
func (f *finder) taken(r resource, known int) []pin.Place {
	taken := []pin.Place{}
	for _, p := range f.pins[known:] {
		for _, part := range p.Parts {
			taken = append(taken, part.At)
		}
	}
	images(f.work, r.root, func(image *node) { taken = append(taken, image.at) })
	return taken
}

// fixed is what a field that holds something says.
func (f *finder) fixed(k pin.Key, n *node, rule policy.Field) {
	switch {
	case n.number:
		f.refuse(n.at, "%s is a number to YAML, and the policy takes it for a version: quote it", n.text)
	case rule.Is == policy.VersionField:
		f.add(k, "", pin.Part{Form: pin.Plain, Text: n.text, At: n.at})
	case len(pin.ImageName(n.text)) < len(n.text):
		f.add(k, pin.ImageName(n.text), pin.Part{Form: pin.ImageRef, Text: n.text, At: n.at})
	}
}

// trail follows a path of the policy through an object.
type trail struct {
	finder *finder
	name   string // the path as the policy spells it
}

// to finds the single values at the end of a path. What is not there is passed
// over; what has another shape than the path says is refused.
func (t *trail) to(n *node, path policy.FieldPath, at yamledit.Path, found func(n *node, at yamledit.Path)) {
	switch {
	case n == nil || n.null || !t.finder.work.spend(1):
	case n.kind == yamledit.Unclear:
		t.finder.refuse(n.at, "%s stands behind %s here, which is not understood: write it out", t.name, n.why)
	case len(path) == 0 && n.kind != yamledit.Scalar:
		t.refuse(n, "a single value")
	case len(path) == 0 && n.text != "":
		found(n, at)
	case len(path) == 0:
	case path[0].Each == policy.EachItem:
		t.items(n, path[1:], at, found)
	case n.kind != yamledit.Mapping:
		t.refuse(n, "a mapping")
	case path[0].Each == policy.EachValue:
		for _, key := range n.keys {
			t.to(n.fields[key], path[1:], with(at, yamledit.Key(key)), found)
		}
	default:
		t.to(n.fields[path[0].Key], path[1:], with(at, yamledit.Key(path[0].Key)), found)
	}
}

func (t *trail) items(n *node, path policy.FieldPath, at yamledit.Path, found func(n *node, at yamledit.Path)) {
	if n.kind != yamledit.Sequence {
		t.refuse(n, "a list")
		return
	}
	for i, step := range steps(n.items) {
		t.to(n.items[i], path, with(at, step), found)
	}
}

func (t *trail) refuse(n *node, want string) {
	is := map[yamledit.Kind]string{yamledit.Mapping: "a mapping", yamledit.Sequence: "a list", yamledit.Scalar: "a single value"}[n.kind]
	t.finder.refuse(n.at, "the policy names %s, which takes %s here, and this is %s: correct one of the two", t.name, want, is)
}

// covers tells whether a text that says where to write, a key or the path of a
// patch or a replacement, may mean a field that only the policy knows.
func covers(r policy.Reading, text string) bool {
	parts := strings.FieldsFunc(text, func(c rune) bool { return c == '/' || c == '.' || c == '[' || c == ']' })
	means := func(p policy.FieldPath) bool { return slices.Contains(parts, lastKey(p)) }
	return slices.ContainsFunc(r.Fields, func(f policy.Field) bool { return means(f.Path) }) ||
		slices.ContainsFunc(r.Couple, func(m policy.Member) bool { return means(m.Path) })
}

func lastKey(p policy.FieldPath) string {
	for _, step := range slices.Backward(p) {
		if step.Each == "" {
			return step.Key
		}
	}
	return ""
}

// speaksOfNamed looks for a key or a path that may mean such a field.
func speaksOfNamed(w *work, r policy.Reading, n *node) bool {
	if n == nil || len(r.Fields)+len(r.Couple) == 0 {
		return false
	}
	if !w.spend(1) || n.kind == yamledit.Scalar && covers(r, n.text) {
		return true
	}
	for _, key := range n.keys {
		if covers(r, key) || speaksOfNamed(w, r, n.fields[key]) {
			return true
		}
	}
	return slices.ContainsFunc(n.items, func(item *node) bool { return speaksOfNamed(w, r, item) })
}

// unseen refuses what may set a field that only the policy knows, and is not
// followed.
func (r *resolver) unseen(k *kustomization) error {
	for _, item := range k.replaced {
		if speaksOfNamed(r.work, r.reading, item) {
			return refuse(item.at.File, item.at.Line, item.at.Column, "replacements and vars that may set a version are not understood")
		}
	}
	return nil
}

// vague refuses a patch that selects by labels, which are not evaluated, and
// may set such a field.
func (r *resolver) vague(p patch, docs []*node) error {
	if p.target == nil || !p.target.byLabels {
		return nil
	}
	for _, doc := range docs {
		if speaksOfNamed(r.work, r.reading, doc) {
			return p.refuse("a patch that may set a version and selects by labels or annotations is not understood")
		}
	}
	return nil
}

// absent names the fields of the policy that no overlay has.
func (s *survey) absent() []Problem {
	var out []Problem
	for i, f := range s.policy.Fields {
		if s.met[i] == 0 {
			group := ""
			if f.Group != "" {
				group = " of " + f.Group
			}
			out = append(out, Problem{File: f.At.File, Line: f.At.Line, Column: f.At.Column, Message: fmt.Sprintf("no overlay that is understood has an object of kind %s%s with %s, so this entry finds no version: correct or remove it", f.Kind, group, f.Path)})
		}
	}
	return out
}

// count notes which fields of the policy an overlay has, or no longer has.
func (s *survey) count(met map[int]bool, by int) {
	for i := range met {
		s.met[i] += by
	}
}
