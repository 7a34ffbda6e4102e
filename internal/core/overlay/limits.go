package overlay

const (
	// maxDepth bounds how deep kustomizations may refer to each other. Real
	// monorepos stay below six; a cycle would otherwise never end.
	maxDepth = 16
	// maxFiles bounds the files read for one overlay, so that one overlay that
	// lists half the monorepo can not make every pass slow.
	maxFiles = 2000
	// maxWork bounds the steps that one overlay takes: nodes looked at, fields
	// copied, objects compared. A thousand objects with a hundred patches take
	// less than a million; this many take seconds.
	maxWork = 10_000_000
	// maxPattern bounds a regular expression in bytes. Those of targets and images
	// are names with a few wildcards.
	maxPattern = 1000
	// maxManifestBytes bounds a generation of the memo of understood files. The
	// overlays of one app share a few kilobytes; understood, a file takes some
	// twenty times its size.
	maxManifestBytes = 1 << 20
	// maxMemos bounds the memo of overlays: 10,000 apps in three clusters, at a
	// handful of revisions each.
	maxMemos = 200_000
	// maxTrials bounds how many patches of an overlay are tried out for one version,
	// and with that how often the overlay is built: four times as often, for all.
	maxTrials = 4
	// maxNotices bounds what one overlay gives to say. Nobody reads more, and an
	// overlay may bring a thousand containers.
	maxNotices = 100
	// maxNamed bounds what a surveyor remembers: the paths that files name outside
	// of their directory, and one more for each directory and file.
	maxNamed = 500_000
	// maxWord bounds a path in a manifest, as systems bound paths.
	maxWord = 4096
	// maxMade bounds the finished inventories that are kept: of the default
	// branch's head and of the revisions that clusters reported lately. They share
	// what is the same.
	maxMade = 64
)
