package plan_test

import (
	"slices"
	"unicode/utf8"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// setStatus does what GitLab does: it refuses to say again what is so already,
// changes what is unfinished, and makes a pipeline where there is none.
func (w *world) setStatus(a plan.SetStatus) {
	w.t.Helper()
	mr := w.mr(a.MR)
	if n := utf8.RuneCountInString(a.Description); n == 0 || n > 255 {
		w.t.Fatalf("set a status with %d characters", n)
	}
	if a.Pipeline == 0 {
		mr.Pipeline = &plan.Pipeline{ID: int64(w.number()), SHA: a.SHA, Head: a.SHA, Ref: a.Branch, Status: a.State}
		a.Pipeline = mr.Pipeline.ID
	}
	for i := range mr.Statuses {
		s := &mr.Statuses[i]
		if s.Name != plan.StatusName || s.Author != bot || s.Pipeline != a.Pipeline || !slices.Contains([]string{"pending", "running"}, s.State) {
			continue
		}
		if a.State == "pending" {
			w.t.Fatalf("set a status to %s that is %s", a.State, s.State)
		}
		s.State, s.Description = a.State, a.Description
		return
	}
	mr.Statuses = slices.DeleteFunc(mr.Statuses, func(s plan.CommitStatus) bool {
		return s.Name == plan.StatusName && s.Author == bot && s.Pipeline == a.Pipeline
	})
	mr.Statuses = append(mr.Statuses, plan.CommitStatus{
		ID: int64(w.number()), Name: plan.StatusName, Author: bot, Pipeline: a.Pipeline, State: a.State, Description: a.Description,
	})
}

func (w *world) guardThread(a plan.GuardThread) {
	mr := w.mr(a.MR)
	for i := range mr.Notes {
		if n := &mr.Notes[i]; n.Author == bot && n.Body == a.Body {
			n.Resolved = a.Resolved
			return
		}
	}
	mr.Notes = append(mr.Notes, plan.Note{ID: core.NoteID(w.number()), Author: bot, Body: a.Body, CreatedAt: w.now, UpdatedAt: w.now, Resolvable: true, Resolved: a.Resolved})
}
