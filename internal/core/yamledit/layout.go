package yamledit

import (
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// usualStep is the indentation of mappings where a text shows none.
const usualStep = 2

// linesOf writes what a growth adds, line by line, in the style of what is
// there: indentation, the space behind dashes, quotes.
func (f *File) linesOf(g *growth) []string {
	margin := strings.Repeat(" ", g.column-1)
	if g.node().Kind == yaml.SequenceNode {
		return f.items(g.trail, g.added.items, margin)
	}
	return f.fields(g.trail, g.added, margin)
}

func (f *File) fields(trail []*yaml.Node, s *sprout, margin string) []string {
	var lines []string
	for _, key := range s.keys {
		head := margin + renderKey(key) + ":"
		switch below := s.fields[key]; {
		case below.items != nil:
			lines = append(lines, head)
			lines = append(lines, f.items(append(slices.Clip(trail), &yaml.Node{Kind: yaml.SequenceNode}), below.items, margin+dashIndent(trail))...)
		case below.keys != nil:
			lines = append(lines, head)
			inner := append(slices.Clip(trail), &yaml.Node{Kind: yaml.MappingNode})
			lines = append(lines, f.fields(inner, below, margin+mapIndent(trail))...)
		case isLong(below.text):
			lines = append(lines, literal(head, margin+mapIndent(trail), below.text)...)
		default:
			lines = append(lines, head+" "+f.renderLike(trail, plainStyle, below.text))
		}
	}
	return lines
}

// isLong tells the texts that are written as literal blocks: of several lines,
// and without anything that could be read differently there.
func isLong(text string) bool {
	return longText.MatchString(text)
}

var longText = regexp.MustCompile(`^[!-~][ -~]*(\n+[ -~]*[!-~])+\n?$`)

// endsLine tells whether what comes last is a literal block that holds the end of
// its last line.
func (s *sprout) endsLine() bool {
	switch {
	case len(s.items) > 0:
		item := s.items[len(s.items)-1]
		return isLong(item[len(item)-1].Text) && strings.HasSuffix(item[len(item)-1].Text, "\n")
	case len(s.keys) > 0:
		return s.fields[s.keys[len(s.keys)-1]].endsLine()
	}
	return isLong(s.text) && strings.HasSuffix(s.text, "\n")
}

// literal writes a text of several lines behind a key.
func literal(head, margin, text string) []string {
	mark := " |-"
	if strings.HasSuffix(text, "\n") {
		mark = " |"
	}
	lines := []string{head + mark}
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\n"), "\n") {
		if line != "" {
			line = margin + line
		}
		lines = append(lines, line)
	}
	return lines
}

// items writes new items of the sequence at the end of the trail, each as its
// last one is written.
func (f *File) items(trail []*yaml.Node, items [][]Field, margin string) []string {
	seq := trail[len(trail)-1]
	model := &yaml.Node{Kind: yaml.MappingNode}
	if len(seq.Content) > 0 {
		if last := seq.Content[len(seq.Content)-1]; last.Kind == yaml.MappingNode {
			model = last
		}
	}
	trail = append(slices.Clip(trail), model)
	var lines []string
	for _, item := range items {
		if isBare(item) {
			lines = append(lines, margin+"-"+strings.Repeat(" ", scalarGap(seq))+f.bareItem(trail[:len(trail)-1], item))
			continue
		}
		if model.Style&yaml.FlowStyle != 0 && !slices.ContainsFunc(item, func(f Field) bool { return isLong(f.Text) }) {
			lines = append(lines, margin+"- "+f.braced(trail, item))
			continue
		}
		dash := "-" + strings.Repeat(" ", gap(seq, model))
		for i, field := range item {
			if i > 0 {
				dash = strings.Repeat(" ", len(dash))
			}
			if isLong(field.Text) {
				inner := margin + strings.Repeat(" ", len(dash)) + mapIndent(trail)
				lines = append(lines, literal(margin+dash+renderKey(field.Key)+":", inner, field.Text)...)
				continue
			}
			lines = append(lines, margin+dash+f.pair(trail, field))
		}
	}
	return lines
}

