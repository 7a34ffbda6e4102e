package yamledit

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Embedded parses the YAML text that a literal block scalar ("|") holds, such
// as an inline patch. Places in it are those of the outer text. The error is of
// kind core.Invalid if the node is anything else or its text is not YAML.
func (n Node) Embedded() (*File, error) {
	if n.Kind() != Scalar {
		return nil, n.place().errorf(core.Invalid, "%s is here, not a literal block", n.Kind())
	}
	f, _, err := n.f.embedded(n.y)
	return f, err
}

// embedded parses a literal block's text and gives the outer line, from 0, on
// which that text begins.
func (f *File) embedded(n *yaml.Node) (*File, int, error) {
	if n.Style&yaml.LiteralStyle == 0 || n.Tag != tagString {
		return nil, 0, f.place(n).errorf(core.Invalid, "not a literal block (|): a YAML text can be edited only inside one")
	}
	at, reason := f.content(n)
	if reason != "" {
		return nil, 0, f.place(n).errorf(core.Invalid, "%s", reason)
	}
	header := positionOf(f.src, at).line
	inner := []byte(n.Value)
	origin := position{line: f.origin.line + header, column: f.origin.column + f.indent(header, inner)}
	file, err := parse(inner, origin)
	return file, header, err
}

// indent is by how much a literal block is indented: its first line with
// content tells.
func (f *File) indent(header int, inner []byte) int {
	for i, start := range lineStarts(inner) {
		end := lineEnd(inner, start)
		if end > start && header+i < len(f.lines) {
			outer := f.lines[header+i]
			return lineEnd(f.src, outer) - outer - (end - start)
		}
	}
	return 0
}

// block is what is to be done to the YAML text inside one literal block.
type block struct {
	node       *yaml.Node
	edits      []Edit
	insertions []Insertion
}

// blocks collects what is to be done inside of literal blocks, in the order in
// which it was asked for.
type blocks []*block

func (b *blocks) of(n *yaml.Node) *block {
	i := slices.IndexFunc(*b, func(known *block) bool { return known.node == n })
	if i < 0 {
		i, *b = len(*b), append(*b, &block{node: n})
	}
	return (*b)[i]
}

// planNested plans what is to be done to the YAML text inside one literal
// block. The inner text is edited and verified as a text of its own; then its
// splices are moved outward, and the outer verification requires that the
// block's new text is just the one that was verified.
func (f *File) planNested(b *block) (change, error) {
	n := b.node
	inner, header, err := f.embedded(n)
	if err != nil {
		return change{}, err
	}
	if inner.Len() != 1 {
		return change{}, f.place(n).errorf(core.Invalid, "the literal block holds %d YAML documents, expected one", inner.Len())
	}
	changes, err := inner.plan(b.edits, nil)
	if err != nil {
		return change{}, err
	}
	grown, err := inner.grow(b.insertions)
	if err != nil {
		return change{}, err
	}
	text, err := inner.apply(changes, grown)
	if err != nil {
		return change{}, err
	}
	c := change{node: n, value: string(text), tag: n.Tag}
	for _, s := range collect(changes, grown) {
		outer, ok := f.outward(inner, header, s)
		if !ok {
			return change{}, f.place(n).errorf(core.Invalid, "%s", reasonMismatch)
		}
		c.splices = append(c.splices, outer)
	}
	return c, nil
}

// outward moves a splice of a literal block's text to the same line of the
// outer text. A literal block keeps each line as it is behind some spaces, which
// new lines get too.
func (f *File) outward(inner *File, header int, s splice) (splice, bool) {
	if s.start == s.end && strings.HasSuffix(s.text, "\n") && s.start > 0 && inner.src[s.start-1] == '\n' {
		s = splice{start: s.start - 1, end: s.end - 1, text: "\n" + strings.TrimSuffix(s.text, "\n")}
	}
	line := positionOf(inner.src, s.start).line - 1
	if header+line >= len(f.lines) {
		return splice{}, false
	}
	from, start := inner.lines[line], f.lines[header+line]
	want := inner.src[from:lineEnd(inner.src, from)]
	have := f.src[start:lineEnd(f.src, start)]
	margin := len(have) - len(want)
	if margin < 0 || !bytes.Equal(have[margin:], want) || strings.Trim(string(have[:margin]), " ") != "" {
		return splice{}, false
	}
	shift := start + margin - from
	text := strings.ReplaceAll(s.text, "\n", f.lineBreak(start+len(have))+string(have[:margin]))
	return splice{start: s.start + shift, end: s.end + shift, text: text}, true
}
