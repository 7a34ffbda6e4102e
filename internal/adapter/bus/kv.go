package bus

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Entry is a value of a bucket.
type Entry struct {
	Key      string
	Value    []byte // nil where Deleted
	Revision uint64 // what Update compares with
	Created  time.Time
	Deleted  bool // only ever set in what Watch gives
}

// Get returns the newest value of a key, or NotFound.
func (b *Bus) Get(ctx context.Context, bucket, key string) (Entry, error) {
	e, err := inBucket(ctx, b, bucket, func(ctx context.Context, kv jetstream.KeyValue) (jetstream.KeyValueEntry, error) {
		return kv.Get(ctx, key)
	})
	if err != nil {
		return Entry{}, core.Errorf(classified(err), "get %s from bucket %s: %w", key, bucket, err)
	}
	return entry(e), nil
}

// Create stores the first value of a key and returns its revision. A key that
// has a value is a Conflict.
func (b *Bus) Create(ctx context.Context, bucket, key string, value []byte) (uint64, error) {
	rev, err := inBucket(ctx, b, bucket, func(ctx context.Context, kv jetstream.KeyValue) (uint64, error) {
		return kv.Create(ctx, key, value)
	})
	if err != nil {
		return 0, core.Errorf(kvKind(err), "create %s in bucket %s: %w", key, bucket, err)
	}
	return rev, nil
}

// Update replaces the value of a key if its revision is still the given one,
// and returns the new revision. Any other revision is a Conflict. After a
// Transient error the value may be stored or not: get it and look.
func (b *Bus) Update(ctx context.Context, bucket, key string, value []byte, revision uint64) (uint64, error) {
	rev, err := inBucket(ctx, b, bucket, func(ctx context.Context, kv jetstream.KeyValue) (uint64, error) {
		return kv.Update(ctx, key, value, revision)
	})
	if err != nil {
		return 0, core.Errorf(kvKind(err), "update %s at revision %d in bucket %s: %w", key, revision, bucket, err)
	}
	return rev, nil
}

// Keys returns the keys that have a value, in no order. More than a hundred
// thousand are an error of kind Invalid.
func (b *Bus) Keys(ctx context.Context, bucket string) ([]string, error) {
	keys, err := inBucket(ctx, b, bucket, listKeys)
	if err != nil {
		return nil, core.Errorf(kvKind(err), "list the keys of bucket %s: %w", bucket, err)
	}
	return keys, nil
}

func listKeys(ctx context.Context, kv jetstream.KeyValue) ([]string, error) {
	lister, err := kv.ListKeys(ctx)
	if err != nil {
		return nil, err
	}
	defer lister.Stop()
	var keys []string
	for key := range lister.Keys() {
		if keys = append(keys, key); len(keys) > maxKeys {
			return nil, core.Errorf(core.Invalid, "there are more than %d keys", maxKeys)
		}
	}
	return keys, ctx.Err()
}

// Watch calls changed for the newest value of each key that matches pattern
// (">" is all of them), then synced once, then changed for every change in the
// order of revisions, deletions included. It returns nil when ctx ends and
// Transient when the watch broke; begun anew, it starts with all values again.
// The callbacks run one at a time, on the caller's goroutine.
func (b *Bus) Watch(ctx context.Context, bucket, pattern string, changed func(Entry), synced func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // also ends a watch that began too late to be used
	w, err := b.watcher(ctx, bucket, pattern)
	if err != nil {
		return core.Errorf(classified(err), "watch %s in bucket %s: %w", pattern, bucket, err)
	}
	defer w.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-w.Updates():
			switch {
			case ctx.Err() != nil:
				return nil
			case !ok:
				return core.Errorf(core.Transient, "watch %s in bucket %s: the watch ended", pattern, bucket)
			case e == nil:
				synced()
			default:
				changed(entry(e))
			}
		}
	}
}

// watcher begins a watch within the time of a call; the watch itself lasts as
// long as ctx.
func (b *Bus) watcher(ctx context.Context, bucket, pattern string) (jetstream.KeyWatcher, error) {
	return inBucket(ctx, b, bucket, func(_ context.Context, kv jetstream.KeyValue) (jetstream.KeyWatcher, error) {
		return kv.Watch(ctx, pattern)
	})
}

// inBucket runs one bounded call on a bucket.
func inBucket[T any](ctx context.Context, b *Bus, bucket string, call func(context.Context, jetstream.KeyValue) (T, error)) (T, error) {
	if err := b.connected(); err != nil {
		var none T
		return none, err
	}
	return bounded(ctx, b, func(ctx context.Context) (T, error) {
		kv, err := b.bucket(ctx, bucket)
		if err != nil {
			var none T
			return none, err
		}
		return call(ctx, kv)
	})
}

// bucket remembers handles: binding one costs a round trip.
func (b *Bus) bucket(ctx context.Context, name string) (jetstream.KeyValue, error) {
	b.mu.Lock()
	kv, ok := b.buckets[name]
	b.mu.Unlock()
	if ok {
		return kv, nil
	}
	kv, err := b.js.KeyValue(ctx, name)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.buckets[name] = kv
	return kv, nil
}

// kvKind knows the two codes by which servers refuse a stale write: 10071
// where the bucket has one replica, 10164 where it has more. The library's
// ErrKeyExists would match a stale Update in the first case only.
func kvKind(err error) core.Kind {
	var api *jetstream.APIError
	if errors.As(err, &api) {
		switch api.ErrorCode {
		case jetstream.JSErrCodeStreamWrongLastSequence, jetstream.JSErrCodeStreamWrongLastSequenceConstant:
			return core.Conflict
		}
	}
	if errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
		return core.Conflict
	}
	return classified(err)
}

func entry(e jetstream.KeyValueEntry) Entry {
	if e.Operation() != jetstream.KeyValuePut {
		return Entry{Key: e.Key(), Revision: e.Revision(), Created: e.Created(), Deleted: true}
	}
	return Entry{Key: e.Key(), Value: e.Value(), Revision: e.Revision(), Created: e.Created()}
}
