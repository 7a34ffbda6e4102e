package fakegitlab_test

import (
	"testing"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

func TestHappyPathFromBranchToMerge(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	box := newInbox(t)
	w.hook(box)
	mr := w.open("sluice/stg/web")
	if mr.DetailedMergeStatus != "preparing" || mr.PreparedAt != nil {
		t.Errorf("new merge request: status %q, prepared %v; want it to be still preparing", mr.DetailedMergeStatus, mr.PreparedAt)
	}
	if got := w.get(mr.IID); got.DetailedMergeStatus != "mergeable" || got.SHA != w.head("sluice/stg/web") || got.DiffRefs.HeadSha != got.SHA {
		t.Errorf("prepared merge request: %+v", got)
	}
	merged, _, err := w.as("bob").MergeRequests.AcceptMergeRequest(repoPath, mr.IID, &gitlab.AcceptMergeRequestOptions{SHA: gitlab.Ptr(mr.SHA)})
	check(t, err)
	if merged.State != "merged" || merged.MergeCommitSHA != w.head("main") {
		t.Errorf("merged: state %q, merge commit %q, main %q", merged.State, merged.MergeCommitSHA, w.head("main"))
	}
	seen := map[string]bool{}
	for _, l := range w.settled(box) {
		seen[l.event()+" "+l.field("object_attributes.action")] = true
	}
	for _, want := range []string{"Push Hook <nil>", "Merge Request Hook open", "Merge Request Hook merge"} {
		if !seen[want] {
			t.Errorf("no %q among %v", want, seen)
		}
	}
}
