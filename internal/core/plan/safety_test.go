package plan_test

import (
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/version"
)

// checkOrder computes the same from lists in another order.
func (w *world) checkOrder(r *rand.Rand, want *plan.Plan) {
	w.t.Helper()
	s := w.observe()
	r.Shuffle(len(s.Open), func(i, j int) { s.Open[i], s.Open[j] = s.Open[j], s.Open[i] })
	for _, list := range s.Reports {
		r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	}
	if diff := cmp.Diff(render(w, want), render(w, plan.Compute(w.policy, s, w.now))); diff != "" {
		w.t.Fatalf("the order of the state's lists changes the plan:\n%s", diff)
	}
}

// checkSafe judges a plan by rules that are written without the planner's help.
func (w *world) checkSafe(p *plan.Plan) {
	w.t.Helper()
	decisive := map[core.Target]int{}
	for _, a := range p.Actions {
		switch a := a.(type) {
		case plan.PushBranch:
			decisive[a.Target]++
			w.checkNoDowngrade(a)
		case plan.MergeMR:
			decisive[a.Target]++
			w.checkMerge(a)
		case plan.OpenMR, plan.CloseMR, plan.DeleteBranch:
			decisive[a.About()]++
		}
		if a.Because() == "" {
			w.t.Errorf("a %T without a reason", a)
		}
	}
	for target, n := range decisive {
		if n > 1 {
			w.t.Errorf("%d steps for %s in one pass", n, target)
		}
	}
	for _, s := range p.Targets {
		if s.Phase == "" || s.Reason == "" || strings.Contains(s.Reason, "%!") {
			w.t.Errorf("%s: phase %q, reason %q", s.Target, s.Phase, s.Reason)
		}
	}
}

func (w *world) checkNoDowngrade(a plan.PushBranch) {
	w.t.Helper()
	files := map[string]string{}
	for path, content := range w.files() {
		files[path] = content
	}
	for _, f := range a.Files {
		files[f.Path] = string(f.Content)
	}
	after := newWorld(w.t, files, w.now)
	after.commit(sha("ee"), files)
	for target, list := range after.inventory[sha("ee")].All() {
		for i, d := range list {
			before := w.inventory[w.head()].Of(target)[i]
			for j, p := range d.Pins {
				old := before.Pins[j]
				if old.Version == p.Version {
					continue
				}
				order := version.Compare(version.Parse(p.Version), version.Parse(old.Version))
				if !w.concerns(a.Target, target) || order == version.Older || order == version.Incomparable && !w.cameLater(target, p.Key, p.Version, old.Version) {
					w.t.Errorf("the promotion of %s makes %s %s in %s from %s to %s", a.Target, p.Key, order, target, old.Version, p.Version)
				}
				w.checkNotAbandoned(d, p, old)
			}
		}
	}
}

// cameLater tells whether some source of a target had one version after another
// and never before.
func (w *world) cameLater(target core.Target, key pin.Key, version, other string) bool {
	env, _ := w.policy.Environment(target.Env)
	seen := false
	for _, at := range w.trunk {
		came := false
		for _, from := range env.From {
			for _, d := range w.inventory[at].Of(core.Target{Env: from, App: target.App}) {
				p, _ := d.Lookup(key)
				seen = seen || p.Version == other
				came = came || p.Version == version
			}
		}
		if came {
			return seen
		}
	}
	return false
}

// checkNotAbandoned finds a version as new or newer in the overlay's own past:
// then people have lowered it since, and nobody said that it may rise again.
func (w *world) checkNotAbandoned(d *overlay.Deployment, now, old pin.Pin) {
	w.t.Helper()
	target := core.Target{App: d.App}
	for _, env := range w.policy.Environments {
		if slices.Contains(env.Clusters, d.Cluster) {
			target.Env = env.Name
		}
	}
	if version.Compare(version.Parse(now.Version), version.Parse(old.Version)) != version.Newer || !w.resumed[target].IsZero() {
		return
	}
	for _, at := range w.trunk {
		for _, then := range w.inventory[at].Of(target) {
			if was, ok := then.Lookup(now.Key); ok && then.Dir == d.Dir && then.Broken == nil && version.Compare(version.Parse(now.Version), version.Parse(was.Version)) != version.Newer {
				if version.Compare(version.Parse(now.Version), version.Parse(was.Version)) == version.Incomparable {
					continue
				}
				w.t.Errorf("%s is given %s %s again, which it had at %s as %s", target, now.Key, now.Version, at, was.Version)
			}
		}
	}
}

