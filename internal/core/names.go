package core

import (
	"cmp"
	"strings"
)

// App names an application or an infrastructure component of the monorepo,
// as its overlay's path spells it.
type App string

// Env names an environment of the policy, such as "dev", "stg" or "prd".
type Env string

// Cluster names a cluster directory of the monorepo. It belongs to exactly
// one environment.
type Cluster string

// Target is what a promotion changes: one app in one environment.
type Target struct {
	Env Env
	App App
}

// String is "app in env", the way messages and logs name a target.
func (t Target) String() string { return string(t.App) + " in " + string(t.Env) }

// Compare orders targets by environment, then by app.
func (t Target) Compare(o Target) int {
	return cmp.Or(strings.Compare(string(t.Env), string(o.Env)), strings.Compare(string(t.App), string(o.App)))
}

// MRID is the number GitLab shows for a merge request: its iid, unique within
// its project.
type MRID int64

// IssueID is the number GitLab shows for an issue: its iid, unique within its
// project.
type IssueID int64

// UserID is GitLab's numeric id of a user. Names in texts are never trusted
// in its place.
type UserID int64

// NoteID is GitLab's numeric id of a comment. Ids grow with time within an
// instance.
type NoteID int64

// SHA is the name of a Git object, in lower-case hexadecimal: 40 digits for
// SHA-1 repositories, 64 for SHA-256 ones.
type SHA string

// ParseSHA accepts a full object name and nothing else: no abbreviations, no
// upper case, and not the all-zero name by which Git says "none".
func ParseSHA(s string) (SHA, error) {
	if len(s) != 40 && len(s) != 64 {
		return "", Errorf(Invalid, "object name %q: want 40 or 64 hexadecimal digits, found %d characters", clip(s), len(s))
	}
	if i := strings.IndexFunc(s, notHex); i >= 0 {
		return "", Errorf(Invalid, "object name %q: character %d is not a lower-case hexadecimal digit", clip(s), i+1)
	}
	if strings.Trim(s, "0") == "" {
		return "", Errorf(Invalid, "object name is all zeros, which names no object")
	}
	return SHA(s), nil
}

// Short is the first eight digits, for people. It is never used to look
// something up.
func (s SHA) Short() string { return string(s[:min(8, len(s))]) }

func notHex(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') }

// clip bounds a foreign text that goes into an error.
func clip(s string) string { return s[:min(80, len(s))] }
