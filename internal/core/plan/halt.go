package plan

import (
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Halt is the plan for a monorepo whose policy cannot be read: nothing goes
// on, and every open merge request says why. The state needs no inventory.
func Halt(s *State, reason string) *Plan {
	c := &computation{state: s, plan: &Plan{}}
	for i := range s.Open {
		l := &life{computation: c, mr: &s.Open[i], candidate: Candidate{Target: targetOf(s.Open[i].Source)}}
		l.sticky(l.remembered(), "Stopped, because the policy cannot be read: "+reason)
		l.halt(reason)
		if l.mr.Train != nil && l.mr.Train.By == s.Project.Bot {
			l.act(LeaveTrain{Cause: l.because("the policy cannot be read"), MR: l.mr.ID})
		}
	}
	return c.plan
}

// targetOf is the inverse of BranchOf.
func targetOf(branch string) core.Target {
	env, app, _ := strings.Cut(strings.TrimPrefix(branch, BranchPrefix), "/")
	return core.Target{Env: core.Env(env), App: core.App(app)}
}
