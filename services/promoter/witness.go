package promoter

import (
	"cmp"
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/kube"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/pkg/events"
)

// watch asks one witness about one cluster, again and again, beside the passes:
// one that does not answer delays nobody. What it says is folded like events
// are, in a table of its own, so that it soaks as well.
type watch struct {
	p       *Promoter
	cluster core.Cluster
	is      gate.Witness // its name
	metric  string       // its name in metrics
	table   *table[reportRecord]
	// dated is set if what it says holds from when it was said, and not from when
	// it was asked.
	dated bool
	// ask returns what is known of the cluster's objects now. What is in between is
	// left out: nothing is known of it.
	ask func(context.Context) ([]gate.Event, error)

	mu      sync.Mutex
	seen    map[string]time.Time // when each object was last told of, by key
	trouble string
}

// newWatches makes the watches of all witnesses, by cluster.
func newWatches(p *Promoter) []*watch {
	var out []*watch
	for cluster, server := range p.cfg.APIServers {
		out = append(out, &watch{
			p: p, cluster: cluster, is: gate.Witness{Name: "the API server"}, metric: "api-server", table: p.servers, seen: map[string]time.Time{},
			ask: func(ctx context.Context) ([]gate.Event, error) { return askServer(ctx, server, p.cfg) },
		})
	}
	statuses := &ledger{p: p, pages: map[ledgerKey]ledgerPage{}}
	for cluster, author := range p.cfg.StatusAuthors {
		out = append(out, &watch{
			p: p, cluster: cluster, is: gate.Witness{Name: "GitLab's commit statuses", Plural: true}, metric: "commit-statuses", table: p.statuses, seen: map[string]time.Time{}, dated: true,
			ask: func(ctx context.Context) ([]gate.Event, error) { return statuses.ask(ctx, cluster, author) },
		})
	}
	slices.SortFunc(out, func(a, b *watch) int {
		return cmp.Or(strings.Compare(string(a.cluster), string(b.cluster)), strings.Compare(a.metric, b.metric))
	})
	return out
}

// run asks until ctx ends.
func (w *watch) run(ctx context.Context) error {
	for attempt := 0; ; attempt++ {
		err := w.once(ctx)
		if ctx.Err() != nil {
			return nil
		}
		every := w.p.cfg.Ask
		wait := every*9/10 + rand.N(every/5+1)
		if err == nil {
			attempt = 0
		} else {
			wait = max(wait, pause(attempt), core.WaitOf(err))
		}
		if !sleep(ctx, wait) {
			return nil
		}
	}
}

