package policy

import (
	"errors"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core/expression"
)

// expressions reads conditions, all with one checker.
func (d *decoder) expressions(at place) []expression.Expression {
	var out []expression.Expression
	checker, err := expression.NewChecker()
	if err != nil {
		d.report(at, "%s; this is a defect of Sluice, remove the expressions and report it", err)
		return nil
	}
	d.list(at, maxExpressions, func(at place) {
		text, ok := d.text(at)
		if !ok {
			return
		}
		e, err := checker.Parse(text)
		if wrong := (*expression.Error)(nil); errors.As(err, &wrong) {
			d.report(within(at, wrong.Line, wrong.Column), "%s", printable(wrong.Message))
			return
		}
		out = append(out, e)
	})
	return out
}

// within is the place of a character inside a text, or of the whole text where
// the way in which it is written does not tell: folded over lines, or with
// escapes. Then the expression's own line and column would mislead.
func within(at place, line, column int) place {
	lead := 0
	switch at.Style &^ yaml.TaggedStyle {
	case yaml.SingleQuotedStyle, yaml.DoubleQuotedStyle:
		lead = 1
	case 0:
	default:
		return at
	}
	if line > 1 || strings.ContainsAny(at.Value, "\n\t\\") || at.Style&yaml.DoubleQuotedStyle != 0 && strings.Contains(at.Value, `"`) {
		return at
	}
	before := string([]rune(at.Value)[:min(column-1, len([]rune(at.Value)))])
	if at.Style&yaml.SingleQuotedStyle != 0 {
		lead += strings.Count(before, "'") // each is written twice
	}
	return place{&yaml.Node{Line: at.Line, Column: at.Column + lead + column - 1}, at.path}
}

// printable keeps what a message repeats of an expression from doing anything
// to a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, text)
}
