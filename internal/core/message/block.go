package message

import (
	"regexp"
	"strings"
)

// Block returns what stands between the marks of that name in a description,
// with its line ends as line feeds; ok says whether there are such marks.
//
// Marks count only in pairs, each alone on its line, and not within a fenced
// code block. Where several pairs do, the first is meant. A mark without its
// partner is somebody's text.
func Block(description, name string) (inner string, ok bool) {
	lines := strings.Split(description, "\n")
	p, ok := findPair(lines, name)
	if !ok {
		return "", false
	}
	inner = unixLines(strings.Join(lines[p.begin+1:p.end], "\n") + "\n")
	return unescapeMarks(strings.TrimSuffix(inner, "\n")), true
}

// WithBlock returns the description with the inner text between the marks of
// that name. Everything else stays byte for byte as it is, the marks too; where
// there are none, they are added at the end, after a blank line. If the text is
// there already, whatever its line ends, the description is returned unchanged.
//
// Only what stands between a pair of marks is ever replaced. Marks in the inner
// text are changed so that they do not count, and Block changes them back.
func WithBlock(description, name, inner string) string {
	inner = unixLines(inner)
	lines := strings.Split(description, "\n")
	p, ok := findPair(lines, name)
	if !ok {
		return description + gap(description) + beginMark(name) + "\n" + escapeMarks(inner) + "\n" + endMark(name)
	}
	if have, _ := Block(description, name); have == inner {
		return description
	}
	before, after := lines[:p.begin+1], lines[p.end:]
	return strings.Join(before, "\n") + "\n" + escapeMarks(inner) + "\n" + strings.Join(after, "\n")
}

func beginMark(name string) string { return "<!-- sluice:" + name + " -->" }
func endMark(name string) string   { return "<!-- /sluice:" + name + " -->" }

// gap parts the block from the text before it by a blank line.
func gap(description string) string {
	switch {
	case description == "", strings.HasSuffix(description, "\n\n"), strings.HasSuffix(description, "\n\r\n"):
		return ""
	case strings.HasSuffix(description, "\n"):
		return "\n"
	default:
		return "\n\n"
	}
}

// pair is the lines of two marks that belong together.
type pair struct{ begin, end int }

// findPair returns the first pair outside of fenced code. What stands inside a
// pair has no say in what is fenced: else writing a block could change whether
// it counts.
func findPair(lines []string, name string) (pair, bool) {
	pairs := allPairs(lines, name)
	var f mdFence
	opened, fenced := -1, []pair{}
	for i, next := 0, 0; i < len(lines); i++ {
		if next < len(pairs) && i == pairs[next].begin {
			i, next = pairs[next].end, next+1
			continue
		}
		switch was := f; {
		case was.length == 0:
			f, opened = openingFence(lines[i]), i
		case was.closes(lines[i]):
			f, fenced = mdFence{}, append(fenced, pair{opened, i})
		}
	}
	for _, p := range pairs {
		for len(fenced) > 0 && fenced[0].end < p.begin {
			fenced = fenced[1:]
		}
		if len(fenced) == 0 || fenced[0].begin > p.begin {
			return p, true
		}
	}
	return pair{}, false
}

// allPairs returns every begin mark whose next mark is an end mark.
func allPairs(lines []string, name string) []pair {
	var pairs []pair
	begin := -1
	for i, line := range lines {
		switch strings.TrimRight(line, " \t\r") {
		case beginMark(name):
			begin = i
		case endMark(name):
			if begin >= 0 {
				pairs = append(pairs, pair{begin, i})
			}
			begin = -1
		}
	}
	return pairs
}

// mdFence is what opens a fenced code block; it is none if its length is 0.
type mdFence struct {
	mark   string
	length int
}

func openingFence(line string) mdFence {
	text := strings.TrimRight(line, " \t\r")
	trimmed := strings.TrimLeft(text, " ")
	if len(text)-len(trimmed) > 3 {
		return mdFence{}
	}
	for _, mark := range []string{"`", "~"} {
		info := strings.TrimLeft(trimmed, mark)
		n := len(trimmed) - len(info)
		if n >= 3 && (mark == "~" || !strings.Contains(info, mark)) {
			return mdFence{mark, n}
		}
	}
	return mdFence{}
}

func (f mdFence) closes(line string) bool {
	text := strings.TrimRight(line, " \t\r")
	trimmed := strings.TrimLeft(text, " ")
	return len(text)-len(trimmed) <= 3 && len(trimmed) >= f.length && strings.Trim(trimmed, f.mark) == ""
}

func unixLines(text string) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
}

// escapeMarks adds one back-slash to what could be a mark, and unescapeMarks
// takes one away, so that any text survives.
func escapeMarks(text string) string {
	return regexp.MustCompile(`<!-- (\\*/?sluice:)`).ReplaceAllString(text, `<!-- \$1`)
}

func unescapeMarks(text string) string {
	return regexp.MustCompile(`<!-- \\(\\*/?sluice:)`).ReplaceAllString(text, `<!-- $1`)
}
