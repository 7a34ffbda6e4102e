package fluxlint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// filter finds the names in a Receiver's CEL filter that Flux does not give a
// meaning to. Flux then calls the Receiver stalled, and answers 503. It reads
// names and no more: whether the expression is one, Flux says.
func (l *linter) filter(o object, n yamledit.Node) {
	known := []string{"res", "req"}
	if o.text("spec", "type") == "generic-oidc" {
		known = append(known, "claims")
	}
	for _, name := range freeNames(n.Text()) {
		if slices.Contains(known, name) {
			continue
		}
		l.found = append(l.found, Finding{File: o.file, Line: n.Line(), Column: n.Column(), Rule: RuleFilter,
			Reason: fmt.Sprintf("the filter of Receiver %s names %s, which Flux does not know, so the Receiver is never ready", o.name(), name),
			Fix:    "use " + strings.Join(known, " and ") + " alone"})
		return
	}
}

// freeNames are the variables of a CEL expression, but for those that it binds
// itself.
func freeNames(expression string) []string {
	code := regexp.MustCompile(`(?s)[rRbB]{0,2}("(\\.|[^"\\])*"|'(\\.|[^'\\])*')`).ReplaceAllString(expression, `""`)
	// What is no variable: constants, operators, types, and what functions lie in.
	bound := strings.Fields("true false null in int uint double bool string bytes list map null_type type cel optional math sets base64 strings google")
	for _, m := range regexp.MustCompile(`(?:\.(?:all|exists|exists_one|existsOne|map|filter)|cel\.bind)\(\s*(\w+)\s*,(?:\s*(\w+)\s*,)?`).FindAllStringSubmatch(code, -1) {
		bound = append(bound, m[1:]...)
	}
	var out []string
	for _, at := range regexp.MustCompile(`[A-Za-z_]\w*`).FindAllStringIndex(code, -1) {
		name, before, after := code[at[0]:at[1]], strings.TrimRight(code[:at[0]], " \t\n"), strings.TrimLeft(code[at[1]:], " \t\n")
		field, number := strings.HasSuffix(before, ".") || strings.HasSuffix(before, ".?"), at[0] > 0 && code[at[0]-1] >= '0' && code[at[0]-1] <= '9'
		if !field && !number && !strings.HasPrefix(after, "(") && !slices.Contains(bound, name) {
			out = append(out, name)
		}
	}
	return out
}
