package overlay

const (
	// maxDepth bounds how deep kustomizations may refer to each other. Real
	// monorepos stay below six; a cycle would otherwise never end.
	maxDepth = 16
	// maxFiles bounds the files read for one overlay, so that one overlay that
	// lists half the monorepo can not make every pass slow.
	maxFiles = 2000
	// maxPattern bounds a regular expression in bytes. Those of targets and images
	// are names with a few wildcards.
	maxPattern = 1000
	// maxManifests bounds the memo of understood files. The largest monorepo that
	// Sluice is built for has 80,000 files; past the bound the memo starts anew.
	maxManifests = 200_000
	// maxMemos bounds the memo of overlays: 10,000 apps in three clusters, at a
	// handful of revisions each.
	maxMemos = 200_000
)
