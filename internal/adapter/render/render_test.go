package render_test

import (
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/sluice-gitops/sluice/internal/adapter/render"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

var update = flag.Bool("update", false, "rewrite the golden parts of testdata")

func rendered(t testing.TB, files map[string]string, dir string, after map[string]string) message.Difference {
	t.Helper()
	var list []plan.File
	for name, content := range after {
		list = append(list, plan.File{Path: name, Content: []byte(content)})
	}
	d, _ := new(render.Renderer).Render(t.Context(), memtree.Text(files), plan.Overlay{Dir: dir, Clusters: []core.Cluster{"c1"}}, list)
	return d
}

// TestCorpus renders the overlay "app" (or the file "app.yaml") of every archive
// in testdata: its files, those below "after/" in place of them afterwards, and
// what is to be seen in the file "want".
func TestCorpus(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no corpus", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files, after, dir := map[string]string{}, map[string]string{}, "app"
			for _, f := range archive.Files[:len(archive.Files)-1] {
				if at, ok := strings.CutPrefix(f.Name, "after/"); ok {
					after[at] = string(f.Data)
					continue
				}
				files[f.Name] = string(f.Data)
				if f.Name == "app.yaml" {
					dir = f.Name
				}
			}
			want := &archive.Files[len(archive.Files)-1]
			d := rendered(t, files, dir, after)
			got := d.Text
			if d.Problem != "" {
				got = "problem: " + d.Problem + "\n"
			}
			if strings.Contains(got, "hunter") || strings.Contains(got, "aHVudGVy") || strings.Contains(got, "ENC[") {
				t.Errorf("a secret is shown:\n%s", got)
			}
			if *update {
				want.Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(want.Data), got); diff != "" || want.Name != "want" {
				t.Errorf("%s (-want +got):\n%s", want.Name, diff)
			}
		})
	}
}

