package gitlab_test

import (
	"testing"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
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
