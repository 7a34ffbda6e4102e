package promoter

import (
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/bus"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/pkg/events"
)

// ear is a GitLab that notes what it is told to read anew.
type ear struct {
	Forge
	heard []mention
}

type mention struct {
	mr     core.MRID
	commit core.SHA
}

func (e *ear) Heard(id core.MRID, commit core.SHA) { e.heard = append(e.heard, mention{id, commit}) }

// TestAHintHasWhatItNamesReadAnew sends hints of each kind. What names nothing
// that is known, and each push, concerns everything.
func TestAHintHasWhatItNamesReadAnew(t *testing.T) {
	for name, c := range map[string]struct {
		hint events.Hint
		want mention
	}{
		"a comment":                 {events.Hint{Kind: events.KindNote, MR: 7, Note: 70, SHA: string(shaB)}, mention{7, shaB}},
		"a comment on an issue":     {events.Hint{Kind: events.KindNote, Note: 70}, mention{}},
		"a merge request":           {events.Hint{Kind: events.KindMergeRequest, MR: 7}, mention{7, ""}},
		"a pipeline":                {events.Hint{Kind: events.KindPipeline, SHA: string(shaB)}, mention{0, shaB}},
		"a push":                    {events.Hint{Kind: events.KindPush, Ref: "refs/heads/main", SHA: string(shaB)}, mention{}},
		"something new":             {events.Hint{Kind: events.KindOther, MR: 7}, mention{}},
		"what could not be read":    {events.Hint{Kind: events.KindEverything}, mention{}},
		"everything, with a number": {events.Hint{Kind: events.KindEverything, MR: 7}, mention{}},
	} {
		t.Run(name, func(t *testing.T) {
			r, _, _ := ready(t, time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC))
			e := &ear{}
			r.Forge = e
			m, err := events.Encode(events.Event{ID: "1", Time: time.Now(), Payload: c.hint})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.p.hint(t.Context(), bus.Delivery{Subject: m.Subject, Headers: m.Headers, Body: m.Body}); err != nil {
				t.Fatal(err)
			}
			if len(e.heard) != 1 || e.heard[0] != c.want || len(r.asked) != 1 {
				t.Errorf("heard %+v, want %+v; passes asked for: %d", e.heard, c.want, len(r.asked))
			}
		})
	}
}

// TestAPushHasItsMergeRequestReadAnew covers the pushes of Sluice's own.
func TestAPushHasItsMergeRequestReadAnew(t *testing.T) {
	r, o, _ := ready(t, time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC))
	e := &ear{}
	r.Forge = e
	r.heard(o, plan.BranchPrefix+"stg/other")
	r.heard(o, plan.BranchPrefix+"stg/web")
	if len(e.heard) != 1 || e.heard[0].mr != 7 {
		t.Errorf("heard %+v, want !7", e.heard)
	}
}
