package scaffold_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	sluice_ "github.com/sluice-gitops/sluice"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

const clusters = "flux-config/clusters/"

func monorepo(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, sluice_.Monorepo()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// inventory reads a clone as Sluice does, and wants all of it understood.
func inventory(t *testing.T, dir string) *overlay.Inventory {
	t.Helper()
	all := files(t, dir)
	p, err := policy.Parse(policy.FileName, []byte(all[policy.FileName]))
	if err != nil {
		t.Fatal(err)
	}
	inv, err := overlay.NewReader().Read(memtree.Text(all), p)
	if err != nil || len(inv.Problems) > 0 {
		t.Fatal(err, inv.Problems)
	}
	return inv
}

func TestANewClusterIsLikeTheOther(t *testing.T) {
	for _, like := range []string{"platform-core-prd-aks", "platform-core-dev-aks"} {
		t.Run(like, func(t *testing.T) {
			dir := monorepo(t)
			before := files(t, dir)
			added(t, dir, "cluster add platform-core-prd-west-aks --env prd --like "+like, run(t, dir, "cluster add platform-core-prd-west-aks --env prd --like "+like))
			after := files(t, dir)
			grew(t, before, after)
			build(t, dir, before, after)
			for name, content := range after {
				if old, there := before[name]; there && old != content && name != policy.FileName {
					t.Errorf("%s was changed", name)
				}
				if strings.HasPrefix(name, clusters+"platform-core-prd-west-aks/") && strings.Contains(content, like) {
					t.Errorf("%s still names %s", name, like)
				}
				if strings.Contains(content, "environment: dev") && strings.HasPrefix(name, clusters+"platform-core-prd-west-aks/") {
					t.Errorf("%s still has a label of dev", name)
				}
			}
			system := after[clusters+"platform-core-prd-west-aks/flux-system/gotk-sync.yaml"]
			if !strings.Contains(system, "path: ./"+clusters+"platform-core-prd-west-aks\n") {
				t.Errorf("Flux would apply another directory: %s", system)
			}
			for target, list := range inventory(t, dir).All() {
				if target.Env != "prd" || target.App != "model-registry" {
					continue
				}
				if len(list) != 2 || list[1].Cluster != "platform-core-prd-west-aks" || len(list[1].Pins) == 0 {
					t.Errorf("%s is in %d clusters", target, len(list))
				}
			}
		})
	}
}

// run runs a command line on a clone and gives back what is there then, minus
// what the command made: what [added] compares with.
func run(t *testing.T, dir, command string) map[string]string {
	t.Helper()
	before := files(t, dir)
	must(t, args(command, dir)...)
	return before
}

func TestTheNewClusterIsInThePlan(t *testing.T) {
	dir := monorepo(t)
	run(t, dir, "cluster add platform-core-stg-west-aks --env stg --like platform-core-stg-aks")
	file := filepath.Join(dir, clusters, "platform-core-dev-aks/apps/model-registry/kustomization.yaml")
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(content), "newTag: ")
	_, tail, _ := strings.Cut(rest, "\n")
	write(t, file, head+"newTag: v2.99.0\n"+tail)
	commit(t, dir)
	code, out := sluice(t, "plan", "--repo", dir, "--env", "stg", "--app", "model-registry", "--format", "json")
	var doc struct {
		Promotions []struct {
			Pins []struct{ Cluster, New string }
		}
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil || code != 2 || len(doc.Promotions) != 1 {
		t.Fatalf("exit code %d, %v: %s", code, err, out)
	}
	found := false
	for _, p := range doc.Promotions[0].Pins {
		found = found || p.Cluster == "platform-core-stg-west-aks" && p.New == "v2.99.0"
	}
	if !found {
		t.Errorf("the plan leaves the new cluster out: %s", out)
	}
}

// An app that was taken out of dev comes back by its base, with what it needs.
func TestAnAppIsAddedWithWhatItNeeds(t *testing.T) {
	for _, app := range []string{"model-registry", "ai-gateway", "cert-manager"} {
		t.Run(app, func(t *testing.T) {
			dir := monorepo(t)
			command, at := "app add "+app+" --base "+app, clusters+"platform-core-dev-aks/apps/"
			if app == "cert-manager" {
				command, at = command+" --component", clusters+"platform-core-dev-aks/infrastructure/components/"
			}
			was := inventory(t, dir)
			takeOut(t, dir, at, app)
			before := run(t, dir, command)
			after := added(t, dir, command, before)
			for name, content := range after {
				if old, there := before[name]; there && old != content && filepath.Base(name) != "kustomization.yaml" {
					t.Errorf("%s was changed", name)
				}
			}
			want, got := was.Apps("dev"), inventory(t, dir).Apps("dev")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the apps of dev: %s", diff)
			}
			commit(t, dir)
			if code, out := sluice(t, "plan", "--repo", dir, "--app", app); code != 0 {
				t.Errorf("sluice plan: exit code %d\n%s", code, out)
			}
		})
	}
}

