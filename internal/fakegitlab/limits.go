package fakegitlab

import "time"

// The bounds of everything that could grow. Where GitLab has a number, it is
// GitLab's.
const (
	maxBody          = 64 << 20         // an API request; a commit of a whole seed fits
	maxPack          = 512 << 20        // a pushed pack, held in memory while git reads it
	maxPerPage       = 100              // GitLab's own limit of per_page
	defaultPerPage   = 20               // GitLab's default of per_page
	maxTotal         = 10_000           // above it GitLab leaves X-Total out
	maxRequestLog    = 50_000           // entries that tests can read back; older ones go
	maxHookRecords   = 500              // deliveries remembered per hook
	maxQueued        = 20_000           // deliveries waiting for a worker; GitLab drops as well
	deliveryWorkers  = 4                // enough to make the order visibly not guaranteed
	hookTimeout      = 10 * time.Second // GitLab's default
	maxHookBody      = 25 << 20         // REQUEST_BODY_SIZE_LIMIT
	maxHookAnswer    = 8 << 10          // what GitLab stores of the receiver's answer
	maxHookCommits   = 20               // newest commits listed in a push hook
	maxHookRefs      = 3                // push_event_hooks_limit
	maxPushedCommits = 10_000           // commits counted in one push
	maxMemo          = 20_000           // remembered answers of git per repository
	maxHistory       = 64               // past states of one merge request, for stale reads
	gitTimeout       = 2 * time.Minute  // one git process; a hung one must not hold the lock for ever
	tick             = 2 * time.Millisecond
	shutdownGrace    = 5 * time.Second
	sendsPerMinute   = 5  // tests, and resends, of one hook by one user
	hookSoftLimit    = 3  // consecutive failures that are forgiven
	hookHardLimit    = 39 // consecutive failures before a hook is off for good
)
