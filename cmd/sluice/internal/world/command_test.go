package world_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/cmd/sluice/internal/world"
)

// TestCommandsStopEverythingAndGoBack stops everything on the issue for
// commands, lets a version go to prd, and takes it back by a comment.
func TestCommandsStopEverythingAndGoBack(t *testing.T) {
	t.Parallel()
	r := newRigUnder(t, rules+"commands: {issue: 1}\n")
	issue, err := r.GitLab.AddIssue(world.Project, world.Amir, "Commands to Sluice")
	must(t, err)
	before := r.content("prd")
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()

	r.onIssue(world.Dana, issue, "/sluice hold all the cluster is on fire")
	r.eventually("the hold is in force", func() bool { return r.issueSays(issue, "- hold on everything by dana: the cluster is on fire") })
	r.bump()
	r.onIssue(world.Amir, issue, "/sluice status")
	r.eventually("the status tells of the hold", func() bool { return r.issueSays(issue, "blocked: everything is held by dana") })
	if n := len(r.requests()); n != 0 {
		t.Fatalf("%d merge requests were opened while everything was held", n)
	}
	r.onIssue(world.Amir, issue, "/sluice unhold all")
	r.approveOnce()
	r.eventually("prd carries the versions", func() bool { return r.content("prd") == bumped(before) })

	merged := r.requests()["sluice/prd/ai-gateway"][0].IID
	r.comment(world.Dana, merged, "/sluice rollback")
	var back int64
	r.eventually("a merge request to go back", func() bool {
		for _, mr := range r.requests()["sluice/prd/ai-gateway"] {
			if mr.IID != merged && mr.State == "opened" {
				back = mr.IID
			}
		}
		return back != 0
	})
	mr, _, err := r.person.MergeRequests.GetMergeRequest(world.Project, back, nil)
	must(t, err)
	if !strings.Contains(mr.Description, "On request: dana asked to go back to what ai-gateway in prd had before.") {
		t.Errorf("the merge request does not say who asked:\n%s", mr.Description)
	}
	r.comment(world.Amir, back, "/sluice approve")
	r.comment(world.Bea, back, "/sluice approve")
	r.eventually("prd has what it had", func() bool { return r.content("prd") == before })
	if r.content("stg") != bumped(r.content("stg")) {
		t.Error("stg was taken back as well")
	}
}

func (r *rig) onIssue(who string, issue int64, body string) {
	r.t.Helper()
	_, _, err := r.patient(who).Notes.CreateIssueNote(world.Project, issue, &gitlab.CreateIssueNoteOptions{Body: &body})
	must(r.t, err)
}

// issueSays tells whether Sluice wrote this on the issue.
func (r *rig) issueSays(issue int64, text string) bool {
	r.t.Helper()
	notes, _, err := r.person.Notes.ListIssueNotes(world.Project, issue, nil)
	must(r.t, err)
	for _, n := range notes {
		if n.Author.Username == world.Bot && strings.Contains(n.Body, text) {
			return true
		}
	}
	return false
}
