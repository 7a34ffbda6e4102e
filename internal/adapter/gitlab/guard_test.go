package gitlab_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

const setStatus = "POST projects/7/statuses/" + string(shaA)

func pending() plan.SetStatus {
	return plan.SetStatus{MR: 3, SHA: shaA, Branch: "sluice/prd/web", Pipeline: 41, State: plan.StatusPending, Description: "waiting", URL: "https://gl.example/3"}
}

func TestAStatusBelongsToItsPipelineOrElseToItsBranch(t *testing.T) {
	t.Parallel()
	for pipeline, want := range map[int64]string{
		41: `{"state":"pending","name":"sluice/gates","description":"waiting","target_url":"https://gl.example/3","pipeline_id":41}`,
		0:  `{"state":"pending","name":"sluice/gates","description":"waiting","target_url":"https://gl.example/3","ref":"sluice/prd/web"}`,
	} {
		s := serve(t, one(setStatus, reply{status: 201, body: `{"id":1}`}))
		a := pending()
		a.Pipeline = pipeline
		if err := s.project(setup{}).SetStatus(t.Context(), a); err != nil {
			t.Error(err)
		}
		wantJSON(t, s.last().body, want)
	}
}

func TestARefusedStatus(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply reply
		kind  core.Kind
		ok    bool
	}{
		"pending already":     {reply{status: 400, body: `{"message":"Cannot transition status via :enqueue from :pending (Reason(s): Status cannot transition via \"enqueue\")"}`}, 0, true},
		"running already":     {reply{status: 400, body: `{"message":"Cannot transition status via :run from :running"}`}, 0, true},
		"no such state":       {reply{status: 400, body: `{"error":"state does not have a valid value"}`}, core.Invalid, false},
		"another update":      {reply{status: 409, body: `{"message":"Another update to this commit status is in progress"}`}, core.Conflict, false},
		"the branch is late":  {reply{status: 404, body: `{"message":"404 References for commit Not Found"}`}, core.Conflict, false},
		"the pipeline's gone": {reply{status: 404, body: `{"message":"404 Pipeline for pipeline_id, sha and ref Not Found"}`}, core.Conflict, false},
		"no right to it":      {reply{status: 403, body: `{"message":"403 Forbidden"}`}, core.Denied, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, one(setStatus, tc.reply))
			err := s.project(setup{}).SetStatus(t.Context(), pending())
			if tc.ok && err == nil {
				return
			}
			wantError(t, err, tc.kind, "set the status of aaaaaaaa to pending")
		})
	}
}

// states lists what the world's merge request shows of its gates.
func (w *world) states() []string {
	var out []string
	for _, s := range w.only().Statuses {
		out = append(out, fmt.Sprintf("%s %s by the bot: %t", s.Name, s.State, s.Author == w.bot))
	}
	return out
}

func (w *world) wantStates(want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.states()); diff != "" {
		w.t.Errorf("statuses (-want +got):\n%s", diff)
	}
}

func (w *world) set(state string) {
	w.t.Helper()
	mr := w.only()
	a := plan.SetStatus{MR: mr.ID, SHA: mr.Head, Branch: mr.Source, State: state, Description: "why", URL: mr.URL}
	if mr.Pipeline != nil {
		a.Pipeline = mr.Pipeline.ID
	}
	w.must(w.project.SetStatus(w.t.Context(), a))
}

func TestConformanceStatusWithoutPipelines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ask("PUT", "anna-token", "", map[string]any{"only_allow_merge_if_pipeline_succeeds": true})
	head := w.commit("sluice/prd/app", "2", map[string]any{"start_branch": "main"})
	id, err := w.project.OpenMR(t.Context(), opening())
	w.must(err)
	if mr := w.only(); mr.Pipeline != nil || mr.MergeStatus != "ci_must_pass" {
		t.Errorf("before: %+v, %s", mr.Pipeline, mr.MergeStatus)
	}
	w.set(plan.StatusPending)
	w.wantStates("sluice/gates pending by the bot: true")
	if mr := w.only(); mr.Pipeline == nil || mr.Pipeline.SHA != head || mr.MergeStatus != "ci_still_running" {
		t.Errorf("pending: %+v, %s", mr.Pipeline, mr.MergeStatus)
	}
	w.set(plan.StatusPending)
	w.fake.Faults().Update(func(f *fakegitlab.Plan) { f.StatusLocks = 1 })
	wantError(t, w.project.SetStatus(t.Context(), plan.SetStatus{MR: id, SHA: head, Branch: "sluice/prd/app", State: plan.StatusSuccess}), core.Conflict, "Another update")
	wantError(t, w.project.Merge(t.Context(), plan.MergeMR{MR: id, SHA: head}), core.Conflict, "405")
	w.set(plan.StatusFailed)
	if mr := w.only(); mr.MergeStatus != "ci_must_pass" {
		t.Errorf("failed: %s", mr.MergeStatus)
	}
	w.set(plan.StatusPending)
	w.set(plan.StatusSuccess)
	w.wantStates("sluice/gates success by the bot: true")
	w.must(w.project.Merge(t.Context(), plan.MergeMR{MR: id, SHA: head}))
}

