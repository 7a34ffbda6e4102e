package promoter

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/git"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// TestNoticesAreSaidOnce lets passes see the same notices again, at the same
// commit and at others.
func TestNoticesAreSaidOnce(t *testing.T) {
	files := map[string]string{
		"sluice.yaml": "version: 1\nlayout: [\"clusters/{cluster}/apps/{app}\"]\nenvironments:\n" +
			"  - {name: dev, clusters: [d]}\n  - {name: stg, from: dev, clusters: [s]}\n",
		"bases/web/kustomization.yaml":           "images: [{name: sidecar, newTag: latest}]\n",
		"clusters/d/apps/web/kustomization.yaml": "resources: [../../../../bases/web]\nimages: [{name: web, newTag: 1.0.0}, {name: new, newTag: 1.0.0}]\n",
		"clusters/s/apps/web/kustomization.yaml": "resources: [../../../../bases/web]\nimages: [{name: web, newTag: 1.0.0}]\n",
	}
	var log bytes.Buffer
	s := &shelf{}
	p, err := New(Config{
		Monorepos: []Monorepo{{Path: "g/p", PolicyPath: policy.FileName, Forge: &desk{}, Desk: &desk{}, Mirror: s}},
		Clock:     time.Now, Logger: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := p.repos[0]
	for _, pass := range []struct {
		head core.SHA
		more string // in stg's overlay
		said int
	}{{shaA, "", 2}, {shaA, "", 2}, {shaB, "# moved\n", 2}, {shaA, "", 2}, {shaB, "components: []\nhelmCharts: [{name: floating}]\n", 3}} {
		tree := map[string]string{}
		for name, text := range files {
			tree[name] = text
		}
		tree["clusters/s/apps/web/kustomization.yaml"] += pass.more
		s.tree = memtree.Text(tree)
		o := &observation{state: &plan.State{Project: plan.Project{DefaultBranch: "main"}}}
		if err := r.readGit(o, git.Refs{Default: "main", Head: pass.head}); err != nil {
			t.Fatal(err)
		}
		r.publish(o, r.planner.Compute(o.policy, o.state, time.Now()))
		if got := strings.Count(log.String(), "msg=notice"); got != pass.said {
			t.Errorf("%d notices are said at %s, want %d:\n%s", got, pass.head.Short(), pass.said, &log)
		}
	}
}
