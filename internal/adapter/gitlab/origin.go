package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// wireCarrier is a merge request that has a commit, in whatever way.
type wireCarrier struct {
	State        string    `json:"state"`
	TargetBranch string    `json:"target_branch"`
	Author       *wireUser `json:"author"`
	MergeUser    *wireUser `json:"merge_user"`
	MergedBy     *wireUser `json:"merged_by"` // what older versions have instead
}

// Origin tells how a commit came to the default branch: which merge requests
// into it carried it there, as a part of them, as their merge commit or as
// their squashed one; or, if none did, which addresses the commit itself names.
// It is false if GitLab shows nothing of that. What it tells of a commit that
// was merged does not change any more, but a merge that has just happened may
// not show yet.
func (p *Project) Origin(ctx context.Context, commit core.SHA) (plan.Origin, bool, error) {
	into, err := p.defaultBranch()
	if err != nil {
		return plan.Origin{}, false, err
	}
	at := "repository/commits/" + url.PathEscape(string(commit))
	list, _, err := call[[]wireCarrier](ctx, p.client, p.get("list the merge requests of commit "+commit.Short(), at+"/merge_requests", &gl.ListOptions{PerPage: perPage}))
	if err != nil {
		return hidden(err)
	}
	var out plan.Origin
	for _, mr := range list {
		if mr.TargetBranch == into && (mr.State == string(plan.Merged) || mr.State == string(plan.Locked)) {
			carrier, err := p.carrier(ctx, mr)
			if err != nil {
				return plan.Origin{}, false, err
			}
			out.Carriers = append(out.Carriers, carrier)
		}
	}
	if len(out.Carriers) > 0 {
		return out, true, nil
	}
	type wireCommit struct {
		Author    string `json:"author_email"`
		Committer string `json:"committer_email"`
	}
	got, _, err := call[wireCommit](ctx, p.client, p.get("read commit "+commit.Short(), at, nil))
	if err != nil {
		return hidden(err)
	}
	out.Emails = slices.DeleteFunc(slices.Compact([]string{got.Author, got.Committer}), func(s string) bool { return s == "" })
	return out, true, nil
}

// hidden takes what GitLab does not show for something that is not known.
func hidden(err error) (plan.Origin, bool, error) {
	if unseen(err) {
		err = nil
	}
	return plan.Origin{}, false, err
}

// carrier looks up whether the author is a person who acts for himself.
func (p *Project) carrier(ctx context.Context, mr wireCarrier) (plan.Carrier, error) {
	out := plan.Carrier{Robot: true}
	if by := mr.MergeUser; by != nil {
		out.Merger, out.MergerName = core.UserID(by.ID), by.Username
	} else if by := mr.MergedBy; by != nil {
		out.Merger, out.MergerName = core.UserID(by.ID), by.Username
	}
	if mr.Author == nil {
		return out, nil
	}
	out.Author, out.AuthorName = core.UserID(mr.Author.ID), mr.Author.Username
	type wireKind struct {
		State string `json:"state"`
		Bot   bool   `json:"bot"`
	}
	got, _, err := call[wireKind](ctx, p.client, p.read(fmt.Sprintf("read user %d", mr.Author.ID), fmt.Sprintf("users/%d", mr.Author.ID)))
	if status(err) == http.StatusNotFound {
		return out, nil
	}
	out.Robot = got.Bot || got.State != "active"
	return out, err
}
