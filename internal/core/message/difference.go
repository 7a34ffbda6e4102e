package message

import (
	"fmt"
	"html"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Difference is what a promotion changes in the manifests of one overlay.
type Difference struct {
	Clusters []core.Cluster // whose manifests they are; none if they are one for the environment
	Dir      string         // the overlay
	Text     string         // the objects that differ, each as a header and a unified diff; "" if none does
	Left     int            // the lines that were left out already
	Problem  string         // why it is not known; Text is then ""
}

// The bounds of what is shown of the manifests, in characters. GitLab takes
// 1,048,576 of them for a whole description; people take far fewer, and every
// edit sends them all by mail to somebody.
const (
	maxDifference  = 10_000
	maxDifferences = 40_000
	maxDiffLine    = 200
	// maxOverlays bounds the folds, however little is in each.
	maxOverlays = 30
)

// Differences shows each overlay's in a fold of its own, and overlays with the
// same one together. Nothing at all means that they are not known yet.
func Differences(all []Difference) string {
	if len(all) == 0 {
		return notRendered + "\n"
	}
	var parts []string
	room := maxDifferences
	together := gathered(all)
	for _, d := range together[:min(maxOverlays, len(together))] {
		text, left := cutLines(d.Text, min(room, maxDifference))
		room -= utf8.RuneCountInString(text)
		d.Text, d.Left = text, d.Left+left
		parts = append(parts, d.fold())
	}
	if more := len(together) - maxOverlays; more > 0 {
		parts = append(parts, fmt.Sprintf("and %d more overlays.\n", more))
	}
	return strings.Join(parts, "\n")
}

const notRendered = "What changes in the manifests: not rendered yet."

// Rendered tells whether a description's block shows differences.
func Rendered(block string) bool {
	return strings.Contains(block, "What changes in the manifests") && !strings.Contains("\n"+block+"\n", "\n"+notRendered+"\n")
}

// gathered joins the overlays that differ in the same way.
func gathered(all []Difference) []Difference {
	var out []Difference
	for _, d := range all {
		i := slices.IndexFunc(out, func(o Difference) bool {
			return o.Text == d.Text && o.Left == d.Left && o.Problem == d.Problem && len(o.Clusters) > 0 && len(d.Clusters) > 0
		})
		if i < 0 {
			out = append(out, d)
			continue
		}
		out[i].Clusters = append(slices.Clip(out[i].Clusters), d.Clusters...)
	}
	return out
}

func (d Difference) fold() string {
	var said string
	switch {
	case d.Problem != "":
		said = "not rendered: " + Quote(d.Problem, maxReason)
	case d.Text == "" && d.Left > 0:
		said = lines(d.Left) + ", too many to show here."
	case d.Text == "":
		said = "nothing. Either Flux fills the version in afterwards, or nothing uses it."
	default:
		return d.block()
	}
	return fmt.Sprintf("What changes in the manifests%s: %s\n", d.of(func(name string) string { return Inline(name, maxText) }), said)
}

func (d Difference) block() string {
	var b strings.Builder
	fmt.Fprintf(&b, "<details><summary>What changes in the manifests%s</summary>\n\n```diff\n%s\n```\n", d.of(htmlCode), d.Text)
	if d.Left > 0 {
		fmt.Fprintf(&b, "\n%s more left out.\n", lines(d.Left))
	}
	b.WriteString("\n</details>\n")
	return b.String()
}

func lines(n int) string {
	if n == 1 {
		return "1 line"
	}
	return fmt.Sprintf("%d lines", n)
}

// of names the clusters in their own spelling of a name.
func (d Difference) of(spell func(string) string) string {
	var names []string
	for _, c := range d.Clusters[:min(len(d.Clusters), maxOverlays)] {
		names = append(names, spell(string(c)))
	}
	if more := len(d.Clusters) - maxOverlays; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	if len(names) == 0 {
		return ""
	}
	return " of " + strings.Join(names, ", ")
}

// htmlCode is Inline for a place where there is HTML and no Markdown.
func htmlCode(name string) string {
	code := Inline(name, maxText)
	return "<code>" + html.EscapeString(Title(strings.Trim(code, "`"), 2*maxText)) + "</code>"
}

// cutLines makes the lines of a diff inert and keeps as many from the beginning
// as so many characters hold; it tells how many it left out.
func cutLines(text string, limit int) (kept string, left int) {
	if text == "" {
		return "", 0
	}
	all := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	var b strings.Builder
	for i, line := range all {
		line = codeLine(line)
		if limit -= utf8.RuneCountInString(line) + 1; limit < 0 {
			return strings.TrimSuffix(b.String(), "\n"), len(all) - i
		}
		b.WriteString(line + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n"), 0
}

// codeLine makes a line fit for a block of code. Unlike Inline it keeps the
// spaces. No line begins with what somebody else wrote.
func codeLine(line string) string {
	runes := []rune(strings.TrimRight(strings.ReplaceAll(breakLines(clean(strings.ReplaceAll(line, "\t", "    "))), "\n", " "), " "))
	if len(runes) > maxDiffLine {
		runes = append(runes[:maxDiffLine:maxDiffLine], '…')
	}
	if len(runes) == 0 || !slices.Contains([]rune("+-@ "), runes[0]) {
		runes = append([]rune{' '}, runes...)
	}
	var b strings.Builder
	for i, r := range runes {
		if r == '`' {
			r = '\''
		}
		b.WriteRune(r)
		if closes(runes, i) {
			b.WriteRune(joiner)
		}
	}
	return b.String()
}
