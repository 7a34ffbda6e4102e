package gitlab

import "time"

// Everything that GitLab, or a person through it, could make grow is bounded
// here. Where a limit is passed the call fails and says so: a part of the
// truth must never be taken for the whole.
const (
	// maxBody bounds one answer. A page of 100 comments at GitLab's limit of a
	// million characters each would be more, and such a page is an attack.
	maxBody = 64 << 20

	// maxErrorBody is how much of an error's answer is read: enough for any
	// message of GitLab's, and for the head of a proxy's HTML page.
	maxErrorBody = 64 << 10

	// maxMessage is how many characters of GitLab's own words go into an error.
	maxMessage = 300

	// maxMergeRequests bounds the open merge requests of ours. There is at most
	// one per target, so this is twice the targets of a very large monorepo.
	maxMergeRequests = 2000

	// maxRecent bounds the merge requests of either kind that were closed or
	// merged lately: it is what a busy monorepo does in a fortnight. Of more, the
	// comments under the oldest ones are not read.
	maxRecent = 300

	// settledAfter is how long a merge request must have been unchanged before
	// what was read of it is remembered: times have a resolution, and clocks differ.
	settledAfter = 5 * time.Second

	// settledPush is how long a list must have shown an open merge request as it
	// is before what is read of it is relied on: GitLab starts pipelines by and by,
	// and lists do not show them.
	settledPush = time.Minute

	// maxNotes bounds one merge request's comments. People do not write that
	// many; two bots that answer each other do.
	maxNotes = 10_000

	// maxStatuses bounds the jobs of a commit's pipelines. GitLab's own limit for
	// one pipeline is below it.
	maxStatuses = 5000

	// notesPerMinute stays below GitLab.com's 60 a minute and user; GitLab's own
	// default elsewhere is 300.
	notesPerMinute = 50

	// maxVersions bounds one merge request's diff versions: GitLab itself stops
	// accepting pushes near a thousand.
	maxVersions = 2000

	// maxHooks is GitLab.com's own limit of 100 with room for instances that have
	// another one; likewise for deploy keys and rules, which people make by hand.
	maxHooks       = 500
	maxDeployKeys  = 5000
	maxProtections = 1000

	// maxDeliveries bounds how far back deliveries of a webhook are looked at, and
	// deliveriesPage one answer: each comes with its whole body.
	maxDeliveries  = 2000
	deliveriesPage = 20

	// perPage is GitLab's own upper limit.
	perPage = 100

	// parallelReads is how many merge requests are read at the same time. More
	// would spend GitLab.com's 2,000 requests a minute before a pass is over.
	parallelReads = 4

	// maxRedirects suffices for a project that was moved more than once, since
	// GitLab points to its final place.
	maxRedirects = 3

	// readRetries is how often a read is repeated after a 5xx, and retryPause
	// the wait before the first of them, which grows linearly. It bridges a
	// restart of one web worker; anything longer is left to the caller's queue.
	readRetries = 2
	retryPause  = 300 * time.Millisecond

	// callTimeout bounds one call with its retries and its body. GitLab's own
	// request timeout is 60 seconds.
	callTimeout = 90 * time.Second

	// maxWait bounds what a Retry-After can ask for: a date far away is a
	// mistake, and asking once an hour harms nobody.
	maxWait = time.Hour

	// defaultWait is for a 429 that names no time. The limits on single
	// endpoints (comments, users) do that, and they count per minute.
	defaultWait = time.Minute

	// maxWarnedGroups bounds the memory of which groups were complained about;
	// beyond it there are no further complaints.
	maxWarnedGroups = 100
)
