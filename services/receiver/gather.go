package receiver

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Gatherer gives the receiver's metrics to a program that serves them together
// with others'.
func (r *Receiver) Gatherer() prometheus.Gatherer { return r.metrics.registry }

// Ready is nil while deliveries can be taken: the bus answers, and the receiver
// is not ending.
func (r *Receiver) Ready(ctx context.Context) error {
	if r.draining.Load() {
		return core.Errorf(core.Transient, "the receiver is ending")
	}
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	return r.bus.Ready(ctx)
}
