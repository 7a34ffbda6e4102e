package chatops

import (
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Scope is what a command is about: an app, an environment, an app in an
// environment, or, where both are empty, everything.
type Scope struct {
	App core.App
	Env core.Env
}

// String names a scope within a sentence.
func (s Scope) String() string {
	switch {
	case s.App != "" && s.Env != "":
		return string(s.App) + " in " + string(s.Env)
	case s.App != "":
		return "the app " + string(s.App)
	case s.Env != "":
		return "the environment " + string(s.Env)
	}
	return "everything"
}

// Covers tells whether a target belongs to the scope.
func (s Scope) Covers(t core.Target) bool {
	return (s.App == "" || s.App == t.App) && (s.Env == "" || s.Env == t.Env)
}

// Scope reads "all", "app NAME", "env NAME" or both of the latter from the
// beginning of the arguments; rest is what follows. It is not ok if none of them
// stands there.
func (c Command) Scope() (s Scope, rest []string, ok bool) {
	rest = c.Args
	if len(rest) > 0 && lowerASCII(rest[0]) == "all" {
		return Scope{}, rest[1:], true
	}
	for len(rest) > 1 && slices.Contains([]string{"app", "env"}, lowerASCII(rest[0])) {
		switch {
		case lowerASCII(rest[0]) == "app" && s.App == "":
			s.App = core.App(rest[1])
		case lowerASCII(rest[0]) == "env" && s.Env == "":
			s.Env = core.Env(rest[1])
		default:
			return s, rest, true
		}
		rest, ok = rest[2:], true
	}
	return s, rest, ok
}

// Reason is the words of a reason.
func Reason(words []string) string { return strings.Join(words, " ") }
