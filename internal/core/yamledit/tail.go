package yamledit

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// The reasons why a collection cannot grow, as people read them.
const (
	reasonAnchor = "it carries an anchor or a tag"
	reasonIndent = "its entries are not indented by spaces alone"
)

// write plans the splice of a growth: whole lines behind the last one that
// belongs to the collection, or what flow puts between its brackets.
func (f *File) write(g *growth) (reason string) {
	n := g.node()
	if n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		return reasonAnchor
	}
	g.column = n.Column
	if inFlow(g.trail) {
		g.splice, reason = f.flow(g)
		return reason
	}
	if n.Kind == yaml.MappingNode {
		g.column = n.Content[0].Column
	}
	if !f.indented(g) {
		return reasonIndent
	}
	line := f.lastLine(g)
	end := lineEnd(f.src, f.lines[line-1])
	size := breakAt(f.src[end:])
	lines := f.linesOf(g)
	lineBreak := f.lineBreak(end)
	text := strings.Join(lines, lineBreak) + lineBreak
	if size == 0 { // the text's last line has no break, and gets none
		text = lineBreak + strings.Join(lines, lineBreak)
		if g.added.endsLine() {
			text += lineBreak
		}
	}
	g.splice = splice{start: end + size, end: end + size, text: text}
	return ""
}

// indented tells whether only spaces, and dashes of outer sequences, stand
// before the collection's first entry.
func (f *File) indented(g *growth) bool {
	n := g.node()
	at, ok := f.offset(n.Content[0].Line, g.column)
	start := 0
	if n.Kind == yaml.SequenceNode {
		at, ok = f.offset(n.Line, g.column)
		ok = ok && f.src[at] == '-'
	}
	if !ok {
		return false
	}
	for _, line := range f.lines {
		if line <= at {
			start = line
		}
	}
	before := string(f.src[start:at])
	return strings.Trim(before, " -") == "" && !strings.HasPrefix(before, "---")
}

// lastLine is the number of the last line that belongs to the collection: that
// of its last value, and of the comments which stand under it. A comment at the
// margin of what follows belongs to that.
func (f *File) lastLine(g *growth) int {
	limit, outer := f.following(g.trail)
	// The parser puts what is empty at the end of a text on a line behind the last.
	last, limit := min(deepest(g.node()), len(f.lines)), min(limit, len(f.lines)+1)
	margin := g.column - 1
	for i := last + 1; i < limit; i++ {
		text, indent := f.line(i)
		if text != "" && (text[0] != '#' || indent > margin) {
			last = i
		}
	}
	for last+1 < limit && outer < margin {
		if text, indent := f.line(last + 1); !strings.HasPrefix(text, "#") || indent != margin {
			break
		}
		last++
	}
	return last
}

// line is a line's text without the space around it, and its indentation.
func (f *File) line(number int) (text string, indent int) {
	start := f.lines[number-1]
	text = string(f.src[start:lineEnd(f.src, start)])
	return strings.Trim(text, " \t"), len(text) - len(strings.TrimLeft(text, " "))
}

// deepest is the last line on which a node below n begins.
func deepest(n *yaml.Node) int {
	last := n.Line
	for _, c := range n.Content {
		last = max(last, deepest(c))
	}
	return last
}

// following is the line on which something begins that is no part of the
// collection at the end of the trail, and by how much that is indented: -1 for
// the document's end.
func (f *File) following(trail []*yaml.Node) (line, indent int) {
	for i := len(trail) - 1; i > 0; i-- {
		parent := trail[i-1]
		if next := slices.Index(parent.Content, trail[i]) + 1; next < len(parent.Content) {
			if parent.Kind == yaml.SequenceNode {
				return parent.Content[next].Line, parent.Column - 1
			}
			return parent.Content[next].Line, parent.Content[next].Column - 1
		}
	}
	for line = deepest(trail[0]) + 1; line <= len(f.lines); line++ {
		rest := f.src[f.lines[line-1]:]
		if marker := bytes.HasPrefix(rest, []byte("---")) || bytes.HasPrefix(rest, []byte("...")); marker && (len(rest) == 3 || f.blank(f.lines[line-1]+3)) {
			break
		}
	}
	return line, -1
}

// lineBreak is the break of the line that ends at an offset; that of the text's
// first line where it has none.
func (f *File) lineBreak(end int) string {
	if breakAt(f.src[end:]) == 0 {
		end = lineEnd(f.src, 0)
	}
	if found := string(f.src[end : end+breakAt(f.src[end:])]); found == "\r\n" || found == "\r" {
		return found
	}
	return "\n"
}
