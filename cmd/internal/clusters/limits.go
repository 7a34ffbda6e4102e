package clusters

import "time"

const (
	// maxFileBytes bounds the file: ten thousand clusters with every key fit.
	maxFileBytes = 8 << 20
	// maxSecretBytes bounds a token, a key and a bundle of certificates. The
	// bundle of all public authorities has a quarter of it.
	maxSecretBytes = 1 << 20
	// maxProblems is how many problems are told; the rest is counted.
	maxProblems = 20
	// maxMerges bounds how deep merge keys are followed, which can form a circle.
	maxMerges = 4
	// maxQuoted bounds foreign text in an error.
	maxQuoted = 80
	// maxTimeout bounds the time that one call may take: a call that takes
	// longer is repeated sooner than it ends.
	maxTimeout = time.Minute
)
