package plan_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// seeds is how many worlds each property is tried in.
const seeds = 60

var start = time.Date(2026, 11, 3, 8, 0, 0, 0, time.UTC)

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// kustomization pins two images, of which the second is often the same.
func kustomization(web, tool string) string {
	return fmt.Sprintf("images:\n  - name: web # main\n    newTag: %q\n  - {name: tool, newTag: %s}\n", web, tool)
}

// randomFiles is a monorepo of three environments, some of several clusters.
// In a calm one dev is ahead of the others and nothing is broken.
func randomFiles(r *rand.Rand, calm bool) map[string]string {
	merge := func() string { return pick(r, "merge: auto", "merge: auto", "merge: manual") }
	gates := func() string {
		return pick(r, "{healthy: true}", "{healthy: false}", "{soak: 10m}", "{approvals: {count: 1}}", "{healthy: false, approvals: {count: 2, from: [role:developer]}}")
	}
	if calm {
		merge = func() string { return "merge: auto" }
	}
	files := map[string]string{policy.FileName: fmt.Sprintf(`version: 1
guard: %s
layout: ["clusters/{cluster}/apps/{app}"]
environments:
  - {name: dev, clusters: [d1]}
  - {name: stg, from: dev, clusters: [s1, s2], %s, gates: %s}
  - {name: prd, from: stg, clusters: [p1], %s, gates: %s}
%s`, pick(r, "status", "status", "thread", "none"), merge(), gates(), merge(), gates(), pick(r, "", "", "apps: [{match: \"app[01]\", group: pair}]\n"))}
	versions := []string{"1.0.0", "1.0.1", "1.1.0-rc.1", "1.1.0", "1.10.0", "2.0.0", "main", "2026.11.3"}
	for i := range 1 + r.IntN(4) {
		app := fmt.Sprintf("app%d", i)
		for _, cluster := range []string{"d1", "s1", "s2", "p1"} {
			file := "clusters/" + cluster + "/apps/" + app + "/kustomization.yaml"
			switch {
			case calm && cluster == "d1":
				files[file] = kustomization("1.10.0", "2.0.0")
			case calm:
				files[file] = kustomization(versions[r.IntN(4)], versions[r.IntN(5)])
			case r.IntN(15) == 0:
				files[file] = "resources: [missing.yaml]\n"
			case r.IntN(15) > 0:
				files[file] = kustomization(pick(r, versions...), pick(r, versions[:6]...))
			}
		}
	}
	return files
}

func randomWorld(t testing.TB, r *rand.Rand, calm bool) *world {
	files := randomFiles(r, calm)
	w := newWorld(t, files, start)
	w.commit(sha("c1"), files)
	w.trains = r.IntN(3) == 0
	for id, level := range []int{0, 0, 0, 50, 40, 30, 20, 10} {
		if id > 2 {
			w.people[core.UserID(id)] = plan.Person{ID: core.UserID(id), Username: fmt.Sprintf("user%d", id), Level: level, Active: id != 3}
		}
	}
	return w
}

// disturb does what people, clusters and GitLab may do between two passes.
func (w *world) disturb(r *rand.Rand) {
	w.now = w.now.Add(time.Duration(r.IntN(400)) * time.Second)
	switch r.IntN(9) {
	case 0, 1:
		w.reconcile()
	case 2:
		for cluster, list := range w.reports {
			if r.IntN(2) == 0 && len(list) > 0 {
				last, _ := list[0].Now()
				list[0] = gate.Fold(list[0], gate.Event{Object: list[0].Object, Revision: last.Revision, Reason: "no memory", At: w.now})
				w.reports[cluster] = list
			}
		}
	case 3, 4, 5:
		w.comment(r)
	case 6:
		files := randomFiles(r, false)
		delete(files, policy.FileName)
		for path, content := range w.files() {
			if _, ok := files[path]; !ok || path == policy.FileName || r.IntN(3) > 0 {
				files[path] = content
			}
		}
		w.commit(sha(fmt.Sprintf("c%d", w.number())), files)
	case 7:
		for i := range w.open {
			w.open[i].MergeStatus = pick(r, "mergeable", "mergeable", "checking", "conflict", "odd")
		}
	case 8:
		if len(w.open) > 0 && r.IntN(3) == 0 {
			w.close(pick(r, w.open...).ID, 4)
		}
	}
}

func (w *world) comment(r *rand.Rand) {
	for i := range w.recent {
		if r.IntN(4) == 0 {
			w.talk(w.recent[i].ID, 0, func(notes []plan.Note) []plan.Note {
				return append(notes, plan.Note{ID: core.NoteID(w.number()), Author: core.UserID(2 + r.IntN(6)), CreatedAt: w.now, UpdatedAt: w.now,
					Body: pick(r, "/sluice reopen", "/sluice status", "/sluice approve", "hello")})
			})
		}
	}
	for i := range w.open {
		mr := &w.open[i]
		if len(mr.Notes) > 0 && r.IntN(4) == 0 {
			n := &mr.Notes[r.IntN(len(mr.Notes))]
			if n.Author != bot {
				n.Body, n.UpdatedAt = pick(r, "/sluice approve", "/sluice hold", "never mind"), w.now
			}
		}
		mr.Notes = append(mr.Notes, plan.Note{
			ID: core.NoteID(w.number()), Author: core.UserID(2 + r.IntN(6)), CreatedAt: w.now, UpdatedAt: w.now, Internal: r.IntN(9) == 0,
			Body: pick(r, "/sluice approve", "/sluice approve", "/sluice approve", "/sluice hold", "/sluice unhold", "/sluice status", "/sluice x", "hello",
				"/sluice unapprove", "/sluice retry", "/sluice take-over", "/sluice skip", "/sluice explain"),
		})
	}
}

