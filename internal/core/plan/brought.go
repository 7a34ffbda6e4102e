package plan

import (
	"cmp"
	"slices"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/history"
)

// footing is where one object of a cluster is with what a merge request
// brought.
type footing struct {
	gate.Standing
	cluster core.Cluster
}

// footings tell where the clusters are with what a merge request brought, and
// which clusters still deploy its apps; known is false if it is not known what it
// brought.
func (c *computation) footings(f followed) (out []footing, served map[core.Cluster]bool, known bool) {
	served = map[core.Cluster]bool{}
	for _, app := range f.apps {
		t := core.Target{Env: f.env.Name, App: app}
		brought := c.brought(t, f.mr.Landed)
		known = known || len(brought) > 0
		for _, s := range c.running(app, f.env.Name) {
			served[s.Cluster] = true
			if !slices.ContainsFunc(brought, func(b delivery) bool { return b.in(s.Cluster) }) {
				continue
			}
			s.Carries = c.carrying(t, brought, s.Cluster)
			for _, st := range s.Standings(c.shares(s, t), f.mr.Ended.Add(-clockSkew)) {
				out = append(out, footing{st, s.Cluster})
			}
		}
	}
	// Of an object that serves several apps of a group, the failure comes first.
	slices.SortStableFunc(out, func(a, b footing) int {
		return cmp.Or(cmp.Compare(a.cluster, b.cluster), a.Object.Compare(b.Object), cmp.Compare(a.Outcome, b.Outcome))
	})
	return slices.CompactFunc(out, func(a, b footing) bool { return a.cluster == b.cluster && a.Object == b.Object }), served, known
}

// delivery is one version that a merge brought.
type delivery struct {
	history.Slot
	version string
}

func (d delivery) in(cluster core.Cluster) bool { return d.Cluster == "" || d.Cluster == cluster }

// brought are the versions that a commit of the default branch gave a target, as
// far as the target's past is known.
func (c *computation) brought(t core.Target, commit core.SHA) []delivery {
	steps := c.state.History[t].Steps
	i := slices.IndexFunc(steps, func(s history.Step) bool { return s.Commit == commit })
	if i < 0 {
		return nil
	}
	var before map[history.Slot]string
	if i+1 < len(steps) {
		before = steps[i+1].Has
	}
	var out []delivery
	for slot, version := range steps[i].Has {
		if before[slot] != version {
			out = append(out, delivery{slot, version})
		}
	}
	return out
}

// carrying tells whether a cluster gets, at a revision, all that was brought to it.
func (c *computation) carrying(t core.Target, brought []delivery, cluster core.Cluster) gate.Carries {
	return func(at core.SHA) gate.Answer {
		past := c.state.at(at)
		if past == nil {
			return gate.Unknown
		}
		for _, b := range brought {
			if !b.in(cluster) {
				continue
			}
			d := of(past.Of(t), cluster)
			if d == nil {
				return gate.No
			}
			if p, ok := d.Lookup(b.Key); !ok || p.Version != b.version {
				return gate.No
			}
		}
		return gate.Yes
	}
}

// shares tells whether the Kustomization that applies a target in a cluster
// applies other apps as well, as far as that is in sight.
func (c *computation) shares(s gate.Source, t core.Target) bool {
	if s.Carrier == "" {
		return true
	}
	for other, list := range c.state.Inventory.All() {
		if d := of(list, s.Cluster); d != nil && other.Env == t.Env && other.App != t.App && d.Carrier == s.Carrier {
			return true
		}
	}
	return false
}
