package plan

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/chatops"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// hold is a hold that is in force.
type hold struct {
	by     string
	reason string
	since  time.Time
}

// raise puts a hold in force and errs on the safe side: an edited comment
// holds too, from the time of its last change on, so that what was edited into
// a hold is not lifted by what was written before. An edited comment therefore
// gets words and no reaction, which would move that time.
func (ls *listener) raise(s said, over chatops.Scope, reason string) {
	h := hold{by: s.by.Username, reason: message.Plain(reason, 200), since: s.CreatedAt}
	if s.edited {
		h.since = s.UpdatedAt
	}
	if old, ok := ls.holds[over]; ok && h.since.Before(old.since) {
		return
	}
	if ls.holds == nil {
		ls.holds = map[chatops.Scope]hold{}
	}
	ls.holds[over] = h
}

// lift ends a hold that is older than the comment.
func (ls *listener) lift(s said, over chatops.Scope) string {
	if h, ok := ls.holds[over]; ok && h.since.After(s.CreatedAt) {
		return "The hold was placed after this comment was written, so it stays: write a new one to lift it."
	}
	delete(ls.holds, over)
	return ""
}

// editedHold is what the author of an edited hold is told.
const editedHold = "Held. Since this comment was edited, only an unhold that is written from now on lifts it."

// holdHere holds the promotion of the merge request that it is written on.
func (ls *listener) holdHere(s said) string {
	ls.raise(s, chatops.Scope{}, strings.Join(s.cmd.Args, " "))
	if over, _, ok := s.cmd.Scope(); ok {
		return "This holds this promotion alone. To hold " + message.Quote(over.String(), 200) + ", write it on " + ls.controlIssue() + "."
	}
	if s.edited {
		return editedHold
	}
	return ""
}

// controlIssue names the issue for commands, if there is one.
func (c *computation) controlIssue() string {
	if c.policy.Commands.Issue == 0 {
		return "the issue that the policy names under commands (it names none yet)"
	}
	return issueName(c.policy.Commands.Issue)
}

// holdsOf are the verdicts of the holds on a target: those of its merge
// request, and those of the control issue.
func (l *life) holdsOf(heard talk) []gate.Verdict {
	var out []gate.Verdict
	if h, ok := heard.holds[chatops.Scope{}]; ok {
		out = append(out, gate.Hold(h.by, h.reason))
	}
	if why := l.state.ControlLost; why != "" {
		out = append(out, gate.Unheard(issueName(l.policy.Commands.Issue), message.Plain(why, 200)))
	}
	for _, over := range inOrder(l.control.holds) {
		if l.covered(over) {
			h := l.control.holds[over]
			out = append(out, gate.HoldOver(over.String(), h.by, h.reason, issueName(l.policy.Commands.Issue)))
		}
	}
	return out
}

// covered tells whether a scope has any of the promotion's apps in it.
func (l *life) covered(over chatops.Scope) bool {
	return slices.ContainsFunc(l.candidate.Apps(), func(app core.App) bool {
		return over.Covers(core.Target{Env: l.env.Name, App: app})
	})
}

// stopped says why nothing new may be opened at all, or "".
func (c *computation) stopped() string {
	if c.state.ControlLost != "" {
		return gate.Unheard(issueName(c.policy.Commands.Issue), message.Plain(c.state.ControlLost, 200)).Reason
	}
	if h, ok := c.control.holds[chatops.Scope{}]; ok {
		return gate.HoldOver(chatops.Scope{}.String(), h.by, h.reason, issueName(c.policy.Commands.Issue)).Reason
	}
	return ""
}

// inOrder lists scopes from the widest on, then by name.
func inOrder(holds map[chatops.Scope]hold) []chatops.Scope {
	return slices.SortedFunc(maps.Keys(holds), func(a, b chatops.Scope) int {
		return cmp.Or(cmp.Compare(a.Env, b.Env), cmp.Compare(a.App, b.App))
	})
}

// known tells whether a scope names what exists; if not, in words.
func (c *computation) unknownScope(over chatops.Scope) string {
	if over.Env != "" {
		if _, ok := c.policy.Environment(over.Env); !ok {
			return "There is no environment " + message.Inline(string(over.Env), 63) + " in the policy."
		}
	}
	if over.App != "" && !c.deploys(over.App) {
		return "No environment deploys an app " + message.Inline(string(over.App), 63) + "."
	}
	return ""
}

// deploys tells whether any environment has an overlay for an app.
func (c *computation) deploys(app core.App) bool {
	return slices.ContainsFunc(c.policy.Environments, func(e policy.Environment) bool {
		return len(c.state.Inventory.Of(core.Target{Env: e.Name, App: app})) > 0
	})
}
