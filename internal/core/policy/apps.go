package policy

import (
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/version"
)

// apps refuses a rule that cannot be reached. Somebody who writes "never" for
// an app must not find out later that a rule above it won.
func (d *decoder) apps(at place) []AppRule {
	var rules []AppRule
	var named [][]predecessor
	d.list(at, maxApps, func(at place) {
		r, after := d.app(at)
		for _, earlier := range rules {
			if shadows(earlier.Match, r.Match) {
				d.report(at, "the rule for %s is never reached, because the one for %s above matches first; move it up or remove it", quote(r.Match), quote(earlier.Match))
				break
			}
		}
		rules, named = append(rules, r), append(named, after)
	})
	d.checkGroups(at, rules)
	d.checkAfter(rules, named)
	return rules
}

// app falls back to the safe value of what cannot be read.
func (d *decoder) app(at place) (AppRule, []predecessor) {
	r := everyApp()
	var after []predecessor
	var group place
	keys := d.mapping(at,
		field{"match", true, func(at place) { r.Match, _ = read(d, at, parseGlob) }},
		field{"versions", false, func(at place) {
			if c, ok := read(d, at, parseConstraint); ok {
				r.Versions, r.constraint = at.Value, c
			}
		}},
		field{"promote", false, func(at place) { r.Promote = oneOf(d, at, Never, Always) }},
		field{"prereleases", false, func(at place) { r.Prereleases = oneOf(d, at, Deny, Allow) }},
		field{"tags", false, func(at place) { r.Tags = d.tags(at) }},
		field{"couple", false, func(at place) { r.Couple = d.couple(at) }},
		field{"after", false, func(at place) { after = d.after(at) }},
		field{"group", false, func(at place) { group = at; r.Group, _ = read(d, at, parseGroupName) }},
		field{"automation", false, func(at place) { r.Automation = oneOf(d, at, Respect, Override) }},
	)
	if slices.Contains(keys, "versions") && !slices.Contains(keys, "prereleases") {
		r.Prereleases = Allow // which of them fit is for the constraint to say
	}
	if r.Match != "" && len(at.Content) == 2 {
		d.report(at, "the rule says nothing about its apps; add versions, promote or another key")
	}
	if r.Group != "" && r.Promote == Never {
		d.report(group, "the apps are never promoted, so a group has no effect; remove one of the two")
	}
	for _, p := range after {
		r.After = append(r.After, p.app)
	}
	return r, after
}

// tags reads how the tags of an app are understood.
func (d *decoder) tags(at place) TagRule {
	r := everyApp().Tags
	d.mapping(at,
		field{"scheme", false, func(at place) { r.Scheme = d.scheme(at) }},
		field{"mutable", false, func(at place) { r.Mutable = oneOf(d, at, Deny, Allow) }},
		field{"deny", false, func(at place) {
			d.scalarOrList(at, maxTagGlobs, func(at place) {
				if g, ok := read(d, at, parseTagGlob); ok {
					r.Deny = append(r.Deny, g)
				}
			})
		}},
	)
	if at.Kind == yaml.MappingNode && len(at.Content) == 0 {
		d.report(at, "nothing is said about tags here; add scheme, mutable or deny, or leave the key out")
	}
	return r
}

// schemes are the words for the ways in which tags can be read.
func schemes() map[string]version.Scheme {
	return map[string]version.Scheme{
		"auto": version.Opaque, "semver": version.SemVer, "calendar": version.Calendar,
		"build": version.Build, "timestamp": version.Timestamp,
	}
}

func (d *decoder) scheme(at place) version.Scheme {
	type word string
	return schemes()[string(oneOf[word](d, at, "auto", "semver", "calendar", "build", "timestamp"))]
}

// shadows says whether the earlier glob surely matches all that the later one
// does. It knows the cases that people write, not all of them.
func shadows(earlier, later string) bool {
	if earlier == "" || later == "" {
		return false // unreadable, and reported as such
	}
	if earlier == later || earlier == "*" {
		return true
	}
	ok, err := path.Match(earlier, later)
	return ok && err == nil && !strings.ContainsAny(later, `*?[\`)
}

// parseGlob keeps to the characters of directory names, so that a slash or an
// invisible character is found here and not as a rule that matches nothing.
func parseGlob(text string) (string, error) {
	if len(text) > maxNameLength || !matches(`[A-Za-z0-9._+*?^\[\]\\-]+`, text) {
		return "", core.Errorf(core.Invalid, "found %s; write an app's name, or a pattern with * and ? such as inference-*", quote(text))
	}
	if _, err := path.Match(text, ""); err != nil {
		return "", core.Errorf(core.Invalid, "found the broken pattern %s; close every [ and end with no \\", quote(text))
	}
	return text, nil
}

// parseConstraint words its own error: the library's repeats the text as it
// stands, line ends and all.
func parseConstraint(text string) (version.Constraint, error) {
	if len(text) > maxConstraint {
		return version.Constraint{}, core.Errorf(core.Invalid, "the constraint has %d characters; at most %d are allowed", len(text), maxConstraint)
	}
	c, err := version.ParseConstraint(text)
	if err != nil {
		return version.Constraint{}, core.Errorf(core.Invalid, "found %s, which is no version constraint; write one such as \">=1.0.0 <2.0.0\"", quote(text))
	}
	return c, nil
}

// parseTagGlob keeps to the characters of tags.
func parseTagGlob(text string) (string, error) {
	if len(text) > maxTag || !matches(`[A-Za-z0-9._+*?^\[\]\\-]+`, text) {
		return "", core.Errorf(core.Invalid, "found %s; write a tag, or a pattern with * and ? such as *-debug", quote(text))
	}
	if _, err := path.Match(text, ""); err != nil {
		return "", core.Errorf(core.Invalid, "found the broken pattern %s; close every [ and end with no \\", quote(text))
	}
	return text, nil
}
