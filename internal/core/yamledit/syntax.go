package yamledit

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core"
)

// explain turns the parser's message into one with a place, and names the
// commonest reason why a manifest is not YAML. The parser never tells the
// column: it is that of the first thing on the line.
func (f *File) explain(err error) error {
	f.lines = lineStarts(f.src) // nobody has the file yet
	line, reason := f.blame(err)
	if bytes.Contains(f.src, []byte("{{")) {
		reason += " (the text holds \"{{\": a Helm template is not YAML until it is rendered)"
	}
	return f.shift(f.firstOn(line)).errorf(core.Invalid, "not YAML: %s", reason)
}

// blame takes the line from the parser's message. What the grammar refuses is
// told there by a line that counts from 0; what is no token at all, by one that
// counts from 1.
func (f *File) blame(err error) (line int, reason string) {
	line, reason = split(err)
	switch {
	case isMisplaced(reason):
		return f.misplaced(reason), reason
	case strings.HasPrefix(reason, "unknown anchor '"):
		_, name, _ := strings.Cut(reason, "'")
		name, _, _ = strings.Cut(name, "'")
		return positionOf(f.src, max(0, bytes.Index(f.src, []byte("*"+name)))).line, reason
	case isOfGrammar(reason):
		line++
	}
	return min(max(line, 1), f.lastSeen()), reason
}

// lastSeen is the last line with anything on it, so that what is missing at the
// end of a text is missed where a reader can see it.
func (f *File) lastSeen() int {
	return positionOf(f.src, len(bytes.TrimRight(f.src, "\r\n"))).line
}

// split parts a message of the parser; the line is 0 where it does not stand.
func split(err error) (line int, reason string) {
	m := regexp.MustCompile(`(?s)^(?:yaml: )?(?:line (\d+): )?(.*)`).FindStringSubmatch(err.Error())
	line, _ = strconv.Atoi(m[1])
	return line, m[2]
}

// isOfGrammar tells the messages of the parser from those of its scanner.
func isOfGrammar(reason string) bool {
	return isMisplaced(reason) || slices.Contains([]string{
		"did not find expected node content", "did not find expected ',' or ']'", "did not find expected ',' or '}'",
		"did not find expected <document start>", "found duplicate %YAML directive",
		"found incompatible YAML document", "found duplicate %TAG directive", "found undefined tag handle",
	}, reason)
}

// isMisplaced tells whether something stands where a block's next entry would
// have to: the parser then names the line in which the block begins.
func isMisplaced(reason string) bool {
	return reason == "did not find expected key" || reason == "did not find expected '-' indicator"
}

// misplaced finds the line up to which the text has that error and before which
// it has not. The parser reads on a little, over short lines, before it stops.
func (f *File) misplaced(reason string) int {
	line := f.stop()
	for range maxAhead {
		if line == 1 || !f.fails(f.lines[line-1], reason) {
			break
		}
		line--
	}
	return line
}

// stop is the line of the last thing that the parser reads before it gives up.
func (f *File) stop() int {
	r := &trickle{src: f.src}
	for dec := yaml.NewDecoder(r); dec.Decode(new(yaml.Node)) == nil; {
	}
	return positionOf(f.src, len(bytes.TrimRight(f.src[:r.next], " \t\r\n"))).line
}

// fails tells whether the text up to there is refused for that reason.
func (f *File) fails(end int, reason string) bool {
	dec := yaml.NewDecoder(bytes.NewReader(f.src[:end]))
	for {
		if err := dec.Decode(new(yaml.Node)); err != nil {
			_, why := split(err)
			return why == reason
		}
	}
}

// firstOn is the place of the first thing on a line.
func (f *File) firstOn(line int) position {
	start := f.lines[line-1]
	blank := len(f.src[start:]) - len(bytes.TrimLeft(f.src[start:], " "))
	return position{line: line, column: blank + 1}
}

// trickle hands out a text byte by byte, so that it knows how far its reader
// got.
type trickle struct {
	src  []byte
	next int
}

// Read gives the next byte.
func (t *trickle) Read(p []byte) (int, error) {
	if t.next == len(t.src) {
		return 0, io.EOF
	}
	p[0] = t.src[t.next]
	t.next++
	return 1, nil
}
