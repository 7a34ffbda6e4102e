package gitlab

import (
	"context"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// gate keeps a whole client off the API until a time that GitLab named. It
// never sleeps: the caller's queue knows better what to do meanwhile. It also
// takes the place of the client library's own limiter, which is set up by the
// first answer without regard to calls under way.
type gate struct {
	now func() time.Time

	mu    sync.Mutex
	until time.Time
}

// Wait implements the client library's RateLimiter. It returns at once: nil if
// the API may be called, else a core.RetryAfter with the rest of the wait.
func (g *gate) Wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	rest := g.until.Sub(g.now())
	if rest <= 0 {
		return nil
	}
	return core.RetryAfter(rest, core.Errorf(core.Transient, "not sent: gitlab asked to be left alone until %s",
		g.until.UTC().Format(time.RFC3339)))
}

// close keeps the gate shut for at least wait. A shorter wait never shortens a
// longer one that another call was told of.
func (g *gate) close(wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if until := g.now().Add(wait); until.After(g.until) {
		g.until = until
	}
}

// waitAsked is how long an answer asks to be left alone, and whether that
// holds for the whole API. A 429 that names no time stems from a limit on one
// endpoint, which says nothing about the others.
func waitAsked(status int, h http.Header, now time.Time) (wait time.Duration, everywhere bool) {
	if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
		return 0, false
	}
	if at, ok := retryTime(h, now); ok {
		return min(max(at.Sub(now), time.Second), maxWait), true
	}
	if status == http.StatusTooManyRequests {
		return defaultWait, false
	}
	return 0, false
}

// retryTime prefers what is meant for this answer to what is told with every
// one: Retry-After, in seconds or as a date, and else RateLimit-Reset. The
// latter belongs to the budget of all requests, so it counts only where that
// budget is spent; a limit on one endpoint can strike long before.
func retryTime(h http.Header, now time.Time) (time.Time, bool) {
	after := h.Get("Retry-After")
	if s, err := strconv.ParseUint(after, 10, 31); err == nil {
		return now.Add(time.Duration(s) * time.Second), true
	}
	if at, err := http.ParseTime(after); err == nil {
		return at, true
	}
	if left := h.Get("RateLimit-Remaining"); left != "" && left != "0" {
		return time.Time{}, false
	}
	reset, err := strconv.ParseInt(h.Get("RateLimit-Reset"), 10, 64)
	return time.Unix(reset, 0), err == nil && reset > 0
}
