package yamledit

import (
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core"
)

// The tags that the parser gives to nodes and that matter here.
const (
	tagString = "!!str"
	tagMerge  = "!!merge"
	tagNull   = "!!null"
)

// fault is why a step of a path cannot be taken.
type fault struct {
	kind   core.Kind
	at     *yaml.Node // the node to point at
	reason string
}

// walk follows a path from a node and gives every node on it, the first and
// the last included.
func (f *File) walk(from *yaml.Node, path Path) ([]*yaml.Node, error) {
	trail := append(make([]*yaml.Node, 0, len(path)+1), from)
	for i, s := range path {
		next, bad := step(trail[i], s)
		if bad != nil {
			return nil, f.place(bad.at).errorf(bad.kind, "%s: %s", path[:i+1], bad.reason)
		}
		trail = append(trail, next)
	}
	return trail, nil
}

func step(n *yaml.Node, s Step) (*yaml.Node, *fault) {
	switch {
	case n.Kind == yaml.AliasNode:
		return nil, &fault{core.Invalid, n, fmt.Sprintf("the path passes the alias *%s: what is there is shared with other places", clip(n.Value))}
	case s.IsIndex:
		return item(n, s.Index)
	default:
		return value(n, s.Key)
	}
}

func item(n *yaml.Node, i int) (*yaml.Node, *fault) {
	switch {
	case n.Kind != yaml.SequenceNode:
		return nil, &fault{core.NotFound, n, "there is no sequence to index here"}
	case i < 0 || i >= len(n.Content):
		return nil, &fault{core.NotFound, n, fmt.Sprintf("the sequence has %d items, counted from 0", len(n.Content))}
	}
	return n.Content[i], nil
}

// value finds the value of a key. Keys are compared by their text: 8080 and
// "8080" are one key, as they are for everything that turns YAML into JSON.
func value(n *yaml.Node, key string) (*yaml.Node, *fault) {
	if n.Kind != yaml.MappingNode {
		return nil, &fault{core.NotFound, n, "there is no mapping to look in here"}
	}
	var found, merge *yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		switch {
		case k.Kind == yaml.AliasNode && k.Alias.Value == key:
			return nil, &fault{core.Invalid, k, fmt.Sprintf("the key is written as the alias *%s", clip(k.Value))}
		case k.Kind != yaml.ScalarNode:
		case k.Tag == tagMerge:
			merge = k
		case k.Value == key && found != nil:
			return nil, &fault{core.Invalid, k, reasonTwice(key)}
		case k.Value == key:
			found = n.Content[i+1]
		}
	}
	switch {
	case found != nil:
		return found, nil
	case merge != nil:
		return nil, &fault{core.Invalid, merge, "the key is not written here and may come from the merge key <<: what is there is shared with other places"}
	}
	return nil, &fault{core.NotFound, n, "the key does not exist"}
}

func reasonTwice(key string) string {
	return fmt.Sprintf("the key %q occurs more than once in one mapping: readers of YAML disagree on which one counts", clip(key))
}

// repeated tells which keys occur more than once in a mapping; nil if none does.
func repeated(n *yaml.Node) map[string]bool {
	if len(n.Content) <= smallMapping && distinct(n.Content) {
		return nil
	}
	seen := make(map[string]bool, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if k := n.Content[i]; k.Kind == yaml.ScalarNode {
			_, twice := seen[k.Value]
			seen[k.Value] = twice
		}
	}
	return seen
}

// smallMapping is up to how many keys and values are compared one by one, which
// most mappings have, and which takes less than a map of them.
const smallMapping = 16

// distinct tells that no two scalar keys of a mapping are the same.
func distinct(content []*yaml.Node) bool {
	for i := 2; i+1 < len(content); i += 2 {
		for j := 0; j < i; j += 2 {
			if content[i].Value == content[j].Value {
				return false
			}
		}
	}
	return true
}
