package bus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/pkg/events"
)

// Ensure creates the streams and buckets that do not exist and compares those
// that do. One that differs is an error of kind Invalid that names each
// field, what was found and what is wanted; it is never changed, because a
// person may have changed it on purpose and a narrower limit deletes messages.
// All definitions are looked at, and the errors joined. Ready repeats the
// outcome until the next Ensure.
func (b *Bus) Ensure(ctx context.Context, d events.Definitions) error {
	err := b.ensure(ctx, d)
	b.ensured.Store(&outcome{err})
	return err
}

func (b *Bus) ensure(ctx context.Context, d events.Definitions) error {
	if err := b.connected(); err != nil {
		return err
	}
	var errs []error
	for _, s := range d.Streams {
		errs = append(errs, b.ensureOne(ctx, "stream "+s.Name, streamConfig(s)))
	}
	for _, k := range d.Buckets {
		errs = append(errs, b.ensureOne(ctx, "bucket "+k.Name, bucketConfig(k)))
	}
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 0 {
		return nil
	}
	return core.Errorf(core.KindOf(errs[0]), "%w", errors.Join(errs...))
}

// ensureOne creates a stream, or compares the one that is there.
func (b *Bus) ensureOne(ctx context.Context, what string, want jetstream.StreamConfig) error {
	// Creating what exists with the same settings succeeds, and with other
	// settings fails with "in use", so two services may start at once.
	_, err := bounded(ctx, b, func(ctx context.Context) (jetstream.Stream, error) { return b.js.CreateStream(ctx, want) })
	if err != nil && !errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		return core.Errorf(classified(err), "create %s: %w", what, err)
	}
	s, err := bounded(ctx, b, func(ctx context.Context) (jetstream.Stream, error) { return b.js.Stream(ctx, want.Name) })
	if err != nil {
		return core.Errorf(classified(err), "look at %s: %w", what, err)
	}
	if diffs := drift(want, s.CachedInfo().Config); len(diffs) > 0 {
		return core.Errorf(core.Invalid, "%s differs from its definition and is left alone; make it equal or delete it: %w", what, errors.Join(diffs...))
	}
	return nil
}

// drift compares what decides over the safety of messages. Fields that a
// server sets on its own, such as metadata, are not looked at.
func drift(want, got jetstream.StreamConfig) []error {
	var out []error
	differ := func(field string, found, wanted any) {
		if f, w := fmt.Sprint(found), fmt.Sprint(wanted); f != w {
			out = append(out, fmt.Errorf("%s: found %s, want %s", field, f, w))
		}
	}
	differ("subjects", got.Subjects, want.Subjects)
	differ("retention", got.Retention, want.Retention)
	differ("storage", got.Storage, want.Storage)
	differ("discard", got.Discard, want.Discard)
	differ("max age", got.MaxAge, want.MaxAge)
	differ("max bytes", got.MaxBytes, want.MaxBytes)
	differ("max messages", got.MaxMsgs, want.MaxMsgs)
	differ("max messages per subject", got.MaxMsgsPerSubject, want.MaxMsgsPerSubject)
	differ("max message size", got.MaxMsgSize, want.MaxMsgSize)
	differ("duplicate window", got.Duplicates, want.Duplicates)
	differ("replicas", got.Replicas, want.Replicas)
	differ("no acknowledgements", got.NoAck, want.NoAck)
	differ("sealed", got.Sealed, want.Sealed)
	return out
}

// streamConfig spells out every choice, also those that the server would make
// in the same way today.
func streamConfig(s events.Stream) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              s.Name,
		Description:       s.Description,
		Subjects:          s.Subjects,
		Retention:         jetstream.LimitsPolicy,
		Discard:           jetstream.DiscardOld,
		MaxAge:            s.MaxAge,
		MaxBytes:          s.MaxBytes,
		MaxMsgs:           -1,
		MaxMsgsPerSubject: cmp.Or(s.PerSubject, -1),
		MaxConsumers:      -1,
		MaxMsgSize:        s.MaxMessage,
		Duplicates:        s.Duplicates,
		Storage:           jetstream.FileStorage,
		Replicas:          s.Replicas,
		AllowDirect:       true,
	}
}

// bucketConfig is the stream behind a bucket, as the client library makes it,
// spelled out so that buckets and streams are checked in the same way.
func bucketConfig(k events.Bucket) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              "KV_" + k.Name,
		Description:       k.Description,
		Subjects:          []string{"$KV." + k.Name + ".>"},
		Retention:         jetstream.LimitsPolicy,
		Discard:           jetstream.DiscardNew,
		MaxBytes:          k.MaxBytes,
		MaxMsgs:           -1,
		MaxMsgsPerSubject: 1,
		MaxConsumers:      -1,
		MaxMsgSize:        k.MaxValue,
		Duplicates:        2 * time.Minute,
		Storage:           jetstream.FileStorage,
		Replicas:          k.Replicas,
		AllowRollup:       true,
		DenyDelete:        true,
		AllowDirect:       true,
	}
}

// Maintain keeps the definitions true until ctx ends: it runs Ensure at once,
// after every reconnect and from time to time, so that a server that was
// absent at the start or lost its data heals without a restart. A change of
// the outcome is logged. It returns nil when ctx ends.
func (b *Bus) Maintain(ctx context.Context, d events.Definitions) error {
	last := "unknown"
	for {
		wait := checkEvery
		if err := b.Ensure(ctx, d); err != nil && ctx.Err() == nil {
			if core.KindOf(err) == core.Transient {
				wait = restartWait
			}
			if err.Error() != last {
				b.log.Error("streams and buckets are not as defined", "error", err)
			}
			last = err.Error()
		} else if last != "" && ctx.Err() == nil {
			b.log.Info("streams and buckets are as defined")
			last = ""
		}
		select {
		case <-ctx.Done():
			return nil
		case <-b.reconnected:
		case <-time.After(wait):
		}
	}
}
