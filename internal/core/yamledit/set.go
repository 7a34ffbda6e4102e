package yamledit

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Edit replaces the text of one scalar.
type Edit struct {
	Doc  int  // the document, from 0
	Path Path // from the document's root to the scalar
	// Inner is set if the scalar at Path is a literal block ("|") that holds a
	// YAML text of its own, such as an inline patch. It then leads from the root
	// of that text's only document to the scalar that is meant.
	Inner Path
	Old   string // the decoded text that must be there now
	New   string // the decoded text that shall be there
	// Keep is set if a number stays a number and a boolean a boolean; else New is
	// written as a string.
	Keep bool
}

// change is what becomes of one node of the tree. Value and tag are what the
// verification asks of the new tree; the splices are how it shall come about.
type change struct {
	node    *yaml.Node
	value   string   // the node's new text
	tag     string   // the node's new tag
	splices []splice // none if the node stays as it is
}

// splice replaces src[start:end] by text.
type splice struct {
	start, end int
	text       string
}

// Set makes all edits or none and returns the new text; the file itself stays
// as it is. The order of the edits does not matter, repeating one is harmless,
// and an edit whose New equals its Old only checks that Old is there.
//
// The error is of kind core.Conflict if a scalar's text is not Old,
// core.NotFound if a path leads nowhere, and core.Invalid if an edit cannot be
// made without touching something else, if two edits disagree, or if the result
// is not exactly the old tree with those scalars changed.
func (f *File) Set(edits ...Edit) ([]byte, error) {
	return f.Update(edits, nil)
}

// apply makes the changes in the text and lets nothing through that was not
// verified.
func (f *File) apply(changes []change, grown []*growth) ([]byte, error) {
	splices := collect(changes, grown)
	if len(splices) == 0 {
		return bytes.Clone(f.src), nil
	}
	out := replace(f.src, splices)
	if err := f.verify(out, changes, grown, splices); err != nil {
		return nil, err
	}
	return out, nil
}

// plan finds out what each edit, and each insertion inside of a literal block,
// changes, without changing anything.
func (f *File) plan(edits []Edit, nested []Insertion) ([]change, error) {
	if len(edits) > maxEdits {
		return nil, core.Errorf(core.Invalid, "%d edits at once are too many (at most %d)", len(edits), maxEdits)
	}
	done := map[*yaml.Node]change{}
	var inside blocks
	for _, e := range edits {
		trail, err := f.target(e)
		if err != nil {
			return nil, err
		}
		node := trail[len(trail)-1]
		if e.Inner != nil {
			b := inside.of(node)
			b.edits = append(b.edits, Edit{Path: e.Inner, Old: e.Old, New: e.New, Keep: e.Keep})
			continue
		}
		if before, ok := done[node]; ok && before.value != e.New {
			return nil, f.place(node).errorf(core.Invalid, "%s: two edits want different texts here: %q and %q", e.Path, clip(before.value), clip(e.New))
		}
		if done[node], err = f.planScalar(trail, e); err != nil {
			return nil, err
		}
	}
	for _, in := range nested {
		trail, err := f.target(Edit{Doc: in.Doc, Path: in.Path})
		if err != nil {
			return nil, err
		}
		b := inside.of(trail[len(trail)-1])
		b.insertions = append(b.insertions, Insertion{Path: in.Inner, Keys: in.Keys, Text: in.Text, Item: in.Item})
	}
	for _, b := range inside {
		c, err := f.planNested(b)
		if err != nil {
			return nil, err
		}
		done[b.node] = c
	}
	return slices.Collect(maps.Values(done)), nil
}

// target finds an edit's node and refuses it if other places share it or share
// something that it is part of. The trail leads from the document's root to the
// node.
func (f *File) target(e Edit) ([]*yaml.Node, error) {
	root, err := f.At(e.Doc, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", e.Path, err)
	}
	trail, err := f.walk(root.y, e.Path)
	if err != nil {
		return nil, err
	}
	for _, n := range trail {
		if f.aliased[n] {
			return nil, f.place(n).errorf(core.Invalid, "%s: aliases of &%s elsewhere would change too", e.Path, clip(n.Anchor))
		}
	}
	n := trail[len(trail)-1]
	if n.Kind != yaml.ScalarNode {
		return nil, f.place(n).errorf(core.Invalid, "%s: %s is here, not a scalar", e.Path, Node{f: f, y: n}.Kind())
	}
	return trail, nil
}

// planScalar plans the change of the scalar at the end of the trail. A scalar
// that holds its new text already keeps its bytes, whatever its style and type:
// rewriting `tag: 1.20` as "1.20" would be a change that nobody asked for.
func (f *File) planScalar(trail []*yaml.Node, e Edit) (change, error) {
	n := trail[len(trail)-1]
	if n.Value != e.Old {
		return change{}, f.place(n).errorf(core.Conflict, "%s: found %q, expected %q", e.Path, clip(n.Value), clip(e.Old))
	}
	if e.New == e.Old {
		return change{node: n, value: n.Value, tag: n.Tag}, nil
	}
	if reason := unwritable(e.New); reason != "" {
		return change{}, f.place(n).errorf(core.Invalid, "%s: %s", e.Path, reason)
	}
	start, end, reason := f.token(n)
	if reason != "" {
		return change{}, f.place(n).errorf(core.Invalid, "%s: %s", e.Path, reason)
	}
	if e.Keep && n.Tag != tagString {
		if !isOf(n, e.New) {
			return change{}, f.place(n).errorf(core.Invalid, "%s: a value of the type %s is here, and %q is none that every reader of YAML takes for one", e.Path, strings.TrimPrefix(n.Tag, "!!"), clip(e.New))
		}
		return change{node: n, value: e.New, tag: n.Tag, splices: []splice{{start, end, e.New}}}, nil
	}
	text := render(e.New, f.styleFor(trail, e.New))
	return change{node: n, value: e.New, tag: tagString, splices: []splice{{start, end, text}}}, nil
}

// collect gives the splices of everything in the order of the text; growths
// that begin at one place stay in the order in which they come.
func collect(changes []change, grown []*growth) []splice {
	var all []splice
	for _, c := range changes {
		all = append(all, c.splices...)
	}
	for _, g := range grown {
		all = append(all, g.splice)
	}
	slices.SortStableFunc(all, func(a, b splice) int { return a.start - b.start })
	return all
}

// replace applies splices that are sorted and do not overlap.
func replace(src []byte, splices []splice) []byte {
	out := make([]byte, 0, len(src)+len(splices)*16)
	at := 0
	for _, s := range splices {
		out = append(append(out, src[at:s.start]...), s.text...)
		at = s.end
	}
	return append(out, src[at:]...)
}
