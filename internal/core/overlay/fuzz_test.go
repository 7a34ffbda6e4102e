package overlay_test

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// patience tells what ends from what never would: it is no measure of speed,
// since the machine may be busy and the race detector on.
const patience = 3 * time.Minute

// hostile is a small monorepo of what somebody else has written: an overlay
// with a patch, a base, a component and a Flux Kustomization.
func hostile(kustomization, patch, base, flux []byte) map[string][]byte {
	return map[string][]byte{
		"clusters/d1/apps/web/kustomization.yaml": kustomization,
		"clusters/d1/apps/web/patch.yaml":         patch,
		"clusters/d1/apps/web/o.yaml":             patch,
		"clusters/d1/flux-system/apps.yaml":       flux,
		"bases/web/kustomization.yaml":            []byte("resources: [base.yaml]\n"),
		"bases/web/base.yaml":                     base,
		"components/c/kustomization.yaml":         kustomization,
	}
}

// survive reads a monorepo twice and edits every pin that can be edited. It may
// be refused with a place; it must not panic, take long or differ.
func survive(t *testing.T, files map[string][]byte) {
	t.Helper()
	inv := within(t, files)
	if diff := cmp.Diff(inventoryText(inv), inventoryText(read(t, files))); diff != "" {
		t.Error(diff)
	}
	for _, list := range inv.All() {
		for _, d := range list {
			if d.Broken == nil {
				tryEdits(t, files, d)
			}
		}
	}
}

func within(t *testing.T, files map[string][]byte) *overlay.Inventory {
	t.Helper()
	start := time.Now()
	inv := read(t, files)
	if took := time.Since(start); took > patience {
		t.Errorf("it took %v", took)
	}
	return inv
}

