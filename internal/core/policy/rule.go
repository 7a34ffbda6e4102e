package policy

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/version"
)

// AppRule is an exception for the apps that Match names.
type AppRule struct {
	Match       string // a glob as in path.Match, without "/"
	Versions    string // the constraint as written; "" allows every version
	Promote     PromoteRule
	Prereleases Permission
	Tags        TagRule
	Couple      []Member // what is promoted together or not at all; none twice
	Automation  AutomationRule
	After       []core.App // each must be promoted before, and be healthy
	Group       core.App   // the name under which its apps are promoted together; "" if each goes alone

	constraint version.Constraint
}

// everyApp is the rule for the apps of which the policy says nothing.
func everyApp() AppRule {
	return AppRule{Promote: Always, Prereleases: Deny, Tags: TagRule{Mutable: Deny}, Automation: Respect}
}

// PromoteRule says whether an app is promoted at all.
type PromoteRule string

// The promote rules. Always is the default.
const (
	Always PromoteRule = "always"
	Never  PromoteRule = "never"
)

// Permission says whether what is risky may be done.
type Permission string

// The permissions.
const (
	Deny  Permission = "deny"
	Allow Permission = "allow"
)

// TagRule says how the tags of an app are understood, and which of them may be
// promoted. It is not about charts: their versions are always SemVer.
type TagRule struct {
	Scheme  version.Scheme // by which they are ordered; Opaque leaves it to each tag
	Mutable Permission     // for tags that can mean something else tomorrow
	Deny    []string       // globs as in path.Match, without "/"
}

// AutomationRule says what holds where Flux's image automation writes a
// version itself.
type AutomationRule string

// The automation rules. Respect is the default.
const (
	Respect  AutomationRule = "respect"  // it is left alone
	Override AutomationRule = "override" // it is promoted into all the same
)

// Rule returns the first rule that matches the app. Where none does, it is the
// rule with every default, and an empty Match.
func (p *Policy) Rule(app core.App) AppRule {
	for _, r := range p.Apps {
		if ok, err := path.Match(r.Match, string(app)); ok && err == nil {
			return r
		}
	}
	return everyApp()
}

// Allows tells whether the rule's constraint lets a version through, and if
// not, why.
func (r AppRule) Allows(v version.Version) (ok bool, reason string) {
	if r.Versions == "" {
		return true, ""
	}
	return r.constraint.Allows(v)
}

// Read understands a version the way the rule says.
func (r AppRule) Read(text string, chart bool) version.Version {
	if chart {
		return version.Parse(text)
	}
	return version.ParseAs(r.Tags.Scheme, text)
}

// Forbids says why a version may not be promoted whatever the target has now,
// and who can change that; "" if it may.
func (r AppRule) Forbids(v version.Version, chart bool) string {
	tag, _, _ := strings.Cut(v.String(), "@")
	denies := func(glob string) bool { ok, err := path.Match(glob, tag); return ok && err == nil }
	switch i := slices.IndexFunc(r.Tags.Deny, denies); {
	case !chart && i >= 0:
		return fmt.Sprintf("%s fits %s, which the policy denies for the app; change deny under its tags there if it shall be promoted", tag, r.Tags.Deny[i])
	case !chart && v.Mutable() && r.Tags.Mutable != Allow:
		return fmt.Sprintf("%s can mean something else tomorrow, so it is not promoted; pin it by digest, or write tags: {mutable: allow} for the app in the policy", shown(tag))
	case v.Prerelease() && r.Prereleases != Allow:
		return fmt.Sprintf("%s is a pre-release, which is not promoted; write prereleases: allow for the app in the policy if it shall be", tag)
	}
	return ""
}

func shown(tag string) string {
	if tag == "" {
		return "no tag"
	}
	return tag
}
