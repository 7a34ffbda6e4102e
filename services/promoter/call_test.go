package promoter

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/sluice-gitops/sluice/internal/adapter/bus"
	"github.com/sluice-gitops/sluice/internal/adapter/bus/embed"
	"github.com/sluice-gitops/sluice/internal/adapter/flux"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/pkg/events"
)

func TestWhatBecomesOfACall(t *testing.T) {
	for name, c := range map[string]struct {
		err      error
		try      uint64
		kind     core.Kind
		hopeless bool
	}{
		"a Receiver that is suspended":        {core.RetryAfter(0, errors.New("503")), 100, core.Transient, false},
		"no answer":                           {core.Errorf(core.Transient, "refused"), 1, core.Transient, false},
		"a Receiver that may come up":         {core.Errorf(core.NotFound, "404"), 1, core.Transient, false},
		"the last try of one that may":        {core.Errorf(core.NotFound, "404"), maxUnknown - 1, core.Transient, false},
		"a Receiver that is not there":        {core.Errorf(core.NotFound, "404"), maxUnknown, core.Invalid, true},
		"a wrong signature":                   {core.Errorf(core.Invalid, "400"), 1, core.Invalid, true},
		"a certificate that is not trusted":   {core.Errorf(core.Denied, "TLS"), 1, core.Invalid, true},
		"a defect of ours":                    {errors.New("nobody knows"), 1, core.Invalid, true},
		"something moved, as it never should": {core.Errorf(core.Conflict, "moved"), 1, core.Transient, false},
	} {
		got := answered(c.err, c.try)
		if again := core.KindOf(got.err) == core.Transient || core.KindOf(got.err) == core.Conflict; again != (c.kind == core.Transient) || got.hopeless != c.hopeless {
			t.Errorf("%s: %v, hopeless: %t", name, got.err, got.hopeless)
		}
	}
	if got := answered(nil, 1); got != (verdict{}) {
		t.Errorf("a call that was taken: %+v", got)
	}
}

