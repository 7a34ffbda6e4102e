package promoter

import (
	"slices"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// Board is where one monorepo stands, for people to look at. What it points to
// is shared with the promoter: nobody may change it.
type Board struct {
	Path      string
	Head      core.SHA             // of the default branch in the newest plan; "" before there is one
	Passed    time.Time            // when a pass last succeeded; zero before that
	Trouble   error                // what ended the last pass early, nil if nothing did
	Targets   []*plan.Status       // of the newest plan
	Clusters  []plan.ClusterStatus // the same, with what has been heard of them since
	Inventory *overlay.Inventory   // what is deployed at Head; nil before there is a plan
}

// Boards tell where each monorepo stands, in the order of the configuration.
func (p *Promoter) Boards() []Board {
	reports, triggers := p.clusterReports(), p.clusterTriggers()
	var out []Board
	for _, r := range p.repos {
		b := r.board()
		for i := range b.Clusters {
			c := &b.Clusters[i]
			c.Voice, c.Trigger = plan.VoiceOf(reports[c.Name]), triggers[c.Name]
		}
		out = append(out, b)
	}
	return out
}

func (r *repo) board() Board {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := Board{Path: r.Path, Passed: r.progress, Trouble: r.trouble}
	if r.plan != nil {
		b.Head, b.Inventory = r.head, r.deployed
		b.Targets, b.Clusters = r.plan.Targets, slices.Clone(r.plan.Clusters)
	}
	return b
}
