package promoter

import (
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// way is a repo in which a merge at noon brought web 1.1.0 to the clusters s and
// s2 as commit B, which is the head.
type way struct {
	t        *testing.T
	now      time.Time
	repo     *repo
	registry *prometheus.Registry
	o        *observation
}

const wayRules = `version: 1
layout: ["clusters/{cluster}/apps/{app}"]
environments:
  - {name: dev, clusters: [d]}
  - {name: stg, from: dev, clusters: [s, s2]}
`

func newWay(t *testing.T) *way {
	t.Helper()
	w := &way{t: t, now: time.Date(2026, 11, 3, 11, 0, 0, 0, time.UTC), registry: prometheus.NewRegistry()}
	p, err := New(Config{Monorepos: []Monorepo{{Path: "g/p"}}, Clock: func() time.Time { return w.now }, Logger: slog.New(slog.DiscardHandler), Metrics: w.registry})
	if err != nil {
		t.Fatal(err)
	}
	rules, err := policy.Parse(policy.FileName, []byte(wayRules))
	if err != nil {
		t.Fatal(err)
	}
	reader := overlay.NewReader()
	at := func(version string) *overlay.Inventory {
		files := map[string]string{policy.FileName: wayRules}
		for _, cluster := range []string{"s", "s2"} {
			files["clusters/"+cluster+"/apps/web/kustomization.yaml"] = "images: [{name: web, newTag: " + version + "}]\n"
		}
		inv, err := reader.Read(memtree.Text(files), rules)
		if err != nil {
			t.Fatal(err)
		}
		return inv
	}
	w.repo = p.repos[0]
	w.o = &observation{policy: rules, state: &plan.State{
		Head: shaB, Inventory: at("1.1.0"), Past: map[core.SHA]*overlay.Inventory{shaA: at("1.0.0")},
		Reports: map[core.Cluster][]gate.Report{}, Triggers: map[core.Cluster]plan.TriggerRecord{},
		Recent: []plan.MergeRequest{{ID: 7, State: plan.Merged, Source: "sluice/stg/web", Landed: shaB, Ended: noon(0)}},
	}}
	return w
}

func noon(s int) time.Time {
	return time.Date(2026, 11, 3, 12, 0, s, 0, time.UTC)
}

// pass is one pass, so many seconds after noon.
func (w *way) pass(s int) {
	w.now = noon(s)
	w.repo.measure(w.o)
}

func (w *way) reports(cluster core.Cluster, s int, revision core.SHA, ready bool) {
	list := w.o.state.Reports[cluster]
	if list == nil {
		list = []gate.Report{{}}
	}
	list[0] = gate.Fold(list[0], gate.Event{Object: gate.Object{Kind: gate.Kustomization, Namespace: "flux-system", Name: "apps"}, Revision: revision, Ready: ready, At: noon(s)})
	w.o.state.Reports[cluster] = list
}

func (w *way) called(cluster core.Cluster, ordered, taken int) {
	w.o.state.Triggers[cluster] = plan.TriggerRecord{Revision: shaB, At: noon(ordered), Attempts: 1, Called: noon(taken)}
}

// measured lists what was observed, as "name cluster count × seconds".
func (w *way) measured() []string {
	w.t.Helper()
	families, err := w.registry.Gather()
	if err != nil {
		w.t.Fatal(err)
	}
	out := []string{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if h := m.GetHistogram(); h != nil && len(m.GetLabel()) == 1 && m.GetLabel()[0].GetName() == "cluster" {
				out = append(out, fmt.Sprintf("%s %s %d × %gs", f.GetName()[len("sluice_flux_"):], m.GetLabel()[0].GetValue(), h.GetSampleCount(), h.GetSampleSum()))
			}
		}
	}
	slices.Sort(out)
	return out
}

func (w *way) want(lines ...string) {
	w.t.Helper()
	if lines == nil {
		lines = []string{}
	}
	if diff := cmp.Diff(lines, w.measured()); diff != "" {
		w.t.Errorf("measured (-want +got):\n%s", diff)
	}
}

func TestTheWayOfAMergeIsMeasuredOnce(t *testing.T) {
	w := newWay(t)
	w.reports("s", -600, shaA, true)
	w.reports("s2", -600, shaA, true)
	w.pass(1)
	w.want()
	w.called("s", 1, 2)
	w.pass(3)
	w.reports("s", 10, shaB, false)
	w.pass(10)
	w.reports("s2", 12, shaB, true) // by its own interval
	w.pass(12)
	w.reports("s", 30, shaB, true)
	w.called("s", 40, 41) // of another merge
	w.pass(30)
	w.reports("s", 50, shaB, false) // fails later
	w.pass(50)
	w.reports("s", 60, shaB, true)
	w.pass(60)
	w.want(
		"applied_to_healthy_seconds s 1 × 20s", "applied_to_healthy_seconds s2 1 × 0s",
		"merge_to_healthy_seconds s 1 × 30s", "merge_to_healthy_seconds s2 1 × 12s",
		"merge_to_trigger_seconds s 1 × 2s", "trigger_to_applied_seconds s 1 × 8s",
	)
}

// TestOnlyWhatCameIsMeasured lists ways that say nothing of how long it takes.
func TestOnlyWhatCameIsMeasured(t *testing.T) {
	for name, change := range map[string]func(*way){
		"merged before the process began":  func(w *way) { w.o.state.Recent[0].Ended = noon(-7200) },
		"closed":                           func(w *way) { w.o.state.Recent[0].State = plan.Closed },
		"overtaken by a later one":         func(w *way) { w.o.state.Recent = append(w.o.state.Recent, laterMerge(w.o.state.Recent[0])) },
		"into an environment that is gone": func(w *way) { w.o.state.Recent[0].Source = "sluice/tst/web" },
		"the cluster had it before":        func(w *way) { w.o.state.Past[shaA] = w.o.state.Inventory },
		"it takes more than a day": func(w *way) {
			w.now = noon(0)
			w.o.state.Recent[0].Ended = noon(-100_000)
			w.repo.started = noon(-200_000)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWay(t)
			change(w)
			w.reports("s", -600, shaA, true)
			w.pass(1)
			w.reports("s", 5, shaB, true)
			w.pass(5)
			w.want()
		})
	}
}

// laterMerge is another one of the same target that has not landed in sight.
func laterMerge(mr plan.MergeRequest) plan.MergeRequest {
	mr.ID, mr.Ended, mr.Landed = mr.ID+1, mr.Ended.Add(time.Second), ""
	return mr
}
