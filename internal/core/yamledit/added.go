package yamledit

import "go.yaml.in/yaml/v3"

// move is an old line from which on lines are further down than they were.
type move struct{ from, by int }

// moves tells what the splices that hold whole lines do to the numbers of the
// lines behind them.
func (f *File) moves(splices []splice) []move {
	var all []move
	for _, s := range splices {
		if by := len(lineStarts([]byte(s.text))) - 1; by > 0 {
			from := 1
			for from <= len(f.lines) && f.lines[from-1] < s.start {
				from++
			}
			all = append(all, move{from, by})
		}
	}
	return all
}

// line is the new number of an old line.
func (c *comparison) line(old int) int {
	now := old
	for _, m := range c.moved {
		if old >= m.from {
			now += m.by
		}
	}
	return now
}

// width is how many nodes are added below a collection of a kind.
func (s *sprout) width(kind yaml.Kind) int {
	switch {
	case s == nil:
		return 0
	case kind == yaml.SequenceNode:
		return len(s.items)
	default:
		return 2 * len(s.keys)
	}
}

// is tells whether nodes are just what is to be added: strings everywhere, and
// neither anchors nor comments.
func (s *sprout) is(kind yaml.Kind, nodes []*yaml.Node) bool {
	switch {
	case s == nil || s.width(kind) != len(nodes):
		return s == nil && len(nodes) == 0
	case kind == yaml.SequenceNode:
		for i, item := range s.items {
			if !isItem(nodes[i], item) {
				return false
			}
		}
		return true
	}
	for i, key := range s.keys {
		if !isText(nodes[2*i], key) || !s.fields[key].grew(nodes[2*i+1]) {
			return false
		}
	}
	return true
}

// grew tells whether a node is the sprout as a whole.
func (s *sprout) grew(n *yaml.Node) bool {
	switch {
	case n.Anchor != "":
		return false
	case s.items != nil:
		return n.Kind == yaml.SequenceNode && s.is(n.Kind, n.Content)
	case s.keys != nil:
		return n.Kind == yaml.MappingNode && s.is(n.Kind, n.Content)
	default:
		return isText(n, s.text)
	}
}

func isItem(n *yaml.Node, item []Field) bool {
	if isBare(item) {
		return isText(n, item[0].Text)
	}
	if n.Kind != yaml.MappingNode || n.Anchor != "" || len(n.Content) != 2*len(item) {
		return false
	}
	for i, field := range item {
		if !isText(n.Content[2*i], field.Key) || !isText(n.Content[2*i+1], field.Text) {
			return false
		}
	}
	return true
}

func isText(n *yaml.Node, text string) bool {
	return n.Kind == yaml.ScalarNode && n.Value == text && n.Tag == tagString && n.Anchor == "" && n.Style&yaml.TaggedStyle == 0
}