// checkMerge knows the gates by heart.
func (w *world) checkMerge(a plan.MergeMR) {
	w.t.Helper()
	mr, env := w.mr(a.MR), policy.Environment{}
	for _, e := range w.policy.Environments {
		if e.Name == a.Target.Env {
			env = e
		}
	}
	switch {
	case env.Merge != policy.Auto:
		w.t.Errorf("merges %s although a person does", a.Target)
	case mr.Head != a.SHA || w.branches[mr.Source].head != a.SHA || mr.MergeStatus != "mergeable":
		w.t.Errorf("merges !%d at %s: head %s, status %s", a.MR, a.SHA, mr.Head, mr.MergeStatus)
	case env.Gates.Healthy && w.healthySince(a.Target, env).IsZero():
		w.t.Errorf("merges %s, and its source is not healthy", a.Target)
	case env.Gates.Soak > 0 && w.now.Sub(w.healthySince(a.Target, env)) < env.Gates.Soak:
		w.t.Errorf("merges %s before the end of the soak", a.Target)
	case w.held(mr):
		w.t.Errorf("merges %s, which is held", a.Target)
	case len(w.approvers(mr, env)) < env.Gates.Approvals.Count:
		w.t.Errorf("merges %s with the approvals of %v", a.Target, w.approvers(mr, env))
	}
}

// healthySince asks less than the planner: the last word of the clusters that
// deploy the app in the first environment that it comes from.
func (w *world) healthySince(target core.Target, env policy.Environment) time.Time {
	var since time.Time
	for source, d := range w.deployed(env.From[0]) {
		if !w.concerns(target, core.Target{Env: target.Env, App: source.App}) {
			continue
		}
		if len(w.reports[d.Cluster]) == 0 {
			return time.Time{}
		}
		last, _ := w.reports[d.Cluster][0].Now()
		if !last.Ready {
			return time.Time{}
		}
		if first := w.reports[d.Cluster][0].Runs[0].Since; first.After(since) {
			since = first
		}
	}
	return since
}

// concerns tells whether a promotion is about a target: its own, or one of its
// group's.
func (w *world) concerns(promotion, target core.Target) bool {
	group := w.policy.Rule(target.App).Group
	return promotion.Env == target.Env && (promotion.App == target.App || group != "" && promotion.App == group)
}

// deployed goes through the overlays of an environment.
func (w *world) deployed(env core.Env) iter.Seq2[core.Target, *overlay.Deployment] {
	return func(yield func(core.Target, *overlay.Deployment) bool) {
		for target, list := range w.inventory[w.head()].All() {
			for _, d := range list {
				if target.Env == env && !yield(target, d) {
					return
				}
			}
		}
	}
}

// held takes edited holds for holds, and lifts them by what is written later.
func (w *world) held(mr *plan.MergeRequest) bool {
	var since time.Time
	for _, n := range mr.Notes {
		p := w.people[n.Author]
		if n.Internal || n.Author == bot || !p.Active || p.Level < 30 {
			continue
		}
		if n.Body == "/sluice hold" && n.CreatedAt.After(since) {
			since = n.CreatedAt
		}
		if n.Body == "/sluice unhold" && !n.CreatedAt.Before(since) {
			since = time.Time{}
		}
	}
	return !since.IsZero()
}

// approvers knows what every head held, and takes an approval for one of what
// was the head then.
func (w *world) approvers(mr *plan.MergeRequest, env policy.Environment) map[core.UserID]bool {
	out := map[core.UserID]bool{}
	for _, n := range mr.Notes {
		p := w.people[n.Author]
		untouched := n.UpdatedAt.Equal(n.CreatedAt) || len(w.reactions[n.ID]) > 0
		switch {
		case n.Internal || !untouched || n.Author == bot || n.Author == mr.Author || !p.Active || p.Level < 10:
		case n.Body == "/sluice unapprove":
			delete(out, n.Author)
		case n.Body == "/sluice approve" && slices.ContainsFunc(env.Gates.Approvals.From, p.Is) && w.sameContent(mr, n.CreatedAt):
			out[n.Author] = true
		}
	}
	return out
}

func (w *world) sameContent(mr *plan.MergeRequest, at time.Time) bool {
	for _, v := range mr.Versions {
		if !at.Before(v.CreatedAt) {
			return maps.Equal(w.heads[v.Head], w.heads[mr.Head])
		}
	}
	return false
}
