package world_test

import (
	"path/filepath"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/cmd/sluice/internal/world"
)

// TestWhoBroughtItDoesNotApproveIt has a maintainer bring a version to dev by a
// merge request; it passes stg, and for prd her approval does not count.
func TestWhoBroughtItDoesNotApproveIt(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	before := r.content("prd")
	_, _, err := r.patient(world.Bea).Commits.CreateCommit(world.Project, &gitlab.CreateCommitOptions{
		Branch: new("newer"), StartBranch: new("main"), CommitMessage: new("bump dev"),
		Actions: []*gitlab.CommitActionOptions{{Action: new(gitlab.FileUpdate), FilePath: new(patchFile("dev")), Content: new(bumped(r.content("dev")))}},
	})
	must(t, err)
	mr, _, err := r.patient(world.Bea).MergeRequests.CreateMergeRequest(world.Project, &gitlab.CreateMergeRequestOptions{
		SourceBranch: new("newer"), TargetBranch: new("main"), Title: new("Newer in dev"),
	})
	must(t, err)
	r.eventually("it is merged by somebody else", func() bool {
		_, _, err := r.patient(world.Amir).MergeRequests.AcceptMergeRequest(world.Project, mr.IID, nil)
		return err == nil
	})
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	prd := r.openForPrd()
	r.comment(world.Bea, prd, "/sluice approve")
	r.comment(world.Amir, prd, "/sluice approve")
	r.eventually("her approval is refused", func() bool {
		return r.said(prd, "who brought the version to dev cannot approve its promotion")
	})
	r.eventually("his counts", func() bool {
		return r.said(prd, "1 of 2 approvals: amir; needed from the role maintainer, but not from bea, who brought the version")
	})
	if r.content("prd") != before {
		t.Error("it was merged")
	}
}
