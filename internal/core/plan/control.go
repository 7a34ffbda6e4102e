package plan

import (
	"fmt"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/chatops"
	"github.com/sluice-gitops/sluice/internal/core/message"
)

func issueName(id core.IssueID) string { return fmt.Sprintf("issue #%d", id) }

func (c *computation) controlThread() thread {
	return thread{place: chatops.Control, issue: c.policy.Commands.Issue, notes: c.state.Control}
}

// hearControl hears what is said on the control issue, before anything is
// decided.
func (c *computation) hearControl() {
	if c.policy.Commands.Issue != 0 {
		c.control = c.listen(c.controlThread(), (*listener).obeyControl)
	}
}

// obeyControl applies a command on the control issue.
func (ls *listener) obeyControl(s said) string {
	switch s.cmd.Verb {
	case "hold":
		return ls.holdOver(s)
	case "unhold":
		return ls.unholdOver(s)
	case "promote", "rollback":
		return ls.saidWish(ls.thread, s)
	case "resume":
		_, why := ls.about(ls.thread, s.cmd.Args)
		return why
	}
	return fmt.Sprintf("Sluice cannot do %s here.", message.Inline(s.cmd.Verb, 40))
}

// whatScope asks for what is missing.
const whatScope = "Say what: `all`, `app NAME`, `env NAME`, or `app NAME env NAME`."

func (ls *listener) holdOver(s said) string {
	over, rest, ok := s.cmd.Scope()
	if !ok {
		return "Nothing was held. " + whatScope
	}
	if unknown := ls.unknownScope(over); unknown != "" {
		return unknown + " Nothing was held."
	}
	ls.raise(s, over, chatops.Reason(rest))
	if s.edited {
		return editedHold
	}
	return ""
}

// unholdOver lifts the hold of exactly this scope, so that nobody who lifts one
// lifts another that he has not thought of.
func (ls *listener) unholdOver(s said) string {
	over, _, ok := s.cmd.Scope()
	if !ok {
		return "No hold was lifted. " + whatScope
	}
	return ls.lift(s, over)
}

// answerControl answers what is said on the control issue and keeps its sticky
// note, which says what is in force. It comes last, when everything else is
// decided, since people may ask about all of it.
func (c *computation) answerControl() {
	t := c.controlThread()
	if t.issue == 0 || c.state.ControlLost != "" || len(t.notes) == 0 {
		return
	}
	body := message.StickyList("Sluice reads commands in this issue.", c.inForce(), message.Marks{Seen: c.control.seen})
	c.respond(t, c.control, body, "it says what is in force", func(a answer) []string {
		var texts []string
		if a.status {
			texts = append(texts, c.overview())
		}
		for _, over := range a.explain {
			texts = append(texts, c.explainOver(over))
		}
		return texts
	})
}

// inForce lists the holds of the control issue, and what was asked for there or
// elsewhere and has not come true.
func (c *computation) inForce() []string {
	var out []string
	for _, over := range inOrder(c.control.holds) {
		h := c.control.holds[over]
		line := "hold on " + over.String() + " by " + h.by
		if h.reason != "" {
			line += ": " + h.reason
		}
		out = append(out, line)
	}
	for _, t := range c.wished() {
		env, _ := c.policy.Environment(t.Env)
		line := c.wishOf(t).String()
		if why := c.grant(env, *c.wishOf(t)).Blocked; why != "" {
			line += ", which cannot be done: " + why
		}
		out = append(out, line)
	}
	return out
}

// maxListed bounds the targets that one answer lists.
const maxListed = 50

// overview lists the targets that are on their way, for who asks for the status
// of everything.
func (c *computation) overview() string {
	var lines []string
	for _, s := range c.plan.Targets {
		if s.Phase != Current && (s.MR != 0 || len(s.Candidate.Changes) > 0) {
			lines = append(lines, line(s))
		}
	}
	if len(lines) == 0 {
		return "Every environment carries what its source carries, or is not promoted into."
	}
	more := ""
	if len(lines) > maxListed {
		more = fmt.Sprintf("\n- and %d more", len(lines)-maxListed)
		lines = lines[:maxListed]
	}
	return "- " + strings.Join(lines, "\n- ") + more
}

func line(s *Status) string {
	name := message.Inline(s.Target.String(), 120)
	if s.MR != 0 {
		name += fmt.Sprintf(" (!%d)", s.MR)
	}
	return fmt.Sprintf("%s, %s: %s", name, s.Phase, message.Quote(s.Reason, 500))
}

// explainOver explains the targets of a scope, gate by gate.
func (c *computation) explainOver(over chatops.Scope) string {
	if unknown := c.unknownScope(over); unknown != "" {
		return unknown
	}
	var texts []string
	for _, s := range c.plan.Targets {
		if over.Covers(s.Target) && s.Phase != Current && len(texts) < maxListed {
			texts = append(texts, message.Explain(s.Target, string(s.Phase)+", "+s.Reason, s.Verdicts, s.Next))
		}
	}
	if len(texts) == 0 {
		return "Nothing is on its way for " + message.Quote(over.String(), 120) + "."
	}
	return strings.Join(texts, "\n\n")
}
