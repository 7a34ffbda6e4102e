package promoter

import (
	"context"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/history"
)

// recall looks up the pasts that the plan needs. Those of targets that were
// asked about before cost what has changed since.
func (r *repo) recall(ctx context.Context, o *observation) error {
	followed := false
	return r.planner.Recall(o.policy, o.state, func(t core.Target) (history.Course, bool, error) {
		if !followed {
			if err := r.followTrail(ctx, o.state.Head); err != nil {
				return history.Course{}, false, err
			}
			followed = true
		}
		course, err := r.tracer.Trace(r.Mirror.Tree, o.policy, o.state.Head, t)
		return course, err == nil, err
	})
}

// followTrail brings the trail to the default branch's head.
func (r *repo) followTrail(ctx context.Context, head core.SHA) error {
	commits, end, err := r.Mirror.Trail(ctx, head, r.tracer.Head(), 1)
	switch {
	case err != nil:
		return err
	case end == "":
		r.tracer.Extend(commits)
	default:
		r.tracer.Renew(commits, end)
	}
	return nil
}
