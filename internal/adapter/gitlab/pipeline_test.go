package gitlab_test

import (
	"fmt"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// TestConformanceMergedResults follows a merged results pipeline, whose commit
// nobody pushed, over a push that it does not know of.
func TestConformanceMergedResults(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	head := w.commit("sluice/prd/app", "2", map[string]any{"start_branch": "main"})
	id, err := w.project.OpenMR(t.Context(), opening())
	w.must(err)
	if pl := w.only().Pipeline; pl != nil {
		t.Errorf("a pipeline that nobody started: %+v", pl)
	}
	ref := fmt.Sprintf("refs/merge-requests/%d/merge", id)
	pipeline, err := w.fake.CreatePipeline("ai/flux", string(head), ref, "success")
	w.must(err)
	mr := w.only()
	if mr.Pipeline == nil || mr.Pipeline.ID != pipeline || mr.Pipeline.SHA == head || mr.Pipeline.Head != head {
		t.Fatalf("the head is %s, the pipeline %+v", head, mr.Pipeline)
	}
	if checks := (&plan.State{Project: plan.Project{Bot: w.bot}}).Checks(&mr); checks != "success" {
		t.Errorf("checks say %q", checks)
	}
	next := w.commit("sluice/prd/app", "3", nil)
	if mr := w.only(); mr.Head != next || mr.Pipeline != nil && mr.Pipeline.Head == next {
		t.Errorf("after a push: head %s, pipeline %+v", mr.Head, mr.Pipeline)
	}
}

func TestThePipelineOfACommitThatIsGone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply reply
		want  core.SHA
	}{
		"gone":            {reply{status: 404, body: `{"message":"404 Commit Not Found"}`}, ""},
		"of two parents":  {reply{body: `{"parent_ids":["` + string(shaB) + `","` + string(shaA) + `"]}`}, shaA},
		"of one parent":   {reply{body: `{"parent_ids":["` + string(shaA) + `"]}`}, ""},
		"without parents": {reply{body: `{}`}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const merge = "repository/commits/cccccccccccccccccccccccccccccccccccccccc"
			replies := map[string][]reply{
				"GET projects/7/" + merge:                            {tc.reply},
				"GET projects/7/" + merge + "/statuses?per_page=100": {{body: "[]"}},
			}
			details(replies, 3, mrBody(3, "opened", `"iid":3`, `"iid":3,"sha":"`+string(shaA)+`","head_pipeline":{"id":41,"sha":"cccccccccccccccccccccccccccccccccccccccc","ref":"refs/merge-requests/3/merge","status":"success"}`))
			s := serve(t, replies)
			mr, ok, err := s.project(setup{}).MergeRequest(t.Context(), 3)
			if err != nil || !ok || mr.Pipeline == nil || mr.Pipeline.Head != tc.want {
				t.Errorf("%v %t: pipeline %+v, want the head %q", err, ok, mr.Pipeline, tc.want)
			}
		})
	}
}
