package receiver

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/bus"
	"github.com/sluice-gitops/sluice/internal/adapter/bus/embed"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/pkg/events"
)

// gated is a bus whose Publish waits for the test, or for its context.
type gated struct {
	memory
	entered chan struct{}
	release chan struct{}
}

func newGated() *gated { return &gated{entered: make(chan struct{}, 8), release: make(chan struct{})} }

func (g *gated) Publish(ctx context.Context, m events.Message) (bool, error) {
	g.entered <- struct{}{}
	select {
	case <-g.release:
		return g.memory.Publish(ctx, m)
	case <-ctx.Done():
		return false, core.Errorf(core.Transient, "%w", ctx.Err())
	}
}

// pushTo sends a push without a network and returns the answer.
func pushTo(h http.Handler, body io.Reader) *httptest.ResponseRecorder {
	req := httptest.NewRequest(http.MethodPost, "/hooks/gitlab", body)
	req.Header.Set(headerToken, token)
	req.Header.Set("X-Gitlab-Event", "Push Hook")
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	return rec
}

func TestSlowBusIs503WithinFiveSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := mustNew(t, config(), newGated(), nil)
		begin := time.Now()
		rec := pushTo(r.Handler(), strings.NewReader(sentBody))
		if took := time.Since(begin); rec.Code != 503 || took > 5*time.Second {
			t.Errorf("status %d after %s, want 503 within 5 s", rec.Code, took)
		}
	})
}

func TestManyLargeBodiesDoNotHoldUpSmallOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := mustNew(t, config(), &memory{}, nil)
		stuck, free := io.Pipe()
		done := make(chan int)
		for range largeBodies / maxGitLabBody { // of unknown length, and their bytes do not come
			go func() { done <- pushTo(r.Handler(), stuck).Code }()
		}
		synctest.Wait()
		if got := pushTo(r.Handler(), strings.NewReader(sentBody)).Code; got != 202 {
			t.Errorf("a small body got %d beside large ones, want 202", got)
		}
		begin := time.Now()
		rec := pushTo(r.Handler(), io.MultiReader(strings.NewReader(sentBody)))
		if took := time.Since(begin); rec.Code != 503 || rec.Header().Get("Retry-After") == "" || took > 5*time.Second {
			t.Errorf("a large body too many got %d after %s, want 503 with Retry-After within 5 s", rec.Code, took)
		}
		free.CloseWithError(io.ErrUnexpectedEOF)
		for range largeBodies / maxGitLabBody {
			if got := <-done; got != http.StatusRequestTimeout {
				t.Errorf("a body that never came got %d", got)
			}
		}
		if got := pushTo(r.Handler(), io.MultiReader(strings.NewReader(sentBody))).Code; got != 202 {
			t.Errorf("afterwards a large body got %d, want 202", got)
		}
	})
}

func TestPublishingGoesOnWhenTheSenderHangsUp(t *testing.T) {
	bus := newGated()
	r := mustNew(t, config(), bus, nil)
	ctx, hangUp := context.WithCancel(t.Context())
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, "/hooks/gitlab", strings.NewReader(sentBody))
	req.Header.Set(headerToken, token)
	done := make(chan struct{})
	go func() { defer close(done); r.Handler().ServeHTTP(httptest.NewRecorder(), req) }()
	<-bus.entered
	hangUp()
	close(bus.release)
	<-done
	if got := len(bus.take()); got != 1 {
		t.Errorf("%d messages, want the one that was under way", got)
	}
}

// When the receiver ends, whoever has been let in still gets an answer.
func TestShutdownLosesNoAnswer(t *testing.T) {
	bus := newGated()
	r := mustNew(t, config(), bus, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- r.Serve(ctx, l) }()
	w := &world{T: t, Receiver: r, url: "http://" + l.Addr().String()}
	if status, _ := w.get("/readyz"); status != 200 {
		t.Fatalf("readyz is %d at first, want 200", status)
	}
	const requests = 4
	status := make(chan int, requests)
	for i := range requests {
		go func() { status <- w.push("delivery-" + string(rune('a'+i))) }()
	}
	for range requests {
		<-bus.entered
	}
	end()
	ready := func() int {
		rec := httptest.NewRecorder()
		r.Handler().ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/readyz", nil))
		return rec.Code
	}
	eventually(t, "readyz turns to 503", func() bool { return ready() == 503 })
	eventually(t, "the listener closes", func() bool {
		c, err := net.Dial("tcp", l.Addr().String())
		if err == nil {
			c.Close()
		}
		return err != nil
	})
	select {
	case err := <-served:
		t.Fatalf("Serve ended with %v while requests ran", err)
	default:
	}
	close(bus.release)
	for range requests {
		if got := <-status; got != 202 {
			t.Errorf("a request that was under way got %d, want 202", got)
		}
	}
	if err := <-served; err != nil {
		t.Errorf("Serve ended with %v, want nil", err)
	}
	if got := len(bus.take()); got != requests {
		t.Errorf("%d messages for %d answers", got, requests)
	}
}

