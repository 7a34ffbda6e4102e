package bus

import "time"

const (
	// callTimeout ends every single call, whatever the caller's context
	// allows. Callers rely on four seconds, a webhook's sender on five.
	callTimeout = 3 * time.Second
	// maxCalls bounds the calls that wait for NATS at once; above it callers
	// wait for a slot within callTimeout. The connection's lock
	// serialises writes anyway.
	maxCalls = 256
	// writeTimeout ends a write to a peer that no longer reads. The client
	// holds its lock meanwhile.
	writeTimeout = 2 * time.Second
	// dialTimeout is the client's patience with one connection attempt.
	dialTimeout = 2 * time.Second
	// pingInterval and maxPings find a connection that died silently within
	// half a minute.
	pingInterval = 10 * time.Second
	maxPings     = 2
	// reconnectWait and reconnectJitter spread the reconnects of many clients.
	reconnectWait   = 500 * time.Millisecond
	reconnectJitter = 500 * time.Millisecond
	// drainTimeout bounds the wait for handlers when the connection closes.
	drainTimeout = 5 * time.Second

	// maxInFlight bounds the handlers of one Consume that run at once.
	maxInFlight = 16
	// maxAckPending bounds what one consumer may have delivered without an
	// answer. It is far above maxInFlight, because messages that wait for a
	// later attempt count as well and must not hold up the others.
	maxAckPending = 1024
	// ackWait is how soon a message comes again when its reader died; a
	// handler that works longer reports progress every progressEvery.
	ackWait       = 30 * time.Second
	progressEvery = ackWait / 3
	// firstRetry doubles with each attempt up to lastRetry.
	firstRetry = time.Second
	lastRetry  = 5 * time.Minute
	// maxAttempts ends the retries of what looks like a defect of ours: it
	// would fail forever. What may work later is retried until it is too old.
	maxAttempts = 5
	// restartWait is the pause before a consumer or a check that broke is
	// begun anew.
	restartWait = time.Second
	// checkEvery is how often Maintain looks whether all definitions hold.
	checkEvery = time.Minute

	// maxReason bounds the text that goes with a terminated message.
	maxReason = 512
	// maxKeys bounds the answer of Keys.
	maxKeys = 100_000
)
