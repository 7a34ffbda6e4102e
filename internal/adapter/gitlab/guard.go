package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// wireStatus is a job or an external status in the list of a commit's statuses.
type wireStatus struct {
	ID           int64     `json:"id"`
	Name         string    `json:"name"`
	Status       string    `json:"status"`
	Description  string    `json:"description"`
	PipelineID   int64     `json:"pipeline_id"`
	AllowFailure bool      `json:"allow_failure"`
	Author       *wireUser `json:"author"`
}

func (s wireStatus) domain() plan.CommitStatus {
	out := plan.CommitStatus{ID: s.ID, Name: s.Name, Pipeline: s.PipelineID, State: s.Status, Description: s.Description, Optional: s.AllowFailure}
	if s.Author != nil {
		out.Author = core.UserID(s.Author.ID)
	}
	return out
}

// statuses reads what is said of a merge request's head: of the commit that its
// head pipeline runs for, which is another one for merged results. A commit
// that GitLab has not got any more has none.
func (p *Project) statuses(ctx context.Context, mr *plan.MergeRequest) ([]plan.CommitStatus, error) {
	of := mr.Head
	if mr.Pipeline != nil && mr.Pipeline.SHA != "" {
		of = mr.Pipeline.SHA
	}
	if of == "" {
		return nil, nil
	}
	list, err := all[wireStatus](ctx, p.client, p.get("list statuses of "+of.Short(),
		"repository/commits/"+url.PathEscape(string(of))+"/statuses", gl.ListOptions{PerPage: perPage}), maxStatuses)
	if status(err) == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []plan.CommitStatus
	for _, s := range list {
		out = append(out, s.domain())
	}
	return out, nil
}

// SetStatus sets the commit status. GitLab refuses a transition from a state to
// itself, and to an earlier one: both mean that it is so already. It is
// core.Conflict while another update of the commit's statuses is under way, or
// while GitLab does not know the commit's branch or the pipeline yet.
func (p *Project) SetStatus(ctx context.Context, a plan.SetStatus) error {
	defer p.wrote(a.MR)
	what := fmt.Sprintf("set the status of %s to %s", a.SHA.Short(), a.State)
	opt := gl.SetCommitStatusOptions{
		State: gl.BuildStateValue(a.State), Name: gl.Ptr(plan.StatusName),
		Description: &a.Description, TargetURL: &a.URL,
	}
	if a.Pipeline != 0 {
		opt.PipelineID = &a.Pipeline
	} else {
		opt.Ref = &a.Branch
	}
	_, _, err := call[struct{}](ctx, p.client, p.request(http.MethodPost, what, "statuses/"+url.PathEscape(string(a.SHA)), opt))
	switch e := answered(err); {
	case e == nil:
		return err
	case e.status == http.StatusBadRequest && e.says("cannot transition status"):
		return nil
	case e.status == http.StatusNotFound:
		return core.Errorf(core.Conflict, "%w", err)
	}
	return err
}

// wireDiscussion is a thread of a merge request.
type wireDiscussion struct {
	ID    string     `json:"id"`
	Notes []wireNote `json:"notes"`
}

// GuardThread finds the threads that the token's user opened with the same first
// line, which is a mark, and resolves them or not. If there is none and one is to
// be open, it opens one.
func (p *Project) GuardThread(ctx context.Context, a plan.GuardThread) error {
	defer p.wrote(a.MR)
	me, _, err := call[wireUser](ctx, p.client, p.read("read the token's user", "user"))
	if err != nil {
		return err
	}
	r := p.get(fmt.Sprintf("list threads of merge request !%d", a.MR), mrPath(a.MR, "/discussions"), gl.ListOptions{PerPage: perPage})
	mark, _, _ := strings.Cut(a.Body, "\n")
	found := false
	for d, err := range items[wireDiscussion](ctx, p.client, r, maxNotes) {
		if err != nil {
			return err
		}
		if len(d.Notes) == 0 || d.Notes[0].Author.ID != me.ID || !strings.HasPrefix(d.Notes[0].Body, mark) {
			continue
		}
		found = true
		if err := p.resolve(ctx, a, d); err != nil {
			return err
		}
	}
	if found || a.Resolved {
		return nil
	}
	if err := p.client.notes.take(); err != nil {
		return err
	}
	_, _, err = call[struct{}](ctx, p.client, p.request(http.MethodPost, fmt.Sprintf("open a thread on merge request !%d", a.MR),
		mrPath(a.MR, "/discussions"), gl.CreateMergeRequestDiscussionOptions{Body: &a.Body}))
	return err
}

// resolve spares the call where it would change nothing.
func (p *Project) resolve(ctx context.Context, a plan.GuardThread, d wireDiscussion) error {
	if d.Notes[0].Resolved == a.Resolved {
		return nil
	}
	what := fmt.Sprintf("resolve the thread on merge request !%d: %t", a.MR, a.Resolved)
	_, _, err := call[struct{}](ctx, p.client, p.request(http.MethodPut, what, mrPath(a.MR, "/discussions/"+url.PathEscape(d.ID)),
		gl.ResolveMergeRequestDiscussionOptions{Resolved: &a.Resolved}))
	return err
}
