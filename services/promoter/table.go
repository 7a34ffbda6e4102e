package promoter

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/bus"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// reportRecord is gate.Report as it is kept in NATS. It is a type of its own
// so that the core may change without the stored form changing.
type reportRecord struct {
	Heard time.Time   `json:"heard"`
	UID   string      `json:"uid,omitempty"`
	Order uint64      `json:"order,omitempty"`
	Runs  []runRecord `json:"runs"`
	// Received and Every tell when it is silent; Every is in nanoseconds.
	Received time.Time     `json:"received,omitzero"`
	Every    time.Duration `json:"every,omitempty"`
}

type runRecord struct {
	Revision core.SHA  `json:"revision,omitempty"`
	Since    time.Time `json:"since"`
	Order    uint64    `json:"order,omitempty"`
	ReadyAt  time.Time `json:"readyAt,omitzero"` // absent: not ready
	FailedAt time.Time `json:"failedAt,omitzero"`
	Reason   string    `json:"reason,omitempty"`
}

// triggerRecord is plan.TriggerRecord as it is kept in NATS.
type triggerRecord struct {
	Revision core.SHA  `json:"revision"`
	At       time.Time `json:"at"`
	Attempts int       `json:"attempts"`
	Called   time.Time `json:"called,omitzero"`
	Trouble  string    `json:"trouble,omitempty"`
	GaveUp   bool      `json:"gaveUp,omitempty"`
	// Said is the trouble that was said loudly, until a call is taken again.
	Said string `json:"said,omitempty"`
}

func (rec triggerRecord) record() plan.TriggerRecord {
	return plan.TriggerRecord{Revision: rec.Revision, At: rec.At, Attempts: rec.Attempts, Called: rec.Called, Trouble: rec.Trouble, GaveUp: rec.GaveUp}
}

// sameTrouble tells whether a call's fate is nothing that people are told anew.
func sameTrouble(a, b triggerRecord) bool { return a.Trouble == b.Trouble && a.GaveUp == b.GaveUp }

func recordOf(r gate.Report) reportRecord {
	rec := reportRecord{Heard: r.Heard, UID: r.UID, Order: r.Order, Received: r.Received, Every: r.Every}
	for _, run := range r.Runs {
		rec.Runs = append(rec.Runs, runRecord{Revision: run.Revision, Since: run.Since, Order: run.Order, ReadyAt: run.ReadyAt, FailedAt: run.FailedAt, Reason: run.Reason})
	}
	return rec
}

func (rec reportRecord) report(o gate.Object) gate.Report {
	r := gate.Report{Object: o, Heard: rec.Heard, UID: rec.UID, Order: rec.Order, Received: rec.Received, Every: rec.Every}
	for _, run := range rec.Runs {
		r.Runs = append(r.Runs, gate.Run{
			Revision: run.Revision, Since: run.Since, Order: run.Order, Ready: !run.ReadyAt.IsZero(), ReadyAt: run.ReadyAt, FailedAt: run.FailedAt, Reason: run.Reason,
		})
	}
	return r
}

// order is a resource version as a number. Kubernetes calls it opaque, but it
// grows within one cluster; where it does not parse, time alone decides.
func order(resourceVersion string) uint64 {
	n, err := strconv.ParseUint(resourceVersion, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// table is a bucket of NATS with a copy in memory that follows it. Losing the
// bucket loses time, never correctness: heartbeats fill it again.
type table[R any] struct {
	bus     Bus
	bucket  string
	logger  *slog.Logger
	same    func(a, b R) bool // whether a change is not worth waking anybody for
	changed func()            // called after any other change has reached the copy

	mu     sync.Mutex
	rows   map[string]R
	synced chan struct{} // closed once the copy is complete
	once   sync.Once
}

func newTable[R any](b Bus, bucket string, logger *slog.Logger, same func(a, b R) bool, changed func()) *table[R] {
	return &table[R]{bus: b, bucket: bucket, logger: logger, same: same, changed: changed, rows: map[string]R{}, synced: make(chan struct{})}
}

// sameRuns tells whether nothing happened but another heartbeat, and that before
// anybody missed it.
func sameRuns(a, b reportRecord) bool {
	if b.Received.Sub(a.Received) >= gate.Patience(a.Every) || a.Every != b.Every {
		return false
	}
	return slices.EqualFunc(a.Runs, b.Runs, func(x, y runRecord) bool {
		return x.Revision == y.Revision && x.Since.Equal(y.Since) && x.ReadyAt.Equal(y.ReadyAt) && x.Reason == y.Reason
	})
}

// follow keeps the copy up to date until ctx ends.
func (t *table[R]) follow(ctx context.Context) error {
	for attempt := 0; ; attempt++ {
		err := t.bus.Watch(ctx, t.bucket, ">", t.take, func() { t.once.Do(func() { close(t.synced) }) })
		if ctx.Err() != nil {
			return nil
		}
		t.logger.Warn("what is kept in NATS is not being followed", "bucket", t.bucket, "error", err)
		if !sleep(ctx, pause(attempt)) {
			return nil
		}
	}
}

func (t *table[R]) take(e bus.Entry) {
	var row R
	if !e.Deleted {
		if err := json.Unmarshal(e.Value, &row); err != nil {
			t.logger.Warn("an entry in NATS cannot be read and is left out", "bucket", t.bucket, "key", e.Key, "error", err)
			return
		}
	}
	if t.put(e.Key, row, e.Deleted) {
		t.changed()
	}
}

// put changes the copy and tells whether anybody should look.
func (t *table[R]) put(key string, row R, deleted bool) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	old, had := t.rows[key]
	if deleted {
		delete(t.rows, key)
		return had
	}
	t.rows[key] = row
	return !had || !t.same(old, row)
}

func (t *table[R]) all() map[string]R {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.rows)
}

// change replaces a row by a function of it, with a compare-and-swap.
func (t *table[R]) change(ctx context.Context, key string, with func(R) R) error {
	var err error
	for range maxFolds {
		if err = t.swap(ctx, key, with); core.KindOf(err) != core.Conflict || err == nil {
			return err
		}
	}
	return err
}

func (t *table[R]) swap(ctx context.Context, key string, with func(R) R) error {
	var old R
	e, err := t.bus.Get(ctx, t.bucket, key)
	absent := err != nil && core.KindOf(err) == core.NotFound
	switch {
	case err != nil && !absent:
		return err
	case !absent:
		if err := json.Unmarshal(e.Value, &old); err != nil {
			t.logger.Warn("an entry in NATS cannot be read and is begun anew", "bucket", t.bucket, "key", key, "error", err)
		}
	}
	row := with(old)
	value, err := json.Marshal(row)
	if err != nil {
		return core.Errorf(core.Internal, "encode %s of %s: %w", key, t.bucket, err)
	}
	if absent {
		_, err = t.bus.Create(ctx, t.bucket, key, value)
	} else {
		_, err = t.bus.Update(ctx, t.bucket, key, value, e.Revision)
	}
	if err == nil && t.put(key, row, false) {
		t.changed()
	}
	return err
}
