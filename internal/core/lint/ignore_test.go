package lint_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core/lint"
)

func TestCommentsWithAReasonAreFollowed(t *testing.T) {
	const file = "a.yaml"
	here := func(line int, rule string) lint.Finding {
		return lint.Finding{File: file, Line: line, Column: 3, Rule: rule, Severity: lint.Error, Reason: "r", Fix: "f"}
	}
	for name, c := range map[string]struct {
		text  string
		found []lint.Finding
		part  bool
		want  string
	}{
		"behind":       {"a: 1 # sluice:ignore schema it is right\n", []lint.Finding{here(1, "schema")}, false, ""},
		"above":        {"# sluice:ignore schema,pin it is right\n# and more\na: 1\n", []lint.Finding{here(3, "schema"), here(3, "pin")}, false, ""},
		"other line":   {"a: 1 # sluice:ignore schema it is right\nb: 1\n", []lint.Finding{here(2, "schema")}, false, "a.yaml:1: warning: nothing of schema is found here any more (ignore); remove the comment\na.yaml:2:3: error: r (schema); f\n"},
		"other rule":   {"a: 1 # sluice:ignore pin it is right\n", []lint.Finding{here(1, "schema")}, true, "a.yaml:1:3: error: r (schema); f\n"},
		"whole file":   {"# sluice:ignore-file flux-wait our own\n\na: 1\nb: 1\n", []lint.Finding{here(3, "flux-wait"), here(4, "flux-wait")}, false, ""},
		"no reason":    {"a: 1 # sluice:ignore schema\n", []lint.Finding{here(1, "schema")}, false, "a.yaml:1: warning: the comment gives no reason, and is not followed (ignore); write # sluice:ignore RULE and the reason, in words\na.yaml:1:3: error: r (schema); f\n"},
		"unknown rule": {"a: 1 # sluice:ignore shcema it is right\n", nil, false, "a.yaml:1: warning: the comment names \"shcema\", which is no rule, and is not followed (ignore); write # sluice:ignore RULE and the reason, in words\n"},
		"at the end":   {"a: 1\n# sluice:ignore schema it is right", nil, true, ""},
	} {
		read := func(string) []byte { return []byte(c.text) }
		if diff := cmp.Diff(c.want, printed(lint.Ignore(c.found, []string{file}, read, !c.part))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
