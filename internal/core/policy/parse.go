package policy

import (
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/version"
)

// Parse reads a policy. The file's name serves the messages alone. An error is
// of kind core.Invalid and holds Problems: everything that is wrong, not only
// the first thing.
func Parse(file string, src []byte) (*Policy, error) {
	d := &decoder{file: file}
	root, ok := d.document(src)
	if !ok {
		return nil, d.problems.err()
	}
	p := d.policy(root)
	if err := d.problems.err(); err != nil {
		return nil, err
	}
	return p, nil
}

// policy reads the top level. Its result is whole only if nothing was reported.
func (d *decoder) policy(root place) *Policy {
	p := &Policy{}
	var envs []envSource
	d.mapping(root,
		field{"version", true, d.version},
		field{"layout", true, func(at place) { p.Layout = d.layout(at) }},
		field{"environments", true, func(at place) { envs = d.environments(at) }},
		field{"apps", false, func(at place) { p.Apps = d.apps(at) }},
		field{"freezes", false, func(at place) { p.Freezes = d.freezes(at) }},
	)
	for _, e := range envs {
		if !e.Root() {
			e.Gates.Freezes = append(e.Gates.Freezes, p.Freezes...)
		}
		p.Environments = append(p.Environments, e.Environment)
	}
	return p
}

// version stands first in the file so that an old Sluice refuses a new policy
// instead of overlooking what it cannot know.
func (d *decoder) version(at place) {
	if d.scalar(at, "!!int", "the number 1") && at.Value != "1" {
		d.report(at, "found version %s; this Sluice reads version 1, write 1 or upgrade Sluice", plainKey(at.Value))
	}
}

// layout refuses overlapping patterns: an overlay that two of them claim would
// belong to two apps, and one promotion would undo the other.
func (d *decoder) layout(at place) []Pattern {
	var patterns []Pattern
	d.list(at, maxLayouts, func(at place) {
		p, ok := read(d, at, ParsePattern)
		if !ok {
			return
		}
		for _, earlier := range patterns {
			if earlier.overlaps(p) {
				d.report(at, "%s overlaps with %s: a directory or file could belong to both; make them differ in a literal segment", quote(p.String()), quote(earlier.String()))
				break
			}
		}
		patterns = append(patterns, p)
	})
	return patterns
}

// apps refuses a rule that cannot be reached. Somebody who writes "never" for
// an app must not find out later that a rule above it won.
func (d *decoder) apps(at place) []AppRule {
	var rules []AppRule
	d.list(at, maxApps, func(at place) {
		r := d.app(at)
		for _, earlier := range rules {
			if shadows(earlier.Match, r.Match) {
				d.report(at, "the rule for %s is never reached, because the one for %s above matches first; move it up or remove it", quote(r.Match), quote(earlier.Match))
				break
			}
		}
		rules = append(rules, r)
	})
	return rules
}

// app falls back to Never where promote cannot be read.
func (d *decoder) app(at place) AppRule {
	r := AppRule{Promote: Always}
	d.mapping(at,
		field{"match", true, func(at place) { r.Match, _ = read(d, at, parseGlob) }},
		field{"versions", false, func(at place) {
			if c, ok := read(d, at, parseConstraint); ok {
				r.Versions, r.constraint = at.Value, c
			}
		}},
		field{"promote", false, func(at place) { r.Promote = oneOf(d, at, Never, Always) }},
	)
	if r.Match != "" && len(at.Content) == 2 {
		d.report(at, "the rule says nothing about its apps; add versions or promote")
	}
	return r
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

// read reads a text and parses it; it reports the parser's error at the place.
func read[T any](d *decoder, at place, parse func(string) (T, error)) (T, bool) {
	var none T
	text, ok := d.text(at)
	if !ok {
		return none, false
	}
	v, err := parse(text)
	if err != nil {
		d.report(at, "%s", err)
		return none, false
	}
	return v, true
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

// parseDuration reads a time.Duration that may begin with days: "7d", "1d12h".
func parseDuration(text string) (time.Duration, error) {
	wrong := core.Errorf(core.Invalid, "found %s; write a number with its unit, such as 30m, 24h or 7d", quote(text))
	days, rest := "0", text
	if m := regexp.MustCompile(`\A(\d{1,4})d(.*)\z`).FindStringSubmatch(text); m != nil {
		days, rest = m[1], m[2]
	}
	n, err := strconv.Atoi(days)
	if err != nil {
		return 0, wrong
	}
	total := time.Duration(n) * 24 * time.Hour
	if rest != "" {
		more, err := time.ParseDuration(rest)
		if err != nil || more < 0 || rest[0] == '+' || rest[0] == '-' {
			return 0, wrong
		}
		total += more
	}
	if total < 0 || total > maxSoak {
		return 0, core.Errorf(core.Invalid, "found %s; at most %dd are allowed", quote(text), maxSoak/(24*time.Hour))
	}
	return total, nil
}
