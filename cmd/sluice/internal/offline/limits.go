package offline

const (
	// maxHistory bounds how many commits are replayed: years of a busy monorepo,
	// and minutes of one core.
	maxHistory = 5000
	// maxPolicyFile bounds what is read of a file that --policy names. A policy
	// may be smaller still, and package policy says so with the place.
	maxPolicyFile = 1 << 20
	// maxListed is how many known names an error lists.
	maxListed = 40
)
