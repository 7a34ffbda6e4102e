package gitlab

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// ranFor is the head of the source branch that a head pipeline ran for. That of
// a merged result, or of a train, has the commit that GitLab made of the target
// branch and that head, in this order.
func (p *Project) ranFor(ctx context.Context, mr *plan.MergeRequest) (core.SHA, error) {
	pl := mr.Pipeline
	if pl.SHA == mr.Head || pl.SHA == "" || !merged(pl.Ref) {
		return pl.SHA, nil
	}
	type wireParents struct {
		ParentIDs []string `json:"parent_ids"`
	}
	got, _, err := call[wireParents](ctx, p.client,
		p.get("read commit "+pl.SHA.Short(), "repository/commits/"+url.PathEscape(string(pl.SHA)), nil))
	if status(err) == http.StatusNotFound {
		return "", nil
	}
	if err != nil || len(got.ParentIDs) != 2 {
		return "", err
	}
	return sha(got.ParentIDs[1]), nil
}

// merged tells whether the pipelines of a ref run for a merge that GitLab made
// to try it out.
func merged(ref string) bool {
	rest, ok := strings.CutPrefix(ref, "refs/merge-requests/")
	return ok && (strings.HasSuffix(rest, "/merge") || strings.HasSuffix(rest, "/train"))
}
