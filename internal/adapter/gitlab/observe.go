package gitlab

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
	"golang.org/x/sync/errgroup"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// MergeRequests reads all open merge requests of ours: those from a branch
// under BranchPrefix into the default branch, within the project, that carry
// Label. They come in the order of their ids. GitLab's lists can be stale, so
// each one is read again on its own, and left out if it is no longer open,
// unless it was read a short time ago and nothing has changed since. One that changes while it is read makes the whole call fail with core.Conflict.
func (p *Project) MergeRequests(ctx context.Context) ([]plan.MergeRequest, error) {
	into, err := p.defaultBranch()
	if err != nil {
		return nil, err
	}
	listed, err := p.listOpen(ctx, into)
	if err != nil {
		return nil, err
	}
	// Each goroutine has its own place in the list, so the order is that of the
	// ids however the reads come back.
	found := make([]*plan.MergeRequest, len(listed))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelReads)
	for i, mr := range listed {
		group.Go(func() (err error) {
			found[i], err = p.recalled(ctx, mr, into)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	p.opened.only(listed)
	var list []plan.MergeRequest
	for _, mr := range found {
		if mr != nil {
			list = append(list, *mr)
		}
	}
	return list, nil
}

// MergeRequest reads one merge request anew, as MergeRequests does. It reports
// false if that is no longer an open one of ours.
func (p *Project) MergeRequest(ctx context.Context, id core.MRID) (plan.MergeRequest, bool, error) {
	into, err := p.defaultBranch()
	if err != nil {
		return plan.MergeRequest{}, false, err
	}
	p.Heard(id, "") // should this find something else, the next list must not recall the old
	_, mr, err := p.mergeRequest(ctx, id, into)
	if err != nil || mr == nil {
		return plan.MergeRequest{}, false, err
	}
	return *mr, true, nil
}

// listOpen lists open and locked merge requests one after the other, since
// GitLab has no filter for both; one that changes in between may come twice.
func (p *Project) listOpen(ctx context.Context, into string) ([]wireMR, error) {
	var list []wireMR
	for _, state := range []plan.MRState{plan.Opened, plan.Locked} {
		opt := mrFilter(state, "asc")
		opt.Labels = &gl.LabelOptions{Label}
		opt.TargetBranch = &into
		r := p.get(fmt.Sprintf("list %s merge requests", state), "merge_requests", opt)
		for mr, err := range items[wireMR](ctx, p.client, r, maxMergeRequests) {
			if err != nil {
				return nil, err
			}
			if p.ours(mr, into) {
				list = append(list, mr)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b wireMR) int { return cmp.Compare(a.IID, b.IID) })
	return slices.CompactFunc(list, func(a, b wireMR) bool { return a.IID == b.IID }), nil
}

// mergeRequest reads one merge request with all that hangs on it; nil if it is
// gone, or no longer an open one of ours.
func (p *Project) mergeRequest(ctx context.Context, id core.MRID, into string) (wireMR, *plan.MergeRequest, error) {
	got, _, err := call[wireMR](ctx, p.client, p.get(fmt.Sprintf("read merge request !%d", id), mrPath(id, ""), nil))
	if status(err) == http.StatusNotFound {
		return got, nil, nil
	}
	if err != nil {
		return got, nil, err
	}
	if !open(got) || !p.ours(got, into) {
		return got, nil, nil
	}
	mr := got.domain()
	if err := p.attach(ctx, &mr); err != nil {
		return got, nil, vanished(err)
	}
	return got, &mr, nil
}

// attach adds the versions, approvals, comments and statuses. They are read after the
// merge request itself, so they may know of a later push than its head does;
// the core compares the two and waits.
func (p *Project) attach(ctx context.Context, mr *plan.MergeRequest) error {
	of := fmt.Sprintf(" of merge request !%d", mr.ID)
	page := gl.ListOptions{PerPage: perPage}

	vs, err := all[wireVersion](ctx, p.client, p.get("list versions"+of, mrPath(mr.ID, "/versions"), page), maxVersions)
	if err != nil {
		return err
	}
	approvals, _, err := call[wireApprovals](ctx, p.client, p.get("read approvals"+of, mrPath(mr.ID, "/approvals"), nil))
	if err != nil {
		return err
	}
	mr.Versions, mr.Approvals = versions(vs), approvals.domain()
	if mr.Notes, err = p.comments(ctx, mr.ID, 0); err != nil {
		return err
	}
	if mr.Statuses, err = p.statuses(ctx, mr); err != nil {
		return err
	}
	if mr.Pipeline != nil {
		if mr.Pipeline.Head, err = p.ranFor(ctx, mr); err != nil {
			return err
		}
	}
	mr.Train, err = p.car(ctx, mr.ID)
	return err
}

// vanished makes a merge request that disappeared while it was read a reason
// to look again, rather than a thing that does not exist.
func vanished(err error) error {
	if status(err) == http.StatusNotFound {
		return core.Errorf(core.Conflict, "it vanished while it was read: %w", err)
	}
	return err
}

// LastClosed finds the newest merge request from exactly this branch into the
// default branch that was closed without a merge, with its comments and the
// message of its head commit ("" if that commit is gone). Versions and approvals
// are not read. It reports false if there is none.
func (p *Project) LastClosed(ctx context.Context, branch string) (plan.MergeRequest, bool, error) {
	into, err := p.defaultBranch()
	if err != nil {
		return plan.MergeRequest{}, false, err
	}
	opt := mrFilter(plan.Closed, "desc")
	opt.SourceBranch, opt.TargetBranch = &branch, &into
	r := p.get("list closed merge requests from "+branch, "merge_requests", opt)
	for listed, err := range items[wireMR](ctx, p.client, r, maxMergeRequests) {
		if err != nil {
			return plan.MergeRequest{}, false, err
		}
		if !p.ours(listed, into) || listed.SourceBranch != branch {
			continue
		}
		mr, err := p.closed(ctx, core.MRID(listed.IID))
		if err != nil || mr.State == plan.Closed {
			return mr, err == nil, err
		}
	}
	return plan.MergeRequest{}, false, nil
}

// closed reads one merge request anew, for the list may be stale. The caller
// looks at the state: whoever reopened it decided otherwise since.
func (p *Project) closed(ctx context.Context, id core.MRID) (plan.MergeRequest, error) {
	got, _, err := call[wireMR](ctx, p.client, p.get(fmt.Sprintf("read closed merge request !%d", id), mrPath(id, ""), nil))
	if err != nil {
		return plan.MergeRequest{}, vanished(err)
	}
	mr := got.domain()
	if mr.State != plan.Closed {
		return mr, nil
	}
	if mr.Notes, err = p.comments(ctx, id, 0); err != nil || mr.Head == "" {
		return mr, vanished(err)
	}
	mr.HeadMessage, err = p.commitMessage(ctx, mr.Head)
	return mr, err
}

// Message is the message of a commit, "" if GitLab has not got it any more.
func (p *Project) Message(ctx context.Context, commit core.SHA) (string, error) {
	return p.commitMessage(ctx, commit)
}

// commitMessage is "" for a commit that GitLab has not got any more, as may
// happen once its branch is deleted and the repository has been cleaned up.
func (p *Project) commitMessage(ctx context.Context, commit core.SHA) (string, error) {
	type wireCommit struct {
		Message string `json:"message"`
	}
	got, _, err := call[wireCommit](ctx, p.client,
		p.get("read commit "+commit.Short(), "repository/commits/"+url.PathEscape(string(commit)), nil))
	if status(err) == http.StatusNotFound {
		return "", nil
	}
	return got.Message, err
}

// defaultBranch is the one that Project or Describe saw last.
func (p *Project) defaultBranch() (string, error) {
	if name := *p.branch.Load(); name != "" {
		return name, nil
	}
	return "", core.Errorf(core.NotFound, "project %s has no default branch", p.path)
}

// mrFilter asks for all merge requests of a state, ordered by their creation,
// which never changes and so keeps the pages apart. The scope is named because
// its default depends on the endpoint.
func mrFilter(state plan.MRState, sort string) gl.ListProjectMergeRequestsOptions {
	return gl.ListProjectMergeRequestsOptions{
		ListOptions: gl.ListOptions{PerPage: perPage},
		State:       gl.Ptr(string(state)),
		Scope:       gl.Ptr("all"),
		OrderBy:     gl.Ptr("created_at"),
		Sort:        &sort,
	}
}

// mrPath is a path below the project, to a merge request or what hangs on it.
func mrPath(id core.MRID, rest string) string { return fmt.Sprintf("merge_requests/%d%s", id, rest) }
