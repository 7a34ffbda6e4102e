package offline

import (
	"context"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/git"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/history"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// judging asks for plans of a world that has nothing but Git in it: no branch,
// no merge request and no report. Whatever is not blocked there is due.
type judging struct {
	clone   *git.Local
	policy  *policy.Policy
	keep    filter // what is left out of it is not judged to the end
	heads   int    // how many commits are judged, of which the newest comes first
	planner plan.Planner
	tracer  history.Tracer
}

// judge says where each target stands at a commit.
func (j *judging) judge(ctx context.Context, inv *overlay.Inventory, head core.SHA) ([]*plan.Status, error) {
	s := &plan.State{Head: head, Inventory: inv}
	err := j.planner.Recall(j.policy, s, func(t core.Target) (history.Course, bool, error) {
		if !j.matters(t) {
			return history.Course{}, false, ctx.Err()
		}
		if err := j.follow(ctx, head); err != nil {
			return history.Course{}, false, err
		}
		course, err := j.tracer.Trace(j.clone.Tree, j.policy, head, t)
		return course, err == nil, err
	})
	if err != nil {
		return nil, err
	}
	return j.planner.Compute(j.policy, s, time.Now()).Targets, nil
}

// matters tells whether a target is kept, or promoted together with one that is.
func (j *judging) matters(t core.Target) bool {
	group := j.policy.Rule(t.App).Group
	return j.keep.touches(t) || j.keep.app != "" && group != "" && group == j.policy.Rule(j.keep.app).Group &&
		j.keep.touches(core.Target{Env: t.Env, App: j.keep.app})
}

// follow reads the commits before the newest one that is judged.
func (j *judging) follow(ctx context.Context, head core.SHA) error {
	if j.tracer.Knows(head) {
		return nil
	}
	commits, end, err := j.clone.Trail(ctx, head, "", j.heads)
	if err == nil {
		j.tracer.Renew(commits, end)
	}
	return err
}
