package plan_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

const waiting = `version: 1
layout: ["clusters/{cluster}/apps/{app}"]
environments:
  - {name: dev, clusters: [d1]}
  - {name: stg, from: dev, clusters: [s1, s2], gates: {healthy: false}}
`

func waitingWorld(t *testing.T, apps ...string) *world {
	files := map[string]string{"sluice.yaml": waiting}
	for _, app := range apps {
		files["clusters/d1/apps/"+app+"/kustomization.yaml"] = "images: [{name: web, newTag: 1.1.0}]"
		files["clusters/s1/apps/"+app+"/kustomization.yaml"] = "images: [{name: web, newTag: 1.0.0}]"
		files["clusters/s2/apps/"+app+"/kustomization.yaml"] = "images: [{name: web, newTag: 1.0.0}]"
	}
	w := newWorld(t, files, time.Date(2026, 11, 3, 10, 0, 0, 0, time.UTC))
	w.commit(sha("c1"), files)
	return w
}

// doWith computes with what is rendered and does what is planned.
func (w *world) doWith(rendered map[core.Target]plan.Rendering) *plan.Plan {
	s := w.observe()
	s.Rendered = rendered
	p := w.planned(s)
	for _, a := range p.Actions {
		w.apply(a)
	}
	return p
}

func edits(p *plan.Plan) (n int) {
	for _, a := range p.Actions {
		if _, ok := a.(plan.EditMR); ok {
			n++
		}
	}
	return n
}

// A description shows what is rendered, asks for what is not, and never goes
// back and forth between the two.
func TestADescriptionShowsTheManifestsOnceTheyAreRendered(t *testing.T) {
	w := waitingWorld(t, "web")
	target := core.Target{Env: "stg", App: "web"}
	if p := w.doWith(nil); len(p.Unrendered) != 0 {
		t.Error("renderings are asked for although no description is written yet")
	}
	p := w.compute()
	if len(p.Unrendered) != 1 || p.Unrendered[0].Target != target || len(p.Unrendered[0].Overlays) != 2 || len(p.Unrendered[0].Files) != 2 {
		t.Fatalf("asked for: %+v", p.Unrendered)
	}
	first := map[core.Target]plan.Rendering{target: {Change: p.Unrendered[0].Change, Differences: []message.Difference{{Clusters: []core.Cluster{"s1"}, Text: "@@ Pod web @@\n+ first"}}}}
	w.doWith(first)
	if d := w.open[0].Description; !strings.Contains(d, "+ first") {
		t.Errorf("opened with\n%s", d)
	}
	if p := w.doWith(first); edits(p) > 0 || len(p.Unrendered) > 0 {
		t.Error("what is rendered is edited again")
	}
	if p := w.doWith(nil); edits(p) > 0 || len(p.Unrendered) != 1 {
		t.Errorf("without the rendering there are %d edits, and %d renderings are asked for", edits(p), len(p.Unrendered))
	}
	if p := w.doWith(map[core.Target]plan.Rendering{target: {Change: "another"}}); edits(p) > 0 || len(p.Unrendered) != 1 {
		t.Error("the rendering of another change counts")
	}
	first[target] = plan.Rendering{Change: first[target].Change, Differences: []message.Difference{{Clusters: []core.Cluster{"s1"}, Text: "@@ Pod web @@\n+ second"}}}
	if p := w.doWith(first); edits(p) != 1 || !strings.Contains(w.open[0].Description, "+ second") {
		t.Errorf("another rendering makes %d edits", edits(p))
	}
}

// An overlay that all clusters of an environment share is rendered once.
func TestASharedOverlayIsRenderedOnce(t *testing.T) {
	files := map[string]string{
		"sluice.yaml":                     strings.Replace(waiting, "clusters/{cluster}/apps/{app}", "apps/{app}/{env}", 1),
		"apps/web/dev/kustomization.yaml": "images: [{name: web, newTag: 1.1.0}]",
		"apps/web/stg/kustomization.yaml": "images: [{name: web, newTag: 1.0.0}]",
	}
	w := newWorld(t, files, time.Date(2026, 11, 3, 10, 0, 0, 0, time.UTC))
	w.commit(sha("c1"), files)
	w.doWith(nil)
	p := w.compute()
	if len(p.Unrendered) != 1 || len(p.Unrendered[0].Overlays) != 1 || len(p.Unrendered[0].Overlays[0].Clusters) != 2 {
		t.Errorf("asked for: %+v", p.Unrendered)
	}
}

func TestLongNames(t *testing.T) {
	long, tooLong := strings.Repeat("ü", 120), strings.Repeat("x", 241)
	w := waitingWorld(t, long, tooLong)
	for range 4 {
		w.doWith(nil)
	}
	for _, s := range w.compute().Targets {
		if blocked := s.Phase == plan.Blocked && strings.Contains(s.Reason, "shorten it"); blocked != (s.Target.App == core.App(tooLong)) {
			t.Errorf("%.20s…: %s, %s", s.Target.App, s.Phase, s.Reason)
		}
	}
	if len(w.open) != 1 || utf8.RuneCountInString(w.open[0].Title) > 255 || !strings.HasPrefix(w.open[0].Title, "Promote üü") {
		t.Fatalf("open: %+v", w.open)
	}
	if p := w.doWith(nil); len(p.Actions) > 0 {
		t.Errorf("the title of %d characters is changed again and again", utf8.RuneCountInString(w.open[0].Title))
	}
}

// A second app whose name differs in case only stops the first, too, whether
// the planner saw them come or not; and the first goes on when it is gone.
func TestATwinThatComesAndGoes(t *testing.T) {
	w := waitingWorld(t, "web")
	both := waitingWorld(t, "web", "Web").files()
	alone := w.files()
	for i, c := range []struct {
		files map[string]string
		phase plan.Phase
	}{{alone, plan.Opening}, {both, plan.Blocked}, {alone, plan.Opening}} {
		w.commit(sha("c"+string(rune('2'+i))), c.files)
		for _, s := range w.compute().Targets {
			if s.Phase != c.phase {
				t.Errorf("step %d: %s is %s, %s", i, s.Target, s.Phase, s.Reason)
			}
		}
	}
}
