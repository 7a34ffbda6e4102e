package overlay_test

import (
	"flag"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

var update = flag.Bool("update", false, "rewrite the golden parts of testdata")

const testPolicy = `version: 1
layout:
  - clusters/{cluster}/apps/{app}
environments:
  - {name: dev, clusters: [d1]}
  - {name: stg, from: dev, clusters: [s1, s2]}
`

func parsePolicy(t *testing.T, src string) *policy.Policy {
	t.Helper()
	p, err := policy.Parse(policy.FileName, []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var small = map[string]string{
	"clusters/d1/apps/web/kustomization.yaml": "resources: [../../../../bases/web]\nimages:\n  - name: web\n    newTag: 1.0.0\n",
	"clusters/s1/apps/web/kustomization.yaml": "resources: [../../../../bases/web]\nimages:\n  - name: web\n    newTag: 1.0.0\n",
	"bases/web/kustomization.yaml":            "resources: [deployment.yaml]\n",
	"bases/web/deployment.yaml":               "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\n",
}

// counting counts how often content is read.
type counting struct {
	overlay.Tree
	reads int
}

func (c *counting) Read(path string) ([]byte, error) {
	c.reads++
	return c.Tree.Read(path)
}

func TestWhatIsUnchangedIsNotReadAgain(t *testing.T) {
	p := parsePolicy(t, testPolicy)
	r := overlay.NewReader()
	first, err := r.Read(memtree.Text(small), p)
	if err != nil {
		t.Fatal(err)
	}
	again := &counting{Tree: memtree.Text(small)}
	second, err := r.Read(again, p)
	if err != nil {
		t.Fatal(err)
	}
	if again.reads != 0 {
		t.Errorf("%d files were read again", again.reads)
	}
	target := core.Target{Env: "dev", App: "web"}
	if first.Of(target)[0] != second.Of(target)[0] {
		t.Error("an unchanged deployment is not shared")
	}
}

// TestEveryChangeIsSeen changes one file at a time, with a reader that
// remembers, and compares with a reader that does not.
func TestEveryChangeIsSeen(t *testing.T) {
	p := parsePolicy(t, testPolicy)
	r := overlay.NewReader()
	if _, err := r.Read(memtree.Text(small), p); err != nil {
		t.Fatal(err)
	}
	changes := map[string]map[string]string{
		"overlay":         {"clusters/d1/apps/web/kustomization.yaml": "resources: [../../../../bases/web]\nimages:\n  - name: web\n    newTag: 1.1.0\n"},
		"base":            {"bases/web/kustomization.yaml": "resources: [deployment.yaml]\nimages:\n  - {name: side, newTag: 3.0.0}\n"},
		"base is removed": {"bases/web/kustomization.yaml": "", "bases/web/deployment.yaml": ""},
		"file is removed": {"bases/web/deployment.yaml": ""},
		"file to release": {"bases/web/deployment.yaml": "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web}\nspec: {chart: {spec: {version: 2.0.0}}}\n"},
		"other name":      {"clusters/d1/apps/web/kustomization.yaml": "", "clusters/d1/apps/web/kustomization.yml": "images:\n  - {name: web, newTag: 9.0.0}\n"},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			files := maps.Clone(small)
			for path, content := range change {
				if files[path] = content; content == "" {
					delete(files, path)
				}
			}
			for _, tree := range []overlay.Tree{memtree.Text(files), memtree.Text(small)} {
				got, err := r.Read(tree, p)
				if err != nil {
					t.Fatal(err)
				}
				want, err := overlay.NewReader().Read(tree, p)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(inventoryText(want), inventoryText(got)); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// TestAVariableIsWrittenWhereItStands promotes nothing; it sets two pins that
// are variables and one inside a literal block, and compares the bytes.
func TestAVariableIsWrittenWhereItStands(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/flux.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range archive.Files {
		files[f.Name] = f.Data
	}
	inv, err := overlay.NewReader().Read(memtree.New(files), parsePolicy(t, testPolicy))
	if err != nil {
		t.Fatal(err)
	}
	const file = "clusters/d1/flux-system/kustomizations.yaml"
	want := string(files[file])
	for _, app := range []core.App{"gateway", "patched"} {
		for _, p := range inv.Of(core.Target{Env: "dev", App: app})[0].Pins {
			if p.Shared() != nil || p.Fixed() != nil {
				t.Errorf("%s cannot be written: %+v", p.Key, p.Parts)
			}
			next := p.Version + "1"
			want = strings.Replace(want, p.Version, next, 1)
			files = edited(t, files, p.Set(next))
		}
	}
	if diff := cmp.Diff(want, string(files[file])); diff != "" {
		t.Error(diff)
	}
}
