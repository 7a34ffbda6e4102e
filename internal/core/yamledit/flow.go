package yamledit

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// flow plans the splice of a growth in brackets or braces: behind the last
// entry, on lines of their own if that one has its own.
func (f *File) flow(g *growth) (splice, string) {
	n := g.node()
	start, reason := f.content(n)
	if reason != "" {
		return splice{}, reason
	}
	entries := f.flowEntries(g)
	if len(n.Content) == 0 {
		return splice{start: start + 1, end: start + 1, text: strings.Join(entries, ", ")}, ""
	}
	end, reason := f.end(n.Content[len(n.Content)-1])
	if reason != "" {
		return splice{}, reason
	}
	margin, own := f.ownLine(n)
	stop := lineEnd(f.src, end)
	tail := strings.Trim(string(f.src[end:stop]), " \t")
	lines := f.lineBreak(stop) + margin + strings.Join(entries, ","+f.lineBreak(stop)+margin)
	switch after, comma := strings.CutPrefix(tail, ","); {
	case !own, comma && !isComment(after):
		return splice{start: end, end: end, text: ", " + strings.Join(entries, ", ")}, ""
	case comma:
		return splice{start: stop, end: stop, text: lines + ","}, ""
	case isComment(tail):
		return splice{start: end, end: stop, text: "," + string(f.src[end:stop]) + lines}, ""
	default:
		return splice{start: end, end: end, text: "," + lines}, ""
	}
}

func isComment(tail string) bool {
	tail = strings.TrimLeft(tail, " \t")
	return tail == "" || tail[0] == '#'
}

// ownLine tells whether the last entry of a collection begins a line, and what
// stands before it there.
func (f *File) ownLine(n *yaml.Node) (margin string, own bool) {
	last := n.Content[len(n.Content)-1]
	if n.Kind == yaml.MappingNode {
		last = n.Content[len(n.Content)-2]
	}
	at, ok := f.offset(last.Line, last.Column)
	if !ok {
		return "", false
	}
	margin = string(f.src[f.lines[last.Line-1]:at])
	return margin, strings.Trim(margin, " ") == ""
}

// end is the offset behind a node that lies in brackets or braces.
func (f *File) end(n *yaml.Node) (int, string) {
	if n.Kind == yaml.ScalarNode {
		_, end, reason := f.token(n)
		return end, reason
	}
	at, reason := f.content(n)
	if reason != "" {
		return 0, reason
	}
	if n.Kind == yaml.AliasNode {
		for at < len(f.src) && !f.blank(at) && !strings.ContainsRune(",[]{}", rune(f.src[at])) {
			at++
		}
		return at, ""
	}
	closing, bracketed := map[byte]byte{'[': ']', '{': '}'}[f.src[at]]
	if bracketed {
		at++
	}
	if len(n.Content) > 0 {
		if at, reason = f.end(n.Content[len(n.Content)-1]); reason != "" || !bracketed {
			return at, reason
		}
	}
	for at < len(f.src) && (f.blank(at) || f.src[at] == ',' || f.src[at] == '#') {
		if f.src[at] == '#' {
			at = lineEnd(f.src, at)
			continue
		}
		at += max(1, breakAt(f.src[at:]))
	}
	if at == len(f.src) || f.src[at] != closing {
		return 0, reasonMismatch
	}
	return at + 1, ""
}

// flowEntries writes what a growth adds, entry by entry.
func (f *File) flowEntries(g *growth) []string {
	if g.node().Kind == yaml.MappingNode {
		return f.flowFields(g.trail, g.added)
	}
	seq := g.node()
	model := &yaml.Node{Kind: yaml.MappingNode, Style: yaml.FlowStyle}
	if len(seq.Content) > 0 {
		if last := seq.Content[len(seq.Content)-1]; last.Kind == yaml.MappingNode {
			model = last
		}
	}
	var entries []string
	for _, item := range g.added.items {
		if isBare(item) {
			entries = append(entries, f.bareItem(g.trail, item))
			continue
		}
		entries = append(entries, f.braced(append(slices.Clip(g.trail), model), item))
	}
	return entries
}

func (f *File) flowFields(trail []*yaml.Node, s *sprout) []string {
	var out []string
	for _, key := range s.keys {
		below, text := s.fields[key], ""
		switch {
		case below.items != nil:
			var items []string
			for _, item := range below.items {
				items = append(items, f.braced(trail, item))
			}
			text = "[" + strings.Join(items, ", ") + "]"
		case below.keys != nil:
			text = "{" + strings.Join(f.flowFields(trail, below), ", ") + "}"
		default:
			text = f.renderLike(trail, keyStyle(trail), below.text)
		}
		out = append(out, f.renderKeyLike(trail, key)+": "+text)
	}
	return out
}

// keyStyle is the style of the first key of the mapping at the end of the trail:
// where it is quoted, the text is JSON, and stays so.
func keyStyle(trail []*yaml.Node) yaml.Style {
	if n := trail[len(trail)-1]; n.Kind == yaml.MappingNode && len(n.Content) > 0 && n.Style&yaml.FlowStyle != 0 {
		return n.Content[0].Style & yaml.DoubleQuotedStyle
	}
	return plainStyle
}

func (f *File) renderKeyLike(trail []*yaml.Node, key string) string {
	if keyStyle(trail) != plainStyle {
		return render(key, yaml.DoubleQuotedStyle)
	}
	return renderKey(key)
}
