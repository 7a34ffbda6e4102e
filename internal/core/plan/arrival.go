package plan

import (
	"slices"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// Arrival is how far a cluster is with what a merge request brought.
type Arrival struct {
	Cluster core.Cluster
	Applied bool // it reports a revision that carries the versions
	Healthy bool // it runs well with them
	Before  bool // it had them before they were merged, so nothing came
}

// Arrivals tell how far each cluster of a merged merge request's environment is
// with what its apps deployed right after the merge. None is told of an
// environment that the policy does not know any more.
func Arrivals(p *policy.Policy, s *State, mr *MergeRequest, landed *overlay.Inventory, now time.Time) []Arrival {
	t := targetOf(mr.Source)
	env, ok := p.Environment(t.Env)
	if !ok {
		return nil
	}
	c := &computation{policy: p, state: s, now: now}
	apps := c.members(t)
	var out []Arrival
	for _, cluster := range env.Clusters {
		a := Arrival{Cluster: cluster, Applied: true, Healthy: true, Before: true}
		for _, app := range apps {
			for _, source := range c.running(app, t.Env) {
				if source.Cluster == cluster {
					source.Carries = c.carriedAt(core.Target{Env: t.Env, App: app}, landed, cluster)
					a.add(source, mr.Ended.Add(-clockSkew))
				}
			}
		}
		out = append(out, a)
	}
	return out
}

// add takes one app of the cluster into account.
func (a *Arrival) add(s gate.Source, merged time.Time) {
	a.Healthy = a.Healthy && gate.HealthOf([]gate.Source{s}).Healthy
	there := false
	for _, st := range s.Standings(true, merged) {
		there = there || st.Object.Kind == gate.Kustomization && st.Outcome != gate.Replaced
	}
	a.Applied = a.Applied && there
	a.Before = a.Before && there && s.Came().Before(merged)
}

// carriedAt tells whether a cluster deploys, at another revision, what it deployed
// of a target at the one of an inventory.
func (c *computation) carriedAt(t core.Target, landed *overlay.Inventory, cluster core.Cluster) gate.Carries {
	return func(at core.SHA) gate.Answer {
		past := c.state.at(at)
		if past == nil {
			return gate.Unknown
		}
		was, is := of(landed.Of(t), cluster), of(past.Of(t), cluster)
		if was == nil || is == nil || !is.SameVersions(was) {
			return gate.No
		}
		return gate.Yes
	}
}

// TrackedMerges are the merge requests that were merged at a time or later and
// that no later one of the same target has overtaken.
func TrackedMerges(s *State, from time.Time) []*MergeRequest {
	c := &computation{state: s}
	return slices.DeleteFunc(c.mergedLately(), func(mr *MergeRequest) bool {
		return mr.Landed == "" || mr.Ended.Before(from) || c.mergedAfter(*mr) != 0
	})
}
