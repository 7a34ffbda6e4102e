package promoter

import "time"

const (
	// maxRounds bounds how often one wake-up may observe and act in a row. A
	// promotion takes four or five steps; more means that something undoes what
	// Sluice does, and that must not become a storm.
	maxRounds = 25
	// maxParallel bounds the targets that are acted on at the same time, and the
	// look-ups, so that one monorepo does not use up GitLab's patience at once.
	maxParallel = 4
	// renderBudget is how long one pass may render manifests for descriptions
	// before it goes on: merges must not wait for what is only shown.
	renderBudget = 5 * time.Second
	// maxRenderings bounds the renderings that are kept, one per branch. Each is a
	// few kilobytes.
	maxRenderings = maxBranches
	// maxPast bounds the revisions whose inventory is read to judge health. Older
	// ones only matter for a soak that began before them.
	maxPast = 512
	// maxBranches bounds the branches under sluice/ that one pass looks at.
	maxBranches = 5000
	// maxHintAge is how long a burst of hints is gathered before the pass that
	// answers them: GitLab sends several for one push.
	maxHintAge = 50 * time.Millisecond
	// maxOrigins bounds the memory of who brought which commit: more than two for
	// each promotion that may be open.
	maxOrigins = 10_000
	// maxOriginsAsked bounds how many commits one pass asks that about, at two or
	// three calls each. The others wait for the next pass.
	maxOriginsAsked = 100
	// originPause is after which time a commit that came by no merge request is
	// believed to have come by none: GitLab notes a merge within seconds, unless
	// its queues are long.
	originPause = time.Hour
	// firstPause and lastPause bound the back-off after a failed pass.
	firstPause = 500 * time.Millisecond
	lastPause  = time.Minute
	// passTimeout bounds one pass, so that a hanging server can not stop the sweep.
	passTimeout = 5 * time.Minute
	// conflictPause bounds the back-off where nothing is broken and the world
	// has merely moved: GitLab takes seconds to make up its mind about a merge.
	conflictPause = 4 * time.Second
	// shutPause is how long a monorepo that is shut out is left alone, at most.
	shutPause = time.Minute
	// maxCalls bounds the calls to Flux Receivers that are made at once, one per
	// cluster. A dead cluster keeps its place until its call ends, so there must be
	// more places than clusters can be dead at once.
	maxCalls = 512
	// maxUnknown bounds how often a Receiver that answers 404 is tried: its path is
	// there once it has reconciled, every unknownPause, as Flux's own tool waits.
	maxUnknown   = 10
	unknownPause = 10 * time.Second
	// askEvery is how often a witness is asked. It is the second opinion: events
	// tell at once.
	askEvery = 30 * time.Second
	// maxWitnessed bounds the objects of one cluster that one witness may tell of.
	// Each costs a write when it changes.
	maxWitnessed = 5000
	// maxStatusCommits bounds the commits at which one cluster's statuses are looked
	// for besides the head: objects of a healthy cluster are at one or two.
	maxStatusCommits = 4
	// maxFolds bounds the attempts to fold one report while others are folded.
	maxFolds = 10
	// syncTimeout is how long the first pass waits for the reports that are kept
	// in NATS. Without them health is unknown, which is safe but slow.
	syncTimeout = 10 * time.Second
	// staleSweeps is after how many missed sweeps a monorepo counts as stuck.
	staleSweeps = 3
	// maxJourney is how long the way of merged versions into the clusters is
	// measured: what takes longer than a day is a matter for alerts.
	maxJourney = 24 * time.Hour
	// maxJourneys bounds the merges that are measured at once, each with a state of
	// some bytes per cluster.
	maxJourneys = 500
)
