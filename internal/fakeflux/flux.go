package fakeflux

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Flux is the Flux of one cluster. Its methods are safe for concurrent use.
type Flux struct {
	config     Config
	client     *http.Client
	triggered  chan struct{}  // holds one: calls to a Receiver merge
	deliveries sync.WaitGroup // events under way; Run waits for them
	versions   atomic.Int64   // the cluster's newest resource version

	mu         sync.Mutex
	behaviour  Behaviour
	status     Status
	unhealthy  map[string]bool      // Kustomizations whose last run failed
	remembered map[string]time.Time // events by their key, and when they were let through
	underWay   int                  // deliveries
	runs       int                  // reconciliations of a Kustomization, ever
	emitted    int                  // events that went out or were lost
}

// New returns a Flux that does nothing until [Flux.Run]. Its errors are Invalid.
func New(c Config) (*Flux, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	f := &Flux{
		config:     c,
		client:     &http.Client{Timeout: deliveryTimeout},
		triggered:  make(chan struct{}, 1),
		unhealthy:  map[string]bool{},
		remembered: map[string]time.Time{},
	}
	f.versions.Store(c.Clock.Now().Unix()) // resource versions grow over restarts as well
	return f, nil
}

// Run fetches, reconciles and reports until the context ends, and returns nil
// when everything that it began has stopped. Events under way are lost then,
// as they are when a controller restarts. Call it once.
func (f *Flux) Run(ctx context.Context) error {
	defer f.client.CloseIdleConnections()
	defer f.deliveries.Wait()
	f.fetch(ctx)
	f.reconcile(ctx)
	tick := f.config.Clock.After(f.config.Interval)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick:
			f.fetch(ctx)
			f.reconcile(ctx)
			tick = f.config.Clock.After(f.config.Interval)
		case <-f.triggered:
			f.pull(ctx)
		}
	}
}

// pull is what a call to the Receiver leads to: a fetch, and work only if that
// brought something new.
func (f *Flux) pull(ctx context.Context) {
	if f.Behaviour().StaleFirst {
		f.reconcile(ctx)
	}
	if f.fetch(ctx) {
		f.reconcile(ctx)
	}
}

// fetch plays source-controller and tells whether the revision changed. A
// fetch that fails leaves the revision as it is, and the next one tries again.
func (f *Flux) fetch(ctx context.Context) (changed bool) {
	head, err := f.head(ctx)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.status.FetchErrors++
		f.config.Logger.Warn("source not fetched", "error", err)
		return false
	}
	if head == f.status.Fetched || slices.Contains(f.behaviour.Skip, head) {
		return false
	}
	f.status.Fetched = head
	f.config.Logger.Info("source fetched", "revision", string(head))
	return true
}

// reconcile plays kustomize-controller: after a while every Kustomization
// reports on the revision that the source is at.
func (f *Flux) reconcile(ctx context.Context) {
	revision := f.Status().Fetched
	if revision == "" || !f.sleep(ctx, f.config.ApplyDelay) {
		return
	}
	healthy := true
	for _, name := range f.config.Kustomizations {
		healthy = f.reconcileOne(ctx, name, revision) && healthy
	}
	if !healthy {
		return
	}
	f.mu.Lock()
	f.status.Applied = revision
	f.mu.Unlock()
	f.config.Logger.Info("revision applied", "revision", string(revision))
}

func (f *Flux) reconcileOne(ctx context.Context, name string, revision core.SHA) (healthy bool) {
	f.mu.Lock()
	f.runs++
	run := f.runs
	failure := f.behaviour.Fail
	fails := failure.covers(revision, name)
	recovers := f.unhealthy[name] && !fails
	f.unhealthy[name] = fails
	f.mu.Unlock()

	// Real runs never take equally long, so their messages differ and are not
	// taken for repeated ones.
	took := f.config.ApplyDelay + time.Duration(run%997+1)*time.Millisecond
	if fails {
		f.emit(ctx, f.failed(name, revision, failure))
		return false
	}
	if recovers {
		f.emit(ctx, f.recovered(name, revision, took))
	}
	f.emit(ctx, f.succeeded(name, revision, took))
	return true
}

// Behave replaces the behaviour from the next step on.
func (f *Flux) Behave(b Behaviour) {
	b.Skip = slices.Clone(b.Skip)
	if b.Fail != nil {
		failure := *b.Fail
		b.Fail = &failure
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.behaviour = b
}

// Behaviour is the present behaviour.
func (f *Flux) Behaviour() Behaviour {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.behaviour
}

// Status is a snapshot of what was done so far.
func (f *Flux) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := f.status
	s.LastTrigger = slices.Clone(s.LastTrigger)
	return s
}

// sleep is false if the context ended first.
func (f *Flux) sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-ctx.Done():
		return false
	case <-f.config.Clock.After(d):
		return true
	}
}
