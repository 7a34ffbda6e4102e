package lint_test

import (
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/sluice-gitops/sluice/internal/adapter/render"
	"github.com/sluice-gitops/sluice/internal/core/lint"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
)

var update = flag.Bool("update", false, "write the findings into the corpus")

// good is the monorepo without a defect, to which prd is added as a copy of dev.
func good(t testing.TB) map[string]string {
	t.Helper()
	a, err := txtar.ParseFile(filepath.Join("testdata", "good.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range a.Files {
		files[f.Name] = string(f.Data)
		if strings.HasPrefix(f.Name, "clusters/dev-aks/") {
			files[strings.Replace(f.Name, "dev-aks", "prd-aks", 1)] = strings.ReplaceAll(string(f.Data), "dev-aks", "prd-aks")
		}
	}
	return files
}

func lintFiles(t testing.TB, files map[string]string, changed []string) []lint.Finding {
	t.Helper()
	tree, renderer := memtree.Text(files), &render.Renderer{}
	build := func(dir string) ([]lint.Object, error) { return renderer.Build(t.Context(), tree, dir) }
	found, err := lint.Lint(tree, lint.Options{Build: build, Checker: checker(t), Changed: changed})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func printed(found []lint.Finding) string {
	var b strings.Builder
	for _, f := range found {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}

func TestNothingIsFoundWhereNothingIsWrong(t *testing.T) {
	if diff := cmp.Diff("", printed(lintFiles(t, good(t), nil))); diff != "" {
		t.Error(diff)
	}
}

// planted is the monorepo with a defect. A file "change PATH" holds lines
// "old => new"; one whose text is "gone" is removed.
func planted(t *testing.T, a *txtar.Archive) (files map[string]string, changed []string, want string) {
	files = good(t)
	for _, f := range a.Files {
		text := string(f.Data)
		name, edit := strings.CutPrefix(f.Name, "change ")
		switch {
		case f.Name == "want":
			want = text
			continue
		case edit:
			for _, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
				was, is, ok := strings.Cut(line, " => ")
				if !ok || !strings.Contains(files[name], was) {
					t.Fatalf("%s: nothing to change: %s", name, line)
				}
				files[name] = strings.Replace(files[name], was, strings.ReplaceAll(is, `\n`, "\n"), 1)
			}
		case strings.TrimSpace(text) == "gone":
			delete(files, name)
		default:
			files[name] = text
		}
		changed = append(changed, name)
	}
	return files, changed, want
}

// Each file of the corpus plants one defect and says what is found. Its name
// begins with the rule's.
func TestEachDefectIsFound(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range corpus(t) {
		rule, _, _ := strings.Cut(strings.TrimSuffix(filepath.Base(name), ".txtar"), "_")
		seen[rule] = true
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files, changed, want := planted(t, a)
			found := lintFiles(t, files, nil)
			if *update {
				store(t, name, a, printed(found))
				return
			}
			if diff := cmp.Diff(want, printed(found)); diff != "" {
				t.Error(diff)
			}
			if !slices.ContainsFunc(found, func(f lint.Finding) bool { return f.Rule == rule && f.Fix != "" }) {
				t.Errorf("nothing of rule %s", rule)
			}
			partly(t, files, changed, found)
		})
	}
	for _, r := range lint.Rules() {
		if !seen[r.ID] && r.ID != "ignore" && r.ID != "bypass" {
			t.Errorf("no defect of rule %s is planted", r.ID)
		}
	}
}

// partly wants a run over what has changed to find nothing else than the whole
// one, and all errors among it.
func partly(t *testing.T, files map[string]string, changed []string, whole []lint.Finding) {
	t.Helper()
	part := lintFiles(t, files, changed)
	for _, f := range part {
		if !slices.Contains(whole, f) {
			t.Errorf("found in what has changed alone: %s", f)
		}
	}
	for _, f := range whole {
		if f.Severity == lint.Error && !slices.Contains(part, f) {
			t.Errorf("not found in what has changed: %s", f)
		}
	}
}