// Whatever a kustomization names, no server is asked and no program is started.
func TestTheNetworkIsNeverTouched(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer server.Close()
	bin := t.TempDir()
	ran := filepath.Join(bin, "ran")
	for _, program := range []string{"git", "helm", "docker"} {
		if err := os.WriteFile(filepath.Join(bin, program), []byte("#!/bin/sh\necho \"$0 $*\" >> "+ran+"\nexit 1\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", bin)
	u := server.URL
	host := strings.TrimPrefix(u, "http://")
	for _, kustomization := range []string{
		"resources: [" + u + "/x.yaml]", "resources: [" + u + "/org/repo//dir?ref=v1]", "Resources: [" + u + "]", "RESOURCES: ['" + u + "']",
		"bases: [" + u + "/org/repo?ref=v1]", "components: [" + u + "/org/repo]", "resources: ['github.com/org/repo']", "resources: ['GitHub.com/org/repo']",
		"resources: ['git::" + u + "/org/repo']", "resources: ['git@" + host + ":org/repo']", "resources: ['git@localhost:org/repo.git']", "resources: ['ssh://git@" + host + "/org/repo']",
		"resources: ['file:///etc']", "resources: [\"ht\\x74p://" + host + "/x\"]", "resources: [!!binary " + b64(u+"/x.yaml") + "]", "resources: [\"" + u + "/a\\nb\"]",
		"x: &x [" + u + "]\nresources: *x", "<<: {resources: [" + u + "]}", "namespace: a\n---\nresources: [" + u + "]",
		"resources: [{a: " + u + "}]", "crds: [" + u + "/crd.yaml]", "configurations: [" + u + "/c.yaml]", "openapi: {path: " + u + "/schema.json}",
		"patches: [{path: " + u + "/p.yaml}]", "patchesStrategicMerge: [" + u + "/p.yaml]", "patchesJson6902: [{path: " + u + "/p.yaml, target: {kind: A, version: v1, name: b}}]",
		"replacements: [{path: " + u + "/r.yaml}]", "configMapGenerator: [{name: a, files: [" + u + "/f]}]", "configMapGenerator: [{name: a, files: ['k=" + u + "/f']}]",
		"configMapGenerator: [{name: a, envs: [" + u + "/f]}]", "secretGenerator: [{name: a, env: " + u + "/f}]",
		"generators: [local.yaml]", "transformers: [local.yaml]", "Validators: [local.yaml]", "helmCharts: [{name: a, repo: " + u + "}]", "helmChartInflationGenerator: [{chartName: a}]",
		"transformers:\n- |\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: a}\n  path: " + u,
		"resources: [base]",
	} {
		d := rendered(t, map[string]string{
			"app/kustomization.yaml":      kustomization,
			"app/base/kustomization.yaml": "resources: [" + u + "/deep.yaml]",
			"app/local.yaml":              "apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: a}\npath: " + u + "\n",
		}, "app", nil)
		if d.Problem == "" {
			t.Errorf("%s: rendered as %q", kustomization, d.Text)
		}
		if n := asked.Swap(0); n > 0 {
			t.Errorf("%s: %d requests", kustomization, n)
		}
		if said, err := os.ReadFile(ran); err == nil {
			t.Fatalf("%s: started %s", kustomization, said)
		}
	}
}

func b64(s string) string {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for len(s)%3 != 0 {
		s += "x"
	}
	var b strings.Builder
	for i := 0; i < len(s); i += 3 {
		n := int(s[i])<<16 | int(s[i+1])<<8 | int(s[i+2])
		for shift := 18; shift >= 0; shift -= 6 {
			b.WriteByte(digits[n>>shift&63])
		}
	}
	return b.String()
}

// A monorepo that is made to cost much costs a bounded amount, and says so.
func TestHostileMonoreposAreBounded(t *testing.T) {
	doubling := map[string]string{"app/kustomization.yaml": "resources: [../l0]"}
	for i := range 40 {
		doubling[fmt.Sprintf("l%d/kustomization.yaml", i)] = fmt.Sprintf("resources: [../a%d, ../b%d]", i, i)
		doubling[fmt.Sprintf("a%d/kustomization.yaml", i)] = fmt.Sprintf("namePrefix: a\nresources: [../l%d]", i+1)
		doubling[fmt.Sprintf("b%d/kustomization.yaml", i)] = fmt.Sprintf("namePrefix: b\nresources: [../l%d]", i+1)
	}
	doubling["l40/kustomization.yaml"] = "resources: [x.yaml]"
	doubling["l40/x.yaml"] = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
	bomb := "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
	for i := range 9 {
		a := fmt.Sprintf("*a%d", i)
		bomb += fmt.Sprintf("a%d: &a%d [%s]\n", i+1, i+1, strings.Join([]string{a, a, a, a, a, a, a, a, a, a}, ","))
	}
	many := strings.Repeat("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: a}\n", 3000)
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"doubling":   {doubling, "more than"},
		"aliases":    {map[string]string{"app/kustomization.yaml": "resources: [a.yaml]", "app/a.yaml": "kind: A\napiVersion: v1\nmetadata: {name: a}\n" + bomb}, "aliases"},
		"a cycle":    {map[string]string{"app/kustomization.yaml": "resources: [../b]", "b/kustomization.yaml": "resources: [../app]"}, "cannot build"},
		"missing":    {map[string]string{"app/kustomization.yaml": "resources: [../b]"}, "cannot build"},
		"no YAML":    {map[string]string{"app/kustomization.yaml": "resources: [\n"}, "cannot be understood"},
		"outside":    {map[string]string{"app/kustomization.yaml": "resources: [../../../../etc/passwd]"}, "cannot build"},
		"no overlay": {map[string]string{"b/x.yaml": "a: b"}, "not in the monorepo"},
		"nothing":    {map[string]string{"app/README.md": "a"}, "no manifests"},
		"objects":    {map[string]string{"app.yaml": many, "app/kustomization.yaml": "resources: [../app.yaml]"}, ""},
		"bytes":      {map[string]string{"app/kustomization.yaml": "resources: [a.yaml]", "app/a.yaml": strings.Repeat("# x\n", 5<<20)}, "bytes"},
		"itself":     {map[string]string{"app/kustomization.yaml": "resources: [kustomization.yaml]"}, "cannot build"},
	} {
		t.Run(name, func(t *testing.T) {
			d := rendered(t, c.files, "app", nil)
			late := name == "doubling" && strings.Contains(d.Problem, "longer than") // on a busy machine time is up first
			if d.Problem == "" || !strings.Contains(d.Problem, c.want) && !late {
				t.Errorf("problem %q, want %q", d.Problem, c.want)
			}
		})
	}
}

// What was rendered counts for as long as everything that it was made from is
// the same, and no longer.
func TestInputsHoldWhileNothingOfThemChanges(t *testing.T) {
	files := map[string]string{
		"app/kustomization.yaml":  "resources: [../base]\nconfigMapGenerator: [{name: a, files: [conf.txt]}]\n",
		"app/conf.txt":            "a",
		"base/kustomization.yaml": "resources: [a.yaml]",
		"base/a.yaml":             "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n",
		"other/x.yaml":            "a: b",
	}
	_, inputs := new(render.Renderer).Render(t.Context(), memtree.Text(files), plan.Overlay{Dir: "app"}, nil)
	if !inputs.Hold(memtree.Text(files)) {
		t.Error("they do not hold for what they were made from")
	}
	if render.Inputs(nil).Hold(memtree.Text(files)) {
		t.Error("no inputs hold")
	}
	for change, holds := range map[string]bool{
		"app/kustomization.yaml": false, "app/conf.txt": false, "base/a.yaml": false, "base/kustomization.yaml": false,
		"app/kustomization.yml": false, "other/x.yaml": true, "base/unused.yaml": true, "new/y.yaml": true,
	} {
		changed := maps.Clone(files)
		changed[change] += "# more\n"
		if got := inputs.Hold(memtree.Text(changed)); got != holds {
			t.Errorf("with another %s they hold: %v", change, got)
		}
	}
	gone := maps.Clone(files)
	delete(gone, "app/conf.txt")
	if inputs.Hold(memtree.Text(gone)) {
		t.Error("they hold without one of the files")
	}
}
