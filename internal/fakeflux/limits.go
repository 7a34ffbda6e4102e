package fakeflux

import "time"

const (
	// maxReceiverBody is what notification-controller reads of a call to a
	// Receiver before it answers 413.
	maxReceiverBody = 3 << 20

	// dedupeFor is the controller's --rate-limit-interval: an equal event is
	// dropped for so long after the last one that was let through.
	dedupeFor = 5 * time.Minute

	// maxRemembered bounds the events remembered for that.
	maxRemembered = 4096

	// maxDeliveries bounds the events under way at once; more are lost, as they
	// are in a controller that is overwhelmed.
	maxDeliveries = 64

	// deliveryTimeout bounds one attempt at a delivery.
	deliveryTimeout = 15 * time.Second

	// fetchTimeout bounds one look at the branch's head.
	fetchTimeout = 30 * time.Second

	// maxAnswer is what is read of the answer to an event.
	maxAnswer = 64 << 10

	// defaultInterval is what flux bootstrap gives a GitRepository.
	defaultInterval = time.Minute
)

// deliveryWaits are the waits before the attempts of one delivery. After the
// last one the event is lost: nothing is kept.
var deliveryWaits = [...]time.Duration{0, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second}
