package yamledit

// The limits of one text. They are far above any manifest that people write,
// and low enough that the parser's work on a hostile text stays within seconds
// and a few hundred megabytes.
const (
	// MaxSize is the largest text in bytes that Parse takes. The largest bundles
	// of custom resource definitions in use come close to it.
	MaxSize = 4 << 20
	// maxNodes bounds what later walks over the tree cost.
	maxNodes = 400_000
	// maxIndicators bounds the memory of the parser itself: every node but a
	// document's root needs one of the bytes that countIndicators counts.
	maxIndicators = 1 << 20
	// maxDepth bounds the recursion; schemas of custom resources reach about 60.
	maxDepth = 256
	// maxText is the longest text in bytes that an edit may write. A version is
	// shorter than 256, an image with its digest shorter than 512.
	maxText = 4 << 10
	// maxEdits bounds one call of Set or Update; a file has at most a few dozen pins.
	maxEdits = 1000
	// maxGap is the widest indentation that new lines take over from old ones.
	maxGap = 16
	// maxAhead is how many lines the parser may have read on when it gives up: it
	// looks four characters ahead.
	maxAhead = 4
	// maxClip is how much of a foreign text an error repeats.
	maxClip = 80
)
