package overlay

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// replacement copies a single value of one object to others. A version that it
// brings stands at its source, and is written there.
type replacement struct {
	at     pin.Place
	source selector
	from   []string // the way to the value
	to     []goal
}

// goal is a field, of all objects that are selected, that gets the value.
type goal struct {
	selector
	path []string
}

// readReplacement understands replacements that copy whole values between
// fields that are there; it tells false for all others.
func readReplacement(n *node) (replacement, bool) {
	r := replacement{at: n.at}
	source, ok := n.get("source"), only(n, "source", "targets") && only(n.get("source"), "group", "version", "kind", "name", "namespace", "fieldPath")
	if !ok || source.str("kind") == "" || source.str("name") == "" {
		return r, false
	}
	r.from, ok = fieldPath(source.get("fieldPath"))
	var err error
	if r.source, err = newSelector(exactly(source)); !ok || err != nil {
		return r, false
	}
	for _, target := range items(n.get("targets")) {
		goals, ok := readGoals(target)
		if !ok {
			return r, false
		}
		r.to = append(r.to, goals...)
	}
	return r, len(r.to) > 0
}

func readGoals(target *node) (goals []goal, ok bool) {
	selected, paths := target.get("select"), target.get("fieldPaths")
	if !only(target, "select", "fieldPaths") || !only(selected, "group", "version", "kind", "name", "namespace") {
		return nil, false
	}
	s, err := newSelector(selected)
	if err != nil || paths == nil || paths.kind != yamledit.Sequence || len(paths.items) == 0 {
		return nil, false
	}
	for _, item := range paths.items {
		path, ok := fieldPath(item)
		if !ok {
			return nil, false
		}
		goals = append(goals, goal{s, path})
	}
	return goals, true
}

// only tells whether a value is a mapping with none but these keys.
func only(n *node, keys ...string) bool {
	return n != nil && n.kind == yamledit.Mapping &&
		!slices.ContainsFunc(n.keys, func(key string) bool { return !slices.Contains(keys, key) })
}

// exactly makes a selector of texts that are no regular expressions.
func exactly(n *node) *node {
	out := n
	for _, key := range []string{"group", "version", "kind", "name", "namespace"} {
		if v := n.get(key); v != nil && v.kind == yamledit.Scalar {
			quoted := *v
			quoted.text = regexp.QuoteMeta(v.text)
			out = out.set(key, &quoted)
		}
	}
	return out
}

// fieldPath takes a path such as spec.template.spec.containers.[name=a].image
// apart; one with wildcards or escapes is not understood.
func fieldPath(n *node) (steps []string, ok bool) {
	if !written(n) || strings.ContainsAny(n.text, `*\"'`) {
		return nil, false
	}
	steps = strings.Split(n.text, ".")
	return steps, !slices.ContainsFunc(steps, func(step string) bool {
		_, value, named := strings.Cut(step, "=")
		bracketed := strings.HasPrefix(step, "[") || strings.HasSuffix(step, "]")
		return step == "" || step == "-" || bracketed && (!named || value == "]" || step[0] != '[' || step[len(step)-1] != ']')
	})
}

// replace does what a replacement does after everything else.
func (b *built) replace(w *work, r replacement) (*node, error) {
	var sources []int
	for i, o := range b.resources {
		if w.spend(1) && r.source.selects(o) {
			sources = append(sources, i)
		}
	}
	switch len(sources) {
	case 1:
	case 0:
		return nil, errors.New("its source is none of the objects that are read")
	default:
		return nil, errors.New("its source is not one object alone")
	}
	from := b.resources[sources[0]]
	path, err := numbered(from.root, r.from)
	if err != nil {
		return nil, err
	}
	value, err := find(from.root, path)
	if err != nil {
		return nil, err
	}
	if !written(value) || value.number {
		return nil, errors.New("its source is not a single string")
	}
	for _, to := range r.to {
		for i, o := range b.resources {
			if !w.spend(1) || !to.selects(o) {
				continue
			}
			if err := b.resources[i].receive(w, to.path, from, value); err != nil {
				return nil, fmt.Errorf("%s %s: %w", o.kind(), o.name(), err)
			}
		}
	}
	return value, nil
}

// receive puts a value of another object in, with what entries of images have
// made of it there.
func (r *resource) receive(w *work, path []string, from resource, value *node) error {
	path, err := numbered(r.root, path)
	if err != nil {
		return err
	}
	old, err := find(r.root, path)
	if err != nil {
		return err
	}
	if old.kind != yamledit.Scalar || old.number {
		return fmt.Errorf("no single string is at %s", strings.Join(path, "."))
	}
	if r.root, err = put(w, r.root, path, value, false); err != nil {
		return err
	}
	was, met := from.images[value]
	if _, had := r.images[value]; met || had {
		r.images = maps.Clone(r.images)
		if r.images == nil {
			r.images = map[*node]imaged{}
		}
		delete(r.images, value)
		if met {
			r.images[value] = was
		}
	}
	return nil
}

// numbered spells steps such as [name=a] as the numbers of the items that they
// mean.
func numbered(n *node, path []string) ([]string, error) {
	out := slices.Clone(path)
	for i, step := range path {
		if strings.HasPrefix(step, "[") {
			key, value, _ := strings.Cut(strings.Trim(step, "[]"), "=")
			list, err := find(n, out[:i])
			if err != nil {
				return nil, err
			}
			j := slices.IndexFunc(list.items, func(item *node) bool { return item.str(key) == value })
			if j < 0 {
				return nil, fmt.Errorf("nothing at %s of %s", step, strings.Join(path, "."))
			}
			out[i] = fmt.Sprint(j)
		}
	}
	return out, nil
}

// replaceAll carries replacements out. One that can not be followed and sets no
// version is of no interest.
func (r *resolver) replaceAll(dir string, k *kustomization, on *built) error {
	for i, item := range k.replacements {
		value, err := on.replace(r.work, item)
		versions := speaksOfVersions(k.targets[i]) || speaksOfNamed(r.work, r.reading, k.targets[i])
		switch {
		case err != nil && versions:
			return refuse(item.at.File, item.at.Line, item.at.Column, "a replacement that may set a version is not understood: %v", err)
		case err == nil && r.late != nil:
			r.late[spotOf(value.at)] = true
		case err == nil && dir == r.dir:
			r.again = r.again.with(value.at)
		}
	}
	return nil
}
