package plan_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// TestAPlannersMemoryDoesNotShow lets apps come, change and go, with merge
// requests and branches that belong to some of them, under two policies. The
// comparison is in planned.
func TestAPlannersMemoryDoesNotShow(t *testing.T) {
	var policies []*policy.Policy
	for _, from := range []string{"stg", "[dev, stg]"} {
		p, err := policy.Parse(policy.FileName, fmt.Appendf(nil, `version: 1
layout: ["clusters/{cluster}/{app}"]
environments:
  - {name: dev, clusters: [d]}
  - {name: stg, from: dev, clusters: [s]}
  - {name: prd, from: %s, clusters: [p]}
`, from))
		if err != nil {
			t.Fatal(err)
		}
		policies = append(policies, p)
	}
	for seed := range uint64(40) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		files := map[string]string{}
		w := &world{t: t, now: start, policy: policies[0], reader: overlay.NewReader(), commits: map[core.SHA]map[string]string{}, inventory: map[core.SHA]*overlay.Inventory{}}
		for i := range 40 {
			for range 1 + rnd.IntN(3) {
				name := fmt.Sprintf("clusters/%s/a%d/kustomization.yaml", pick(rnd, "d", "s", "p"), rnd.IntN(5))
				if delete(files, name); rnd.IntN(3) > 0 {
					files[name] = fmt.Sprintf("images:\n- {name: web, newTag: %s}\n", pick(rnd, "1.0.0", "1.1.0", "1.2.0", "1.2.0", "\"${V}\""))
				}
				if rnd.IntN(6) == 0 {
					files[name] = fmt.Sprintf("resources: [../%s]\n", pick(rnd, "a0", "a1", "../s/a0"))
				}
			}
			if rnd.IntN(5) == 0 {
				cluster := pick(rnd, "d", "s", "p")
				files["clusters/"+cluster+"/flux.yaml"] = fmt.Sprintf("apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps, namespace: flux-system}\nspec:\n  path: ./clusters/%s\n  postBuild: {substitute: {V: 1.%d.0}}\n", cluster, rnd.IntN(3))
			}
			w.policy = policies[rnd.IntN(10)/9]
			w.commit(sha(fmt.Sprintf("%02x", i)), maps.Clone(files))
			s := w.observe()
			s.Branches, s.Open = map[string]plan.Branch{}, nil
			for range rnd.IntN(3) {
				branch := plan.BranchOf(core.Target{Env: core.Env(pick(rnd, "stg", "prd")), App: core.App(fmt.Sprintf("a%d", rnd.IntN(5)))})
				if rnd.IntN(2) == 0 {
					s.Branches[branch] = plan.Branch{Name: branch, Head: sha("bb"), Parents: []core.SHA{w.head()}}
				} else {
					s.Open = append(s.Open, plan.MergeRequest{ID: core.MRID(len(s.Open) + 1), State: plan.Opened, Source: branch, Target: s.Project.DefaultBranch})
				}
			}
			if w.planned(s); t.Failed() {
				t.Fatalf("seed %d, commit %d", seed, i)
			}
		}
	}
}

// TestAMergeRequestWithoutABranchIsClosed as well, once nothing is left to
// promote: the list of branches may be older than the branch's removal.
func TestAMergeRequestWithoutABranchIsClosed(t *testing.T) {
	p, err := policy.Parse(policy.FileName, []byte("version: 1\nlayout: [\"c/{cluster}/{app}\"]\nenvironments:\n  - {name: dev, clusters: [d]}\n  - {name: stg, from: dev, clusters: [s]}\n"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, now: start, policy: p, reader: overlay.NewReader(), commits: map[core.SHA]map[string]string{}, inventory: map[core.SHA]*overlay.Inventory{}}
	image := "images:\n- {name: web, newTag: 1.0.0}\n"
	w.commit(sha("c1"), map[string]string{"c/d/web/kustomization.yaml": image, "c/s/web/kustomization.yaml": image})
	s := w.observe()
	s.Open = []plan.MergeRequest{{ID: 7, State: plan.Opened, Source: "sluice/stg/web", Target: s.Project.DefaultBranch}}
	for _, a := range w.planned(s).Actions {
		if closes, ok := a.(plan.CloseMR); ok && closes.MR == 7 {
			return
		}
	}
	t.Error("the merge request is left open")
}