// Balancers learn from readyz that they should send no more, and what they
// send until they have learnt it is still taken.
func TestDrainDelayTakesRequests(t *testing.T) {
	cfg := config()
	cfg.DrainDelay = time.Second
	w := &world{T: t, Receiver: mustNew(t, cfg, &memory{}, nil)}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.url = "http://" + l.Addr().String()
	ctx, end := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- w.Serve(ctx, l) }()
	end()
	eventually(t, "readyz turns to 503", func() bool { status, _ := w.get("/readyz"); return status == 503 })
	if got := w.push("late"); got != 202 {
		t.Errorf("during the delay %d, want 202", got)
	}
	if err := <-served; err != nil {
		t.Errorf("Serve ended with %v, want nil", err)
	}
}

func TestShutdownHasAnEnd(t *testing.T) {
	bus := newGated()
	cfg := config()
	cfg.DrainTimeout = time.Millisecond
	r := mustNew(t, cfg, bus, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- r.Serve(ctx, l) }()
	go func() {
		req, _ := http.NewRequest(http.MethodPost, "http://"+l.Addr().String()+"/hooks/gitlab", strings.NewReader(sentBody))
		req.Header.Set(headerToken, token)
		if resp, err := http.DefaultClient.Do(req); err == nil {
			resp.Body.Close()
		}
	}()
	<-bus.entered
	end()
	if err := <-served; core.KindOf(err) != core.Transient {
		t.Errorf("Serve ended with %v, want an error of kind transient", err)
	}
	close(bus.release)
}

// The whole way with a real server: absent, there, gone, back.
func TestWithNATS(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	b, err := bus.Connect(t.Context(), bus.Config{URL: "nats://" + addr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	ctx, stop := context.WithCancel(t.Context())
	maintained := make(chan error, 1)
	go func() { maintained <- b.Maintain(ctx, events.Default(1)) }()
	t.Cleanup(func() { stop(); <-maintained })
	w := newWorld(t, b)
	up := func() *embed.Server {
		s, err := embed.Start(t.Context(), embed.Config{Dir: dir, Listen: addr})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Shutdown)
		eventually(t, "ready with NATS", func() bool { status, _ := w.get("/readyz"); return status == 200 })
		return s
	}
	down := func(id string) {
		t.Helper()
		begin := time.Now()
		if got := w.push(id); got != 503 {
			t.Errorf("without NATS %d, want 503", got)
		}
		if took := time.Since(begin); took > 5*time.Second {
			t.Errorf("the answer took %s, more than 5 s", took)
		}
	}
	down("one")
	s := up()
	for _, id := range []string{"one", "one", "two"} {
		if got := w.push(id); got != 202 {
			t.Errorf("push %s got %d, want 202", id, got)
		}
	}
	s.Shutdown()
	down("three")
	up()
	if got := w.push("three"); got != 202 {
		t.Errorf("with NATS back %d, want 202", got)
	}
	if got := w.push("one"); got != 202 {
		t.Errorf("the first one again got %d, want 202", got)
	}
	seen := make(chan string, 8)
	consuming := make(chan error, 1)
	cctx, enough := context.WithCancel(t.Context())
	go func() {
		consuming <- b.Consume(cctx, bus.Reading{Stream: events.StreamHints, Durable: "test", Filter: events.AllHints}, func(_ context.Context, d bus.Delivery) error {
			e, err := events.Decode(d.Headers, d.Body)
			seen <- e.ID
			return err
		})
	}()
	got := map[string]int{}
	for range 3 {
		got[<-seen]++
	}
	enough()
	if err := <-consuming; err != nil || len(seen) != 0 || got["one"] != 1 || got["two"] != 1 || got["three"] != 1 {
		t.Errorf("stored %v and %d more, %v; want one, two and three once each", got, len(seen), err)
	}
}
