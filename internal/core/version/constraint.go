package version

import (
	"fmt"
	"strings"

	"github.com/Masterminds/semver/v3"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Constraint is a condition on SemVer versions, such as ">=1.0.0 <2.0.0". Its
// syntax is that of Helm and Flux: terms joined by spaces or commas must all
// hold, "||" separates alternatives. The zero Constraint allows nothing. It is
// immutable.
type Constraint struct {
	raw string
	all *semver.Constraints
}

// ParseConstraint reads a constraint. The error is of kind core.Invalid and
// names the first character, from 1, of the term that is wrong.
func ParseConstraint(s string) (Constraint, error) {
	if strings.TrimSpace(s) == "" {
		return Constraint{}, core.Errorf(core.Invalid, "version constraint is empty: write \"*\" to allow every release")
	}
	all, err := semver.NewConstraint(s)
	if err != nil {
		at, term := culprit(s)
		return Constraint{}, core.Errorf(core.Invalid, "version constraint %q: character %d: cannot read %q: %w", clip(s), at+1, clip(term), err)
	}
	return Constraint{raw: s, all: all}, nil
}

// String is the constraint as it was given.
func (c Constraint) String() string { return c.raw }

// Allows tells whether a version satisfies the constraint, and if not, why.
//
// Only SemVer can: no other scheme is bent into it. As with Helm and Flux, what
// SemVer's syntax takes for a prerelease (1.2.3-rc.1, but 1.2.3-alpine too) is
// allowed only by alternatives that name a prerelease themselves, such as
// ">=1.0.0-0". Build metadata does not count. A digest beside a tag does not
// either.
func (c Constraint) Allows(v Version) (bool, string) {
	switch {
	case c.all == nil:
		return false, "there is no constraint to satisfy"
	case v.sem == nil:
		return false, fmt.Sprintf("%s is not SemVer, so %q cannot be checked", name(v), c.raw)
	}
	ok, errs := c.all.Validate(v.sem)
	if ok {
		return true, ""
	}
	if len(errs) == 0 {
		return false, fmt.Sprintf("%s does not satisfy %q", name(v), c.raw)
	}
	return false, errs[0].Error()
}

// culprit is the offset and the text of the first part that makes a constraint
// unreadable: in the first such alternative, the first such term.
func culprit(s string) (int, string) {
	at, part := firstUnreadable(s, "||")
	inner, term := firstUnreadable(part, ",")
	lead := len(term) - len(strings.TrimLeft(term, " \t"))
	return at + inner + lead, strings.TrimSpace(term)
}

// firstUnreadable is the first part of s that is no constraint by itself, with
// its offset; all of s if each part is one.
func firstUnreadable(s, sep string) (int, string) {
	at := 0
	for part := range strings.SplitSeq(s, sep) {
		if _, err := semver.NewConstraint(part); err != nil {
			return at, part
		}
		at += len(part) + len(sep)
	}
	return 0, s
}
