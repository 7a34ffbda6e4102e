package bus_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/adapter/bus"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/pkg/events"
)

// What is given up is kept with its reason, and comes back as it was.
func TestDeadLettersAreKeptAndReplayed(t *testing.T) {
	b := connect(t)
	publish(t, b, "wrong")
	var lost []bus.Delivery
	refused := core.Errorf(core.Invalid, "line one\nline two")
	got := make(chan struct{}, 4)
	stop := consume(t, b, func(_ context.Context, d bus.Delivery) error {
		lost = append(lost, d)
		defer func() { got <- struct{}{} }()
		if len(lost) > 1 {
			return nil
		}
		return refused
	})
	<-got
	var letters []bus.DeadLetter
	eventually(t, "the dead letter", func() bool {
		var err error
		if letters, err = b.DeadLetters(t.Context(), 10); err != nil {
			t.Fatal(err)
		}
		return len(letters) == 1
	})
	l := letters[0]
	if l.Reason != "line one line two" || l.Attempts != 1 || !strings.HasPrefix(l.Subject, "sluice.v1.hint.") || l.At.IsZero() {
		t.Errorf("got %+v", l)
	}
	if e, err := events.Decode(l.Headers, l.Body); err != nil || e.ID != "wrong" {
		t.Errorf("the letter holds %+v, %v", e, err)
	}
	if err := b.Replay(t.Context(), l.Sequence); err != nil {
		t.Fatal(err)
	}
	<-got
	stop()
	if len(lost) != 2 || string(lost[0].Body) != string(lost[1].Body) {
		t.Errorf("%d deliveries, want the second one to be the first one's copy", len(lost))
	}
	if letters, err := b.DeadLetters(t.Context(), 10); err != nil || len(letters) != 0 {
		t.Errorf("%d are left, %v: what was replayed is none any more", len(letters), err)
	}
	if err := b.Replay(t.Context(), l.Sequence); core.KindOf(err) != core.NotFound {
		t.Errorf("replayed again: %v, want an error of kind not found", err)
	}
}

func TestTheNewestDeadLettersComeInTheirOrder(t *testing.T) {
	b := connect(t)
	ids := []string{"a", "b", "c", "d"}
	publish(t, b, ids...)
	stop := consume(t, b, func(context.Context, bus.Delivery) error { return core.Errorf(core.NotFound, "no") })
	count := func(limit int) []bus.DeadLetter {
		letters, err := b.DeadLetters(t.Context(), limit)
		if err != nil {
			t.Fatal(err)
		}
		return letters
	}
	eventually(t, "four dead letters", func() bool { return len(count(10)) == 4 })
	stop()
	all := count(10)
	if err := b.Drop(t.Context(), all[2].Sequence); err != nil {
		t.Fatal(err)
	}
	var got []uint64
	for _, l := range count(2) {
		got = append(got, l.Sequence)
	}
	if diff := cmp.Diff([]uint64{all[1].Sequence, all[3].Sequence}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// More dead peers than there are places by default must not keep a live one
// waiting.
func TestParallelHandlersDoNotWaitForEachOther(t *testing.T) {
	b := connect(t)
	const dead = 40
	ctx, cancel := context.WithCancel(t.Context())
	done, entered := make(chan error, 1), make(chan struct{}, dead+1)
	go func() {
		done <- b.Consume(ctx, bus.Reading{Stream: events.StreamHints, Durable: "test", Filter: events.AllHints, Parallel: dead + 1}, func(ctx context.Context, _ bus.Delivery) error {
			entered <- struct{}{}
			<-ctx.Done()
			return nil
		})
	}()
	for i := range dead + 1 {
		publish(t, b, string(rune('A'+i)))
	}
	for range dead + 1 {
		<-entered
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