// line is a promoter with a real NATS, the Receivers of some clusters over real
// HTTP, and nothing else.
type line struct {
	t    *testing.T
	p    *Promoter
	bus  *bus.Bus
	log  *lockedBuffer
	regs *prometheus.Registry
	stop func()
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func newLine(t *testing.T, receivers map[core.Cluster]http.HandlerFunc) *line {
	t.Helper()
	server, err := embed.Start(t.Context(), embed.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	b, err := bus.Connect(t.Context(), bus.Config{InProcess: server})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	if err := b.Ensure(t.Context(), events.Default(1)); err != nil {
		t.Fatal(err)
	}
	client, err := flux.NewClient(flux.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	l := &line{t: t, bus: b, log: &lockedBuffer{}, regs: prometheus.NewRegistry()}
	m := Monorepo{Path: "g/p", Receivers: map[core.Cluster]flux.Receiver{}}
	for cluster, handle := range receivers {
		s := httptest.NewServer(handle)
		t.Cleanup(s.Close)
		m.Receivers[cluster] = flux.Receiver{Cluster: cluster, BaseURL: s.URL, Name: "sluice", Namespace: "flux-system", Token: "t0p-s3cret", Type: flux.HMAC}
	}
	l.p, err = New(Config{
		Monorepos: []Monorepo{m}, Bus: b, Caller: client, Act: true, Sweep: time.Hour, Clock: time.Now,
		Logger: slog.New(slog.NewTextHandler(l.log, nil)), Metrics: l.regs,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = l.p.triggers.follow(ctx) })
	running.Go(func() {
		_ = l.p.consume(ctx, bus.Reading{Stream: events.StreamTriggers, Durable: durable, Filter: events.AllTriggers, Parallel: maxCalls}, l.p.call)
	})
	l.stop = func() { cancel(); running.Wait() }
	t.Cleanup(l.stop)
	return l
}

// order has the call of a cluster ordered, as a pass does it.
func (l *line) order(cluster core.Cluster, revision core.SHA, attempt int) {
	l.t.Helper()
	o := &observation{state: &plan.State{Project: plan.Project{Path: "g/p", DefaultBranch: "main"}, Triggers: l.p.clusterTriggers()}}
	err := l.p.repos[0].trigger(l.t.Context(), o, plan.Trigger{Cluster: cluster, Revision: revision, Attempt: attempt})
	if err != nil {
		l.t.Fatal(err)
	}
}

func (l *line) record(cluster core.Cluster) plan.TriggerRecord { return l.p.clusterTriggers()[cluster] }

// refused is what the metric says of a cluster.
func (l *line) refused(cluster core.Cluster) float64 {
	var m dto.Metric
	if err := l.p.meter.refused.WithLabelValues(string(cluster)).Write(&m); err != nil {
		l.t.Fatal(err)
	}
	return m.GetGauge().GetValue()
}

func (l *line) eventually(what string, ok func() bool) {
	l.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			l.t.Fatalf("%s never happened; the log:\n%s", what, l.log)
		}
	}
}

func answer(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// A cluster that does not answer must not keep others waiting, nor the pass.
func TestADeadClusterDelaysNoOther(t *testing.T) {
	release := make(chan struct{})
	hang := func(http.ResponseWriter, *http.Request) { <-release }
	receivers := map[core.Cluster]http.HandlerFunc{"live": answer(200)}
	dead := []core.Cluster{}
	for i := range 40 {
		c := core.Cluster("dead-" + string(rune('a'+i%26)) + string(rune('a'+i/26)))
		dead, receivers[c] = append(dead, c), hang
	}
	l := newLine(t, receivers)
	t.Cleanup(func() { close(release) })
	for _, c := range dead {
		l.order(c, shaA, 1)
	}
	l.order("live", shaA, 1)
	l.eventually("the call of the live cluster", func() bool { return !l.record("live").Called.IsZero() })
	for _, c := range dead {
		if r := l.record(c); r.Revision != shaA || !r.Called.IsZero() {
			t.Errorf("%s: %+v, want a call that is being made", c, r)
		}
	}
}

// An answer that passes by itself is tried again until it is taken.
func TestACallIsTriedUntilItIsTaken(t *testing.T) {
	var mu sync.Mutex
	calls := 0
	l := newLine(t, map[core.Cluster]http.HandlerFunc{"c": func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}})
	l.order("c", shaA, 1)
	l.eventually("the trouble", func() bool { return strings.Contains(l.record("c").Trouble, "503") })
	l.eventually("the second try", func() bool { return !l.record("c").Called.IsZero() })
	if r := l.record("c"); r.Trouble != "" || r.GaveUp || r.Attempts != 1 {
		t.Errorf("afterwards %+v, want no trouble, and one call", r)
	}
	if letters, err := l.bus.DeadLetters(t.Context(), 10); err != nil || len(letters) != 0 {
		t.Errorf("%d dead letters, %v", len(letters), err)
	}
}

// What a person must mend is said once and kept once, however many revisions
// follow, and said anew when it comes back.
func TestAWrongConfigurationIsSaidOnce(t *testing.T) {
	var mu sync.Mutex
	status := http.StatusBadRequest
	l := newLine(t, map[core.Cluster]http.HandlerFunc{"c": func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		w.WriteHeader(status)
	}})
	refused := func(revision core.SHA) {
		t.Helper()
		l.order("c", revision, 1)
		l.eventually("the refusal", func() bool { r := l.record("c"); return r.GaveUp && r.Revision == revision })
	}
	loud := func() int { return strings.Count(l.log.String(), "cannot be called before somebody changes") }
	refused(shaA)
	refused(shaB)
	if got := loud(); got != 1 {
		t.Errorf("said %d times:\n%s", got, l.log)
	}
	letters := func() int {
		list, err := l.bus.DeadLetters(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	l.eventually("the dead letter", func() bool { return letters() == 1 })
	if got := l.refused("c"); got != 1 {
		t.Errorf("the metric says %v", got)
	}
	mu.Lock()
	status = http.StatusOK
	mu.Unlock()
	l.order("c", shaA, 1)
	l.eventually("the call that is taken", func() bool { return !l.record("c").Called.IsZero() })
	if got := l.refused("c"); got != 0 {
		t.Errorf("the metric still says %v", got)
	}
	mu.Lock()
	status = http.StatusRequestEntityTooLarge
	mu.Unlock()
	refused(shaB)
	if got := loud(); got != 2 {
		t.Errorf("another trouble was said %d times in all, want 2", got)
	}
	if strings.Contains(l.log.String(), "t0p-s3cret") || strings.Contains(l.log.String(), "/hook/") {
		t.Error("the log shows a secret")
	}
}

// An order that no longer fits is replaced by the next one.
func TestANewerOrderTakesThePlaceOfAnOlderOne(t *testing.T) {
	entered, release := make(chan struct{}, 8), make(chan struct{})
	l := newLine(t, map[core.Cluster]http.HandlerFunc{"c": func(w http.ResponseWriter, _ *http.Request) {
		entered <- struct{}{}
		<-release
	}})
	l.order("c", shaA, 1)
	<-entered
	l.order("c", shaB, 1)
	<-entered
	close(release)
	l.eventually("the newer call", func() bool { r := l.record("c"); return r.Revision == shaB && !r.Called.IsZero() })
}

// A crash between the order and its note repeats the decision: the same order
// is the same message.
func TestTheSameDecisionIsTheSameOrder(t *testing.T) {
	a := plan.Trigger{Cluster: "c", Revision: shaA, Attempt: 2}
	last := plan.TriggerRecord{Revision: shaA, Attempts: 1, At: time.Unix(1, 2)}
	again, before := a, last
	if orderID(a, last) != orderID(again, before) {
		t.Error("the same decision has two ids")
	}
	later := last
	later.At = time.Unix(1, 3)
	other := a
	other.Attempt = 3
	if orderID(a, last) == orderID(a, later) || orderID(a, last) == orderID(other, last) {
		t.Error("two decisions share an id")
	}
}