// step computes once, checks what must hold of every plan, and carries it out.
func (w *world) step(r *rand.Rand) *plan.Plan {
	w.t.Helper()
	p := w.compute()
	w.checkOrder(r, p)
	w.checkSafe(p)
	for _, a := range p.Actions {
		w.apply(a)
	}
	w.runTrain()
	return p
}

// TestAnythingMayHappen lets people and clusters interfere at random and looks
// at every plan on the way; left alone, each world then comes to rest.
func TestAnythingMayHappen(t *testing.T) {
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			w := randomWorld(t, r, false)
			for range 30 {
				w.disturb(r)
				w.step(r)
				if t.Failed() {
					return
				}
			}
			settle(t, w)
			checkOneEach(t, w)
		})
	}
}

func checkOneEach(t *testing.T, w *world) {
	t.Helper()
	seen := map[string]bool{}
	for _, mr := range w.open {
		if seen[mr.Source] {
			t.Errorf("two open merge requests for %s", mr.Source)
		}
		seen[mr.Source] = true
	}
}

// TestVersionsArrive lets a calm world run with people who agree to everything.
func TestVersionsArrive(t *testing.T) {
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			w := randomWorld(t, r, true)
			rounds := 0
			for ; rounds < 12; rounds++ {
				w.now = w.now.Add(11 * time.Minute)
				w.reconcileOnce()
				w.agree()
				if len(w.step(r).Actions) == 0 {
					break
				}
			}
			for target, list := range w.inventory[w.head()].All() {
				for _, d := range list {
					if d.Pins[0].Version != "2.0.0" || d.Pins[1].Version != "1.10.0" {
						t.Errorf("%s, cluster %s has %s and %s after %d rounds\n%s", target, d.Cluster, d.Pins[0].Version, d.Pins[1].Version, rounds, render(w, w.compute()))
					}
				}
			}
			if rounds == 12 || len(w.open) > 0 || len(w.branches) > 0 {
				t.Errorf("not at rest after %d rounds: %d merge requests, %d branches", rounds, len(w.open), len(w.branches))
			}
		})
	}
}

// reconcileOnce lets clusters report a revision when they get to it.
func (w *world) reconcileOnce() {
	for _, list := range w.reports {
		if last, ok := list[0].Now(); ok && last.Revision == w.head() {
			return
		}
	}
	w.reconcile()
}

func (w *world) agree() {
	for i := range w.open {
		for _, who := range []core.UserID{4, 5} {
			mr := &w.open[i]
			if !slices.ContainsFunc(mr.Notes, func(n plan.Note) bool { return n.Author == who && !n.CreatedAt.Before(mr.Versions[0].CreatedAt) }) {
				mr.Notes = append(mr.Notes, plan.Note{ID: core.NoteID(w.number()), Author: who, Body: "/sluice approve", CreatedAt: w.now, UpdatedAt: w.now})
			}
		}
	}
}

// TestCrashes cuts a plan short after any of its actions. What was agreed to
// must count all the same, and nothing may be answered twice.
func TestCrashes(t *testing.T) {
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 3))
			w := randomWorld(t, r, true)
			for range 80 {
				w.now = w.now.Add(11 * time.Minute)
				w.reconcileOnce()
				w.agree()
				p := w.compute()
				for _, a := range p.Actions[:r.IntN(len(p.Actions)+1)] {
					w.apply(a)
				}
				w.runTrain()
			}
			if len(w.open) > 0 || anyLasting(w.compute().Actions) {
				t.Errorf("stuck:\n%s", render(w, w.compute()))
			}
		})
	}
}

// TestJunk fills states with values that no observation would give.
func TestJunk(t *testing.T) {
	for seed := range uint64(4 * seeds) {
		r := rand.New(rand.NewPCG(seed, 4))
		w := randomWorld(t, r, false)
		for range r.IntN(6) {
			w.disturb(r)
			w.step(r)
		}
		s := w.observe()
		if r.IntN(4) == 0 {
			*s = plan.State{Inventory: s.Inventory, Open: s.Open, Branches: s.Branches, Reports: s.Reports}
		}
		for i := range s.Open {
			scramble(r, reflect.ValueOf(&s.Open[i]).Elem())
		}
		for name, b := range s.Branches {
			scramble(r, reflect.ValueOf(&b).Elem())
			s.Branches[name] = b
		}
		for _, list := range s.Reports {
			for i := range list {
				scramble(r, reflect.ValueOf(&list[i]).Elem())
			}
		}
		first := w.planned(s)
		if diff := cmp.Diff(render(w, first), render(w, plan.Compute(w.policy, s, w.now))); diff != "" {
			t.Errorf("seed %d: computed twice, planned two things:\n%s", seed, diff)
		}
	}
}

// scramble empties or replaces some of a struct's fields.
func scramble(r *rand.Rand, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		if r.IntN(8) > 0 || !f.CanSet() {
			continue
		}
		f.SetZero()
		switch f.Kind() {
		case reflect.String:
			f.SetString(pick(r, "", "x", "\n\n", "sluice/stg/app0", strings.Repeat("é", 300)))
		case reflect.Int64:
			f.SetInt(r.Int64N(5) - 1)
		}
	}
}
