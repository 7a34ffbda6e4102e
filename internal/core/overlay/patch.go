package overlay

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// merge applies a strategic merge patch the way kustomize does. Lists of
// containers are merged by name in Kubernetes's own kinds; in custom resources,
// of which kustomize knows no schema, every list is replaced.
func merge(w *work, base, patch *node, builtin bool) *node {
	if base != nil && (base.kind == yamledit.Unclear && patch.kind == yamledit.Mapping || patch.kind == yamledit.Unclear && base.kind == yamledit.Mapping) {
		return mixed(w, base, patch)
	}
	if base == nil || base.kind != yamledit.Mapping || patch.kind != yamledit.Mapping || patch.str("$patch") == "replace" {
		return strip(w, patch)
	}
	out := base.copy(w)
	for _, key := range patch.keys {
		value, old := patch.fields[key], base.fields[key]
		switch {
		case key == "$patch":
		case value.null, value.str("$patch") == "delete":
			delete(out.fields, key)
		case builtin && isNamed(key) && old != nil && value.kind == yamledit.Sequence:
			out.put(key, mergeByName(w, old, value))
		default:
			out.put(key, merge(w, old, value, builtin))
		}
	}
	return out.tidied()
}

// mixed is what becomes of two values if it cannot be seen what one of them
// holds.
func mixed(w *work, base, patch *node) *node {
	out := *patch
	if base.kind == yamledit.Unclear {
		out = *base
	}
	out.hides = base.mayHold(w) || patch.mayHold(w)
	return &out
}

// strip takes the directives and the deletions out of what a patch adds.
func strip(w *work, n *node) *node {
	if n.kind != yamledit.Mapping {
		return n
	}
	out := n.copy(w)
	for _, key := range n.keys {
		switch value := n.fields[key]; {
		case key == "$patch", value.null:
			delete(out.fields, key)
		case value.kind == yamledit.Mapping:
			out.fields[key] = strip(w, value)
		}
	}
	return out.tidied()
}

// mergeByName puts the patch's items first, in their order, as kustomize does:
// operations that come later count them.
func mergeByName(w *work, base, patch *node) *node {
	rest := slices.Clone(base.items)
	if slices.ContainsFunc(patch.items, func(n *node) bool { return n.str("$patch") == "replace" }) {
		rest = nil
	}
	var front []*node
	for _, item := range patch.items {
		if !w.spend(len(rest) + len(front) + 1) {
			break
		}
		called := func(old *node) bool { return old.str("name") == item.str("name") }
		i, j := slices.IndexFunc(rest, called), slices.IndexFunc(front, called)
		switch directive := item.str("$patch"); {
		case directive == "delete" && i >= 0:
			rest = slices.Delete(rest, i, i+1)
		case directive == "delete", directive == "replace":
		case j >= 0:
			front[j] = merge(w, front[j], item, true)
		case i >= 0:
			front, rest = append(front, merge(w, rest[i], item, true)), slices.Delete(rest, i, i+1)
		default:
			front = append(front, strip(w, item))
		}
	}
	return base.withItems(append(front, rest...))
}

func isContainers(key string) bool { return key == "containers" || key == "initContainers" }

// isNamed tells the lists with images in them that are merged by name.
func isNamed(key string) bool { return isContainers(key) || key == "volumes" }

// operate applies the operations of a JSON 6902 patch in order. Its errors say
// what an operation did not find, as kustomize would.
func operate(w *work, n *node, operations *node) (*node, error) {
	for _, op := range operations.items {
		if !w.spend(1) {
			return nil, errTooMuch
		}
		var err error
		if op.str("path") == "" {
			return nil, fmt.Errorf("an operation on the whole object is not understood")
		}
		path := pointer(op.str("path"))
		switch verb := op.str("op"); verb {
		case "add", "replace":
			value := op.get("value")
			if value == nil {
				return nil, fmt.Errorf("the operation %s on %s has no value", verb, op.str("path"))
			}
			n, err = put(w, n, path, value, verb == "add")
		case "remove":
			n, err = put(w, n, path, nil, false)
		case "copy", "move":
			n, err = transfer(w, n, pointer(op.str("from")), path, verb == "move")
		case "test":
			err = expect(n, path, op.get("value"))
		default:
			err = fmt.Errorf("unknown operation %q", verb)
		}
		if err != nil {
			return nil, err
		}
	}
	return n, nil
}

// expect compares single values alone: what a test says of more than one has
// been true for as long as the overlay has been deployed.
func expect(n *node, path []string, want *node) error {
	have, err := find(n, path)
	if err == nil && want != nil && want.kind == yamledit.Scalar && have.kind == yamledit.Scalar && want.text != have.text {
		return fmt.Errorf("the test of /%s expects %q and finds %q", strings.Join(path, "/"), want.text, have.text)
	}
	return err
}

func transfer(w *work, n *node, from, to []string, move bool) (*node, error) {
	value, err := find(n, from)
	if err != nil {
		return nil, err
	}
	if move {
		if n, err = put(w, n, from, nil, false); err != nil {
			return nil, err
		}
	}
	return put(w, n, to, value, true)
}

const reasonLoose = "what begins with [ must be JSON, and this is not"

// strictJSON tells whether kustomize would take a text for a patch: as soon as
// one begins with a bracket, it has to be JSON.
func strictJSON(text []byte) bool {
	return !bytes.HasPrefix(bytes.TrimSpace(text), []byte("[")) || json.Valid(text)
}

