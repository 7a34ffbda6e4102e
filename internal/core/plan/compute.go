package plan

import (
	"slices"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// Plan is what one pass decided.
type Plan struct {
	Actions  []Action          // those of one target in the order in which they must happen
	Targets  []*Status         // every target that something could be promoted into, in the policy's order, then by app
	Clusters []ClusterStatus   // every cluster of the policy, in its order
	Problems []overlay.Problem // what in the monorepo could not be understood
	Next     time.Time         // when time alone will change the plan; zero if it will not
	// Unrendered are the promotions whose description says less than it could: a
	// plan of the same state with their renderings says more.
	Unrendered []Unrendered
}

// Phase is where a target stands.
type Phase string

// The phases.
const (
	Current  Phase = "current"   // it carries what its source carries
	Blocked  Phase = "blocked"   // nothing can be proposed, or what is proposed cannot go on, until a person changes something
	Vetoed   Phase = "vetoed"    // a person closed this very promotion
	HandsOff Phase = "hands off" // somebody else's work is on the branch
	Opening  Phase = "opening"   // the branch or the merge request is being made
	Waiting  Phase = "waiting"   // the merge request is open and a gate is not satisfied
	Ready    Phase = "ready"     // every gate is satisfied; a person merges
	Merging  Phase = "merging"   // every gate is satisfied; Sluice merges
)

// Status is where one target stands, and why.
type Status struct {
	Target    core.Target
	Group     core.App // the group whose promotion this is a part of, or ""
	Phase     Phase
	Reason    string // one sentence without a full stop
	Candidate Candidate
	Verdicts  []gate.Verdict
	MR        core.MRID // the open merge request, 0 if there is none
	Next      time.Time // when time alone will change this; zero if it will not
}

// Compute is [Planner.Compute] without a memory.
func Compute(p *policy.Policy, s *State, now time.Time) *Plan {
	return new(Planner).Compute(p, s, now)
}

// Candidates is [Planner.Candidates] without a memory.
func Candidates(p *policy.Policy, s *State) []Candidate {
	return new(Planner).Candidates(p, s)
}

// computation is one run of Compute.
type computation struct {
	policy *policy.Policy
	state  *State
	now    time.Time
	plan   *Plan
	// control is what the control issue amounts to.
	control talk
	envs    map[core.Env]*outlook // what Git says of the other targets
	// requests are what people asked for, once somebody has gathered them.
	requests *requests

	allowances map[core.Env]*allowance // of the environments that were asked for
	lags       map[core.Cluster]lagging
}

func (c *computation) target(env policy.Environment, v *view) *Status {
	return c.decided(c.lifeOf(env, v))
}

// lifeOf gathers what is known of a target: what a person wants of it comes
// before what its sources have.
func (c *computation) lifeOf(env policy.Environment, v *view) *life {
	if wish, ok := c.granted(env, v.candidate.Target); ok {
		return c.lifeWith(env, &view{candidate: wish, clash: v.clash, group: v.group}, wish)
	}
	return c.lifeWith(env, v, c.recall(env, v.candidate))
}

// lifeWith is the way of a candidate. One that cannot have a branch of its own
// has nothing to do with the one of that name.
func (c *computation) lifeWith(env policy.Environment, v *view, candidate Candidate) *life {
	l := &life{computation: c, env: env, view: v, candidate: candidate}
	if !v.clash {
		l.branch, l.branched = c.state.Branches[BranchOf(candidate.Target)]
		l.mr = c.open(BranchOf(candidate.Target))
	}
	return l
}

// decided is where it stands once this pass has done what is due.
func (c *computation) decided(l *life) *Status {
	l.status = Status{Target: l.candidate.Target, Group: l.view.group, Candidate: l.candidate}
	if l.mr != nil {
		l.status.MR = l.mr.ID
	}
	l.decide()
	if why := l.refused(); why != "" && (l.status.Phase == Opening || l.status.Phase == Merging) {
		l.status.Reason += "; the last attempt was refused: " + why
	}
	status := l.status // without the life around it, which is not to be remembered
	return &status
}

// open is the open merge request of a branch. GitLab allows one per pair of
// branches; should it ever list more, the oldest is the one.
func (c *computation) open(branch string) *MergeRequest {
	var found *MergeRequest
	for i := range c.state.Open {
		mr := &c.state.Open[i]
		if mr.Source == branch && mr.Target == c.state.Project.DefaultBranch && (found == nil || mr.ID < found.ID) {
			found = mr
		}
	}
	return found
}

func (c *computation) soon(t time.Time) {
	if !t.IsZero() && (c.plan.Next.IsZero() || t.Before(c.plan.Next)) {
		c.plan.Next = t
	}
}

// sources are the clusters that must be healthy before a version may leave
// the environments that a target is promoted from.
func (c *computation) sources(env policy.Environment, app core.App) []gate.Source {
	return c.running(app, env.From...)
}

// running are the clusters that deploy an app in some environments.
func (c *computation) running(app core.App, envs ...core.Env) []gate.Source {
	var out []gate.Source
	for _, from := range envs {
		source, _ := c.policy.Environment(from)
		for _, d := range c.state.Inventory.Of(core.Target{Env: from, App: app}) {
			clusters := []core.Cluster{d.Cluster}
			if d.Cluster == "" {
				clusters = source.Clusters
			}
			for _, cluster := range clusters {
				out = append(out, gate.Source{
					Cluster: cluster, Carrier: d.Carrier, Reports: c.reports(cluster), Releases: d.Releases(), Witnesses: c.state.Witnesses[cluster],
					Unreached: c.state.Triggers[cluster].trouble(c.state.Head), Now: c.now,
					Carries: c.carries(core.Target{Env: from, App: app}, d),
				})
			}
		}
	}
	return out
}

// reports are a cluster's in the order of their objects, so that what is said
// about the first of several failures does not depend on how they were listed.
func (c *computation) reports(cluster core.Cluster) []gate.Report {
	return slices.SortedFunc(slices.Values(c.state.Reports[cluster]), func(a, b gate.Report) int { return a.Object.Compare(b.Object) })
}

// carries compares a deployment with what it was at another revision.
func (c *computation) carries(t core.Target, d *overlay.Deployment) gate.Carries {
	return func(at core.SHA) gate.Answer {
		past := c.state.at(at)
		if past == nil {
			return gate.Unknown
		}
		for _, other := range past.Of(t) {
			if other.Dir == d.Dir && other.SameVersions(d) {
				return gate.Yes
			}
		}
		return gate.No
	}
}

// at is the inventory at a revision, nil if it is not known.
func (s *State) at(revision core.SHA) *overlay.Inventory {
	if revision == s.Head {
		return s.Inventory
	}
	return s.Past[revision]
}
