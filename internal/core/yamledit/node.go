package yamledit

import (
	"iter"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Kind says what a node is.
type Kind int

// The kinds. Code that wants a mapping, a sequence or a scalar and asks for
// just that is safe against the other three.
const (
	Missing Kind = iota // the zero Node: nothing is there
	Mapping
	Sequence
	Scalar
	Alias   // stands for another node; never followed
	Unclear // something is there, but readers of YAML may disagree on what; see Node.Unclear
)

// String names the kind as messages do.
func (k Kind) String() string {
	return [...]string{"nothing", "a mapping", "a sequence", "a scalar", "an alias", "unclear"}[k]
}

// Node is a read-only view of one node. The zero Node is Missing, and every
// method works on it, so lookups can be chained. Nodes are values: cheap to
// copy and safe for concurrent use.
type Node struct {
	f       *File
	y       *yaml.Node
	unclear string
}

// Pair is one entry of a mapping.
type Pair struct {
	Key   string
	Value Node
}

// Kind is the node's kind.
func (n Node) Kind() Kind {
	switch {
	case n.y == nil:
		return Missing
	case n.unclear != "":
		return Unclear
	case n.y.Kind == yaml.MappingNode:
		return Mapping
	case n.y.Kind == yaml.SequenceNode:
		return Sequence
	case n.y.Kind == yaml.AliasNode:
		return Alias
	default:
		return Scalar
	}
}

// Unclear is the reason why a node of kind Unclear is one, else "".
func (n Node) Unclear() string { return n.unclear }

// Line is the 1-based line on which the node begins, its anchor and tag
// included; 0 for a Missing one.
func (n Node) Line() int { return n.place().line }

// Column is the 1-based column, in characters, at which the node begins.
func (n Node) Column() int { return n.place().column }

func (n Node) place() position {
	if n.y == nil {
		return position{}
	}
	return n.f.place(n.y)
}

// Get looks keys up, one mapping after the other. It gives false where a key
// is absent or where there is no mapping to look in. A key that occurs twice,
// or one behind an alias or a merge key, gives a node of kind Unclear.
func (n Node) Get(keys ...string) (Node, bool) {
	for _, k := range keys {
		if n.y == nil || n.unclear != "" {
			break
		}
		child, bad := step(n.y, Key(k))
		switch {
		case bad == nil:
			n.y = child
		case bad.kind == core.NotFound:
			return Node{}, false
		default:
			n.y, n.unclear = bad.at, bad.reason
		}
	}
	return n, n.y != nil
}

// At follows a path. The error is of kind core.NotFound if it leads nowhere,
// and core.Invalid if a key on it occurs twice, or it passes an alias or a
// merge key: what is there may be shared with other places.
func (n Node) At(path Path) (Node, error) {
	switch n.Kind() {
	case Missing:
		return Node{}, core.Errorf(core.NotFound, "%s: there is nothing to look in", path)
	case Unclear:
		return Node{}, n.place().errorf(core.Invalid, "%s", n.unclear)
	}
	trail, err := n.f.walk(n.y, path)
	if err != nil {
		return Node{}, err
	}
	return Node{f: n.f, y: trail[len(path)]}, nil
}

// Target is the node that an alias stands for; Missing for any other kind. It
// is shared with other places and may hold the alias itself.
func (n Node) Target() Node {
	if n.Kind() != Alias {
		return Node{}
	}
	return Node{f: n.f, y: n.y.Alias}
}

// Items are the elements of a sequence in order; none for any other kind.
func (n Node) Items() []Node {
	if n.Kind() != Sequence {
		return nil
	}
	items := make([]Node, len(n.y.Content))
	for i, c := range n.y.Content {
		items[i] = Node{f: n.f, y: c}
	}
	return items
}

// Pairs goes over the entries of a mapping in order; there are none for any
// other kind. Entries whose key is not a scalar are left out. A merge key is
// an entry with the key "<<". Each value of a key that occurs twice is Unclear.
func (n Node) Pairs() iter.Seq[Pair] {
	return func(yield func(Pair) bool) {
		if n.Kind() != Mapping {
			return
		}
		twice := repeated(n.y)
		for i := 0; i+1 < len(n.y.Content); i += 2 {
			key, value := n.y.Content[i], Node{f: n.f, y: n.y.Content[i+1]}
			if key.Kind != yaml.ScalarNode {
				continue
			}
			if twice[key.Value] {
				value.unclear = reasonTwice(key.Value)
			}
			if !yield(Pair{Key: key.Value, Value: value}) {
				return
			}
		}
	}
}

// Text is a scalar's decoded text, as written for numbers and the like; "" for
// any other kind.
func (n Node) Text() string {
	if n.Kind() != Scalar {
		return ""
	}
	return n.y.Value
}

// IsString tells whether the node is a scalar that YAML reads as a string, and
// not as a number, boolean, date or null.
func (n Node) IsString() bool { return n.Kind() == Scalar && n.y.Tag == tagString }

// IsNull tells whether the node is a null scalar, such as an absent value.
func (n Node) IsNull() bool { return n.Kind() == Scalar && n.y.Tag == tagNull }

// LineComment is the comment behind the node on its line, without its "#" and
// the space around it; "" if there is none.
func (n Node) LineComment() string {
	if n.y == nil {
		return ""
	}
	return strings.TrimSpace(strings.TrimPrefix(n.y.LineComment, "#"))
}
