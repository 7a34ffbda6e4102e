package settings

import (
	"fmt"
	"slices"
	"strings"
)

// broken reports the rules that the values do not keep, in the order of the
// rules, so that two runs with the same mistakes say the same.
func broken(t Table, v Values) []error {
	var problems []error
	for _, rule := range t.Rules {
		for _, name := range rule.If {
			if v.Given(name) {
				problems = append(problems, rule.brokenBy(name, v)...)
			}
		}
		if len(rule.AnyOf) > 0 && !slices.ContainsFunc(rule.AnyOf, v.Given) {
			problems = append(problems, fmt.Errorf("none of %s is set: %s", strings.Join(rule.AnyOf, ", "), rule.Because))
		}
	}
	return problems
}

// brokenBy reports what one given setting lacks, and what it cannot stand.
func (r Rule) brokenBy(given string, v Values) []error {
	var problems []error
	for _, name := range r.Needs {
		if !v.Given(name) {
			problems = append(problems, fmt.Errorf("%s is set without %s: %s", given, name, r.Because))
		}
	}
	for _, name := range r.Excludes {
		if v.Given(name) {
			problems = append(problems, fmt.Errorf("%s and %s are both set: %s", given, name, r.Because))
		}
	}
	return problems
}
