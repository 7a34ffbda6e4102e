package expression

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/ast"
	"github.com/google/cel-go/common/types"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Expression is a condition that was read and checked. It is immutable and may
// be used by several goroutines at once. The zero value holds for nothing.
type Expression struct {
	text    string
	program cel.Program
	names   []string // of the variables that it uses
}

// Error says what is wrong with an expression, and where in its text.
type Error struct {
	Line    int // 1-based
	Column  int // 1-based, in characters
	Message string
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message) }

// Parse reads an expression and checks its types. The error is of kind
// core.Invalid and holds an *Error.
func (c *Checker) Parse(text string) (Expression, error) {
	if n := len([]rune(text)); n > maxCode {
		return Expression{}, invalid(1, 1, fmt.Sprintf("the expression has %d characters; at most %d are allowed", n, maxCode))
	}
	checked, issues := c.env.Compile(text)
	if issues.Err() != nil {
		first := slices.MinFunc(issues.Errors(), func(a, b *cel.Error) int {
			return cmp.Or(cmp.Compare(a.Location.Line(), b.Location.Line()), cmp.Compare(a.Location.Column(), b.Location.Column()))
		})
		return Expression{}, invalid(first.Location.Line(), first.Location.Column()+1, explain(first.Message))
	}
	if !checked.OutputType().IsExactType(types.BoolType) {
		return Expression{}, invalid(1, 1, fmt.Sprintf("the expression gives a %s; write one that is true or false", checked.OutputType()))
	}
	program, err := c.env.Program(checked, cel.CostLimit(maxCost))
	if err != nil {
		return Expression{}, invalid(1, 1, clip(err.Error()))
	}
	return Expression{text: text, program: program, names: used(checked)}, nil
}

// explain adds to CEL's words what can be written instead.
func explain(message string) string {
	message = clip(message)
	switch {
	case strings.HasPrefix(message, "undeclared reference"):
		return message + "; the variables are " + strings.Join(names(variables()), ", ")
	case strings.HasPrefix(message, "undefined field"):
		return message + "; the fields of a version are " + strings.Join(names(fieldsOf(versionType)), ", ") +
			"; of a change " + strings.Join(names(fieldsOf(changeType)), ", ") + "; of mr " + strings.Join(names(fieldsOf(mrType)), ", ")
	}
	return message + "; write a condition in CEL"
}

// used lists the variables that an expression names.
func used(checked *cel.Ast) []string {
	var out []string
	root := ast.NavigateAST(checked.NativeRep())
	for _, e := range ast.MatchDescendants(root, ast.KindMatcher(ast.IdentKind)) {
		out = append(out, e.AsIdent())
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// String is the expression as the policy has it.
func (e Expression) String() string { return e.text }

// Uses tells whether the expression names one of these variables.
func (e Expression) Uses(names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return slices.Contains(e.names, n) })
}

// Answer is what an expression says of some facts.
type Answer int

// The answers. Unknown is the zero value: something that was asked for is not
// known, or the evaluation was given up.
const (
	Unknown Answer = iota
	No
	Yes
)

// Evaluate answers with the reason, in words that go after the expression's
// text: empty for Yes. An expression that uses change or version must hold for
// each of the changes.
func (e Expression) Evaluate(f Facts) (Answer, string) {
	switch {
	case e.program == nil:
		return Unknown, "was never read"
	case len(f.Changes) > maxChecked:
		return Unknown, fmt.Sprintf("is not evaluated for more than %d changes at once", maxChecked)
	case !e.Uses("change", "version"):
		return e.once(f.activation(), "")
	case len(f.Changes) == 0:
		return Unknown, "is about changes, and there are none"
	}
	vars := f.activation()
	for _, c := range f.Changes {
		change := c.object()
		vars["change"], vars["version"] = change, change.fields["new"]
		if answer, why := e.once(vars, fmt.Sprintf(" for %s %s %s", c.Kind, c.Name, clip(c.New.String()))); answer != Yes {
			return answer, why
		}
	}
	return Yes, ""
}

func (e Expression) once(vars map[string]any, about string) (Answer, string) {
	got, _, err := e.program.Eval(vars)
	switch {
	case err != nil:
		return Unknown, "has no answer" + about + ": " + clip(err.Error())
	case got == types.True:
		return Yes, ""
	case got == types.False:
		return No, "is false" + about
	}
	return Unknown, "has no answer" + about
}

func invalid(line, column int, message string) error {
	return core.Errorf(core.Invalid, "%w", &Error{Line: max(1, line), Column: max(1, column), Message: message})
}

func internal(err error) error {
	return core.Errorf(core.Internal, "set up the reading of expressions: %w", err)
}

// clip keeps a text to one line of a sentence.
func clip(text string) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' || r == '\t' }), " ")
	if r := []rune(text); len(r) > maxMessage {
		return string(r[:maxMessage]) + "…"
	}
	return text
}
