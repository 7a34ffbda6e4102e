package chatops

import (
	"iter"
	"regexp"
	"strings"
)

// visible yields the lines of a comment, with their numbers, that a reader sees
// as plain text: not within code, block quotes in fences, or HTML. It errs on
// the side of yielding too little. Indented and quoted lines may be among
// them, because a command never begins with a blank or a ">".
func visible(body string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		s := newScanner(yield)
		body = body[:min(len(body), maxBody)]
		for line := range strings.SplitSeq(body, "\n") {
			s.number++
			s.line(strings.TrimSuffix(line, "\r"))
			if s.stopped {
				return
			}
		}
		s.flush()
	}
}

// scanner goes through a comment line by line.
type scanner struct {
	yield   func(int, string) bool
	stopped bool
	number  int

	fence fence // the code fence that is open
	quote int   // the length of the ">>>" that is open; 0 if none
	html  html
	start *regexp.Regexp // what begins a block

	chunk []string // lines that may share an inline code span
	first int      // the number of the chunk's first line
}

func newScanner(yield func(int, string) bool) *scanner {
	return &scanner{
		yield: yield, html: newHTML(),
		start: regexp.MustCompile(`^(?:[#>*+<=_-]|[0-9]{1,9}[.)])`),
	}
}

// fence is the line that opens a code block.
type fence struct {
	char   byte // '`' or '~'; 0 if there is none
	length int
}

// line decides by the mark at a line's start, as Markdown does for blocks. Only
// the rest, where inline code may stretch over lines, is kept for flush.
func (s *scanner) line(line string) {
	text, indented := unindent(line)
	switch {
	case s.fence.char != 0:
		if !indented && s.fence.closedBy(text) {
			s.fence = fence{}
		}
	case text == "":
		s.flush()
		s.html.blank()
	case indented:
		s.add(line)
	case openFence(text).char != 0:
		s.flush()
		s.fence = openFence(text)
	case quoteFence(text) > 0:
		s.flush()
		s.toggleQuote(quoteFence(text))
	default:
		s.plain(line, text)
	}
}

// plain adds a line to the chunk. A block that begins or ends here bounds the
// inline code: a stray back-tick before it must not pair with one after it.
func (s *scanner) plain(line, text string) {
	if s.start.MatchString(text) {
		s.flush()
	}
	s.add(line)
	if text[0] == '#' {
		s.flush()
	}
}

func (s *scanner) add(line string) {
	if len(s.chunk) == 0 {
		s.first = s.number
	}
	s.chunk = append(s.chunk, line)
}

// toggleQuote opens a quote, or ends the open one unless the mark is shorter
// than the one that opened it. One that nobody closes hides the rest.
func (s *scanner) toggleQuote(length int) {
	switch {
	case s.quote == 0:
		s.quote = length
	case length >= s.quote:
		s.quote = 0
	}
}

// flush decides about the lines of the chunk.
func (s *scanner) flush() {
	if len(s.chunk) == 0 {
		return
	}
	masked := strings.Split(maskCode(strings.Join(s.chunk, "\n")), "\n")
	for i, line := range s.chunk {
		inCode := line != "" && masked[i] != "" && masked[i][0] == mask
		hidden := s.html.hides(masked[i])
		if inCode || hidden || s.quote > 0 || s.stopped {
			continue
		}
		s.stopped = !s.yield(s.first+i, line)
	}
	s.chunk = s.chunk[:0]
}

// unindent removes the up to three blanks that Markdown allows before a block
// mark; with more of them, or a tab, the line can be no mark.
func unindent(line string) (text string, indented bool) {
	text = strings.TrimLeft(line, " ")
	indented = len(line)-len(text) > 3 || strings.HasPrefix(text, "\t")
	return strings.TrimRight(text, " \t"), indented
}

// openFence reads the line that may open a code block. A back-tick after the
// mark makes it inline code.
func openFence(text string) fence {
	f := fence{char: text[0]}
	if f.char != '`' && f.char != '~' {
		return fence{}
	}
	info := strings.TrimLeft(text, string(f.char))
	f.length = len(text) - len(info)
	if f.length < 3 || f.char == '`' && strings.Contains(info, "`") {
		return fence{}
	}
	return f
}

// closedBy says whether the line has nothing but the mark, and enough of it.
func (f fence) closedBy(text string) bool {
	return len(text) >= f.length && strings.Trim(text, string(f.char)) == ""
}

// quoteFence is the length of GitLab's mark for a quote of many lines.
func quoteFence(text string) int {
	if len(text) >= 3 && strings.Trim(text, ">") == "" {
		return len(text)
	}
	return 0
}

// mask stands for every byte of inline code.
const mask = '\x00'

// maskCode replaces the inline code of a text, with its back-ticks, except for
// line ends. A run of back-ticks that is never closed is plain text.
func maskCode(text string) string {
	out := []byte(strings.ReplaceAll(text, string(mask), " "))
	closing := closings(text)
	for i := 0; i < len(text); {
		switch {
		case text[i] == '\\':
			i += 2
		case text[i] != '`':
			i++
		default:
			end, ok := closing.next(text, i)
			if ok {
				fill(out[i:end])
			}
			i = end
		}
	}
	return string(out)
}

func fill(code []byte) {
	for i := range code {
		if code[i] != '\n' {
			code[i] = mask
		}
	}
}

// runs lists, by length, where the runs of back-ticks of a text begin. Looking
// a closing one up in it keeps the work linear.
type runs map[int][]int

func closings(text string) runs {
	r := runs{}
	for i := 0; i < len(text); {
		n := runLength(text, i)
		if n > 0 {
			r[n] = append(r[n], i)
		}
		i += max(1, n)
	}
	return r
}

// next returns the end of the code that the run at i opens, or the run's own
// end if no run of its length follows.
func (r runs) next(text string, i int) (end int, ok bool) {
	n := runLength(text, i)
	for len(r[n]) > 0 && r[n][0] <= i {
		r[n] = r[n][1:]
	}
	if len(r[n]) == 0 {
		return i + n, false
	}
	return r[n][0] + n, true
}

func runLength(text string, i int) int {
	n := 0
	for i+n < len(text) && text[i+n] == '`' {
		n++
	}
	return n
}
