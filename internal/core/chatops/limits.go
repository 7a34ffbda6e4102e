package chatops

// The limits of what is read of one comment.
const (
	maxBody     = 2 << 20 // bytes; twice what GitLab stores in ASCII, and the work is linear in it
	maxCommands = 20      // more in one comment is no conversation; the rest is not read
	maxLine     = 1000    // bytes of a command line; a longer reason is cut
)
