package fakegitlab_test

import (
	"fmt"
	"strings"
	"testing"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

func (w *world) status(user, sha string, state gitlab.BuildStateValue, name string) string {
	w.t.Helper()
	code, _, body := w.call("POST", "/api/v4/projects/platform%2Fmono/statuses/"+sha, user,
		map[string]string{"state": string(state), "name": name, "description": "d " + string(state)})
	if code == 201 {
		body = ""
	}
	return strings.TrimSpace(fmt.Sprint(code, " ", body))
}

func TestStatusesMakeAnExternalPipeline(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{PipelineMustSucceed: true})
	c := w.as("sluice-bot")
	mr := w.open("sluice/a")
	box := newInbox(t)
	w.hook(box)
	expect(t, "pending", w.status("sluice-bot", mr.SHA, "pending", "sluice/gate"), "201")
	again := w.status("sluice-bot", mr.SHA, "pending", "sluice/gate")
	expect(t, "pending again", strings.HasPrefix(again, `400 {"message":"Cannot transition status via :enqueue from :pending (Reason(s):`), true)
	got := w.get(1)
	expect(t, "head pipeline", []string{got.HeadPipeline.Status, string(got.HeadPipeline.Source), got.HeadPipeline.Ref, got.DetailedMergeStatus}, []string{"pending", "external", "sluice/a", "ci_still_running"})
	expect(t, "success", w.status("sluice-bot", mr.SHA, "success", "sluice/gate"), "201")
	expect(t, "mergeable", w.get(1).DetailedMergeStatus, "mergeable")
	expect(t, "back to pending is a new one", w.status("sluice-bot", mr.SHA, "pending", "sluice/gate"), "201")
	expect(t, "somebody else's of the same name", w.status("ann", mr.SHA, "failed", "sluice/gate"), "201")
	newest := ok3[[]*gitlab.CommitStatus](t)(c.Commits.GetCommitStatuses(w.pid, mr.SHA, nil))
	all := ok3[[]*gitlab.CommitStatus](t)(c.Commits.GetCommitStatuses(w.pid, mr.SHA, &gitlab.GetCommitStatusesOptions{All: gitlab.Ptr(true)}))
	expect(t, "records", []int{len(newest), len(all)}, []int{1, 3})
	st := ok3[*gitlab.CommitStatus](t)(c.Commits.SetCommitStatus(w.pid, mr.SHA, &gitlab.SetCommitStatusOptions{
		State: gitlab.Success, Name: gitlab.Ptr("other"), PipelineID: gitlab.Ptr(got.HeadPipeline.ID), TargetURL: gitlab.Ptr("https://board.example.com")}))
	expect(t, "status", []any{st.Name, st.PipelineID, st.TargetURL, st.Author.Username}, []any{"other", got.HeadPipeline.ID, "https://board.example.com", "sluice-bot"})

	expect(t, "unknown commit", w.status("ann", strings.Repeat("1", 40), "success", "x"), `404 {"message":"404 Commit Not Found"}`)
	_, r, err := c.Commits.SetCommitStatus(w.pid, mr.SHA, &gitlab.SetCommitStatusOptions{State: gitlab.Success, PipelineID: gitlab.Ptr(int64(9))})
	expect(t, "unknown pipeline", codeOf(r, err), "404")
	expect(t, "protected branch and a developer", w.status("dev", w.head("main"), "success", "x"), `403 {"message":"403 Forbidden"}`)
	w.Faults().Set(fakegitlab.Plan{StatusLocks: 1})
	expect(t, "locked", w.status("ann", mr.SHA, "success", "z"), `409 {"message":"Another update to this commit status is in progress"}`)
	expect(t, "unlocked", w.status("ann", mr.SHA, "success", "z"), "201")

	expect(t, "pipelines", len(ok3[[]*gitlab.PipelineInfo](t)(c.Pipelines.ListProjectPipelines(w.pid, &gitlab.ListProjectPipelinesOptions{SHA: &mr.SHA}))), 1)
	ok3[*gitlab.Pipeline](t)(c.Pipelines.GetPipeline(w.pid, got.HeadPipeline.ID))
	expect(t, "pipelines of the merge request", len(ok3[[]*gitlab.PipelineInfo](t)(c.MergeRequests.ListMergeRequestPipelines(w.pid, 1))), 1)
	hooks := 0
	for _, l := range w.settled(box) {
		if l.event() == "Pipeline Hook" {
			hooks++
		}
	}
	if hooks < 3 {
		t.Errorf("%d pipeline hooks came back for our own statuses, want one for each change", hooks)
	}
}

func TestAutoMergeWaitsForThePipeline(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{PipelineMustSucceed: true})
	c := w.as("ann")
	mr := w.open("sluice/a")
	auto := &gitlab.AcceptMergeRequestOptions{AutoMerge: gitlab.Ptr(true), SHA: &mr.SHA}
	_, r, err := c.MergeRequests.AcceptMergeRequest(w.pid, 1, auto)
	expect(t, "without any pipeline", codeOf(r, err), "405")
	id := must[int64](t)(w.CreatePipeline(repoPath, mr.SHA, "sluice/a", "running"))
	armed := ok3[*gitlab.MergeRequest](t)(c.MergeRequests.AcceptMergeRequest(w.pid, 1, auto))
	expect(t, "armed", []any{armed.State, armed.MergeWhenPipelineSucceeds, armed.MergeUser.Username}, []any{"opened", true, "ann"})
	ok3[*gitlab.MergeRequest](t)(c.MergeRequests.CancelMergeWhenPipelineSucceeds(w.pid, 1))
	_, r, err = c.MergeRequests.CancelMergeWhenPipelineSucceeds(w.pid, 1)
	expect(t, "nothing to cancel", codeOf(r, err), "406")
	ok3[*gitlab.MergeRequest](t)(c.MergeRequests.AcceptMergeRequest(w.pid, 1, auto))
	check(t, w.SetPipelineStatus(repoPath, id, "success"))
	expect(t, "merged by itself", w.get(1).State, "merged")
}
