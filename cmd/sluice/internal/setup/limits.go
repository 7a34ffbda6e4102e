package setup

import "time"

const (
	// maxPatience is the longest wait that GitLab may ask for; a person is waiting.
	// The limits on single endpoints count per minute.
	maxPatience = 3 * time.Minute

	// maxWaits is how often one call is waited for.
	maxWaits = 5

	// sendsPerMinute is how many deliveries GitLab sends again within a minute, for
	// one webhook and user.
	sendsPerMinute = 5

	// fewDays is when to think of a new token: GitLab itself warns of projects' and
	// groups' tokens 30 days before.
	fewDays = 30

	// maxKeyFile bounds the file of a public key, which has one line.
	maxKeyFile = 64 << 10
)

// The versions from which on GitLab has what is needed, and what is of use.
const (
	oldestMajor, oldestMinor = 15, 6 // detailed_merge_status
	keyedMajor, keyedMinor   = 17, 4 // Idempotency-Key, and sending again
	signsMajor, signsMinor   = 19, 0 // signing tokens
)

// GitLab's access levels.
const (
	developer     = 30
	maintainer    = 40
	administrator = 60
)
