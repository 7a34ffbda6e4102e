package overlay_test

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/pin"
)

// TestRandomOverridesChangeTheirVersionAlone gives overlays entries of their
// own, and asks kustomize what that changes.
func TestRandomOverridesChangeTheirVersionAlone(t *testing.T) {
	made, bound := map[pin.Kind]int{}, map[string]int{}
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		files := map[string][]byte{}
		for name, content := range randomMonorepo(rnd) {
			files[name] = []byte(content)
		}
		d := deploymentOf(t, files)
		if d.Broken != nil {
			continue
		}
		before, err := render(t, files, d.Dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range d.Pins {
			switch {
			case p.Override != nil:
				made[p.Kind]++
				checkOverride(t, files, d, p, before)
			case p.Shared() != nil:
				bound[p.Bound]++
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d:\n%s", seed, show(files, d))
		}
	}
	t.Logf("overrides: %v; none: %v", made, bound)
	for _, kind := range []pin.Kind{pin.Image, pin.Chart, pin.Source, pin.Value} {
		if made[kind] < 100 {
			t.Errorf("only %v overrides", made)
		}
	}
}

func deploymentOf(t *testing.T, files map[string][]byte) *overlay.Deployment {
	t.Helper()
	inv, err := overlay.NewReader().Read(memtree.New(files), parsePolicy(t, testPolicy))
	if err != nil {
		t.Fatal(err)
	}
	for _, list := range inv.All() {
		return list[0]
	}
	t.Fatal("no overlay")
	return nil
}

// checkOverride requires that only lines with the pin's version change, that
// they get just the new one, and that the pin is the overlay's own from then on.
func checkOverride(t *testing.T, files map[string][]byte, d *overlay.Deployment, p pin.Pin, before string) {
	t.Helper()
	next := "77.1.0"
	if tag, digest, ok := strings.Cut(p.Version, "@"); ok {
		next = joined(strings.Repeat(next, min(1, len(tag))), digest[:len(digest)-4]+"beef")
	}
	now := rewritten(t, files, d, p, next)
	after, err := render(t, now, d.Dir)
	if err != nil {
		t.Errorf("%s set to %s no longer builds: %v", p.Key, next, err)
		return
	}
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	changed := 0
	for i := range min(len(was), len(is)) {
		if was[i] == is[i] {
			continue
		}
		changed++
		if want := setIn(was[i], p.Version, next); bare(is[i]) != want {
			t.Errorf("%s set to %s makes %q of %q", p.Key, next, is[i], was[i])
		}
	}
	if len(was) != len(is) || changed == 0 {
		t.Errorf("%s set to %s: %d lines changed, and %d lines became %d", p.Key, next, changed, len(was), len(is))
	}
	checkOwned(t, d, deploymentOf(t, now), p.Key, next)
}

// setIn is a line with another tag, another digest, or both.
func setIn(line, old, next string) string {
	oldTag, oldDigest, _ := strings.Cut(old, "@")
	tag, digest, _ := strings.Cut(next, "@")
	line = bare(line)
	if oldTag != "" {
		line = strings.Replace(line, oldTag, tag, 1)
	}
	if oldDigest != "" {
		line = strings.Replace(line, oldDigest, digest, 1)
	}
	return line
}

// bare is a line without quotes, which kustomize sets where a text needs them.
func bare(line string) string { return strings.NewReplacer(`"`, "", "'", "").Replace(line) }

func checkOwned(t *testing.T, before, after *overlay.Deployment, k pin.Key, next string) {
	t.Helper()
	versions := func(d *overlay.Deployment) map[string]string {
		out := map[string]string{}
		for _, p := range d.Pins {
			out[p.String()] = p.Version
		}
		return out
	}
	want := versions(before)
	want[k.String()] = next
	if got := versions(after); !maps.Equal(got, want) {
		t.Errorf("after the override of %s: got %v, want %v", k, got, want)
	}
	p, _ := after.Lookup(k)
	if p.Shared() != nil || !slices.ContainsFunc(after.Inputs, func(in overlay.Input) bool { return in.Path == p.At.File && in.Content != nil }) {
		t.Errorf("after its override, %s still comes from %s", k, p.At.File)
	}
}