// bareItem writes an item that is a text, quoted as the last one is.
func (f *File) bareItem(trail []*yaml.Node, item []Field) string {
	like := plainStyle
	if seq := trail[len(trail)-1]; len(seq.Content) > 0 {
		if last := seq.Content[len(seq.Content)-1]; last.Kind == yaml.ScalarNode {
			like = last.Style & quoteMask
		}
	}
	return f.renderLike(trail, like, item[0].Text)
}

// scalarGap is how much space stands between the last dash and its text.
func scalarGap(seq *yaml.Node) int {
	if len(seq.Content) == 0 {
		return 1
	}
	if last := seq.Content[len(seq.Content)-1]; last.Kind == yaml.ScalarNode {
		return gap(seq, &yaml.Node{Content: []*yaml.Node{last}})
	}
	return 1
}

// braced writes an item in flow style, with the space inside of the braces that
// the model at the end of the trail has.
func (f *File) braced(trail []*yaml.Node, item []Field) string {
	var pairs []string
	for _, field := range item {
		pairs = append(pairs, f.pair(trail, field))
	}
	pad, model := "", trail[len(trail)-1]
	if at, ok := f.offset(model.Line, model.Column+1); ok && f.src[at] == ' ' {
		pad = " "
	}
	return "{" + pad + strings.Join(pairs, ", ") + pad + "}"
}

// pair writes one entry of an item, quoted as the same key of the model is.
func (f *File) pair(trail []*yaml.Node, field Field) string {
	like := keyStyle(trail)
	if same, bad := value(trail[len(trail)-1], field.Key); bad == nil && same.Kind == yaml.ScalarNode {
		like = same.Style & quoteMask
	}
	return f.renderKeyLike(trail, field.Key) + ": " + f.renderLike(trail, like, field.Text)
}

// renderLike writes a new text below the end of the trail in a style, or in
// another if it would not be a string in that.
func (f *File) renderLike(trail []*yaml.Node, like yaml.Style, text string) string {
	fresh := &yaml.Node{Kind: yaml.ScalarNode, Style: like}
	return render(text, f.styleFor(append(slices.Clip(trail), fresh), text))
}

func renderKey(key string) string {
	if canBePlain(key, true) && !ambiguous.MatchString(key) {
		return key
	}
	return render(key, yaml.DoubleQuotedStyle)
}

// gap is how much space stands between a dash and its item.
func gap(seq, model *yaml.Node) int {
	if len(model.Content) == 0 {
		return 1
	}
	first := model.Content[0]
	if model.Style&yaml.FlowStyle != 0 {
		first = model
	}
	if n := first.Column - seq.Column - 1; n > 0 && n <= maxGap {
		return n
	}
	return 1
}

// dashIndent is by how much sequences are indented below their keys. The last
// one of the document tells; without any, kustomize's own habit counts.
func dashIndent(trail []*yaml.Node) string {
	return strings.Repeat(" ", below(trail[0], yaml.SequenceNode, 0))
}

// mapIndent is by how much mappings are indented below their keys.
func mapIndent(trail []*yaml.Node) string {
	return strings.Repeat(" ", max(1, below(trail[0], yaml.MappingNode, usualStep)))
}

// below measures how far the last block collection of a kind stands to the
// right of the key that holds it.
func below(n *yaml.Node, kind yaml.Kind, usual int) int {
	for i, c := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 && c.Kind == kind && c.Style&yaml.FlowStyle == 0 && c.Anchor == "" && c.Line > n.Content[i-1].Line {
			if step := c.Column - n.Content[i-1].Column; step >= 0 && step <= maxGap {
				usual = step
			}
		}
		usual = below(c, kind, usual)
	}
	return usual
}
