package seed_test

import (
	"bytes"
	"errors"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/seed"
)

var sizes = []int{1, 2, 3, 7, 120}

func monorepo(t *testing.T, o seed.Options) seed.Files {
	t.Helper()
	files, err := seed.Monorepo(o)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// documents decodes every document of a file.
func documents(t *testing.T, name string, content []byte) []map[string]any {
	t.Helper()
	var all []map[string]any
	dec := yaml.NewDecoder(bytes.NewReader(content))
	for {
		var doc map[string]any
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			return all
		}
		all = append(all, doc)
	}
}

func isYAML(name string) bool { return path.Ext(name) == ".yaml" }

func TestEveryFileIsYAMLWithAKind(t *testing.T) {
	for _, n := range sizes {
		for name, content := range monorepo(t, seed.Options{Apps: n, Seed: 1}) {
			if !isYAML(name) || name == "sluice.yaml" {
				continue
			}
			docs := documents(t, name, content)
			if len(docs) == 0 {
				t.Errorf("%s holds no document", name)
			}
			for _, doc := range docs {
				if doc["kind"] == nil || doc["apiVersion"] == nil {
					t.Errorf("%s: a document has no kind or no apiVersion", name)
				}
			}
		}
	}
}

func TestEveryKustomizationNamesWhatExistsAndNothingIsLeftOver(t *testing.T) {
	for _, n := range sizes {
		files := monorepo(t, seed.Options{Apps: n, Seed: 1})
		used := map[string]bool{}
		for name, content := range files {
			if path.Base(name) != "kustomization.yaml" {
				continue
			}
			for _, entry := range entries(documents(t, name, content)[0]) {
				to := path.Join(path.Dir(name), entry)
				if files[to] == nil {
					to = path.Join(to, "kustomization.yaml")
				}
				if files[to] == nil {
					t.Errorf("%d apps: %s names %s, which does not exist", n, name, entry)
				}
				used[to] = true
			}
		}
		for name := range files {
			if isYAML(name) && !used[name] && !entryPoint(name) {
				t.Errorf("%d apps: nothing uses %s", n, name)
			}
		}
	}
}

func entries(kustomization map[string]any) []string {
	var all []string
	for _, r := range kustomization["resources"].([]any) {
		all = append(all, r.(string))
	}
	patches, _ := kustomization["patches"].([]any)
	for _, p := range patches {
		if file, ok := p.(map[string]any)["path"].(string); ok {
			all = append(all, file)
		}
	}
	return all
}

// entryPoint says whether Flux or Sluice starts from the file.
func entryPoint(name string) bool {
	if strings.Contains(name, "/sluice/secrets/") {
		return true // a Flux Kustomization of its own applies it
	}
	dir := path.Dir(name)
	return name == "sluice.yaml" || path.Base(name) == "kustomization.yaml" &&
		(path.Base(dir) == "apps" || path.Base(path.Dir(dir)) == "infrastructure" || path.Base(path.Dir(dir)) == "clusters")
}

func TestFluxFindsEveryPathAndEveryDependency(t *testing.T) {
	files := monorepo(t, seed.Options{Apps: 2})
	for _, cluster := range []string{"platform-core-dev-aks", "platform-core-stg-aks", "platform-core-prd-aks"} {
		name := "flux-config/clusters/" + cluster + "/flux-system/kustomizations.yaml"
		known := map[string]bool{}
		for _, doc := range documents(t, name, files[name]) {
			spec := doc["spec"].(map[string]any)
			at := strings.TrimPrefix(spec["path"].(string), "./")
			if !strings.Contains(at, cluster) || files[at+"/kustomization.yaml"] == nil {
				t.Errorf("%s: path %s is not a directory of the cluster", name, at)
			}
			if spec["wait"] != true || spec["prune"] != true {
				t.Errorf("%s: %s does not wait or does not prune", name, at)
			}
			deps, _ := spec["dependsOn"].([]any)
			for _, d := range deps {
				if dep := d.(map[string]any)["name"].(string); !known[dep] {
					t.Errorf("%s: %s depends on %s, which does not come before it", name, at, dep)
				}
			}
			known[doc["metadata"].(map[string]any)["name"].(string)] = true
		}
		if len(known) != 8 {
			t.Errorf("%s: found %d Kustomizations, want 8", name, len(known))
		}
	}
}

