package gitlab

import (
	"context"
	"fmt"
	"net/http"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// WriteNote writes a new comment, or replaces the text of one of ours. A new
// one is the only write here that GitLab cannot be asked to do at most once:
// after core.Transient the caller must observe, and find its own marker, before
// it writes again. A text that GitLab took for nothing but quick actions is
// core.Invalid: it has been executed, and no comment exists.
func (p *Project) WriteNote(ctx context.Context, a plan.WriteNote) error {
	defer p.wrote(a.MR)
	place, path := talkPath(a.MR, a.Issue)
	r := p.request(http.MethodPost, "comment on "+place, path+"/notes", gl.CreateMergeRequestNoteOptions{Body: &a.Body})
	if a.Note != 0 {
		r = p.request(http.MethodPut, fmt.Sprintf("edit comment %d on %s", a.Note, place),
			fmt.Sprintf("%s/notes/%d", path, a.Note), gl.UpdateMergeRequestNoteOptions{Body: &a.Body})
	}
	if a.Note == 0 {
		if err := p.client.notes.take(); err != nil {
			return err
		}
	}
	_, code, err := call[struct{}](ctx, p.client, r)
	if err != nil {
		return err
	}
	if code == http.StatusAccepted {
		return core.Errorf(core.Invalid, "%s: gitlab took the text for quick actions and wrote no comment", r.what)
	}
	return nil
}

// DeleteNote deletes a comment; one that is gone already counts as done.
func (p *Project) DeleteNote(ctx context.Context, a plan.DeleteNote) error {
	defer p.wrote(a.MR)
	place, path := talkPath(a.MR, a.Issue)
	_, _, err := call[struct{}](ctx, p.client, p.request(http.MethodDelete, fmt.Sprintf("delete comment %d on %s", a.Note, place),
		fmt.Sprintf("%s/notes/%d", path, a.Note), nil))
	if status(err) == http.StatusNotFound {
		return nil
	}
	return err
}

// talkPath is where comments stand: on an issue, or else on a merge request.
func talkPath(mr core.MRID, issue core.IssueID) (place, path string) {
	if issue != 0 {
		return fmt.Sprintf("issue #%d", issue), fmt.Sprintf("issues/%d", issue)
	}
	return fmt.Sprintf("merge request !%d", mr), mrPath(mr, "")
}

// Issue reads the comments of an issue, oldest first. It is core.NotFound if
// there is none of that number, or the token may not see it.
func (p *Project) Issue(ctx context.Context, id core.IssueID) ([]plan.Note, error) {
	return p.comments(ctx, 0, id)
}

// comments are those of a merge request or an issue, oldest first.
func (p *Project) comments(ctx context.Context, mr core.MRID, issue core.IssueID) ([]plan.Note, error) {
	place, path := talkPath(mr, issue)
	list, err := all[wireNote](ctx, p.client, p.get("list comments of "+place, path+"/notes", gl.ListMergeRequestNotesOptions{
		ListOptions: gl.ListOptions{PerPage: perPage}, OrderBy: gl.Ptr("created_at"), Sort: gl.Ptr("asc"),
	}), maxNotes)
	return notes(list), err
}

// React puts an emoji on a comment; one that is there already counts as done.
// GitLab answers 404 to that as well as to a comment that is gone: only the
// latter is core.NotFound. A name that GitLab does not know is core.Invalid.
func (p *Project) React(ctx context.Context, a plan.React) error {
	defer p.wrote(a.MR)
	place, path := talkPath(a.MR, a.Issue)
	what := fmt.Sprintf("put :%s: on comment %d of %s", oneLine(a.Emoji), a.Note, place)
	_, _, err := call[struct{}](ctx, p.client, p.request(http.MethodPost, what,
		fmt.Sprintf("%s/notes/%d/award_emoji", path, a.Note), gl.CreateAwardEmojiOptions{Name: a.Emoji}))
	switch refusal := answered(err); {
	case refusal == nil:
		return err
	case refusal.says("has already been taken"):
		return nil
	case refusal.says("not a valid emoji"):
		return core.Errorf(core.Invalid, "%w", err)
	}
	return err
}
