package yamledit

import (
	"cmp"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Insertion adds something at the end of a collection. It never replaces
// anything: the first of Keys must not be there yet.
type Insertion struct {
	Doc  int  // the document, from 0
	Path Path // from the document's root to the mapping or sequence that grows
	// Inner is set if at Path there is a literal block ("|") that holds a YAML text
	// of its own. It then leads from the root of that text's only document to the
	// collection that is meant.
	Inner Path
	// Keys are what a mapping gets, each inside the one before. They are empty
	// where a sequence grows.
	Keys []string
	Text string // what stands under the last key, or a new item of the sequence at Path, unless Item is set
	// Item is a mapping of texts: a new item of the sequence at Path, or the only
	// item of a new sequence under the last key.
	Item []Field
}

// Field is one entry of a new item. A Text of several lines becomes a literal
// block.
type Field struct{ Key, Text string }

// bare is the key of the only field of an item that is a text and no mapping. No
// key can be spelt so.
const bare = "\x00"

func isBare(item []Field) bool { return len(item) == 1 && item[0].Key == bare }

// sprout is new content: a text, a mapping or a sequence. Insertions into one
// collection make one, so that two of them can share a new key.
type sprout struct {
	text   string
	keys   []string // of a mapping, in order
	fields map[string]*sprout
	items  [][]Field
}

// growth is what one collection of the tree gets.
type growth struct {
	trail  []*yaml.Node // from the document's root to the collection
	added  *sprout
	column int // at which the collection's entries begin, from 1
	splice splice
}

func (g *growth) node() *yaml.Node { return g.trail[len(g.trail)-1] }

// Update makes all edits and all insertions, or none, and returns the new text.
// What is inserted looks like its neighbours, and every text in it is a string
// for all readers of YAML. Insertions into one place keep their order, and
// repeating one is harmless.
//
// The errors are those of Set. An insertion into a collection with an anchor, or
// into one that other places share, and one for a key that is there already, is
// of kind core.Invalid.
func (f *File) Update(edits []Edit, insertions []Insertion) ([]byte, error) {
	if len(insertions) > maxEdits {
		return nil, core.Errorf(core.Invalid, "%d insertions at once are too many (at most %d)", len(insertions), maxEdits)
	}
	var here, nested []Insertion
	for _, in := range insertions {
		if in.Inner != nil {
			nested = append(nested, in)
			continue
		}
		here = append(here, in)
	}
	changes, err := f.plan(edits, nested)
	if err != nil {
		return nil, err
	}
	grown, err := f.grow(here)
	if err != nil {
		return nil, err
	}
	return f.apply(changes, grown)
}

// grow finds out what each insertion adds and where, without adding it.
func (f *File) grow(insertions []Insertion) ([]*growth, error) {
	var all []*growth
	for _, in := range insertions {
		trail, err := f.ground(in)
		if err != nil {
			return nil, err
		}
		n := trail[len(trail)-1]
		i := slices.IndexFunc(all, func(g *growth) bool { return g.node() == n })
		if i < 0 {
			i, all = len(all), append(all, &growth{trail: trail, added: &sprout{}})
		}
		if reason := all[i].added.add(in); reason != "" {
			return nil, f.place(n).errorf(core.Invalid, "%s: %s", in.place(), reason)
		}
	}
	for _, g := range all {
		if reason := f.write(g); reason != "" {
			return nil, f.place(g.node()).errorf(core.Invalid, "nothing can be added here: %s", reason)
		}
	}
	// Where an inner and an outer collection end together, the inner one goes on.
	slices.SortStableFunc(all, func(a, b *growth) int { return cmp.Or(a.splice.start-b.splice.start, b.column-a.column) })
	return all, nil
}

// ground finds the collection that grows, and refuses it if what is added would
// be seen at other places too or is there already.
func (f *File) ground(in Insertion) ([]*yaml.Node, error) {
	root, err := f.At(in.Doc, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", in.place(), err)
	}
	trail, err := f.walk(root.y, in.Path)
	if err != nil {
		return nil, err
	}
	for _, n := range trail {
		if f.aliased[n] {
			return nil, f.place(n).errorf(core.Invalid, "%s: aliases of &%s elsewhere would change too", in.place(), clip(n.Anchor))
		}
	}
	n := trail[len(trail)-1]
	if reason := unfit(trail, in); reason != "" {
		return nil, f.place(n).errorf(core.Invalid, "%s: %s", in.place(), reason)
	}
	if n.Kind != yaml.MappingNode {
		return trail, nil
	}
	switch _, bad := value(n, in.Keys[0]); {
	case bad == nil:
		return nil, f.place(n).errorf(core.Invalid, "%s: the key %q is here already", in.place(), clip(in.Keys[0]))
	case bad.kind != core.NotFound:
		return nil, f.place(bad.at).errorf(bad.kind, "%s: %s", in.place(), bad.reason)
	}
	return trail, nil
}

// unfit is the reason why a collection cannot take what is to be added, or "".
func unfit(trail []*yaml.Node, in Insertion) string {
	n := trail[len(trail)-1]
	switch {
	case n.Kind == yaml.MappingNode && len(in.Keys) == 0:
		return "a mapping is here, and no key is given for what to add"
	case n.Kind == yaml.SequenceNode && (len(in.Keys) > 0 || len(in.Item) == 0 && in.Text == ""):
		return "a sequence is here, which takes items and no keys"
	case n.Kind == yaml.SequenceNode && isLong(in.Text):
		return "a sequence is here, and an item of several lines is not written"
	case n.Kind != yaml.MappingNode && n.Kind != yaml.SequenceNode:
		return "neither a mapping nor a sequence is here: there is nothing to add to"
	case inFlow(trail) && slices.ContainsFunc(in.texts(), isLong):
		return "it is written in flow style (in brackets or braces), in which a text of several lines has no place; write it in block style"
	case slices.ContainsFunc(in.Item, func(a Field) bool {
		return slices.ContainsFunc(in.Item, func(b Field) bool { return a.Key == b.Key && a != b })
	}):
		return "the new item would hold a key twice"
	case len(in.Keys) > maxDepth:
		return fmt.Sprintf("more than %d keys inside each other", maxDepth)
	}
	for _, text := range append(in.texts(), in.Keys...) {
		if reason := unwritable(text); reason != "" {
			return reason
		}
	}
	return ""
}

// place names the collection in errors.
func (in Insertion) place() string {
	if len(in.Path) == 0 {
		return "the document"
	}
	return in.Path.String()
}

func (in Insertion) texts() []string {
	all := []string{in.Text}
	for _, field := range in.Item {
		all = append(all, field.Key, field.Text)
	}
	return all
}

// add puts what one insertion brings beside what others have brought; the
// reason is set if they do not go together.
func (s *sprout) add(in Insertion) (reason string) {
	if len(in.Keys) == 0 && len(in.Item) == 0 && in.Text != "" {
		in.Item = []Field{{bare, in.Text}}
	}
	for _, key := range in.Keys {
		if s.text != "" || s.items != nil {
			return fmt.Sprintf("two insertions disagree about what the key %q is inside of", clip(key))
		}
		next, ok := s.fields[key]
		if !ok {
			if s.fields == nil {
				s.fields = map[string]*sprout{}
			}
			next = &sprout{}
			s.fields[key], s.keys = next, append(s.keys, key)
		}
		s = next
	}
	switch fresh := s.text == "" && s.keys == nil && s.items == nil; {
	case len(in.Item) > 0 && (fresh || s.items != nil):
		if !slices.ContainsFunc(s.items, func(item []Field) bool { return slices.Equal(item, in.Item) }) {
			s.items = append(s.items, in.Item)
		}
	case len(in.Item) == 0 && in.Text != "" && (fresh || s.text == in.Text):
		s.text = in.Text
	case in.Text == "" && len(in.Item) == 0:
		return "nothing is given to add"
	default:
		return fmt.Sprintf("two insertions want different things under %q", in.Keys)
	}
	return ""
}
