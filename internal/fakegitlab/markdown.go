package fakegitlab

import (
	"regexp"
	"strings"
)

// block is a run of lines. A plain one is a paragraph at the top level, the
// only place where GitLab looks for quick actions; with it goes one empty line.
type block struct {
	text  string
	plain bool
}

var (
	fence     = regexp.MustCompile("^ {0,3}(```+|~~~+)")
	container = regexp.MustCompile(`^ {0,3}(>|[-*+] |\d{1,9}[.)] )`)
	htmlStart = regexp.MustCompile(`^ {0,3}</?[A-Za-z!]`)
)

// paragraphs cuts a comment into blocks. It knows of Markdown what hides a
// line at column 0 from GitLab: code fences (an open one reaches to the end),
// >>> quotes, HTML blocks, and the paragraphs of quotes and list items, which
// a line without a marker continues.
func paragraphs(text string) []block {
	var out []block
	lines := strings.SplitAfter(text, "\n")
	for i := 0; i < len(lines); {
		n, plain := blockAt(lines[i:])
		out = append(out, block{strings.Join(lines[i:i+n], ""), plain})
		i += n
	}
	return out
}

// blockAt returns the length of the block that begins with the first line.
func blockAt(lines []string) (n int, plain bool) {
	first := strings.TrimRight(lines[0], "\n")
	switch {
	case strings.TrimSpace(first) == "":
		return 1, false
	case fence.MatchString(first):
		return fenced(lines, fence.FindStringSubmatch(first)[1]), false
	case strings.TrimRight(first, " ") == ">>>":
		for i, l := range lines[1:] {
			if strings.TrimRight(l, " \n") == ">>>" {
				return i + 2, false
			}
		}
		return untilBlank(lines), false
	case container.MatchString(first), htmlStart.MatchString(first), strings.HasPrefix(first, "    "):
		return untilBlank(lines), false
	}
	n = untilBlank(lines)
	for i := 1; i < n; i++ {
		if l := lines[i]; fence.MatchString(l) || container.MatchString(l) {
			return i, true
		}
	}
	if n < len(lines) && strings.TrimSpace(lines[n]) == "" && n+1 < len(lines) {
		n++
	}
	return n, true
}

func untilBlank(lines []string) int {
	for i, l := range lines {
		if strings.TrimSpace(l) == "" {
			return i
		}
	}
	return len(lines)
}

// fenced is the length of a code block: to a fence at least as long, or to the
// end of the text.
func fenced(lines []string, mark string) int {
	for i, l := range lines[1:] {
		m := fence.FindStringSubmatch(l)
		if m != nil && strings.HasPrefix(m[1], mark) && strings.TrimSpace(l) == m[1] {
			return i + 2
		}
	}
	return len(lines)
}