// tryEdits requires that a pin names scalars that exist and hold what it says.
// The editor may still refuse them.
func tryEdits(t *testing.T, files map[string][]byte, d *overlay.Deployment) {
	t.Helper()
	for _, p := range d.Pins[:min(len(d.Pins), 5)] {
		fit, err := p.Fit("7.7.7@sha256:77")
		if err != nil || p.Fixed() != nil {
			continue
		}
		changes := p.Set(fit)
		for _, c := range changes[:min(len(changes), 5)] {
			f, err := yamledit.Parse(files[c.At.File])
			if err != nil {
				t.Fatalf("%s in a file that is not YAML: %v", p.Key, err)
			}
			n, err := f.At(c.At.Doc, c.At.Path)
			if err == nil && c.At.Inner == nil && n.Text() != c.Old {
				t.Errorf("%s is %q, but %q stands at %s:%d", p.Key, c.Old, n.Text(), c.At.File, c.At.Line)
			}
			_, _ = f.Set(yamledit.Edit{Doc: c.At.Doc, Path: c.At.Path, Inner: c.At.Inner, Old: c.Old, New: c.New, Keep: c.Keep})
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("resources: [../../../../bases/web]\npatches: [{path: patch.yaml}]\n"), []byte("kind: Deployment"), []byte("kind: Deployment"), []byte(""))
	f.Add([]byte("resources: [o.yaml]\ncomponents: [../../../../components/c]"), []byte("a: &a [*a]"), []byte("<<: &x {<<: *x}"), []byte("{"))
	archives, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range archives {
		addArchive(f, name)
	}
	f.Fuzz(func(t *testing.T, kustomization, patch, base, flux []byte) {
		survive(t, hostile(kustomization, patch, base, flux))
	})
}

// addArchive takes each overlay of an archive for a seed, with files of the
// same archive beside it.
func addArchive(f *testing.F, name string) {
	f.Helper()
	a, err := txtar.ParseFile(name)
	if err != nil {
		f.Fatal(err)
	}
	var kusts, others [][]byte
	flux := []byte{}
	for _, file := range a.Files {
		switch {
		case isGolden(file.Name):
		case strings.Contains(file.Name, "/apps/") && filepath.Base(file.Name) == "kustomization.yaml":
			data := bytes.ReplaceAll(file.Data, []byte("bases/api"), []byte("bases/web"))
			kusts = append(kusts, bytes.ReplaceAll(data, []byte("bases/all"), []byte("bases/web")))
		case strings.Contains(file.Name, "flux-system"):
			flux = file.Data
		case filepath.Base(file.Name) != "kustomization.yaml":
			others = append(others, file.Data)
		}
	}
	for i, k := range kusts {
		patch, base := []byte{}, []byte{}
		if len(others) > 0 {
			patch, base = others[i%len(others)], others[(i+1)%len(others)]
		}
		f.Add(k, patch, base, flux)
	}
}

// TestHostileMonoreposEnd builds what a fuzzer would take years to find.
func TestHostileMonoreposEnd(t *testing.T) {
	const base = "resources: [../../../../bases/web]\n"
	object := func(i int) string {
		return fmt.Sprintf("apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: o%d}\nspec: {template: {spec: {containers: [{name: a, image: \"r/%d:1\"}]}}}\n---\n", i, i)
	}
	times := func(n int, text func(i int) string) string {
		var b strings.Builder
		for i := range n / 10 { // a tenth shows what would never end, and bears the race detector
			b.WriteString(text(i))
		}
		return b.String()
	}
	release := func(values string) string {
		return "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: x}\nspec:\n  values:\n" + values
	}
	wide := release(times(20_000, func(i int) string { return fmt.Sprintf("    k%d: 1\n", i) }))
	for name, c := range map[string]struct{ kustomization, patch, base string }{
		"aliases of aliases": {base, "", release("    a0: &a0 [{image: x}]\n" + times(100, func(i int) string {
			return fmt.Sprintf("    a%d: &a%d [*a%d, *a%d, *a%d]\n", i+1, i+1, i, i, i)
		}))},
		"an alias of itself":     {base, "", release("    a: &a {b: *a}\n    <<: *a\n")},
		"many objects":           {base, "", times(3000, object)},
		"many images":            {base + "images:\n" + times(5000, func(i int) string { return fmt.Sprintf("- {name: 'r/.*%d', newTag: v1}\n", i) }), "", times(2000, object)},
		"many patches":           {base + "patches:\n" + times(2000, func(int) string { return "- {path: patch.yaml, target: {kind: D.*, name: '(o|p)+1?.*'}}\n" }), object(1), times(2000, object)},
		"a patch for many":       {base + "patches: [{path: patch.yaml, target: {}}]\n", wide, times(2000, object)},
		"operations on much":     {base + "patches: [{path: patch.yaml, target: {}}]\n", times(10_000, func(i int) string { return fmt.Sprintf("- {op: add, path: /spec/values/n%d, value: 1}\n", i) }), wide},
		"removals from much":     {base + "patches: [{path: patch.yaml}]\n", release(times(20_000, func(i int) string { return fmt.Sprintf("    k%d: null\n", i) })), wide},
		"copies of copies":       {base + "patches: [{path: patch.yaml, target: {}}]\n", times(64, func(int) string { return "- {op: copy, from: /spec/values, path: /spec/values/x}\n" }), release("    image: r/x:1\n")},
		"nested deeply":          {base, "", release("    a: " + strings.Repeat("[", 5000))},
		"nested kustomizations":  {base + times(200, func(int) string { return "- ../../../../bases/web\n" }), "", ""},
		"components of a kind":   {"components: [" + strings.Repeat("../../../../components/c, ", 5000) + "]\n", "", ""},
		"a long expression":      {base + "images: [{name: '" + strings.Repeat("(a?){500}", 1000) + "', newTag: v1}]\n", "", object(1)},
		"a repeated expression":  {base + "images: [{name: '((a{100}){100}){100}', newTag: v1}]\n", "", object(1)},
		"a nested expression":    {base + "patches: [{target: {name: '" + strings.Repeat("(", 490) + strings.Repeat(")*", 490) + "'}, patch: 'kind: x'}]\n", "", object(1)},
		"a document many times":  {base + "patches: [{path: patch.yaml}]\n", strings.Repeat("---\n", 50_000), object(1)},
		"one image many times":   {base, "", "kind: Pod\napiVersion: v1\nmetadata: {name: x}\nspec:\n  containers:\n" + times(30_000, func(i int) string { return fmt.Sprintf("  - {name: c%d, image: 'r/x:1'}\n", i) })},
		"one image in versions":  {base, "", "kind: Pod\napiVersion: v1\nmetadata: {name: x}\nspec:\n  containers:\n" + times(30_000, func(i int) string { return fmt.Sprintf("  - {name: c, image: 'r/x:%d'}\n", i) })},
		"containers by name":     {base + "patches: [{path: patch.yaml}]\n", "kind: Pod\napiVersion: v1\nmetadata: {name: x}\nspec:\n  containers:\n" + times(20_000, func(i int) string { return fmt.Sprintf("  - {name: n%d}\n", i) }), "kind: Pod\napiVersion: v1\nmetadata: {name: x}\nspec:\n  containers:\n" + times(20_000, func(i int) string { return fmt.Sprintf("  - {name: c%d}\n", i) })},
		"labels and large files": {base + "patches:\n" + times(1000, func(int) string { return "- {path: patch.yaml, target: {labelSelector: a=b}}\n" }), wide, object(1)},
	} {
		t.Run(name, func(t *testing.T) {
			within(t, hostile([]byte(c.kustomization), []byte(c.patch), []byte(c.base), nil))
		})
	}
}

// TestKustomizationsThatMultiplyEnd has each directory take the next one many
// times: there are more ways through them than atoms.
func TestKustomizationsThatMultiplyEnd(t *testing.T) {
	files := map[string][]byte{"clusters/d1/apps/web/kustomization.yaml": []byte("resources: [" + strings.Repeat("../../../../b/0, ", 50) + "]")}
	for i := range 14 {
		files[fmt.Sprintf("b/%d/kustomization.yaml", i)] = fmt.Appendf(nil, "resources: [%s]", strings.Repeat(fmt.Sprintf("../%d, ", i+1), 50))
	}
	files["b/14/kustomization.yaml"] = []byte("namePrefix: x\n")
	survive(t, files)
	inv, err := overlay.NewReader().Read(memtree.New(files), parsePolicy(t, testPolicy))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(inv.Problems, func(p overlay.Problem) bool { return strings.Contains(p.Message, "work") }) {
		t.Errorf("the problems are %v", inv.Problems)
	}
}
