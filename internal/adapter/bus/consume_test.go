package bus_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/sluice-gitops/sluice/internal/adapter/bus"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/pkg/events"
)

func publish(t *testing.T, b *bus.Bus, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if _, err := b.Publish(t.Context(), hint(t, id)); err != nil {
			t.Fatal(err)
		}
	}
}

// consume runs Consume until the returned function is called, which waits.
func consume(t *testing.T, b *bus.Bus, handle bus.Handler) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- b.Consume(ctx, bus.Reading{Stream: events.StreamHints, Durable: "test", Filter: events.AllHints}, handle)
	}()
	return func() {
		t.Helper()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Consume ended with %v, want nil", err)
		}
	}
}

func TestConsumeGivesEachMessageOnce(t *testing.T) {
	b := connect(t)
	seen := make(chan string, 200)
	handle := func(_ context.Context, d bus.Delivery) error {
		e, err := events.Decode(d.Headers, d.Body)
		seen <- fmt.Sprint(e.ID, err)
		return nil
	}
	got := map[string]int{}
	for round := range 2 { // the second one goes on where the first one stopped
		for i := range 50 {
			publish(t, b, fmt.Sprint(round, "-", i))
		}
		stop := consume(t, b, handle)
		for range 50 {
			got[<-seen]++
		}
		stop()
	}
	if len(got) != 100 || len(seen) != 0 {
		t.Errorf("%d different messages and %d more, want 100 and none: %v", len(got), len(seen), got)
	}
}

func TestConsumeRetriesAndGivesUp(t *testing.T) {
	b := connect(t)
	publish(t, b, "later", "never")
	attempts := make(chan string, 16)
	stop := consume(t, b, func(_ context.Context, d bus.Delivery) error {
		e, err := events.Decode(d.Headers, d.Body)
		attempts <- fmt.Sprint(e.ID, " ", d.Attempt)
		switch {
		case err != nil:
			return err
		case e.ID == "never":
			return core.Errorf(core.Invalid, "nothing to be done")
		case d.Attempt < 2:
			return core.Errorf(core.Transient, "not now")
		}
		return nil
	})
	got := map[string]bool{}
	for range 3 {
		got[<-attempts] = true
	}
	stop()
	if !got["later 1"] || !got["later 2"] || !got["never 1"] || len(attempts) != 0 {
		t.Errorf("attempts %v and %d more, want two of later and one of never", got, len(attempts))
	}
}

func TestConsumeWaitsForHandlersWhenItEnds(t *testing.T) {
	b := connect(t)
	publish(t, b, "slow")
	entered, release := make(chan struct{}), make(chan struct{})
	var finished atomic.Bool
	stop := consume(t, b, func(ctx context.Context, _ bus.Delivery) error {
		close(entered)
		<-ctx.Done()
		<-release
		finished.Store(true)
		return nil
	})
	<-entered
	go close(release)
	stop()
	if !finished.Load() {
		t.Error("Consume returned while a handler still ran")
	}
	publish(t, b, "next")
	next := make(chan uint64, 2)
	stop = consume(t, b, func(_ context.Context, d bus.Delivery) error { next <- d.Sequence; return nil })
	if got := <-next; got != 2 {
		t.Errorf("message %d came, but the first one was done during the end", got)
	}
	stop()
}

func TestConsumeNeedsItsStream(t *testing.T) {
	b := connect(t)
	err := b.Consume(t.Context(), bus.Reading{Stream: "NO_SUCH_STREAM", Durable: "test", Filter: ">"}, func(context.Context, bus.Delivery) error { return errors.New("called") })
	if core.KindOf(err) != core.NotFound {
		t.Errorf("error %v, want one of kind not found", err)
	}
}
