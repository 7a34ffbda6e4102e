package yamledit

import (
	"bytes"

	"go.yaml.in/yaml/v3"
)

// The reasons why a scalar is refused, as people read them.
const (
	reasonEmpty    = "the value is empty: there is no text to replace"
	reasonBlock    = "the value is a block scalar (| or >): only a YAML text inside a literal one can be edited"
	reasonLines    = "the value spans several lines"
	reasonTag      = "the value carries a tag other than !!str"
	reasonMismatch = "the parser and the text disagree about what is here"
)

// token finds the bytes of a scalar, without its anchor and tag, or gives the
// reason why it must not be touched.
func (f *File) token(n *yaml.Node) (start, end int, reason string) {
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		return 0, 0, reasonBlock
	}
	start, reason = f.content(n)
	if reason != "" {
		return 0, 0, reason
	}
	switch {
	case n.Style&yaml.DoubleQuotedStyle != 0:
		end, reason = f.quoted(start, '"')
	case n.Style&yaml.SingleQuotedStyle != 0:
		end, reason = f.quoted(start, '\'')
	default:
		end, reason = f.plain(start, n.Value)
	}
	return start, end, reason
}

// content is where a scalar's own token begins: behind its anchor and tag, and
// the white space and comments that may follow those.
func (f *File) content(n *yaml.Node) (int, string) {
	tagged := n.Style&yaml.TaggedStyle != 0
	if tagged && n.Tag != tagString {
		return 0, reasonTag
	}
	at, ok := f.offset(n.Line, n.Column)
	if !ok {
		return 0, reasonEmpty // at the very end of the text
	}
	for at < len(f.src) && (f.src[at] == '&' || f.src[at] == '!') {
		if f.src[at] == '!' && !tagged {
			return 0, reasonTag // the bare "!", which the parser drops
		}
		at = f.skipProperty(at)
	}
	return at, ""
}

// skipProperty gives the offset of what follows an anchor or a tag. That may
// stand on a later line, behind comments.
func (f *File) skipProperty(at int) int {
	for at < len(f.src) && !f.blank(at) {
		at++
	}
	for at < len(f.src) && (f.blank(at) || f.src[at] == '#') {
		switch {
		case f.src[at] == '#':
			at = lineEnd(f.src, at)
		default:
			at += max(1, breakAt(f.src[at:]))
		}
	}
	return at
}

// blank tells whether the byte at an offset is white space.
func (f *File) blank(at int) bool {
	return f.src[at] == ' ' || f.src[at] == '\t' || breakAt(f.src[at:]) > 0
}

// quoted finds the end of a quoted scalar that begins at start. It does not
// decode the text: that the parser reads the new token as the new text, and
// everything behind it as before, is for the verification to find out.
func (f *File) quoted(start int, quote byte) (int, string) {
	if start >= len(f.src) || f.src[start] != quote {
		return 0, reasonMismatch
	}
	for at := start + 1; at < len(f.src); at++ {
		switch c := f.src[at]; {
		case breakAt(f.src[at:]) > 0:
			return 0, reasonLines
		case c == '\\' && quote == '"':
			at++
			if breakAt(f.src[at:]) > 0 {
				return 0, reasonLines
			}
		case c == quote && quote == '\'' && bytes.HasPrefix(f.src[at:], []byte("''")):
			at++
		case c == quote:
			return at + 1, ""
		}
	}
	return 0, reasonMismatch
}

// plain finds the end of a plain scalar. One that fits on a line is decoded to
// just the bytes that are written, so anything else is one that does not fit.
func (f *File) plain(start int, value string) (int, string) {
	switch {
	case value == "":
		return 0, reasonEmpty
	case !bytes.HasPrefix(f.src[start:], []byte(value)):
		return 0, reasonLines
	}
	return start + len(value), ""
}
