package promoter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/sluice-gitops/sluice/internal/adapter/bus"
	"github.com/sluice-gitops/sluice/internal/adapter/flux"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/pkg/events"
)

// durable is the name under which promoters read from NATS: who has it shares
// the work.
const durable = "promoter"

// Monorepo is one monorepo and the ways to it.
type Monorepo struct {
	Path       string // the GitLab project's full path, as configured
	PolicyPath string // where the policy stands in it
	Forge      Forge
	Desk       Desk
	Mirror     Mirror
	Receivers  map[core.Cluster]flux.Receiver // the Flux Receivers that can be called
	Statuses   Statuses                       // nil means that no commit statuses are read
}

// Config is all that a promoter needs. Everything but Renderer, APIServers,
// StatusAuthors, Ask and Metrics must be set.
type Config struct {
	Monorepos []Monorepo
	Bus       Bus
	Caller    Caller
	Renderer  Renderer // nil means that nothing is rendered
	// APIServers are those of the clusters that let Sluice read what is there.
	APIServers map[core.Cluster]APIServer
	// StatusAuthors are the GitLab users as which clusters write commit statuses,
	// of the clusters for which these are to be read.
	StatusAuthors map[core.Cluster]string
	Ask           time.Duration // how often those are asked; 0 means every 30 s
	// Act switches acting on. Without it every pass plans and says what it would
	// do, and nothing is changed anywhere.
	Act     bool
	Sweep   time.Duration // how often everything is looked at without a hint
	Clock   func() time.Time
	Logger  *slog.Logger
	Metrics prometheus.Registerer // nil means none
}

// Promoter is the only writer. It serves one or several monorepos, each in a
// loop of its own.
type Promoter struct {
	cfg       Config
	repos     []*repo
	reports   *table[reportRecord]
	triggers  *table[triggerRecord]
	servers   *table[reportRecord] // what API servers told
	statuses  *table[reportRecord] // what commit statuses told
	watches   []*watch
	meter     *meter
	latencies *latencies
}

// New makes a promoter; nothing happens before Run.
func New(cfg Config) (*Promoter, error) {
	if len(cfg.Monorepos) == 0 {
		return nil, core.Errorf(core.Invalid, "the promoter needs at least one project")
	}
	if cfg.Ask <= 0 {
		cfg.Ask = askEvery
	}
	p := &Promoter{cfg: cfg, meter: newMeter(cfg.Metrics), latencies: newLatencies(cfg.Metrics)}
	p.reports = newTable(cfg.Bus, events.BucketReports, cfg.Logger, sameRuns, p.wakeAll)
	p.triggers = newTable(cfg.Bus, events.BucketTriggers, cfg.Logger, sameTrouble, p.wakeAll)
	p.servers = newTable(cfg.Bus, events.BucketAPIServers, cfg.Logger, sameRuns, p.wakeAll)
	p.statuses = newTable(cfg.Bus, events.BucketStatuses, cfg.Logger, sameRuns, p.wakeAll)
	for _, m := range cfg.Monorepos {
		p.repos = append(p.repos, newRepo(p, m))
	}
	p.watches = newWatches(p)
	return p, nil
}

// Run works until ctx ends, then finishes the action under way and returns
// nil. What a previous run left half done is taken up by the first pass.
func (p *Promoter) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return p.reports.follow(ctx) })
	g.Go(func() error { return p.triggers.follow(ctx) })
	if len(p.cfg.APIServers) > 0 {
		g.Go(func() error { return p.servers.follow(ctx) })
	}
	if len(p.cfg.StatusAuthors) > 0 {
		g.Go(func() error { return p.statuses.follow(ctx) })
	}
	for _, w := range p.watches {
		g.Go(func() error { return w.run(ctx) })
	}
	g.Go(func() error {
		return p.consume(ctx, bus.Reading{Stream: events.StreamHints, Durable: durable, Filter: events.AllHints}, p.hint)
	})
	g.Go(func() error {
		return p.consume(ctx, bus.Reading{Stream: events.StreamReports, Durable: durable, Filter: events.AllReports}, p.report)
	})
	if p.cfg.Act {
		g.Go(func() error {
			return p.consume(ctx, bus.Reading{Stream: events.StreamTriggers, Durable: durable, Filter: events.AllTriggers, Parallel: maxCalls}, p.call)
		})
	}
	for _, r := range p.repos {
		g.Go(func() error { return r.run(ctx) })
	}
	err := g.Wait()
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return nil
	}
	return err
}

// Ready is nil while every monorepo makes progress; else it says which one
// does not, and since when.
func (p *Promoter) Ready() error {
	for _, r := range p.repos {
		if err := r.ready(p.cfg.Clock()); err != nil {
			return err
		}
	}
	return nil
}

// Plans returns the newest plan of each monorepo, by project path. A monorepo
// without a finished pass is left out.
func (p *Promoter) Plans() map[string]*plan.Plan {
	out := map[string]*plan.Plan{}
	for _, r := range p.repos {
		if last := r.last(); last != nil {
			out[r.Path] = last
		}
	}
	return out
}

func (p *Promoter) wakeAll() {
	for _, r := range p.repos {
		r.wake()
	}
}

// clusterReports gathers what the table holds, by cluster.
func (p *Promoter) clusterReports() map[core.Cluster][]gate.Report {
	out := map[core.Cluster][]gate.Report{}
	for key, rec := range p.reports.all() {
		cluster, kind, namespace, name, err := events.ParseReportKey(key)
		if err != nil {
			continue // not one of ours
		}
		out[cluster] = append(out[cluster], rec.report(gate.Object{Kind: kind, Namespace: namespace, Name: name}))
	}
	return out
}

func (p *Promoter) clusterTriggers() map[core.Cluster]plan.TriggerRecord {
	out := map[core.Cluster]plan.TriggerRecord{}
	for key, rec := range p.triggers.all() {
		if cluster, err := events.ParseTriggerKey(key); err == nil {
			out[cluster] = rec.record()
		}
	}
	return out
}

// describe names an action for the log.
func describe(a plan.Action) string { return fmt.Sprintf("%T", a)[len("plan."):] }
