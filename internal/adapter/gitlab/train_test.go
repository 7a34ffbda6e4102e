package gitlab_test

import (
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

func TestConformanceTrain(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, p := t.Context(), w.project
	w.ask("PUT", "anna-token", "", map[string]any{"merge_trains_enabled": true})
	about, err := p.Describe(ctx)
	if err != nil || !about.Trains {
		t.Fatalf("%+v, %v", about, err)
	}
	head := w.commit("sluice/prd/app", "2", map[string]any{"start_branch": "main"})
	id, err := p.OpenMR(ctx, opening())
	w.must(err)
	if mr := w.only(); mr.Train != nil {
		t.Errorf("on the train before: %+v", mr.Train)
	}
	wantError(t, p.LeaveTrain(ctx, plan.LeaveTrain{MR: id}), core.Conflict, "406")
	board := plan.MergeMR{MR: id, SHA: shaA, Train: true}
	wantError(t, p.Merge(ctx, board), core.Conflict, "409")
	board.SHA = ""
	wantError(t, p.Merge(ctx, board), core.Invalid, "sha")
	board.SHA = head
	w.must(p.Merge(ctx, board))
	if mr := w.only(); mr.State != plan.Opened || mr.Train == nil || mr.Train.By != w.bot || mr.Train.Status != "idle" {
		t.Errorf("on the train: %+v", mr.Train)
	}
	wantError(t, p.Merge(ctx, board), core.Conflict, "400")
	w.must(p.LeaveTrain(ctx, plan.LeaveTrain{MR: id}))
	if mr := w.only(); mr.Train != nil {
		t.Errorf("after leaving it: %+v", mr.Train)
	}
	w.must(p.Merge(ctx, board))
	w.must(w.fake.RunTrain("ai/flux"))
	if list, err := p.MergeRequests(ctx); err != nil || len(list) != 0 {
		t.Errorf("after the train: %+v, %v", list, err)
	}
}

// TestConformanceRenamedDefaultBranch leaves a merge request behind that leads
// into the branch that was the default one: it is nobody's business any more.
func TestConformanceRenamedDefaultBranch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, p := t.Context(), w.project
	w.commit("sluice/prd/app", "2", map[string]any{"start_branch": "main"})
	old, err := p.OpenMR(ctx, opening())
	w.must(err)
	w.ask("POST", "anna-token", "repository/branches", map[string]any{"branch": "trunk", "ref": "main"})
	w.ask("PUT", "anna-token", "", map[string]any{"default_branch": "trunk"})
	if about, err := p.Describe(ctx); err != nil || about.DefaultBranch != "trunk" {
		t.Fatalf("%+v, %v", about, err)
	}
	if list, err := p.MergeRequests(ctx); err != nil || len(list) != 0 {
		t.Errorf("merge requests into the old branch: %+v, %v", list, err)
	}
	again := opening()
	again.Into = "trunk"
	id, err := p.OpenMR(ctx, again)
	w.must(err)
	if mr := w.only(); mr.ID != id || mr.ID == old || mr.Target != "trunk" {
		t.Errorf("%+v", mr)
	}
}

func TestConformanceProtectedTarget(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, p := t.Context(), w.project
	head := w.commit("sluice/prd/app", "2", map[string]any{"start_branch": "main"})
	id, err := p.OpenMR(ctx, opening())
	w.must(err)
	w.must(w.fake.AddMember("ai/flux", "bot", fakegitlab.Developer))
	wantError(t, p.Merge(ctx, plan.MergeMR{MR: id, SHA: head}), core.Denied, "401")
	w.must(w.fake.AddMember("ai/flux", "bot", fakegitlab.Maintainer))
	w.only() // GitLab checks it anew when it is read
	w.must(p.Merge(ctx, plan.MergeMR{MR: id, SHA: head}))
}

// TestConformanceSquash merges in a project that always squashes, and in one
// that never does: what is asked for leaves that to the project.
func TestConformanceSquash(t *testing.T) {
	t.Parallel()
	for option, merged := range map[string]bool{"always": true, "never": true, "default_on": true} {
		w := newWorld(t)
		w.ask("PUT", "anna-token", "", map[string]any{"squash_option": option})
		head := w.commit("sluice/prd/app", "2", map[string]any{"start_branch": "main"})
		id, err := w.project.OpenMR(t.Context(), opening())
		w.must(err)
		w.only()
		err = w.project.Merge(t.Context(), plan.MergeMR{MR: id, SHA: head})
		got := w.ask("GET", token, "merge_requests/1", nil)
		if err != nil || (got["state"] == "merged") != merged || (got["squash_commit_sha"] != nil) != (option != "never") {
			t.Errorf("%s: %v, %v, squashed into %v", option, err, got["state"], got["squash_commit_sha"])
		}
	}
}

// TestConformanceLanded asks of each way of merging which commit it added.
func TestConformanceLanded(t *testing.T) {
	t.Parallel()
	for method, options := range map[string][]string{"merge": {"never", "always"}, "rebase_merge": {"never"}, "ff": {"never", "always"}} {
		for _, squash := range options {
			w := newWorld(t)
			w.ask("PUT", "anna-token", "", map[string]any{"squash_option": squash, "merge_method": method})
			head := w.commit("sluice/prd/app", "2", map[string]any{"start_branch": "main"})
			id, err := w.project.OpenMR(t.Context(), opening())
			w.must(err)
			w.only()
			w.must(w.project.Merge(t.Context(), plan.MergeMR{MR: id, SHA: head}))
			list, _, err := w.project.Recent(t.Context(), time.Now().Add(-time.Hour))
			w.must(err)
			commit := w.ask("GET", token, "repository/commits/main", nil)["id"]
			if len(list) != 1 || string(list[0].Landed) != commit {
				t.Errorf("%s, squash %s: %+v; want it landed as %s", method, squash, list, commit)
			}
		}
	}
}
