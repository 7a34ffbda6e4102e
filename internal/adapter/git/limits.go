package git

import "time"

const (
	// fetchTimeout bounds one fetch; the first one brings the full history of a
	// big monorepo over a slow line.
	fetchTimeout = 15 * time.Minute
	// pushTimeout bounds one push or deletion. What is sent is small; the time is
	// for the server's hooks.
	pushTimeout = 2 * time.Minute
	// handshakeTimeout bounds the way from dialling to an authenticated SSH
	// connection.
	handshakeTimeout = 30 * time.Second

	// idleTimeout is how long an unused HTTP connection is kept, so that the
	// passes of a burst share it.
	idleTimeout = 90 * time.Second

	// maxBlob is far above any manifest that a person could review.
	maxBlob = 8 << 20
	// maxChanged is how many paths of a commit are listed. No promotion touches
	// as many, so a commit with more is not one of ours.
	maxChanged = 512
	// maxMessage bounds a commit message that is pushed.
	maxMessage = 64 << 10

	// maxBranches is how many branches under sluice/ are looked at: far more
	// than one per target of the biggest monorepo.
	maxBranches = 5000
	// maxAdvertisement bounds the list of refs, about 70 bytes each: a monorepo
	// with 40,000 tags needs 3 MB.
	maxAdvertisement = 64 << 20
	// maxPack bounds what one fetch may bring, so that a confused server cannot
	// fill the disk.
	maxPack = 16 << 30
	// maxErrorBody is how much of an HTTP error's body is read.
	maxErrorBody = 4 << 10
	// maxWords is how much of a server's own words goes into an error.
	maxWords = 1 << 10
	// maxHaves is how many ancestors of the default branch's old head are
	// offered to the server: enough to find common ground when the branch was
	// set back by some merges.
	maxHaves = 256

	// maxPacks is how many packs the mirror may gather before it is made anew.
	// Each fetch and each push adds one, each lookup asks them all, and the
	// objects of deleted branches go nowhere else.
	maxPacks = 1000
	// maxOpenPacks is how many pack files stay open between reads.
	maxOpenPacks = 32
	// deltaCache is how many bytes go-git may keep to resolve deltas.
	deltaCache = 32 << 20
	// contentCache is how many bytes of decoded trees and files are kept between
	// passes; all manifests of a big monorepo fit in.
	contentCache = 128 << 20
	// maxLink bounds the small files by which a working tree names its
	// repository; they hold one path.
	maxLink = 4 << 10
	// maxConfig bounds a repository's configuration, which people write by hand.
	maxConfig = 1 << 20
	// maxPeel is how many tags may point to one another before a commit is found.
	maxPeel = 8

	// maxWarm is how many directories are decoded ahead after a fetch. A commit
	// that changes more of them is read when it is asked for.
	maxWarm = 256

	// maxTouched is how many paths of one commit of the past are told apart. A
	// commit that changes more, such as a move of everything, counts as one that
	// changed everything.
	maxTouched = 5000

	// branchCache is how many bytes of branch heads, once looked at, are kept.
	branchCache = 8 << 20
)
