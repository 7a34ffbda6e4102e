package lint_test

import (
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// The reference monorepo shows every common way to pin a version, all of them
// are understood, and its environments differ as in real life.
func TestTheReferenceMonorepoShowsEveryStyle(t *testing.T) {
	files := reference(t)
	p, err := policy.Parse(policy.FileName, []byte(files[policy.FileName]))
	if err != nil {
		t.Fatal(err)
	}
	inv, err := overlay.NewReader().Read(memtree.Text(files), p)
	if err != nil {
		t.Fatal(err)
	}
	styles, differ := map[string]bool{}, false
	for target, list := range inv.All() {
		for _, d := range list {
			if d.Broken != nil || len(d.Pins) == 0 {
				t.Errorf("%v: %d pins, %v", target, len(d.Pins), d.Broken)
			}
			for _, one := range d.Pins {
				_, digest := one.Holds()
				styles[string(one.Kind)] = true
				styles["digest"] = styles["digest"] || digest
				styles["variable"] = styles["variable"] || strings.HasSuffix(one.At.File, "/kustomizations.yaml")
				styles["images"] = styles["images"] || one.Kind == pin.Image && strings.HasSuffix(one.At.File, "/kustomization.yaml")
			}
			for _, other := range inv.Of(core.Target{Env: "prd", App: target.App}) {
				differ = differ || !d.SameVersions(other)
			}
		}
	}
	for _, style := range []string{"image", "chart", "value", "source", "digest", "variable", "images"} {
		if !styles[style] {
			t.Errorf("no version of the style %s", style)
		}
	}
	if !differ {
		t.Error("all environments have the same versions")
	}
}