func TestConformanceStatusInAPipeline(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	head := w.commit("sluice/prd/app", "2", map[string]any{"start_branch": "main"})
	id, err := w.project.OpenMR(t.Context(), opening())
	w.must(err)
	pipeline, err := w.fake.CreatePipeline("ai/flux", string(head), fmt.Sprintf("refs/merge-requests/%d/head", id), "running")
	w.must(err)
	w.set(plan.StatusPending)
	mr := w.only()
	if mr.Pipeline.ID != pipeline || mr.Pipeline.Ref != fmt.Sprintf("refs/merge-requests/%d/head", id) {
		t.Errorf("pipeline is %+v", mr.Pipeline)
	}
	w.wantStates("build running by the bot: false", "sluice/gates pending by the bot: true")
	w.must(w.fake.SetPipelineStatus("ai/flux", pipeline, "success"))
	s := &plan.State{Project: plan.Project{Bot: w.bot}}
	mr = w.only()
	if checks := s.Checks(&mr); mr.Pipeline.Status != "running" || checks != "success" {
		t.Errorf("the pipeline is %s, and without Sluice's part %s", mr.Pipeline.Status, checks)
	}
}

func TestConformanceThread(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ask("PUT", "anna-token", "", map[string]any{"only_allow_merge_if_all_discussions_are_resolved": true})
	w.commit("sluice/prd/app", "2", map[string]any{"start_branch": "main"})
	id, err := w.project.OpenMR(t.Context(), opening())
	w.must(err)
	w.must(w.project.GuardThread(t.Context(), plan.GuardThread{MR: id, Body: "<!-- mark -->\nwait", Resolved: true}))
	if n := len(w.only().Notes); n != 0 {
		t.Errorf("resolving nothing wrote %d comments", n)
	}
	for _, resolved := range []bool{false, false, true, true, false} {
		w.must(w.project.GuardThread(t.Context(), plan.GuardThread{MR: id, Body: "<!-- mark -->\nwait", Resolved: resolved}))
		mr := w.only()
		if len(mr.Notes) != 1 || !mr.Notes[0].Resolvable || mr.Notes[0].Resolved != resolved || (mr.MergeStatus == "discussions_not_resolved") == resolved {
			t.Errorf("resolved %t: %s, %+v", resolved, mr.MergeStatus, mr.Notes)
		}
	}
}

func TestCommentsAreRationed(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string][]reply{addNote: {{status: 201, body: `{"id":50}`}}, editNote: {{body: `{"id":50}`}}})
	c := newClock()
	p := s.project(setup{clock: c})
	write := func() error { return p.WriteNote(t.Context(), plan.WriteNote{MR: 3, Body: "x"}) }
	for range 50 {
		if err := write(); err != nil {
			t.Fatal(err)
		}
		c.advance(time.Second)
	}
	err := write()
	wantError(t, err, core.Transient, "not sent: 50 comments were written within a minute")
	if wait := core.WaitOf(err); wait != 10*time.Second {
		t.Errorf("wait is %s, want what is left of the first comment's minute", wait)
	}
	if err := p.WriteNote(t.Context(), plan.WriteNote{MR: 3, Note: 50, Body: "x"}); err != nil {
		t.Error("an edit counts as a new comment:", err)
	}
	c.advance(10 * time.Second)
	if err := write(); err != nil {
		t.Error(err)
	}
}

func TestConformanceDeleteNote(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.commit("sluice/prd/app", "2", map[string]any{"start_branch": "main"})
	id, err := w.project.OpenMR(t.Context(), opening())
	w.must(err)
	w.must(w.project.WriteNote(t.Context(), plan.WriteNote{MR: id, Body: "once"}))
	gone := plan.DeleteNote{MR: id, Note: w.only().Notes[0].ID}
	w.must(w.project.DeleteNote(t.Context(), gone))
	w.must(w.project.DeleteNote(t.Context(), gone))
	if n := len(w.only().Notes); n != 0 {
		t.Errorf("%d comments are left", n)
	}
}
