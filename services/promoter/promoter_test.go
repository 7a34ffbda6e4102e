package promoter

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/pkg/events"
)

const (
	shaA = core.SHA("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	shaB = core.SHA("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")
)

func TestClassify(t *testing.T) {
	at := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	apps := gate.Object{Kind: "Kustomization", Namespace: "flux-system", Name: "apps"}
	web := gate.Object{Kind: "HelmRelease", Namespace: "web", Name: "web"}
	report := func(o gate.Object, severity, reason, revision, origin string) events.Report {
		return events.Report{Cluster: "c", Kind: o.Kind, Namespace: o.Namespace, Name: o.Name, ResourceVersion: "42",
			Severity: severity, Reason: reason, Revision: revision, OriginRevision: origin, Message: "why", Timestamp: at}
	}
	for name, c := range map[string]struct {
		report events.Report
		want   *gate.Event
	}{
		"heartbeat": {report(apps, "info", "ReconciliationSucceeded", "main@sha1:"+string(shaA), ""),
			&gate.Event{Object: apps, Revision: shaA, Ready: true, At: at, Order: 42}},
		"failure": {report(apps, "error", "HealthCheckFailed", "main@sha1:"+string(shaA), ""),
			&gate.Event{Object: apps, Revision: shaA, Reason: "HealthCheckFailed: why", At: at, Order: 42}},
		"failure that names no revision": {report(apps, "error", "ArtifactFailed", "", ""),
			&gate.Event{Object: apps, Reason: "ArtifactFailed: why", At: at, Order: 42}},
		"failure that calls itself progress": {report(apps, "error", "Progressing", "main@sha1:"+string(shaA), ""),
			&gate.Event{Object: apps, Revision: shaA, Reason: "Progressing: why", At: at, Order: 42}},
		"an artifact's origin counts": {report(apps, "info", "ReconciliationSucceeded", "latest@sha256:"+string(shaA)+string(shaA)[:24], "main@sha1:"+string(shaB)),
			&gate.Event{Object: apps, Revision: shaB, Ready: true, At: at, Order: 42}},
		"success without a revision proves nothing": {report(apps, "info", "ReconciliationSucceeded", "", ""), nil},
		"applying is not applied":                   {report(apps, "info", "Progressing", "main@sha1:"+string(shaA), ""), nil},
		"waiting for a dependency":                  {report(apps, "info", "DependencyNotReady", "main@sha1:"+string(shaA), ""), nil},
		"release failed":                            {report(web, "error", "UpgradeFailed", "1.2.3", ""), &gate.Event{Object: web, Reason: "UpgradeFailed: why", At: at, Order: 42}},
		"release upgraded":                          {report(web, "info", "UpgradeSucceeded", "1.2.3", ""), &gate.Event{Object: web, Ready: true, At: at, Order: 42}},
		"a chart that could not be fetched":         {report(web, "error", "ArtifactFailed", "1.2.3", ""), nil},
		"release rolled back is no recovery":        {report(web, "info", "RollbackSucceeded", "1.2.3", ""), nil},
		"a source is not looked at":                 {report(gate.Object{Kind: "GitRepository", Name: "flux-system"}, "info", "NewArtifact", "main@sha1:"+string(shaA), ""), nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := classify(c.report)
			if ok != (c.want != nil) {
				t.Fatalf("of use: %t, want %t", ok, c.want != nil)
			}
			if ok {
				if diff := cmp.Diff(*c.want, got); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// TestStoredForm pins how reports and triggers are kept: what an older Sluice
// has stored must be read by a newer one.
func TestStoredForm(t *testing.T) {
	at := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	r := gate.Report{Heard: at, Order: 7, Runs: []gate.Run{
		{Revision: shaA, Since: at.Add(-time.Hour), Ready: true, ReadyAt: at.Add(-time.Hour)},
		{Revision: shaB, Since: at, Reason: "HealthCheckFailed: why"},
	}}
	const stored = `{"heard":"2026-11-03T12:00:00Z","order":7,"runs":[{"revision":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","since":"2026-11-03T11:00:00Z","readyAt":"2026-11-03T11:00:00Z"},{"revision":"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","since":"2026-11-03T12:00:00Z","reason":"HealthCheckFailed: why"}]}`
	got, err := json.Marshal(recordOf(r))
	if err != nil || string(got) != stored {
		t.Errorf("stored as\n%s, %v; want\n%s", got, err, stored)
	}
	var rec reportRecord
	if err := json.Unmarshal([]byte(stored), &rec); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, rec.report(gate.Object{})); diff != "" {
		t.Error(diff)
	}
	got, err = json.Marshal(triggerRecord{Revision: shaA, At: at, Attempts: 2})
	if want := `{"revision":"` + string(shaA) + `","at":"2026-11-03T12:00:00Z","attempts":2}`; err != nil || string(got) != want {
		t.Errorf("stored as %s, %v; want %s", got, err, want)
	}
}

func TestWorstDecidesWhenToLookAgain(t *testing.T) {
	conflict, transient := core.Errorf(core.Conflict, "moved"), core.RetryAfter(time.Minute, errors.New("later"))
	denied := core.Errorf(core.Denied, "no right")
	for name, c := range map[string]struct {
		errs []error
		want core.Kind
		wait time.Duration
	}{
		"one of several moved": {[]error{denied, nil, transient, conflict}, core.Conflict, time.Minute},
		"one may work later":   {[]error{denied, transient}, core.Transient, time.Minute},
		"nothing will help":    {[]error{nil, denied}, core.Denied, 0},
	} {
		err := worst(c.errs)
		if core.KindOf(err) != c.want || core.WaitOf(err) != c.wait {
			t.Errorf("%s: %v, kind %s, wait %s", name, err, core.KindOf(err), core.WaitOf(err))
		}
	}
	if err := worst([]error{nil, nil}); err != nil {
		t.Errorf("without an error: %v", err)
	}
}

func TestActionsOfATargetKeepTheirOrder(t *testing.T) {
	web, api := core.Target{Env: "stg", App: "web"}, core.Target{Env: "stg", App: "api"}
	of := func(t core.Target, reason string) plan.Cause { return plan.Cause{Target: t, Reason: reason} }
	got := grouped([]plan.Action{
		plan.EditMR{Cause: of(web, "1")}, plan.CloseMR{Cause: of(api, "2")}, plan.MergeMR{Cause: of(web, "3")},
		plan.Trigger{Cause: of(core.Target{}, "4")}, plan.Trigger{Cause: of(core.Target{}, "5")},
	})
	var reasons []string
	for _, group := range got {
		text := ""
		for _, a := range group {
			text += a.Because()
		}
		reasons = append(reasons, text)
	}
	if diff := cmp.Diff([]string{"13", "2", "4", "5"}, reasons); diff != "" {
		t.Error(diff)
	}
}

func TestPauseGrowsAndIsBounded(t *testing.T) {
	for attempt := range 100 {
		if d := pause(attempt); d < firstPause/2 || d > lastPause {
			t.Errorf("pause(%d) = %s", attempt, d)
		}
	}
	if pause(20) < lastPause/2 {
		t.Errorf("pause(20) = %s", pause(20))
	}
}

func TestReadinessFollowsProgress(t *testing.T) {
	start := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	p := &Promoter{cfg: Config{Sweep: time.Minute, Clock: func() time.Time { return start }}}
	r := newRepo(p, Monorepo{Path: "g/p"})
	if err := r.ready(start); err == nil {
		t.Error("ready before the first pass")
	}
	r.trouble = errors.New("no GitLab")
	if err := r.ready(start); err == nil {
		t.Error("ready although the first pass failed")
	}
	r.progress, r.trouble = start, nil
	if err := r.ready(start.Add(2 * time.Minute)); err != nil {
		t.Error("not ready two sweeps after a success:", err)
	}
	if err := r.ready(start.Add(4 * time.Minute)); err == nil {
		t.Error("ready although nothing has succeeded for four sweeps")
	}
}

func TestNoClusterLosesItsPresentRevisionToAnothersPast(t *testing.T) {
	reports, now := map[core.Cluster][]gate.Report{}, map[core.SHA]bool{}
	for c := range 10 {
		var r gate.Report
		for i := range 100 {
			r.Runs = append(r.Runs, gate.Run{Revision: core.SHA(fmt.Sprintf("%020d%020d", c, i))})
		}
		now[r.Runs[99].Revision] = true
		reports[core.Cluster(fmt.Sprintf("c%d", c))] = []gate.Report{r}
	}
	got := reported(reports)
	if len(got) != maxPast {
		t.Errorf("%d revisions, want %d", len(got), maxPast)
	}
	for _, revision := range got {
		delete(now, revision)
	}
	if len(now) > 0 {
		t.Errorf("the present revisions of %d clusters are missing", len(now))
	}
}