// pointer splits a JSON pointer.
func pointer(text string) []string {
	var steps []string
	for step := range strings.SplitSeq(strings.TrimPrefix(text, "/"), "/") {
		steps = append(steps, strings.NewReplacer("~1", "/", "~0", "~").Replace(step))
	}
	return steps
}

func find(n *node, path []string) (*node, error) {
	for _, step := range path {
		next := n.get(step)
		if n != nil && n.kind == yamledit.Sequence {
			if i, err := strconv.Atoi(step); err == nil && i >= 0 && i < len(n.items) {
				next = n.items[i]
			}
		}
		if next == nil {
			return nil, fmt.Errorf("nothing at %q of /%s", step, strings.Join(path, "/"))
		}
		n = next
	}
	return n, nil
}

// put sets, inserts or (for a nil value) removes what is at a path.
func put(w *work, n *node, path []string, value *node, insert bool) (*node, error) {
	if n.kind == yamledit.Sequence {
		return putItem(w, n, path, value, insert)
	}
	step := path[0]
	old := n.get(step)
	w.spend(len(n.keys))
	switch {
	case n.kind == yamledit.Unclear:
		return nil, fmt.Errorf("%q is behind %s, which is not understood", step, n.why)
	case n.kind != yamledit.Mapping:
		return nil, fmt.Errorf("nothing can be at %q there", step)
	case len(path) == 1 && (insert || old != nil):
		return n.set(step, value), nil
	case old == nil:
		return nil, fmt.Errorf("nothing at %q", step)
	}
	inner, err := put(w, old, path[1:], value, insert)
	if err != nil {
		return nil, err
	}
	return n.set(step, inner), nil
}

func putItem(w *work, n *node, path []string, value *node, insert bool) (*node, error) {
	i, err := strconv.Atoi(path[0])
	if path[0] == "-" {
		i, err = len(n.items), nil
	}
	last := len(path) == 1
	w.spend(len(n.items))
	switch {
	case err != nil || i < 0 || i > len(n.items) || i == len(n.items) && !(last && insert):
		return nil, fmt.Errorf("no item %q in a list of %d", path[0], len(n.items))
	case last && insert:
		return n.withItems(slices.Insert(slices.Clone(n.items), i, value)), nil
	case last && value == nil:
		return n.withItems(slices.Delete(slices.Clone(n.items), i, i+1)), nil
	}
	items := slices.Clone(n.items)
	if last {
		items[i] = value
	} else if items[i], err = put(w, items[i], path[1:], value, insert); err != nil {
		return nil, err
	}
	return n.withItems(items), nil
}

// patch applies one document of a patch to the objects that it is meant for.
func (b *built) patch(w *work, p patch, doc *node) error {
	if doc.kind == yamledit.Sequence && p.target == nil {
		return refuse(doc.at.File, doc.at.Line, doc.at.Column, "a JSON 6902 patch needs a target")
	}
	if p.target != nil && p.target.byLabels && speaksOfPinned(w, doc) {
		return p.refuse("a patch that may set a version and selects by labels or annotations is not understood")
	}
	found := false
	for i, o := range b.resources {
		if !w.spend(1) {
			return p.refuse("%v", errTooMuch)
		}
		if p.target != nil && !p.target.selects(o) || p.target == nil && !o.is(doc) {
			continue
		}
		found = true
		root, err := o.patched(w, doc)
		if err != nil {
			return refuse(doc.at.File, doc.at.Line, doc.at.Column, "the patch does not fit %s %s: %v", o.kind(), o.name(), err)
		}
		b.resources[i].root = root
		b.resources[i].forget(w, doc)
	}
	switch {
	case found || p.target != nil || b.partial:
	case b.open && doc.kind == yamledit.Mapping:
		// The object is in what is not read: as far as is known, it is the patch.
		b.resources = append(b.resources, newResource(strip(w, doc)))
	default:
		return refuse(doc.at.File, doc.at.Line, doc.at.Column, "the patch is for %s %s, which is not among the resources", doc.str("kind"), doc.str("metadata", "name"))
	}
	if doc.str("$patch") == "delete" {
		b.resources = slices.DeleteFunc(b.resources, func(o resource) bool { return o.root == nil })
	}
	return nil
}

func (r resource) patched(w *work, doc *node) (*node, error) {
	switch {
	case doc.kind == yamledit.Sequence:
		return operate(w, r.root, doc)
	case doc.kind != yamledit.Mapping:
		return nil, fmt.Errorf("it is neither a mapping nor a list of operations")
	case doc.str("$patch") == "delete":
		return nil, nil
	}
	w.spend(3 * len(r.root.keys))
	root := merge(w, r.root, doc, r.builtin())
	// The object keeps its identity, whatever kind and name the patch goes by.
	for _, key := range []string{"apiVersion", "kind"} {
		root = root.set(key, r.root.get(key))
	}
	return root.set("metadata", keepName(root.get("metadata"), r.root.get("metadata"))), nil
}

func keepName(patched, original *node) *node {
	if patched == nil || patched.kind != yamledit.Mapping || original == nil {
		return original
	}
	return patched.set("name", original.get("name"))
}

// speaksOfPinned looks for a key or a pointer that could set a version.
func speaksOfPinned(w *work, n *node) bool {
	if !w.spend(1) {
		return true
	}
	for _, key := range n.keys {
		if speaksOfVersions(&node{kind: yamledit.Scalar, text: key}) || key == "path" && speaksOfVersions(n.fields[key]) || speaksOfPinned(w, n.fields[key]) {
			return true
		}
	}
	return slices.ContainsFunc(n.items, func(item *node) bool { return speaksOfPinned(w, item) })
}