// once asks, folds what is said, and notes whether the witness can be asked.
func (w *watch) once(ctx context.Context) error {
	said, err := w.ask(ctx)
	if err == nil && len(said) > maxWitnessed {
		err = core.Errorf(core.Invalid, "%s of %s tells of %d objects, and at most %d are looked at", w.is.Name, w.cluster, len(said), maxWitnessed)
	}
	if err == nil {
		err = w.fold(ctx, said)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	w.p.meter.witness(w.cluster, w.metric, err)
	w.note(said, err)
	return err
}

// fold keeps what differs from what is known. An object that says the same as
// before costs nothing.
func (w *watch) fold(ctx context.Context, said []gate.Event) error {
	known := w.table.all()
	for _, e := range said {
		key := w.key(e.Object)
		if rec, ok := known[key]; ok && rec.knows(e) {
			continue
		}
		err := w.table.change(ctx, key, func(old reportRecord) reportRecord { return recordOf(gate.Fold(old.report(e.Object), e)) })
		if err != nil {
			return err
		}
	}
	return nil
}

// knows tells whether an event adds nothing to a record.
func (rec reportRecord) knows(e gate.Event) bool {
	if e.Order > 0 {
		return rec.UID == e.UID && rec.Order == e.Order && rec.says(e)
	}
	return e.At.Before(rec.Heard) || e.At.Equal(rec.Heard) && rec.says(e)
}

// says tells whether a record's present state is what an event tells of.
func (rec reportRecord) says(e gate.Event) bool {
	now, ok := rec.report(e.Object).Now()
	return ok && now.Ready == e.Ready && now.Revision == e.Revision && now.Reason == e.Reason
}

// note remembers what was told of and wakes the monorepos if a silence ended or
// began.
func (w *watch) note(said []gate.Event, err error) {
	w.mu.Lock()
	before, now := w.trouble, w.p.cfg.Clock()
	w.trouble = ""
	woken := false
	if err != nil {
		w.trouble = message.Mask(err.Error())
	} else {
		for _, e := range said {
			key := w.key(e.Object)
			woken = woken || now.Sub(w.seen[key]) >= gate.Patience(w.p.cfg.Ask)
			w.seen[key] = now
		}
		for key, at := range w.seen {
			if now.Sub(at) > time.Hour {
				delete(w.seen, key)
			}
		}
	}
	after := w.trouble
	w.mu.Unlock()
	if after != "" && before == "" {
		w.p.cfg.Logger.Warn("a witness cannot be asked; the events of Flux go on", "cluster", w.cluster, "witness", w.metric, "error", err)
	}
	if woken || before != after {
		w.p.wakeAll()
	}
}

func (w *watch) key(o gate.Object) string {
	return events.ReportKey(w.cluster, o.Kind, o.Namespace, o.Name)
}

// witness is what is known by it now. What was kept of earlier counts only once
// it has been told of again.
func (w *watch) witness(known map[string]reportRecord) gate.Witness {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.is
	out.Trouble = w.trouble
	for key, at := range w.seen {
		rec, ok := known[key]
		if _, kind, namespace, name, err := events.ParseReportKey(key); ok && err == nil {
			r := rec.report(gate.Object{Kind: kind, Namespace: namespace, Name: name})
			if !w.dated {
				r.Received, r.Every = at, w.p.cfg.Ask
			}
			out.Reports = append(out.Reports, r)
		}
	}
	slices.SortFunc(out.Reports, func(a, b gate.Report) int { return a.Object.Compare(b.Object) })
	return out
}

// clusterWitnesses gathers what the witnesses say, by cluster.
func (p *Promoter) clusterWitnesses() map[core.Cluster][]gate.Witness {
	out, known := map[core.Cluster][]gate.Witness{}, map[*table[reportRecord]]map[string]reportRecord{}
	for _, w := range p.watches {
		if known[w.table] == nil {
			known[w.table] = w.table.all()
		}
		out[w.cluster] = append(out[w.cluster], w.witness(known[w.table]))
	}
	return out
}

// configured tells whether the configuration names a cluster. What reports under
// another name is not counted in metrics, which must stay few.
func (p *Promoter) configured(cluster core.Cluster) bool {
	_, read := p.cfg.APIServers[cluster]
	_, written := p.cfg.StatusAuthors[cluster]
	return read || written || slices.ContainsFunc(p.repos, func(r *repo) bool { _, ok := r.Receivers[cluster]; return ok })
}

// everyReport is what anybody said of each cluster.
func everyReport(s *plan.State) map[core.Cluster][]gate.Report {
	out := map[core.Cluster][]gate.Report{}
	for cluster, reports := range s.Reports {
		out[cluster] = slices.Clone(reports)
	}
	for cluster, witnesses := range s.Witnesses {
		for _, w := range witnesses {
			out[cluster] = append(out[cluster], w.Reports...)
		}
	}
	return out
}

func askServer(ctx context.Context, server APIServer, cfg Config) ([]gate.Event, error) {
	objects, err := server.Objects(ctx)
	if err != nil {
		return nil, err
	}
	var out []gate.Event
	for _, o := range objects {
		if e, ok := observed(o, cfg.Clock(), cfg.Ask); ok {
			out = append(out, e)
		}
	}
	return out, nil
}

// observed is an object of an API server as an event of now. What is at work, or
// is made from no commit, tells nothing; of a Helm chart no commit is known.
func observed(o kube.Object, now time.Time, every time.Duration) (gate.Event, bool) {
	e := gate.Event{
		Object: gate.Object{Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}, Ready: o.State == kube.Ready,
		At: now.UTC(), UID: o.UID, Order: order(o.ResourceVersion), Received: now.UTC(), Every: every,
	}
	if o.Kind == gate.Kustomization {
		e.Revision, _ = commit(o.Origin, o.Revision)
	}
	switch {
	case o.Suspended:
		e.Ready, e.Reason = false, gate.Suspended
	case o.State == kube.Progressing, e.Ready && e.Revision == "" && o.Kind == gate.Kustomization:
		return gate.Event{}, false
	case !e.Ready:
		e.Reason = o.Reason + ": " + message.Mask(o.Message)
	}
	return e, true
}
