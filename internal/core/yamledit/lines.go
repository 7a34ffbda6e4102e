package yamledit

import (
	"bytes"
	"unicode/utf8"
)

const byteOrderMark = "\ufeff"

// lineStarts gives the offset of each line's first character. It counts the
// line breaks that the parser counts, which are those of YAML 1.1: besides LF,
// CR and CRLF also NEL, LS and PS. A byte order mark belongs to no line.
func lineStarts(src []byte) []int {
	first := 0
	if bytes.HasPrefix(src, []byte(byteOrderMark)) {
		first = len(byteOrderMark)
	}
	starts := append(make([]int, 0, bytes.Count(src, []byte("\n"))+1), first)
	for i := first; i < len(src); {
		if c := src[i]; c >= ' ' && c <= '~' {
			i++
			continue
		}
		n := breakAt(src[i:])
		if n == 0 {
			i++
			continue
		}
		i += n
		starts = append(starts, i)
	}
	return starts
}

// breakAt is the length of the line break that b begins with, or 0.
func breakAt(b []byte) int {
	switch {
	case len(b) == 0:
		return 0
	case b[0] == '\n':
		return 1
	case b[0] == '\r':
		return 1 + min(1, len(b)-len(bytes.TrimPrefix(b, []byte("\r\n"))))
	case bytes.HasPrefix(b, []byte("\u0085")):
		return 2
	case bytes.HasPrefix(b, []byte("\u2028")), bytes.HasPrefix(b, []byte("\u2029")):
		return 3
	default:
		return 0
	}
}

// offset is the byte at which a character stands; false if there is none. The
// parser's own offsets are no use: they count characters, and it hides them.
func (f *File) offset(line, column int) (int, bool) {
	if line < 1 || line > len(f.lines) {
		return 0, false
	}
	at := f.lines[line-1]
	for range column - 1 {
		if at >= len(f.src) || breakAt(f.src[at:]) > 0 {
			return 0, false
		}
		_, n := utf8.DecodeRune(f.src[at:])
		at += n
	}
	return at, at < len(f.src)
}

// lineEnd is the offset at which the line that holds at ends, without its break.
func lineEnd(src []byte, at int) int {
	for at < len(src) && breakAt(src[at:]) == 0 {
		at++
	}
	return at
}

// positionOf is the place of a byte, for errors that the parser has no part in.
func positionOf(src []byte, at int) position {
	starts := lineStarts(src[:at])
	last := starts[len(starts)-1]
	return position{line: len(starts), column: utf8.RuneCount(src[min(last, at):at]) + 1}
}