// takeOut removes an app's overlay from a cluster.
func takeOut(t *testing.T, dir, at, app string) {
	t.Helper()
	if err := os.RemoveAll(filepath.Join(dir, at, app)); err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, at, "kustomization.yaml")
	content, err := os.ReadFile(list)
	if err != nil || !strings.Contains(string(content), "  - "+app+"\n") {
		t.Fatalf("%s does not list %s: %v", list, app, err)
	}
	write(t, list, strings.Replace(string(content), "  - "+app+"\n", "", 1))
}

func TestWhereFluxIsBootstrappedFrom(t *testing.T) {
	for remote, want := range map[string][]string{
		"git@gitlab.com:group/sub/fleet.git":                      {"--owner=group/sub", "--repository=fleet"},
		"https://oauth2:glpat-secret@git.example.com:8443/g/p":    {"--hostname=git.example.com:8443", "--owner=g", "--repository=p"},
		"ssh://git@gitlab.example.com:2222/group/fleet.git":       {"--hostname=gitlab.example.com", "--ssh-hostname=gitlab.example.com:2222", "--owner=group"},
		"git@gitlab.example.com:group/fleet;rm -rf x/$(id)/p.git": {"--owner='group/fleet;rm -rf x/$(id)'"},
		"/srv/git/fleet.git":                                      {"--owner=ai-platform", "--repository=platform-gitops"}, // what the cluster's Flux fetches
	} {
		dir := monorepo(t)
		git(t, dir, "", "init", "--quiet")
		git(t, dir, "", "remote", "add", "origin", remote)
		out := must(t, "cluster", "add", "platform-core-prd-west-aks", "--env", "prd", "--like", "platform-core-prd-aks", "--dir", dir)
		for _, w := range append(want, "--path="+clusters+"platform-core-prd-west-aks", "--branch=main", "cluster: platform-core-prd-west-aks") {
			if !strings.Contains(out, w) {
				t.Errorf("%s: no %s in\n%s", remote, w, out)
			}
		}
		if strings.Contains(out, "secret") && strings.Contains(out, "glpat") {
			t.Errorf("a password was printed: %s", out)
		}
	}
}

// A cluster whose Flux is patched without a selector does not build with a
// placeholder, and gets a copy.
func TestFluxIsCopiedWhereItIsPatched(t *testing.T) {
	dir := monorepo(t)
	system := filepath.Join(dir, clusters, "platform-core-dev-aks/flux-system")
	const deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: source-controller\n  namespace: flux-system\n"
	write(t, filepath.Join(system, "gotk-components.yaml"), deployment+"---\napiVersion: v1\nkind: Namespace\nmetadata:\n  name: flux-system\n")
	list := filepath.Join(system, "kustomization.yaml")
	content, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	write(t, list, string(content)+"patches:\n  - path: patch.yaml\n")
	write(t, filepath.Join(system, "patch.yaml"), deployment+"spec:\n  replicas: 2\n")
	before := run(t, dir, "cluster add platform-core-dev2-aks --env dev --like platform-core-dev-aks")
	after := added(t, dir, "cluster add platform-core-dev2-aks --env dev --like platform-core-dev-aks", before)
	if got := after[clusters+"platform-core-dev2-aks/flux-system/gotk-components.yaml"]; !strings.HasPrefix(got, deployment) {
		t.Errorf("it became %s", got)
	}
}

func TestWhatIsThereIsNeverOverwritten(t *testing.T) {
	dir := monorepo(t)
	write(t, filepath.Join(dir, clusters, "platform-core-prd2-aks/apps/kustomization.yaml"), "resources: []\n")
	before := files(t, dir)
	code, out := sluice(t, "cluster", "add", "platform-core-prd2-aks", "--env", "prd", "--like", "platform-core-prd-aks", "--dir", dir)
	if code == 0 || !strings.Contains(out, "platform-core-prd2-aks/apps/kustomization.yaml") {
		t.Errorf("exit code %d: %s", code, out)
	}
	if diff := cmp.Diff(before, files(t, dir)); diff != "" {
		t.Error(diff)
	}
}

// What would not build, or not be understood, is not written.
func TestWhatDoesNotBuildIsNotWritten(t *testing.T) {
	dir := monorepo(t)
	write(t, filepath.Join(dir, "flux-config/bases/broken/kustomization.yaml"), "resources: [gone.yaml]\n")
	write(t, filepath.Join(dir, "flux-config/bases/twice/kustomization.yaml"), "resources: [../model-registry]\n")
	before := files(t, dir)
	for _, base := range []string{"broken", "twice"} {
		code, out := sluice(t, "app", "add", "new", "--base", base, "--dir", dir)
		if code == 0 || strings.Contains(out, "wrote") {
			t.Errorf("exit code %d: %s", code, out)
		}
	}
	if diff := cmp.Diff(before, files(t, dir)); diff != "" {
		t.Error(diff)
	}
}
