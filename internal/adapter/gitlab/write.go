package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// OpenMR opens the merge request, or adopts the open one that already leads
// from the branch: that one keeps its texts and gets the labels it lacks. Label
// is always among them. The source branch is removed with the merge. It is
// core.Conflict if GitLab does not show the branch or the other merge request
// yet, which both happen right after a push.
func (p *Project) OpenMR(ctx context.Context, a plan.OpenMR) (core.MRID, error) {
	what := fmt.Sprintf("open a merge request from %s into %s", a.Branch, a.Into)
	labels := withLabel(a.Labels)
	got, _, err := call[wireMR](ctx, p.client, p.request(http.MethodPost, what, "merge_requests", gl.CreateMergeRequestOptions{
		SourceBranch:       &a.Branch,
		TargetBranch:       &a.Into,
		Title:              &a.Title,
		Description:        &a.Description,
		Labels:             (*gl.LabelOptions)(&labels),
		RemoveSourceBranch: gl.Ptr(true),
	}))
	switch {
	case err == nil && got.IID > 0:
		return core.MRID(got.IID), nil
	case err == nil:
		return 0, core.Errorf(core.Internal, "%s in %s: gitlab's answer has no iid", what, p.path)
	case status(err) == http.StatusConflict:
		return p.adopt(ctx, a, labels, err)
	case noBranchYet(answered(err)):
		return 0, core.Errorf(core.Conflict, "%w", err)
	}
	return 0, err
}

// noBranchYet tells whether the branch is said to be missing: it was pushed a
// moment ago, and the web node has not seen it yet. GitLab has two wordings,
// one with the field's name and one with the branch's.
func noBranchYet(e *apiError) bool {
	return e != nil && e.status == http.StatusBadRequest && e.says("does not exist") &&
		(e.says("source_branch ") || e.says("source branch "))
}

// adopt finds the open merge request that a refusal spoke of. A fork's one from
// a branch of the same name cannot have caused it, and is passed over.
func (p *Project) adopt(ctx context.Context, a plan.OpenMR, labels []string, refusal error) (core.MRID, error) {
	opt := mrFilter(plan.Opened, "asc")
	opt.SourceBranch, opt.TargetBranch = &a.Branch, &a.Into
	r := p.get("find the open merge request from "+a.Branch, "merge_requests", opt)
	for mr, err := range items[wireMR](ctx, p.client, r, maxMergeRequests) {
		if err != nil {
			return 0, err
		}
		if mr.SourceBranch == a.Branch && p.ours(mr, a.Into) {
			return core.MRID(mr.IID), p.addLabels(ctx, mr, labels)
		}
	}
	return 0, core.Errorf(core.Conflict, "not in the list yet: %w", refusal)
}

// addLabels spares the call where it would change nothing: an update that sets
// what is there already still comes back to us as a webhook.
func (p *Project) addLabels(ctx context.Context, mr wireMR, labels []string) error {
	lacking := slices.DeleteFunc(slices.Clone(labels), func(l string) bool { return slices.Contains(mr.Labels, l) })
	if len(lacking) == 0 {
		return nil
	}
	_, err := p.update(ctx, fmt.Sprintf("label merge request !%d", mr.IID), core.MRID(mr.IID),
		gl.UpdateMergeRequestOptions{AddLabels: (*gl.LabelOptions)(&lacking)})
	return err
}

// EditMR sets title, unless it is "", and description, and adds the labels. Labels that people
// set stay.
func (p *Project) EditMR(ctx context.Context, a plan.EditMR) error {
	defer p.wrote(a.MR)
	opt := gl.UpdateMergeRequestOptions{Description: &a.Description}
	if a.Title != "" {
		opt.Title = &a.Title
	}
	if len(a.Labels) > 0 {
		opt.AddLabels = (*gl.LabelOptions)(&a.Labels)
	}
	_, err := p.update(ctx, fmt.Sprintf("edit merge request !%d", a.MR), a.MR, opt)
	return err
}

// CloseMR closes the merge request; one that is closed already stays so. It is
// core.Conflict if it has been merged or is being merged.
func (p *Project) CloseMR(ctx context.Context, a plan.CloseMR) error {
	defer p.wrote(a.MR)
	what := fmt.Sprintf("close merge request !%d", a.MR)
	got, err := p.update(ctx, what, a.MR, gl.UpdateMergeRequestOptions{StateEvent: gl.Ptr("close")})
	if err != nil {
		return err
	}
	if got.State != string(plan.Closed) {
		return core.Errorf(core.Conflict, "%s in %s: it is %s", what, p.path, oneLine(got.State))
	}
	return nil
}

// update is GitLab's one call behind several of the verbs. Its answer is the
// merge request as it is afterwards, good for judging the call and nothing else.
func (p *Project) update(ctx context.Context, what string, id core.MRID, opt gl.UpdateMergeRequestOptions) (wireMR, error) {
	got, _, err := call[wireMR](ctx, p.client, p.request(http.MethodPut, what, mrPath(id, ""), opt))
	return got, err
}

// Merge merges the merge request now, if its source branch's head is still the
// SHA that was seen, or puts it on the merge train; it never arms an auto-merge. Every refusal by the merge
// request's state is core.Conflict, and so is a merge that GitLab has begun and
// not finished. After success, too, the caller should observe again.
func (p *Project) Merge(ctx context.Context, a plan.MergeMR) error {
	defer p.wrote(a.MR)
	if a.Train {
		return p.board(ctx, a)
	}
	what := fmt.Sprintf("merge merge request !%d at %s", a.MR, a.SHA.Short())
	if a.SHA == "" {
		return core.Errorf(core.Invalid, "%s in %s: the sha is missing", what, p.path)
	}
	got, _, err := call[wireMR](ctx, p.client, p.request(http.MethodPut, what, mrPath(a.MR, "/merge"), gl.AcceptMergeRequestOptions{
		SHA:                      gl.Ptr(string(a.SHA)),
		ShouldRemoveSourceBranch: gl.Ptr(true),
	}))
	// GitLab has moved its reasons between these four over the years, and gives
	// 405 also for a while after a push, until it has checked the branch.
	switch status(err) {
	case http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusConflict, http.StatusUnprocessableEntity:
		return core.Errorf(core.Conflict, "%w", err)
	}
	// 200 says no more than that the merge was accepted; the state tells the rest.
	switch {
	case err != nil || got.State == string(plan.Merged):
		return err
	case got.State == string(plan.Locked):
		return core.Errorf(core.Conflict, "%s in %s: the merge is under way", what, p.path)
	}
	return core.Errorf(core.Conflict, "%s in %s: gitlab accepted it, yet it is %s", what, p.path, oneLine(got.State))
}

// withLabel puts Label first unless it is among the labels. It never changes
// the caller's slice.
func withLabel(labels []string) []string {
	if slices.Contains(labels, Label) {
		return labels
	}
	return append([]string{Label}, labels...)
}
