package bus

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Replicated buckets refuse a stale write with another code than those with
// one replica; both are the same to callers.
func TestBothCodesOfAStaleWriteAreConflicts(t *testing.T) {
	for _, code := range []jetstream.ErrorCode{10071, 10164} {
		err := fmt.Errorf("nats: %w", &jetstream.APIError{Code: 400, ErrorCode: code})
		if got := kvKind(err); got != core.Conflict {
			t.Errorf("code %d is of kind %s", code, got)
		}
	}
	for err, want := range map[error]core.Kind{
		jetstream.ErrKeyNotFound:                 core.NotFound,
		jetstream.ErrNoStreamResponse:            core.Transient,
		nats.ErrTimeout:                          core.Transient,
		nats.ErrAuthorization:                    core.Denied,
		nats.ErrMaxPayload:                       core.Invalid,
		core.Errorf(core.Denied, "no"):           core.Denied,
		&jetstream.APIError{Code: 503}:           core.Transient,
		errors.New("something not heard of yet"): core.Transient,
	} {
		if got := kvKind(err); got != want {
			t.Errorf("%v is of kind %s, want %s", err, got, want)
		}
	}
}

func TestVerdict(t *testing.T) {
	for _, tc := range []struct {
		err     error
		attempt uint64
		wait    time.Duration
		again   bool
	}{
		{core.Errorf(core.Transient, "x"), 1, time.Second, true},
		{core.Errorf(core.Conflict, "x"), 3, 4 * time.Second, true},
		{core.Errorf(core.Transient, "x"), 1000, lastRetry, true},
		{core.RetryAfter(30*time.Second, errors.New("x")), 1, 30 * time.Second, true},
		{core.RetryAfter(time.Hour, errors.New("x")), 1, lastRetry, true},
		{core.Errorf(core.Denied, "x"), 1, lastRetry, true},
		{errors.New("x"), 1, time.Second, true},
		{errors.New("x"), maxAttempts, 16 * time.Second, false},
		{core.Errorf(core.Invalid, "x"), 1, 0, false},
		{core.Errorf(core.NotFound, "x"), 1, 0, false},
	} {
		if wait, again := verdict(tc.err, tc.attempt); wait != tc.wait || again != tc.again {
			t.Errorf("%s error, attempt %d: %s %t, want %s %t", core.KindOf(tc.err), tc.attempt, wait, again, tc.wait, tc.again)
		}
	}
}
