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

func TestGitClonePushAndRefusal(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	dir := w.clone("dev")
	mustGit(t, dir, "switch", "-qc", "feature/x")
	write(t, dir, "apps/web/values.yaml", "tag: v2\n")
	mustGit(t, dir, "commit", "-qam", "v2")
	mustGit(t, dir, "push", "-q", "origin", "feature/x")
	if got, want := w.head("feature/x"), mustGit(t, dir, "rev-parse", "HEAD"); got != want {
		t.Errorf("branch at %s, pushed %s", got, want)
	}
	out, err := git(t, dir, "push", "origin", "HEAD:main")
	if err == nil {
		t.Fatalf("push to a protected branch went through:\n%s", out)
	}
	t.Log(out)
}
