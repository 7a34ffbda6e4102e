package bench

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/git"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

var full = flag.Bool("full", false, "measure the sizes of docs/performance.md, which takes minutes")

// TestPlan measures and prints the table. Without -full it only shows that all
// that is measured works.
func TestPlan(t *testing.T) {
	sizes, repeats := []int{6, 12}, 2
	if *full {
		sizes, repeats = []int{1000, 10000}, 20
	}
	if *full {
		holdCollector() // for kustomize as for Sluice
	}
	var columns []column
	for _, n := range sizes {
		columns = append(columns, measure(t, n, repeats))
	}
	fmt.Print(table(columns))
}

// column is what was measured of one monorepo.
type column struct {
	apps, files           int
	render                cost // of every overlay, by kustomize
	rendered              int  // overlays that this was measured on
	first, cold           alone
	fetch, changed, still []time.Duration
	shell, push           []time.Duration
}

func measure(t *testing.T, n, repeats int) column {
	c := column{apps: n}
	generate(n, func(string, string) { c.files++ })
	s := newServer(t)
	head := s.commit("", "all apps", func(out emit) { generate(n, out) })

	step := max(1, n/1000) // rendering 30,000 overlays would take minutes and say no more
	root := checkout(t, n)
	begin := now(t)
	c.rendered = renderAll(t, root, n, step)
	c.render = now(t).since(begin).times(step)
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}

	dir := filepath.Join(t.TempDir(), "mirror")
	c.first = s.planAlone(dir)
	c.cold = s.planAlone(dir)
	if want := 2 * n; c.cold.Targets != want {
		t.Fatalf("%d targets were planned, want %d", c.cold.Targets, want)
	}
	c.warm(t, s, dir, head, repeats)
	return c
}

