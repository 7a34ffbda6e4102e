package yamledit

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	plainStyle yaml.Style = 0
	quoteMask             = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle
)

// plainText matches the texts that may stand unquoted anywhere in a block
// collection. It leaves out more than YAML does, for the sake of readers that
// are stricter than the specification: everything that is not ASCII, and first
// characters that mean something in some place.
var plainText = regexp.MustCompile(`^[A-Za-z0-9_/+$^~<(\\][!-~]*( [!-~]+)*$`)

// ambiguous matches the plain texts that some reader of YAML takes for
// something else than a string. It is the union of the YAML 1.1 types
// repository, the YAML 1.2 core schema and what parsers do beyond both, such
// as underscores anywhere in a number.
var ambiguous = regexp.MustCompile(`^(?:` + strings.Join([]string{
	`[-+]?(?:\.[0-9_]+|[0-9][0-9_]*(?:\.[0-9_]*)?)(?:[eE][-+]?[0-9_]*)?`, // decimal and 0777
	`[-+]?0[xX][0-9a-fA-F_.]*(?:[pP][-+]?[0-9_]*)?`,                      // hexadecimal
	`[-+]?0[oO][-+0-7_]*`,                          // octal of 1.2
	`[-+]?0[bB][-+01_]*`,                           // binary
	`[-+]?[0-9][0-9_]*(?::[0-9_]+)+(?:\.[0-9_]*)?`, // base 60
	`[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?`, // dates and times
	`(?i:[-+]?\.inf|\.nan)`,
	`(?i:y|yes|n|no|on|off|true|false|null)`,
	`|~|=|<<`,
}, "|") + `)$`)

// typed are the plain texts that every reader takes for a value of the type.
var typed = map[string]*regexp.Regexp{
	"!!int":   regexp.MustCompile(`^-?(?:0|[1-9][0-9]{0,17})$`),
	"!!float": regexp.MustCompile(`^-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,17}$`),
	"!!bool":  regexp.MustCompile(`^(?:true|false)$`),
}

// isOf tells whether a text in place of a plain scalar keeps its type.
func isOf(n *yaml.Node, text string) bool {
	form, ok := typed[n.Tag]
	return ok && n.Style&(quoteMask|yaml.TaggedStyle) == 0 && form.MatchString(text)
}

// unwritable is the reason why a text cannot be written as a scalar, or "".
func unwritable(text string) string {
	switch {
	case len(text) > maxText:
		return fmt.Sprintf("the new text has %d bytes, more than a version may have (%d)", len(text), maxText)
	case !utf8.ValidString(text):
		return fmt.Sprintf("the new text %q is not UTF-8", clip(text))
	default:
		return ""
	}
}

// styleFor chooses the style in which a text replaces the scalar at the end of
// the trail: the scalar's own where that keeps the text a string.
func (f *File) styleFor(trail []*yaml.Node, text string) yaml.Style {
	n := trail[len(trail)-1]
	own := n.Style & quoteMask
	switch {
	case own == plainStyle && canBePlain(text, inFlow(trail)) && (!ambiguous.MatchString(text) || n.Style&yaml.TaggedStyle != 0):
		return plainStyle
	case !canBeSingle(text):
		return yaml.DoubleQuotedStyle
	case own != plainStyle:
		return own
	default:
		return f.usualQuotes(trail)
	}
}

// inFlow tells whether the scalar lies inside brackets or braces, where a plain
// one must not hold any itself.
func inFlow(trail []*yaml.Node) bool {
	for _, n := range trail {
		if n.Style&yaml.FlowStyle != 0 {
			return true
		}
	}
	return false
}

// canBePlain tells whether a text may stand unquoted, whatever type it then has.
func canBePlain(text string, flow bool) bool {
	return plainText.MatchString(text) &&
		!strings.Contains(text, ": ") && !strings.HasSuffix(text, ":") && !strings.Contains(text, " #") &&
		!(flow && strings.ContainsAny(text, ",[]{}?"))
}

// canBeSingle tells whether a text may stand in single quotes, which have no
// escapes: an invisible character there would be one that nobody can review.
func canBeSingle(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !strconv.IsPrint(r) })
}

// usualQuotes is the style of quotes around the scalar: that of most of its
// siblings, else that of most values in the file, else double quotes. A file
// should look after an edit as if its owner had made it.
func (f *File) usualQuotes(trail []*yaml.Node) yaml.Style {
	var near, far tally
	if len(trail) > 1 {
		near.children(trail[len(trail)-2])
	}
	if near.single != near.double {
		return near.style()
	}
	for _, doc := range f.docs {
		far.tree(doc)
	}
	return far.style()
}

// tally counts quoted values.
type tally struct{ single, double int }

func (t *tally) style() yaml.Style {
	if t.single > t.double {
		return yaml.SingleQuotedStyle
	}
	return yaml.DoubleQuotedStyle
}

// children counts the values of a collection, but not the keys: quotes around
// a key are there for another reason.
func (t *tally) children(n *yaml.Node) {
	for i, c := range n.Content {
		switch {
		case c.Kind != yaml.ScalarNode, n.Kind == yaml.MappingNode && i%2 == 0:
		case c.Style&yaml.SingleQuotedStyle != 0:
			t.single++
		case c.Style&yaml.DoubleQuotedStyle != 0:
			t.double++
		}
	}
}

func (t *tally) tree(n *yaml.Node) {
	t.children(n)
	for _, c := range n.Content {
		t.tree(c)
	}
}

// render writes a text in a style. Go's escapes of valid UTF-8 are all escapes
// of YAML's double quotes too.
func render(text string, style yaml.Style) string {
	switch style {
	case yaml.SingleQuotedStyle:
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	case yaml.DoubleQuotedStyle:
		return strconv.Quote(text)
	default:
		return text
	}
}
