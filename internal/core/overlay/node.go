package overlay

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// node is a value of a manifest together with the place where it is written.
// It outlives patches: what a patch sets keeps the patch's place. Nodes are
// never changed once made, so trees share them.
type node struct {
	kind   yamledit.Kind // Mapping, Sequence or Scalar; Unclear for aliases, merge keys and the like
	text   string        // of a scalar
	null   bool
	number bool // a scalar that YAML reads as a number, boolean or date
	at     pin.Place
	keys   []string // of a mapping, in order
	fields map[string]*node
	items  []*node
	why    string // of an Unclear node
	hides  bool   // of an Unclear node: there may be a version behind it
}

// source is where nodes are read from: one document of one file, or one that
// stands inside a text of it.
type source struct {
	file  string
	doc   int
	outer yamledit.Path // set for YAML inside a text
	// hiding remembers what was found behind aliases, which may be many and lead
	// to each other.
	hiding map[yamledit.Node]bool
}

func newSource(file string, doc int) source {
	return source{file: file, doc: doc, hiding: map[yamledit.Node]bool{}}
}

func (s source) place(n yamledit.Node, path yamledit.Path) pin.Place {
	at := pin.Place{File: s.file, Line: n.Line(), Column: n.Column(), Doc: s.doc, Path: path, Owner: ownerOf(n)}
	if s.outer != nil {
		at.Path, at.Inner = s.outer, path
	}
	return at
}

// ownerOf is the image policy in the marker of Flux's image automation behind a
// scalar, such as # {"$imagepolicy": "namespace:name:tag"}. What the policy puts
// there, tag or name, does not matter for whose it is.
func ownerOf(n yamledit.Node) string {
	comment := n.LineComment()
	i := strings.Index(comment, "{")
	if n.Kind() != yamledit.Scalar || i < 0 || !strings.Contains(comment, `"$imagepolicy"`) {
		return ""
	}
	var marker struct {
		Policy string `json:"$imagepolicy"`
	}
	if json.NewDecoder(strings.NewReader(comment[i:])).Decode(&marker) != nil {
		return ""
	}
	space, rest, _ := strings.Cut(marker.Policy, ":")
	name, _, _ := strings.Cut(rest, ":")
	if space == "" || name == "" {
		return ""
	}
	return space + ":" + name
}

// read turns a parsed document into nodes.
func (s source) read(n yamledit.Node, path yamledit.Path) *node {
	out := &node{kind: n.Kind(), at: s.place(n, path)}
	switch n.Kind() {
	case yamledit.Scalar:
		out.text, out.null = n.Text(), n.IsNull()
		out.number = !out.null && !n.IsString()
	case yamledit.Sequence:
		items := n.Items()
		out.items = slices.Grow(out.items, len(items))
		for i, item := range items {
			out.items = append(out.items, s.read(item, with(path, yamledit.Index(i))))
		}
	case yamledit.Mapping:
		out.fields = map[string]*node{}
		for p := range n.Pairs() {
			out.keys = append(out.keys, p.Key)
			out.fields[p.Key] = s.read(p.Value, with(path, yamledit.Key(p.Key)))
		}
		if merge, ok := out.fields["<<"]; ok {
			return &node{kind: yamledit.Unclear, at: merge.at, why: "a merge key", hides: s.hides(n)}
		}
	case yamledit.Alias:
		out.kind, out.why, out.hides = yamledit.Unclear, "an alias", s.hides(n)
	default:
		out.kind, out.why, out.hides = yamledit.Unclear, "a key that occurs twice", true
	}
	return out
}

// hides tells whether a version may stand in n or behind its aliases.
func (s source) hides(n yamledit.Node) bool {
	if known, ok := s.hiding[n]; ok {
		return known
	}
	s.hiding[n] = false // until it is known: n may refer to itself
	found := n.Kind() == yamledit.Alias && s.hides(n.Target()) || n.Kind() == yamledit.Unclear
	for p := range n.Pairs() {
		found = found || isVersionKey(p.Key) || s.hides(p.Value)
	}
	for _, item := range n.Items() {
		found = found || s.hides(item)
	}
	s.hiding[n] = found
	return found
}

// isVersionKey tells the keys under which versions stand.
func isVersionKey(key string) bool {
	switch key {
	case "tag", "digest", "version", "semver", "ref":
		return true
	default:
		return isImageKey(key)
	}
}

// mayHold tells whether a version may stand somewhere in n.
func (n *node) mayHold(w *work) bool {
	if n.hides || !w.spend(1) {
		return true
	}
	for _, key := range n.keys {
		if isVersionKey(key) || n.fields[key].mayHold(w) {
			return true
		}
	}
	return slices.ContainsFunc(n.items, func(item *node) bool { return item.mayHold(w) })
}

// work bounds what the understanding of one overlay costs. Patches can make
// objects grow with every copy, and kustomizations can lead to each other in
// more ways than there are files.
type work struct{ left int }

var errTooMuch = errors.New("the overlay takes more work than any that people write")

// spend tells whether there was still enough left.
func (w *work) spend(n int) bool {
	w.left -= n
	return w.left >= 0
}

// with extends a path without sharing its backing array.
func with(p yamledit.Path, s yamledit.Step) yamledit.Path {
	return append(p[:len(p):len(p)], s)
}

// get follows keys; it is nil where they lead nowhere.
func (n *node) get(keys ...string) *node {
	for _, key := range keys {
		if n == nil {
			return nil
		}
		n = n.fields[key]
	}
	return n
}

// str is the text of the scalar at the end of keys, or "".
func (n *node) str(keys ...string) string {
	if n = n.get(keys...); n == nil || n.kind != yamledit.Scalar || n.null {
		return ""
	}
	return n.text
}

// set is a copy of a mapping with one field replaced, added or, for nil,
// removed.
func (n *node) set(key string, value *node) *node {
	out := *n
	out.fields = maps.Clone(n.fields)
	_, had := n.fields[key]
	switch {
	case value == nil:
		delete(out.fields, key)
		out.keys = slices.DeleteFunc(slices.Clone(n.keys), func(k string) bool { return k == key })
	case had:
		out.fields[key] = value
	default:
		out.fields[key] = value
		out.keys = append(n.keys[:len(n.keys):len(n.keys)], key)
	}
	return &out
}

// copy is one that may be changed until it is tidied.
func (n *node) copy(w *work) *node {
	if !w.spend(len(n.keys) + 1) {
		return &node{kind: yamledit.Mapping, at: n.at, fields: map[string]*node{}}
	}
	out := *n
	out.fields, out.keys = maps.Clone(n.fields), slices.Clone(n.keys)
	return &out
}

// put sets a field of a copy.
func (n *node) put(key string, value *node) {
	if _, had := n.fields[key]; !had {
		n.keys = append(n.keys, key)
	}
	n.fields[key] = value
}

// tidied forgets the keys of fields that are gone.
func (n *node) tidied() *node {
	n.keys = slices.DeleteFunc(n.keys, func(key string) bool { _, ok := n.fields[key]; return !ok })
	return n
}

// withItems is a copy of a sequence with other items.
func (n *node) withItems(items []*node) *node {
	out := *n
	out.items = items
	return &out
}
