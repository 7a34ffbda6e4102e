package bus_test

import (
	"context"
	"slices"
	"testing"

	"github.com/sluice-gitops/sluice/internal/adapter/bus"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/pkg/events"
)

const bucket = events.BucketReports

func TestCompareAndSwap(t *testing.T) {
	b := connect(t)
	ctx := t.Context()
	if _, err := b.Get(ctx, bucket, "a.b"); core.KindOf(err) != core.NotFound {
		t.Errorf("get of nothing: error %v, want one of kind not found", err)
	}
	first, err := b.Create(ctx, bucket, "a.b", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Create(ctx, bucket, "a.b", []byte("2")); core.KindOf(err) != core.Conflict {
		t.Errorf("second create: error %v, want one of kind conflict", err)
	}
	second, err := b.Update(ctx, bucket, "a.b", []byte("2"), first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Update(ctx, bucket, "a.b", []byte("3"), first); core.KindOf(err) != core.Conflict {
		t.Errorf("stale update: error %v, want one of kind conflict", err)
	}
	e, err := b.Get(ctx, bucket, "a.b")
	if err != nil || string(e.Value) != "2" || e.Revision != second {
		t.Errorf("got %+v, %v; want 2 at revision %d", e, err, second)
	}
	if _, err := b.Create(ctx, bucket, "not a key", nil); core.KindOf(err) != core.Invalid {
		t.Errorf("bad key: error %v, want one of kind invalid", err)
	}
	if _, err := b.Get(ctx, "no-such-bucket", "k"); core.KindOf(err) != core.NotFound {
		t.Errorf("no bucket: error %v, want one of kind not found", err)
	}
}

func TestKeys(t *testing.T) {
	b := connect(t)
	keys, err := b.Keys(t.Context(), bucket)
	if err != nil || len(keys) != 0 {
		t.Errorf("an empty bucket has the keys %v, %v", keys, err)
	}
	want := []string{events.ReportKey("c", "Kustomization", "n", "a.b"), events.ReportKey("c", "Kustomization", "n", "x")}
	for _, k := range want {
		if _, err := b.Create(t.Context(), bucket, k, []byte("v")); err != nil {
			t.Fatal(err)
		}
	}
	keys, err = b.Keys(t.Context(), bucket)
	slices.Sort(keys)
	if err != nil || !slices.Equal(keys, want) {
		t.Errorf("keys %v, %v; want %v", keys, err, want)
	}
}

func TestWatchGivesTheOldThenTheNew(t *testing.T) {
	b := connect(t)
	rev, err := b.Create(t.Context(), bucket, "c.a", []byte("old"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	seen := make(chan string, 8)
	done := make(chan error, 1)
	go func() {
		done <- b.Watch(ctx, bucket, "c.>", func(e bus.Entry) { seen <- e.Key + "=" + string(e.Value) }, func() { seen <- "synced" })
	}()
	if got := []string{<-seen, <-seen}; !slices.Equal(got, []string{"c.a=old", "synced"}) {
		t.Errorf("at first %v, want the old value, then the mark", got)
	}
	if _, err := b.Create(t.Context(), bucket, "other.a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Update(t.Context(), bucket, "c.a", []byte("new"), rev); err != nil {
		t.Fatal(err)
	}
	if got := <-seen; got != "c.a=new" {
		t.Errorf("then %s, want the new value of a key that matches", got)
	}
	stop()
	if err := <-done; err != nil {
		t.Errorf("the watch ended with %v, want nil", err)
	}
}
