package receiver

import "time"

const (
	// maxGitLabBody is GitLab's own limit for a payload.
	maxGitLabBody = 25 << 20
	// maxFluxBody is far above an event, whose message has at most 39,000
	// bytes before its escaping.
	maxFluxBody = 3 << 20

	// smallBody divides bodies into small ones, which nearly all are, and
	// large ones, which must not keep the small ones waiting. A body is held
	// in memory whole, because a signature covers all of it.
	smallBody = 1 << 20
	// smallBodies and largeBodies bound the bytes of all bodies in memory at
	// once. A body counts with its announced length, or with its sender's
	// limit where it announces none; its buffer may then have twice that.
	smallBodies = 64 << 20
	largeBodies = 100 << 20
	// bodyWait is how long a body waits for room.
	bodyWait = 3 * time.Second
	// keptBuffer is the largest buffer that is used again.
	keptBuffer = 256 << 10

	// publishWait leaves a second until the five within which a sender gets
	// its answer after its last byte.
	publishWait = 4 * time.Second
	// readyWait bounds the question whether the bus answers.
	readyWait = 2 * time.Second
	// retryAfter is what a 503 asks for where the bus asked for nothing.
	retryAfter = 5 * time.Second

	// tolerance is how far a signature's timestamp may be off. It bounds how
	// long a recorded delivery can be replayed.
	tolerance = 5 * time.Minute
	// maxSignatures bounds the work that one header can cause; a sender that
	// rotates its key sends two.
	maxSignatures = 16
	// minKey and maxKey bound a signing key in bytes. GitLab makes 32.
	minKey = 24
	maxKey = 64
	// maxSecrets bounds the secrets per sender: all of them are tried.
	maxSecrets = 16

	// The server's patience. GitLab itself gives up after ten seconds.
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 15 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = time.Minute
	maxHeaderBytes    = 64 << 10
	// maxConnections bounds the connections, and with them the requests, at
	// once. Senders of webhooks need few.
	maxConnections = 1024
	// defaultDrainTimeout is above readTimeout and publishWait, so that every
	// request that was accepted can end.
	defaultDrainTimeout = 20 * time.Second
)
