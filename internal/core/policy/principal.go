package policy

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// PrincipalKind says how a Principal picks people.
type PrincipalKind string

// The kinds of principal.
const (
	Role  PrincipalKind = "role"  // everyone with at least that role in the project
	Group PrincipalKind = "group" // the members of a group
	User  PrincipalKind = "user"  // one person
)

// Principal picks the people whose approval counts.
type Principal struct {
	Kind  PrincipalKind
	Name  string // a role's name, a group's full path, or a user name without "@"
	Level int    // for a role: the lowest GitLab access level that has it; else 0
}

// String is the principal as the policy spells it, such as "role:maintainer".
func (p Principal) String() string { return string(p.Kind) + ":" + p.Name }

// ParsePrincipal reads "role:NAME", "group:FULL/PATH" or "user:NAME". Its
// errors are of kind core.Invalid and say what to write instead.
func ParsePrincipal(text string) (Principal, error) {
	kind, name, found := strings.Cut(text, ":")
	p := Principal{Kind: PrincipalKind(kind), Name: name}
	switch {
	case found && p.Kind == Role:
		return role(name)
	case found && p.Kind == Group && isGroupPath(name):
		return p, nil
	case found && p.Kind == User && isUserName(name):
		return p, nil
	case found && p.Kind == Group:
		return Principal{}, core.Errorf(core.Invalid, "found %s; write the group's full path, such as group:platform/release-managers", quote(text))
	case found && p.Kind == User:
		return Principal{}, core.Errorf(core.Invalid, `found %s; write the user name without "@", such as user:jane.doe`, quote(text))
	default:
		return Principal{}, core.Errorf(core.Invalid, "found %s; write role:NAME, group:FULL/PATH or user:NAME", quote(text))
	}
}

func role(name string) (Principal, error) {
	level := roleLevel(name)
	if level == 0 {
		return Principal{}, core.Errorf(core.Invalid, "unknown role %s%s; the roles are %s",
			quote(name), didYouMean(name, roleNames()), strings.Join(roleNames(), ", "))
	}
	return Principal{Kind: Role, Name: name, Level: level}, nil
}

// Maintainer is the principal whose approval counts where a policy asks for
// approvals and names nobody.
func Maintainer() Principal { return Principal{Kind: Role, Name: "maintainer", Level: 40} }

// roleLevel gives GitLab's access level for a role's name, 0 if there is none.
func roleLevel(name string) int {
	for _, r := range roles() {
		if r.Name == name {
			return r.Level
		}
	}
	return 0
}

func roleNames() []string {
	var names []string
	for _, r := range roles() {
		names = append(names, r.Name)
	}
	return names
}

// roles are GitLab's roles by access level, lowest first.
func roles() []Principal {
	return []Principal{
		{Role, "guest", 10}, {Role, "planner", 15}, {Role, "reporter", 20},
		{Role, "developer", 30}, Maintainer(), {Role, "owner", 50},
	}
}

// isUserName is looser than GitLab, which knows its own names best; it only
// keeps out what could never be one.
func isUserName(s string) bool { return len(s) <= maxNameLength && matches(gitlabName, s) }

func isGroupPath(s string) bool {
	parts := strings.Split(s, "/")
	for _, part := range parts {
		if !isUserName(part) {
			return false
		}
	}
	return len(parts) <= maxGroupDepth
}

// gitlabName is the grammar that GitLab's user names and group paths share.
const gitlabName = `[A-Za-z0-9_][A-Za-z0-9_.-]*`

func matches(pattern, s string) bool {
	return regexp.MustCompile(fmt.Sprintf(`\A(?:%s)\z`, pattern)).MatchString(s)
}
