package chatops

import (
	"regexp"
	"slices"
	"strings"
)

// html follows the HTML of a comment from line to line.
type html struct {
	until   string // the text that ends a comment or an instruction; "" outside of one
	element string // the element whose content is hidden; "" outside of one
	depth   int    // how many elements of that name are open
	block   bool   // within a block that a tag began and a blank line ends

	tag  *regexp.Regexp // an opening or closing tag, up to the end of its name
	mark *regexp.Regexp // what opens something, up to the end of its name
}

func newHTML() html {
	return html{
		tag:  regexp.MustCompile(`<(/?)([A-Za-z][A-Za-z0-9-]*)(?:[\s/>]|$)`),
		mark: regexp.MustCompile(`<!--|<!\[CDATA\[|<\?|<![A-Za-z]|<([A-Za-z][A-Za-z0-9-]*)(?:[\s/>]|$)`),
	}
}

// blank ends what a blank line ends.
func (h *html) blank() { h.block = false }

// hides goes through one line, inline code masked, and says whether its start
// is HTML or within HTML.
func (h *html) hides(line string) bool {
	text, indented := unindent(line)
	if at := h.tag.FindStringIndex(text); !indented && at != nil && at[0] == 0 {
		h.block = true
	}
	hidden := h.until != "" || h.element != "" || h.block
	for line != "" {
		line = h.step(line)
	}
	return hidden
}

// step reads up to and with the next thing that matters and returns the rest.
func (h *html) step(line string) string {
	switch {
	case h.until != "":
		_, rest, found := strings.Cut(line, h.until)
		if found {
			h.until = ""
		}
		return rest
	case h.element != "":
		return h.inside(line)
	default:
		return h.outside(line)
	}
}

// outside looks for the next thing that opens. Tags of other elements, which
// people use as placeholders too, hide nothing beyond their block.
func (h *html) outside(line string) string {
	m := h.mark.FindStringSubmatchIndex(line)
	if m == nil {
		return ""
	}
	found, rest := line[m[0]:m[1]], line[m[1]:]
	switch {
	case m[2] < 0:
		h.until = terminator(found)
	case slices.Contains(containers(), strings.ToLower(line[m[2]:m[3]])):
		h.element, h.depth = strings.ToLower(line[m[2]:m[3]]), 1
	}
	return rest
}

// inside counts the tags of the open element alone. "<pre/>" opens too: HTML
// knows no empty form of these elements.
func (h *html) inside(line string) string {
	m := h.tag.FindStringSubmatchIndex(line)
	if m == nil {
		return ""
	}
	closing := m[2] < m[3]
	switch {
	case !strings.EqualFold(line[m[4]:m[5]], h.element):
	case closing:
		h.depth--
	default:
		h.depth++
	}
	if h.depth == 0 {
		h.element = ""
	}
	return line[m[1]:]
}

// terminator ends what the mark opens.
func terminator(open string) string {
	switch open {
	case "<!--":
		return "-->"
	case "<![CDATA[":
		return "]]>"
	case "<?":
		return "?>"
	default:
		return ">"
	}
}

// containers are the elements whose content is code, quoted or folded away, or
// not shown at all. It stays so across blank lines, until they are closed.
func containers() []string {
	return []string{
		"blockquote", "code", "del", "details", "div", "kbd", "noscript", "pre", "s", "samp",
		"script", "strike", "style", "summary", "svg", "table", "template", "textarea",
	}
}
