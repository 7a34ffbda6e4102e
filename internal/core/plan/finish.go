package plan

import (
	"fmt"
	"slices"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// finishing is the gate "candidate": what soaks in this environment for one
// that finishes its current candidate is not replaced by what is newer. It says
// false if no environment asks for that.
func (l *life) finishing() (gate.Verdict, bool) {
	asked := false
	if l.candidate.asked != nil { // a person who asks for a version knows what it replaces
		return gate.Verdict{}, false
	}
	for _, name := range l.policy.Downstream(l.env.Name) {
		next, _ := l.policy.Environment(name)
		if next.Candidate != policy.FinishCurrent {
			continue
		}
		asked = true
		for _, app := range l.candidate.Apps() {
			if v, waits := l.current(next, app); waits {
				return v, true
			}
		}
	}
	return gate.Verdict{Gate: "candidate", State: gate.Pass, Reason: fmt.Sprintf("nothing that soaks in %s has to be finished first", l.env.Name)}, asked
}

// current tells whether an app's promotion into a next environment is on its
// way by itself: the clusters get it, its soak runs, or it is about to be merged. One that waits for
// people, or whose version is not healthy, keeps nothing away.
func (l *life) current(next policy.Environment, app core.App) (gate.Verdict, bool) {
	v := gate.Verdict{Gate: "candidate", State: gate.Wait}
	other := l.lifeAt(next, app)
	if other == nil || other.candidate.Blocked != "" || len(other.candidate.Changes) == 0 {
		return v, false
	}
	health := gate.HealthOf(other.allSources())
	soak := gate.Soak(health, next.Gates.Soak, l.now)
	what := fmt.Sprintf("%s has %s for %s, which is finished first", l.env.Name, other.candidate.Changes[0].New, next.Name)
	switch {
	case health.Coming:
		v.Reason = what + ": it is on its way into the clusters"
		return v, true
	case !health.Healthy:
		return v, false
	case soak.State == gate.Wait:
		v.Reason, v.Until = what+": it soaks until "+gate.Clock(soak.Until), soak.Until
		return v, true
	case other.imminent():
		v.Reason = what + ": it is about to be merged"
		return v, true
	}
	return v, false
}

// imminent tells whether Sluice merges a target's merge request now, or as soon
// as GitLab has finished what it is doing.
func (l *life) imminent() bool {
	if l.mr == nil || l.env.Merge != policy.Auto || l.mr.Head != l.branch.Head || !l.branch.ours() {
		return false
	}
	obstacle, passing := l.obstacle()
	attempts := l.state.Attempts[l.candidate.Target].Count
	return gate.Open(l.verdicts(l.listen())) && (obstacle == "" || passing) && attempts < patientAttempts
}

// patientAttempts is how many refusals of a merge keep a newer version waiting:
// what GitLab refuses for longer is not about to be merged.
const patientAttempts = 5

// lifeAt is the way of an app's promotion into an environment, alone or with
// its group; nil if the app is not there.
func (c *computation) lifeAt(env policy.Environment, app core.App) *life {
	o := c.envs[env.Name]
	if o == nil {
		return nil
	}
	i, ok := slices.BinarySearch(o.apps, app)
	switch {
	case !ok:
		return nil
	case o.views[i].group != "":
		l, _ := c.lifeOfGroup(env, o, o.views[i].group)
		return l
	}
	return c.lifeOf(env, o.views[i])
}
