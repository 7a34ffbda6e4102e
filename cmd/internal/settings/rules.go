package settings

import (
	"fmt"
	"slices"
	"strings"
)

// broken reports the rules that the values do not keep.
func broken(t Table, v Values) []error {
	var problems []error
	for _, rule := range t.Rules {
		if rule.If != "" && !v.Given(rule.If) {
			continue
		}
		for _, name := range rule.Needs {
			if !v.Given(name) {
				problems = append(problems, fmt.Errorf("%s is set without %s: %s", rule.If, name, rule.Because))
			}
		}
		for _, name := range rule.Excludes {
			if v.Given(name) {
				problems = append(problems, fmt.Errorf("%s and %s are both set: %s", rule.If, name, rule.Because))
			}
		}
		if len(rule.AnyOf) > 0 && !slices.ContainsFunc(rule.AnyOf, v.Given) {
			problems = append(problems, fmt.Errorf("none of %s is set: %s", strings.Join(rule.AnyOf, ", "), rule.Because))
		}
	}
	return problems
}
