package plan

import (
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/chatops"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// overridable lists the gates that a person whom the policy names may pass
// over. Holds are lifted instead, and who must approve is the policy's business.
func overridable() []string {
	return []string{"healthy", "soak", "windows", "freezes", "pipeline", "expressions", "after"}
}

// override is in force for the content that the branch had when it was given.
func (l *life) override(ls *listener, s said) string {
	who := l.policy.Commands.Override
	if len(who) == 0 {
		return "The policy lets nobody override gates. It would name people under `commands.override`."
	}
	if !slices.ContainsFunc(who, s.by.Is) {
		return "Overriding a gate is for " + message.Quote(gate.Principals(who), 300) + "."
	}
	if len(s.cmd.Args) < 2 {
		return "Say which gate and why: `/sluice override GATE REASON`. The gates are " + strings.Join(overridable(), ", ") + "."
	}
	name := strings.ToLower(s.cmd.Args[0])
	if !slices.Contains(overridable(), name) {
		text := "The gate " + message.Inline(name, 40) + " cannot be overridden."
		if near := policy.Nearest(name, overridable()); near != "" {
			text += " Did you mean " + message.Inline(near, 40) + "?"
		}
		return text + " Those that can are " + strings.Join(overridable(), ", ") + "."
	}
	if !l.holds(l.headAt(s.CreatedAt)) {
		return "This override does not count: the content has changed since. Look at it again, and override it anew."
	}
	if ls.overrides == nil {
		ls.overrides = map[string]request{}
	}
	r := s.request()
	r.reason = message.Plain(chatops.Reason(s.cmd.Args[1:]), 200)
	ls.overrides[name] = r
	return ""
}

// overridden passes over gates as people have said.
func (heard talk) overridden(verdicts []gate.Verdict) []gate.Verdict {
	for i, v := range verdicts {
		if r, ok := heard.overrides[v.Gate]; ok && v.State != gate.Pass {
			verdicts[i] = gate.Overridden(v, r.by, r.reason)
		}
	}
	return verdicts
}
