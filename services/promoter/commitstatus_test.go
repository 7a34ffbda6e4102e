package promoter

import (
	"context"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
	"github.com/sluice-gitops/sluice/internal/core"
)

// wall is a GitLab on which anybody writes statuses.
type wall struct {
	at    map[core.SHA][]gitlab.FluxStatus
	asked int
}

func (w *wall) FluxStatuses(_ context.Context, commit core.SHA) ([]gitlab.FluxStatus, error) {
	w.asked++
	return w.at[commit], nil
}

// Only the author that the configuration names is believed, each commit is asked
// for once per sweep however many clusters there are, and what was written long
// ago is no health of today.
func TestCommitStatusesOfTheTrustedAuthorCount(t *testing.T) {
	l := newLine(t, nil)
	defer l.stop()
	now := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	status := func(success bool, author string, minutes int) gitlab.FluxStatus {
		return gitlab.FluxStatus{Cluster: "stg", Kind: "kustomization", Namespace: "flux-system", Name: "apps", Success: success, Description: "token=t0p-s3cret", At: now.Add(time.Duration(minutes) * time.Minute), Author: author}
	}
	w := &wall{at: map[core.SHA][]gitlab.FluxStatus{shaA: {status(true, "flux-bot", -2), status(false, "mallory", -1)}}}
	l.p.cfg.Clock = func() time.Time { return now }
	l.p.cfg.StatusAuthors = map[core.Cluster]string{"STG": "flux-bot", "stg": "flux-bot"}
	l.p.repos[0].Statuses, l.p.repos[0].head = w, shaA
	for _, watch := range newWatches(l.p) {
		l.p.watches = append(l.p.watches, watch)
		for range 3 {
			if err := watch.once(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if w.asked != 1 {
		t.Errorf("GitLab was asked %d times about one commit", w.asked)
	}
	got := l.p.clusterWitnesses()["stg"][0]
	run, _ := got.Reports[0].Now()
	if !run.Ready || run.Revision != shaA || !run.ReadyAt.Equal(now.Add(-2*time.Minute)) {
		t.Errorf("%+v", run)
	}
	if silent := got.Reports[0].Silent(); !silent.Equal(now.Add(58 * time.Minute)) {
		t.Errorf("it is believed until %s", silent)
	}

	now = now.Add(l.p.cfg.Sweep)
	w.at[shaA] = []gitlab.FluxStatus{status(false, "flux-bot", 3)}
	if err := l.p.watches[0].once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := l.p.watches[1].once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if run, _ := l.p.clusterWitnesses()["stg"][0].Reports[0].Now(); run.Ready || run.Reason != "token=[masked]" || w.asked != 2 {
		t.Errorf("%+v after %d questions", run, w.asked)
	}
}