func corpus(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(all) < 2 {
		t.Fatal(all, err)
	}
	return slices.DeleteFunc(all, func(name string) bool { return name == "testdata/good.txtar" })
}

func store(t *testing.T, name string, a *txtar.Archive, want string) {
	t.Helper()
	a.Files = slices.DeleteFunc(a.Files, func(f txtar.File) bool { return f.Name == "want" })
	a.Files = append(a.Files, txtar.File{Name: "want", Data: []byte(want)})
	if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

// What has not changed is not looked at.
func TestNothingChangedIsNothingFound(t *testing.T) {
	files := good(t)
	files["clusters/dev-aks/apps/web/kustomization.yaml"] += "  - broken: [\n"
	for _, changed := range [][]string{{}, {"README.md"}, {"clusters/prd-aks/apps/web/kustomization.yaml"}} {
		if diff := cmp.Diff("", printed(lintFiles(t, files, changed))); diff != "" {
			t.Errorf("%v: %s", changed, diff)
		}
	}
}

// The order in which files lie does not matter, and neither does a second run.
func TestFindingsAreOrdered(t *testing.T) {
	files := good(t)
	for name := range maps.Clone(files) {
		files[name] = strings.ReplaceAll(files[name], "namespace: web", "namespace: wob")
	}
	first := printed(lintFiles(t, files, nil))
	for range 3 {
		if diff := cmp.Diff(first, printed(lintFiles(t, files, nil))); diff != "" || first == "" {
			t.Error(diff)
		}
	}
}

// Whatever is found in a file with secrets, their values are not in the words.
func TestNoSecretIsPrinted(t *testing.T) {
	a, err := txtar.ParseFile("testdata/secret.txtar")
	if err != nil {
		t.Fatal(err)
	}
	files, _, _ := planted(t, a)
	out := printed(lintFiles(t, files, nil))
	for _, value := range []string{"correct-horse", "AbCdEfGhIj", "user=admin"} {
		if strings.Contains(out, value) || !strings.Contains(strings.Join(slices.Collect(maps.Values(files)), ""), value) {
			t.Errorf("%s is printed, or was not planted:\n%s", value, out)
		}
	}
}

// What ordinary monorepos have is no defect: Lists, what SOPS encrypted, objects
// of JSON, variables from what is not in sight, other sources, Windows' line ends.
func TestOrdinaryThingsAreNoDefects(t *testing.T) {
	files := good(t)
	const infrastructure = "clusters/dev-aks/infrastructure/"
	files[infrastructure+"kustomization.yaml"] += "  - more.yaml\n  - more.json\n"
	files[infrastructure+"more.json"] = `{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a","namespace":"listed"},"data":{"a":"b"}}`
	files[infrastructure+"more.yaml"] = strings.ReplaceAll(`apiVersion: v1
kind: List
items:
  - {apiVersion: v1, kind: Namespace, metadata: {name: listed}}
---
# nothing
---
apiVersion: v1
kind: Secret
metadata: {name: s, namespace: listed}
stringData: {p: "ENC[AES256_GCM,data:xx]"}
sops: {version: 3.9.0}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: other, namespace: flux-system}
spec:
  interval: 10m
  path: ./elsewhere
  prune: true
  wait: true
  sourceRef: {kind: OCIRepository, name: other}
  postBuild: {substituteFrom: [{kind: Secret, name: vars}]}
---
apiVersion: source.toolkit.fluxcd.io/v1
kind: OCIRepository
metadata: {name: other, namespace: flux-system}
spec: {interval: 10m, url: "oci://registry.example.com/other"}
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {name: h, namespace: listed}
spec:
  interval: 10m
  targetNamespace: made
  install: {createNamespace: true}
  chartRef: {kind: OCIRepository, name: other, namespace: flux-system}
`, "\n", "\r\n")
	if diff := cmp.Diff("", printed(lintFiles(t, files, nil))); diff != "" {
		t.Error(diff)
	}
}
