package render_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/internal/adapter/render"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/seed"
)

// promotions are the overlays of the last environment of a generated monorepo,
// each with a file that a promotion would replace.
func promotions(tb testing.TB, n int) (overlay.Tree, []plan.Unrendered) {
	tb.Helper()
	files, err := seed.Monorepo(seed.Options{Apps: n, Seed: 1})
	if err != nil {
		tb.Fatal(err)
	}
	p, err := policy.Parse(policy.FileName, files[policy.FileName])
	if err != nil {
		tb.Fatal(err)
	}
	tree := memtree.New(files)
	inv, err := overlay.NewReader().Read(tree, p)
	if err != nil {
		tb.Fatal(err)
	}
	var out []plan.Unrendered
	for target, list := range inv.All() {
		d := list[0]
		if target.Env != p.Environments[len(p.Environments)-1].Name || len(d.Pins) == 0 || len(out) == n {
			continue
		}
		version := []byte(d.Pins[0].Parts[0].Text)
		file := d.Pins[0].At.File
		out = append(out, plan.Unrendered{
			Target: target, Overlays: []plan.Overlay{{Dir: d.Dir, Clusters: []core.Cluster{d.Cluster}}},
			Files: []plan.File{{Path: file, Content: bytes.ReplaceAll(files[file], version, []byte("77.0.0"))}},
		})
	}
	return tree, out
}

// What 100 promotions cost that are rendered for the first time, and what it
// costs to see that none of it has changed.
func BenchmarkRender(b *testing.B) {
	tree, all := promotions(b, 100)
	r := new(render.Renderer)
	var inputs []render.Inputs
	b.Run("100", func(b *testing.B) {
		for b.Loop() {
			inputs = nil
			for _, u := range all {
				d, in := r.Render(b.Context(), tree, u.Overlays[0], u.Files)
				if d.Problem != "" || d.Text == "" {
					b.Fatalf("%s: %q", u.Target, d.Problem)
				}
				inputs = append(inputs, in)
			}
		}
	})
	b.Run("1", func(b *testing.B) {
		for b.Loop() {
			r.Render(b.Context(), tree, all[0].Overlays[0], all[0].Files)
		}
	})
	b.Run("100 held", func(b *testing.B) {
		for b.Loop() {
			for _, in := range inputs {
				if !in.Hold(tree) {
					b.Fatal("the inputs do not hold")
				}
			}
		}
	})
}

// What is generated as an example renders, and shows its change.
func TestGeneratedMonoreposRender(t *testing.T) {
	tree, all := promotions(t, 12)
	for _, u := range all {
		d, _ := new(render.Renderer).Render(t.Context(), tree, u.Overlays[0], u.Files)
		// A variable is put in by Flux, after the build that is rendered here.
		variable := slices.ContainsFunc(u.Files, func(f plan.File) bool { return strings.HasSuffix(f.Path, "/kustomizations.yaml") })
		if d.Problem != "" || bytes.Contains([]byte(d.Text), []byte("77.0.0")) == variable {
			t.Errorf("%s: %q, %q", u.Target, d.Problem, d.Text)
		}
	}
	if len(all) < 12 {
		t.Errorf("only %d promotions", len(all))
	}
}
