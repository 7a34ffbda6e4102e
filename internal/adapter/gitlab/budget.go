package gitlab

import (
	"sync"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// budget bounds how many comments a client writes within a minute. GitLab has
// a limit of its own, which its answers do not announce; whoever runs into it
// loses the rest of a minute, and so do the people who share the user.
type budget struct {
	now func() time.Time

	mu      sync.Mutex
	written []time.Time // within the last minute, oldest first
}

// take allows one more comment, or fails with a core.RetryAfter.
func (b *budget) take() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	for len(b.written) > 0 && now.Sub(b.written[0]) >= time.Minute {
		b.written = b.written[1:]
	}
	if len(b.written) >= notesPerMinute {
		return core.RetryAfter(time.Minute-now.Sub(b.written[0]), core.Errorf(core.Transient,
			"not sent: %d comments were written within a minute, and gitlab allows few more", len(b.written)))
	}
	b.written = append(b.written, now)
	return nil
}
