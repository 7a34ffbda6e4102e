package history

import "time"

const (
	// MaxCommits is how many commits are looked back at. Half a year of a monorepo
	// with a promotion each working hour stays below it; walking that far takes
	// seconds, once per start.
	MaxCommits = 5000
	// MaxAge is how far back the past counts, from the head's own time. A version
	// that an environment left half a year ago is no longer somebody's decision
	// about today.
	MaxAge = 180 * 24 * time.Hour
	// maxSteps is how many distinct states of one target are told. Each costs a
	// look at its overlays; few targets change twice a day for two months.
	maxSteps = 100
	// maxLooks is how often one target's overlays are looked at in one past. Most
	// commits that touch what a target depends on leave its versions alone.
	maxLooks = 400
	// maxRecords is how many targets' pasts are kept, some kilobytes each: all that
	// are due at one time, unless somebody has changed everything.
	maxRecords = 10_000
)
