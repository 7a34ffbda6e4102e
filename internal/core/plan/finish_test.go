package plan_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// TestAStreamOfVersionsDoesNotStarveASoak sends a new version to dev every five
// minutes, through an stg that merges at once, to a prd that asks for a soak of
// half an hour.
func TestAStreamOfVersionsDoesNotStarveASoak(t *testing.T) {
	const path = "clusters/%s/apps/web/kustomization.yaml"
	for rule, arrives := range map[string]bool{"newest": false, "finish-current": true} {
		t.Run(rule, func(t *testing.T) {
			files := map[string]string{policy.FileName: `version: 1
layout: ["clusters/{cluster}/apps/{app}"]
environments:
  - {name: dev, clusters: [d1]}
  - {name: stg, from: dev, clusters: [s1], merge: auto, gates: {healthy: false}}
  - {name: prd, from: stg, clusters: [p1], merge: auto, candidate: ` + rule + `, gates: {soak: 30m}}
`}
			for _, cluster := range []string{"d1", "s1", "p1"} {
				files[fmt.Sprintf(path, cluster)] = "images: [{name: web, newTag: 1.0.0}]\n"
			}
			w := newWorld(t, files, start)
			w.commit(sha("c1"), files)
			seen := map[string]bool{}
			for minute := 5; minute <= 240; minute += 5 {
				w.now = w.now.Add(5 * time.Minute)
				next := maps.Clone(w.files())
				next[fmt.Sprintf(path, "d1")] = fmt.Sprintf("images: [{name: web, newTag: 1.0.%d}]\n", minute)
				w.commit(sha(fmt.Sprintf("c%d", w.number())), next)
				for p := w.compute(); anyLasting(p.Actions); p = w.compute() {
					for _, a := range p.Actions {
						w.apply(a)
					}
				}
				w.reconcile()
				_, version, _ := strings.Cut(w.files()[fmt.Sprintf(path, "p1")], "newTag: ")
				seen[version] = true
			}
			if got := len(seen) - 1; arrives && got < 5 || !arrives && got > 0 {
				t.Errorf("%d versions arrived in prd within four hours", got)
			}
		})
	}
}
