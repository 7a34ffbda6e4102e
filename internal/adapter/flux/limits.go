package flux

import "time"

const (
	// MaxEventBytes bounds an event's body. A message has at most 39,000
	// characters, which JSON can grow sixfold, and the annotations of the object
	// that come with it at most 256 KiB: 1 MiB holds every real event.
	MaxEventBytes = 1 << 20

	// maxPayloadBytes is what notification-controller reads of a request to a
	// Receiver before it answers 413.
	maxPayloadBytes = 3 << 20

	// maxPaths bounds the list of paths in a payload. Longer lists are left out:
	// a part of the list would make a filter decide wrongly.
	maxPaths = 1000

	// maxAnswerBytes is what is read of a Receiver's answer so that its
	// connection can be used again. Receivers answer without a body.
	maxAnswerBytes = 64 << 10

	// maxAnswerHeaderBytes bounds the answer's header.
	maxAnswerHeaderBytes = 64 << 10

	// defaultTimeout bounds one call. A Receiver annotates its resources before
	// it answers, which takes the cluster's API server well under a second.
	defaultTimeout = 10 * time.Second

	// maxConnsPerHost keeps a burst of triggers from opening a connection each.
	maxConnsPerHost = 4

	// idleTimeout closes connections that no trigger used for a while.
	idleTimeout = 30 * time.Second

	// maxRetryAfter bounds how long another side may ask to be left alone. The
	// sweep looks again anyway, and an absurd answer must not silence it.
	maxRetryAfter = 15 * time.Minute

	// maxQuoted bounds foreign text in an error.
	maxQuoted = 80
)
