package initial

const (
	// maxEntries bounds the walk: the largest monorepo that Sluice is built for
	// has 80,000 files, and what is told of more would not be looked through.
	maxEntries = 500_000
	// maxDepth bounds how deep the walk goes. Overlays lie less deep than this,
	// and what is deeper is somebody's vendored tree.
	maxDepth = 12
	// maxTried bounds how many layouts are tried by reading the monorepo with
	// each: those with the most apps come first.
	maxTried = 40
	// maxNamed is how many names a comment lists.
	maxNamed = 8
)
