package render

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// What stands in place of a secret value.
const (
	hidden       = "(hidden)"
	hiddenBefore = "(hidden, as it was)"
	hiddenAfter  = "(hidden, as it will be)"
)

// mask hides what is secret in a pair of objects: the data of a Secret,
// wherever it is nested, and what SOPS has encrypted. That a value changes is
// seen, and nothing of the value.
func (p pair) mask() {
	var before, after *yaml.Node
	if p.before != nil {
		before = p.before.root
	}
	if p.after != nil {
		after = p.after.root
	}
	m := masker{}
	m.walk(before, after, hiddenBefore, false, 0)
	m.walk(after, before, hiddenAfter, false, 0)
}

// masker remembers, of each value that is hidden, what it was.
type masker map[*yaml.Node]string

// walk hides the secrets of n. How a value is hidden tells whether other, which
// stands at the same place on the other side, is the same.
func (m masker) walk(n, other *yaml.Node, changed string, secret bool, depth int) {
	switch {
	case n == nil:
	case depth > maxDepth, secret && n.Kind == yaml.AliasNode:
		m.hide(n, other, changed)
	case n.Kind == yaml.ScalarNode && (secret || strings.HasPrefix(n.Value, "ENC[")):
		m.hide(n, other, changed)
	case n.Kind == yaml.SequenceNode:
		for i, item := range n.Content {
			m.walk(item, at(other, i), changed, secret, depth+1)
		}
	case n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i].Value
			m.walk(n.Content[i+1], field(other, key), changed, secret || secretField(n, key), depth+1)
		}
	}
}

// secretField tells whether all below a field is secret. The annotation is
// where kubectl keeps a copy of the whole object.
func secretField(n *yaml.Node, key string) bool {
	switch key {
	case "data", "stringData":
		return scalar(field(n, "kind")) == "Secret"
	case "sops", "kubectl.kubernetes.io/last-applied-configuration":
		return true
	}
	return false
}

func (m masker) hide(n, other *yaml.Node, changed string) {
	text, was := hidden, n.Value
	if other != nil {
		theirs, covered := m[other]
		if !covered {
			theirs = other.Value
		}
		if theirs != was {
			text = changed
		}
	}
	*n = yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
	m[n] = was
}

func at(n *yaml.Node, i int) *yaml.Node {
	if n == nil || n.Kind != yaml.SequenceNode || i >= len(n.Content) {
		return nil
	}
	return n.Content[i]
}
