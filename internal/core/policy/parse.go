package policy

import (
	"regexp"
	"strconv"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
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
	p := &Policy{Guard: GuardStatus, Limits: DefaultLimits()}
	var envs []envSource
	d.mapping(root,
		field{"version", true, d.version},
		field{"layout", true, func(at place) { p.Layout = d.layout(at) }},
		field{"environments", true, func(at place) { envs = d.environments(at) }},
		field{"fields", false, func(at place) { p.Fields = d.fields(at) }},
		field{"apps", false, func(at place) { p.Apps = d.apps(at) }},
		field{"freezes", false, func(at place) { p.Freezes = d.freezes(at) }},
		field{"guard", false, func(at place) { p.Guard = oneOf(d, at, GuardStatus, GuardThread, GuardNone) }},
		field{"limits", false, func(at place) { p.Limits = d.limits(at) }},
		field{"commands", false, func(at place) { p.Commands = d.commands(at) }},
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
