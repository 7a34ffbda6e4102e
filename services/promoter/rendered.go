package promoter

import (
	"context"
	"maps"

	"github.com/sluice-gitops/sluice/internal/adapter/render"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// renderings remembers what promotions change in the manifests for as long as
// nothing has changed that it was made from.
type renderings struct {
	kept map[core.Target]kept
	head core.SHA // at which all of them hold
}

type kept struct {
	plan.Rendering
	inputs []render.Inputs
}

// at is what is known of a commit; it costs next to nothing for the commit of
// the last call.
func (m *renderings) at(head core.SHA, tree overlay.Tree) map[core.Target]plan.Rendering {
	if m.head != head {
		m.head = head
		maps.DeleteFunc(m.kept, func(_ core.Target, k kept) bool { return !k.holds(tree) })
	}
	out := make(map[core.Target]plan.Rendering, len(m.kept))
	for t, k := range m.kept {
		out[t] = k.Rendering
	}
	return out
}

func (k kept) holds(tree overlay.Tree) bool {
	for _, in := range k.inputs {
		if !in.Hold(tree) {
			return false
		}
	}
	return true
}

func (m *renderings) keep(t core.Target, k kept) {
	if m.kept == nil || len(m.kept) >= maxRenderings {
		m.kept = map[core.Target]kept{}
	}
	m.kept[t] = k
}

// decide computes the plan. Where descriptions lack a rendering, it is made and
// the plan computed once more, so that a merge request is opened with all that
// there is to say.
func (r *repo) decide(ctx context.Context, o *observation) *plan.Plan {
	decided := r.planner.Compute(o.policy, o.state, r.p.cfg.Clock())
	if len(decided.Unrendered) == 0 || r.p.cfg.Renderer == nil || !r.p.cfg.Act {
		return decided
	}
	tree, err := r.Mirror.Tree(o.state.Head)
	if err != nil {
		r.p.cfg.Logger.Warn("nothing is rendered", "repo", r.Path, "error", err)
		return decided
	}
	r.render(ctx, o, tree, decided.Unrendered)
	return r.planner.Compute(o.policy, o.state, r.p.cfg.Clock())
}

// render renders what a plan lacked, as far as the time for it goes; the rest
// is left to a pass that follows at once.
func (r *repo) render(ctx context.Context, o *observation, tree overlay.Tree, missing []plan.Unrendered) {
	begun := r.p.cfg.Clock()
	for _, u := range missing {
		if ctx.Err() != nil || r.p.cfg.Clock().Sub(begun) > renderBudget {
			r.wake()
			return
		}
		k := kept{Rendering: plan.Rendering{Change: u.Change}}
		for _, overlay := range u.Overlays {
			d, inputs := r.p.cfg.Renderer.Render(ctx, tree, overlay, u.Files)
			k.Differences = append(k.Differences, d)
			k.inputs = append(k.inputs, inputs)
		}
		r.renderings.keep(u.Target, k)
		o.state.Rendered[u.Target] = k.Rendering
	}
}
