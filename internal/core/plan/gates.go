package plan

import (
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
)

func (l *life) verdicts(heard talk) []gate.Verdict {
	var out []gate.Verdict
	if heard.hold != nil {
		out = append(out, gate.Hold(heard.hold.by, heard.hold.reason))
	}
	g := l.env.Gates
	health := gate.HealthOf(l.sources(l.env, l.candidate.Target.App))
	if g.Healthy {
		out = append(out, gate.Healthy(health))
	}
	if g.Soak > 0 {
		out = append(out, gate.Soak(health, g.Soak, l.now))
	}
	if len(g.Windows) > 0 {
		out = append(out, gate.Windows(g.Windows, g.Freezes, l.now))
	}
	if len(g.Freezes) > 0 {
		out = append(out, gate.Freezes(g.Freezes, l.now))
	}
	if g.Approvals.Count > 0 {
		out = append(out, gate.Approvals(g.Approvals, heard.approvers, l.authors()))
	}
	return out
}

// authors are those whose own approval does not count.
func (l *life) authors() []core.UserID {
	if l.mr == nil {
		return []core.UserID{l.state.Project.Bot}
	}
	return []core.UserID{l.state.Project.Bot, l.mr.Author}
}
