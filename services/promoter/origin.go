package promoter

import (
	"context"
	"maps"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// origins remembers how commits came to the default branch.
type origins map[core.SHA]origin

type origin struct {
	plan.Origin
	since time.Time // when it was first told so
}

// settled tells whether it need not be asked again: a merge that has just
// happened may show late, and until then its commit looks pushed.
func (o origin) settled(now time.Time) bool {
	return len(o.Carriers) > 0 || now.Sub(o.since) >= originPause
}

// askOrigins learns who brought what waits for approvals. What is not asked in
// this pass for lack of room waits for the next.
func (r *repo) askOrigins(ctx context.Context, o *observation) error {
	wanted, now := r.planner.Origins(o.policy, o.state), r.p.cfg.Clock()
	if len(r.origins) > maxOrigins {
		r.origins = nil
	}
	known := origins{}
	maps.Copy(known, r.origins)
	o.state.Origins = map[core.SHA]plan.Origin{}
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxParallel)
	room := maxOriginsAsked
	for _, commit := range wanted {
		old, told := r.origins[commit]
		if told && old.settled(now) || room == 0 {
			continue
		}
		room--
		g.Go(func() error {
			got, ok, err := r.Forge.Origin(ctx, commit)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case !ok:
				delete(known, commit)
			case told:
				known[commit] = origin{got, old.since}
			default:
				known[commit] = origin{got, now}
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	r.origins = known
	for _, commit := range wanted {
		if got, ok := known[commit]; ok {
			o.state.Origins[commit] = got.Origin
		}
	}
	return nil
}
