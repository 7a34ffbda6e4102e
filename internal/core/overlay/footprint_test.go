package overlay_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

const footprintPolicy = `
version: 1
layout: ["clusters/{cluster}/apps/{app}", "clusters/{cluster}/infra/{app}"]
environments: [{name: dev, clusters: [d1, d2]}, {name: stg, from: dev, clusters: [s1]}]
`

// aMonorepo has a reference of each way in which one file can name another.
var aMonorepo = map[string]string{
	"clusters/d1/apps/web/kustomization.yaml":   "resources: [../../../../bases/web]\ncomponents:\n  - ../../../../components/tls\n",
	"clusters/d1/flux-system/sync.yaml":         "kind: Kustomization\nspec:\n  path: ./shared/dev\n  postBuild: {}\n",
	"clusters/d2/apps/web/kustomization.yaml":   "resources:\n- ../../../../bases/web # the base\n",
	"clusters/d2/flux-system/vars.yaml":         "kind: ConfigMap\n",
	"clusters/s1/infra/cert/kustomization.yaml": "patches: [{path: '../../../../patches/cert.yaml'}]\n",
	"bases/web/kustomization.yaml":              "resources: [deployment.yaml, ../common]\n",
	"bases/web/deployment.yaml":                 "kind: Deployment\n",
	"bases/common/kustomization.yaml":           "resources: [rbac.yaml]\n",
	"bases/common/rbac.yaml":                    "kind: Role\n",
	"bases/unused/kustomization.yaml":           "resources: []\n",
	"components/tls/kustomization.yaml":         "configMapGenerator: [{name: x, files: [../../files/ca.txt]}]\n",
	"files/ca.txt":                              "ca\n",
	"shared/dev/kustomization.yaml":             "resources: [vars.yaml]\n",
	"shared/dev/vars.yaml":                      "kind: ConfigMap\n",
	"patches/cert.yaml":                         "kind: HelmRelease\n",
	"README.md":                                 "see ../bases/web\n",
}

// touched lists the clusters of which a change of one file changes the footprint.
func touched(t *testing.T, s *overlay.Surveyor, before, after map[string]string) map[core.Cluster]string {
	t.Helper()
	p, err := policy.Parse("sluice.yaml", []byte(footprintPolicy))
	if err != nil {
		t.Fatal(err)
	}
	out := map[core.Cluster]string{}
	for _, env := range p.Environments {
		for _, cluster := range env.Clusters {
			was, err := s.Footprint(memtree.Text(before), p, env.Name, cluster)
			if err != nil {
				t.Fatal(err)
			}
			is, err := s.Footprint(memtree.Text(after), p, env.Name, cluster)
			if err != nil {
				t.Fatal(err)
			}
			if place, ok := was.Differs(is); ok {
				out[cluster] = place
			}
		}
	}
	return out
}

func TestAChangeTouchesTheClustersThatAreMadeFromIt(t *testing.T) {
	for file, want := range map[string]map[core.Cluster]string{
		"clusters/d1/apps/web/kustomization.yaml": {"d1": "clusters/d1"},
		"clusters/d2/flux-system/vars.yaml":       {"d2": "clusters/d2"},
		"clusters/d2/flux-system/new.yaml":        {"d2": "clusters/d2"},
		"bases/web/deployment.yaml":               {"d1": "bases/web", "d2": "bases/web"},
		"bases/common/rbac.yaml":                  {"d1": "bases/common", "d2": "bases/common"},
		"components/tls/kustomization.yaml":       {"d1": "components/tls"},
		"files/ca.txt":                            {"d1": "files/ca.txt"},
		"shared/dev/vars.yaml":                    {"d1": "shared/dev"},
		"patches/cert.yaml":                       {"s1": "patches/cert.yaml"},
		"bases/unused/kustomization.yaml":         {},
		"README.md":                               {},
		"sluice.yaml":                             {},
	} {
		t.Run(file, func(t *testing.T) {
			after := maps.Clone(aMonorepo)
			after[file] += "# changed\n"
			if file == "components/tls/kustomization.yaml" {
				after[file] = "configMapGenerator: []\n"
			}
			if diff := cmp.Diff(want, touched(t, overlay.NewSurveyor(), aMonorepo, after)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			gone := maps.Clone(aMonorepo)
			if delete(gone, file); len(gone) != len(aMonorepo) && len(want) > 0 && len(touched(t, overlay.NewSurveyor(), aMonorepo, gone)) == 0 {
				t.Error("its removal touches nobody")
			}
		})
	}
}

// What a surveyor remembers must not show: after any history of changes, it
// says the same as one that remembers nothing.
func TestFootprintsDoNotDependOnWhatWasReadBefore(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	s := overlay.NewSurveyor()
	files := []string{}
	for f := range aMonorepo {
		files = append(files, f)
	}
	now := maps.Clone(aMonorepo)
	for step := range 200 {
		before := maps.Clone(now)
		file := files[r.IntN(len(files))]
		switch r.IntN(3) {
		case 0:
			delete(now, file)
		case 1:
			now[file] = aMonorepo[file]
		default:
			other := files[r.IntN(len(files))]
			now[file] = aMonorepo[file] + fmt.Sprintf("more: [%s%s, ./%s]\n", strings.Repeat("../", strings.Count(file, "/")), path.Dir(other), other)
		}
		if diff := cmp.Diff(touched(t, overlay.NewSurveyor(), before, now), touched(t, s, before, now)); diff != "" {
			t.Fatalf("step %d, %s: -without memory +with:\n%s", step, file, diff)
		}
	}
}

func TestChangedFiles(t *testing.T) {
	after := maps.Clone(aMonorepo)
	after["README.md"] += "more"
	delete(after, "files/ca.txt")
	after["new/dir/file.yaml"] = "x"
	files, complete, err := overlay.ChangedFiles(memtree.Text(aMonorepo), memtree.Text(after), 3)
	if err != nil || !complete {
		t.Fatal(complete, err)
	}
	if diff := cmp.Diff([]string{"README.md", "files/ca.txt", "new/dir/file.yaml"}, files); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if files, complete, err := overlay.ChangedFiles(memtree.Text(aMonorepo), memtree.Text(after), 2); err != nil || complete || files != nil {
		t.Errorf("got %v, %t, %v: a list that is too long is none", files, complete, err)
	}
}