// warm measures what a promoter that has been running for a while does.
func (c *column) warm(t *testing.T, s *server, dir string, head core.SHA, repeats int) {
	m, err := git.Open(t.Context(), s.config(dir))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	p := &planner{mirror: m, reader: overlay.NewReader()}
	if _, err := m.Fetch(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	if _, err := p.plan(head); err != nil {
		t.Fatal(err)
	}
	for k := range repeats {
		i := (k*7 + 1) % c.apps
		head = s.commit(head, "one app", func(out emit) { out(pinned("dev-1", i), pinnedAt(i, fmt.Sprintf("1.%d.0", k+1))) })
		c.fetch = append(c.fetch, timed(t, func() error { _, err := m.Fetch(t.Context(), "main"); return err }))
		var done *plan.Plan
		c.changed = append(c.changed, timed(t, func() (err error) { done, err = p.plan(head); return err }))
		c.still = append(c.still, timed(t, func() error { _, err := p.plan(head); return err }))
		promotion := promotionOf(t, done, i)
		if k > repeats/4 {
			continue // cloning 80,000 files twenty times says no more
		}
		c.push = append(c.push, timed(t, func() error { _, err := m.Push(t.Context(), promotion); return err }))
		parent := t.TempDir()
		c.shell = append(c.shell, timed(t, func() error { shellWay(t, s, parent, promotion); return nil }))
		if err := os.RemoveAll(parent); err != nil {
			t.Fatal(err)
		}
	}
}

// timed is how long f takes; what failed was not measured.
func timed(t *testing.T, f func() error) time.Duration {
	t.Helper()
	begin := time.Now()
	if err := f(); err != nil {
		t.Fatal(err)
	}
	return time.Since(begin)
}

// promotionOf is what is planned for an app in stg.
func promotionOf(t *testing.T, p *plan.Plan, i int) plan.PushBranch {
	t.Helper()
	for _, a := range p.Actions {
		if push, ok := a.(plan.PushBranch); ok && push.About() == (core.Target{Env: "stg", App: core.App(appName(i))}) {
			return push
		}
	}
	t.Fatalf("nothing is planned for %s", appName(i))
	return plan.PushBranch{}
}

// shellWay does by hand what a push of the promotion does.
func shellWay(t *testing.T, s *server, parent string, p plan.PushBranch) {
	t.Helper()
	run(t, parent, "clone", "-q", "--depth", "1", s.url, "clone")
	dir := filepath.Join(parent, "clone")
	for _, f := range p.Files {
		if err := os.WriteFile(filepath.Join(dir, f.Path), f.Content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	run(t, dir, "commit", "-q", "-a", "-m", p.Message)
	run(t, dir, "push", "-q", "origin", "HEAD:refs/heads/by-hand/"+p.Branch)
}

func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

// table is the measurement in Markdown.
func table(columns []column) string {
	var b strings.Builder
	small, big := columns[0], columns[1]
	row := func(what string, of func(column) string, relation, goal string) {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", what, of(small), of(big), relation, goal)
	}
	spends := func(of func(column) cost) func(column) string {
		return func(c column) string { return show(of(c).Processor) + " (" + show(of(c).Clock) + ")" }
	}
	took := func(of func(column) time.Duration) func(column) string {
		return func(c column) string { return show(of(c)) }
	}
	grows := func(of func(column) time.Duration) string {
		return fmt.Sprintf("× %.1f", float64(of(big))/float64(of(small)))
	}
	of := func(list func(column) []time.Duration) func(column) time.Duration {
		return func(c column) time.Duration { return median(list(c)) }
	}
	changed, still := of(func(c column) []time.Duration { return c.changed }), of(func(c column) []time.Duration { return c.still })
	fetch := of(func(c column) []time.Duration { return c.fetch })
	push, shell := of(func(c column) []time.Duration { return c.push }), of(func(c column) []time.Duration { return c.shell })

	row("", func(c column) string { return fmt.Sprintf("%d apps, %d files", c.apps, c.files) }, "larger / smaller", "to reach")
	b.WriteString("|---|---:|---:|---:|---|\n")
	render, cold := func(c column) cost { return c.render }, func(c column) cost { return c.cold.Plan }
	row("`kustomize build` of every overlay, in processor time (by the clock)", func(c column) string { return spends(render)(c) + sampled(c) }, grows(func(c column) time.Duration { return c.render.Processor }), "")
	row("cold plan, likewise", spends(cold), grows(func(c column) time.Duration { return c.cold.Plan.Processor }), "")
	row("… times faster than rendering", func(c column) string {
		return times(c.render.Processor, c.cold.Plan.Processor) + " (" + times(c.render.Clock, c.cold.Plan.Clock) + ")"
	}, "", "at least 20 with 8,000 files")
	row("plan after a commit that touches one app", took(changed), grows(changed), "at most 20 ms, at most × 2")
	row("… the slowest", took(func(c column) time.Duration { return slices.Max(c.changed) }), "", "")
	row("… the fetch before it", took(fetch), grows(fetch), "")
	row("… both", took(func(c column) time.Duration { return fetch(c) + changed(c) }), grows(func(c column) time.Duration { return fetch(c) + changed(c) }), "")
	row("plan with nothing changed", took(still), grows(still), "at most 2 ms")
	row("peak memory of a cold plan", func(c column) string { return mebibytes(c.cold.Peak) }, "", "at most 1 GiB")
	row("… with the first fetch", func(c column) string { return mebibytes(c.first.Peak) }, "", "")
	row("one promotion: clone --depth 1, edit, commit, push", took(shell), grows(shell), "")
	row("one promotion: commit and push from the warm mirror", took(push), grows(push), "")
	row("… times faster", func(c column) string { return times(shell(c), push(c)) }, "", "at least 10")
	return b.String()
}

func sampled(c column) string {
	if c.rendered == c.apps*len(clusters()) {
		return ""
	}
	return fmt.Sprintf(" (from %d overlays)", c.rendered)
}

func times(slow, fast time.Duration) string { return fmt.Sprintf("%.0f", float64(slow)/float64(fast)) }

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }

// show keeps three digits.
func show(d time.Duration) string {
	switch {
	case d >= time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d >= 10*time.Millisecond:
		return fmt.Sprintf("%.0f ms", float64(d.Microseconds())/1000)
	default:
		return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000)
	}
}