func TestSameSeedSameBytes(t *testing.T) {
	o := seed.Options{Apps: 30, Seed: 7}
	if diff := cmp.Diff(monorepo(t, o), monorepo(t, o)); diff != "" {
		t.Errorf("two runs differ:\n%s", diff)
	}
	other := monorepo(t, seed.Options{Apps: 30, Seed: 8})
	if cmp.Equal(monorepo(t, o), other) {
		t.Error("another seed gives the same monorepo")
	}
}

func apps(files seed.Files) []string {
	found := map[string]bool{}
	for name := range files {
		if rest, ok := strings.CutPrefix(name, "flux-config/clusters/platform-core-prd-aks/apps/"); ok && strings.Contains(rest, "/") {
			found[path.Dir(rest)] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

func TestNumberOfApps(t *testing.T) {
	for _, n := range append(sizes, 97, 100, 300) {
		got := apps(monorepo(t, seed.Options{Apps: n, Seed: 3}))
		if len(got) != n {
			t.Errorf("asked for %d apps, found %d", n, len(got))
		}
		if !slices.Contains(got, "ai-gateway") {
			t.Errorf("%d apps: ai-gateway is not among them", n)
		}
	}
}

func TestNumberOfFiles(t *testing.T) {
	counts := map[int]int{}
	for _, n := range sizes {
		counts[n] = len(monorepo(t, seed.Options{Apps: n, Seed: 1}))
	}
	// Four generated apps, one of each style, have 8 + 6 + 6 + 6 files; the
	// first brings its chart repository to each of the three clusters.
	const whole = 257
	want := map[int]int{1: whole - 50, 2: whole - 43, 3: whole - 33, 7: whole, 120: whole + 3 + 28*26 + 8}
	if diff := cmp.Diff(want, counts); diff != "" {
		t.Errorf("files per number of apps (-want +got):\n%s", diff)
	}
}

func TestOneAppLeavesNoTraceOfTheSecond(t *testing.T) {
	for name, content := range monorepo(t, seed.Options{Apps: 1}) {
		if strings.Contains(name, "model-registry") {
			t.Errorf("%s is still there", name)
		}
		if path.Base(name) == "kustomization.yaml" && bytes.Contains(content, []byte("model-registry")) {
			t.Errorf("%s still names it", name)
		}
	}
}

func TestLargerMonorepoContainsTheSmaller(t *testing.T) {
	small, large := monorepo(t, seed.Options{Apps: 20, Seed: 5}), monorepo(t, seed.Options{Apps: 60, Seed: 5})
	for name, content := range small {
		if path.Base(name) == "kustomization.yaml" && path.Base(path.Dir(name)) == "apps" {
			continue
		}
		if !bytes.Equal(large[name], content) {
			t.Errorf("%s differs", name)
		}
	}
}

func TestAllClustersStartEqual(t *testing.T) {
	files := monorepo(t, seed.Options{Apps: 40, Seed: 2})
	for name, content := range files {
		rest, ok := strings.CutPrefix(name, "flux-config/clusters/platform-core-dev-aks/")
		if !ok {
			continue
		}
		for _, cluster := range []string{"platform-core-stg-aks", "platform-core-prd-aks"} {
			other := files["flux-config/clusters/"+cluster+"/"+rest]
			if diff := cmp.Diff(pins(content), pins(other)); diff != "" {
				t.Errorf("%s starts with other versions than dev in %s:\n%s", cluster, rest, diff)
			}
		}
	}
}

func pins(content []byte) []string {
	var found []string
	for line := range strings.Lines(string(content)) {
		key, _, _ := strings.Cut(strings.TrimSpace(line), ":")
		if key == "version" || key == "tag" || key == "newTag" || key == "image" || key == "digest" || strings.HasSuffix(key, "_tag") {
			found = append(found, line)
		}
	}
	return found
}

func TestPolicyIsTakenAsItIs(t *testing.T) {
	policy := []byte("version: 1 # other soak times\n")
	got := monorepo(t, seed.Options{Apps: 1, Policy: policy})["sluice.yaml"]
	if string(got) != string(policy) {
		t.Errorf("sluice.yaml is %q", got)
	}
	got[0] = 'X'
	if policy[0] == 'X' {
		t.Error("the monorepo shares the caller's bytes")
	}
}

func TestNumberOutOfRange(t *testing.T) {
	for _, n := range []int{-1, 0, 2001} {
		if _, err := seed.Monorepo(seed.Options{Apps: n}); core.KindOf(err) != core.Invalid {
			t.Errorf("%d apps: error %v, want one of kind invalid", n, err)
		}
	}
}
