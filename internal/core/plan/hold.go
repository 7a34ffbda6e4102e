package plan

import (
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/message"
)

// hold is a hold that is in force.
type hold struct {
	by     string
	reason string
	since  time.Time
	note   core.NoteID
}

// holdBy errs on the safe side: an edited comment still holds.
func (ls *listener) holdBy(s said) string {
	ls.raise(s)
	if s.edited {
		return "Held. Since this comment was edited, only an unhold that is written from now on lifts it."
	}
	return ""
}

// raise takes the time of its last change for that of an edited comment: what
// was edited into a hold is not lifted by what was written before. An edited
// comment therefore gets words and no reaction, which would move that time.
func (ls *listener) raise(s said) {
	h := &hold{by: s.by.Username, reason: message.Plain(strings.Join(s.cmd.Args, " "), 200), since: s.CreatedAt, note: s.ID}
	if s.edited {
		h.since = s.UpdatedAt
	}
	if ls.hold == nil || !h.since.Before(ls.hold.since) {
		ls.hold = h
	}
}

func (ls *listener) unhold(s said) string {
	if ls.hold != nil && ls.hold.since.After(s.CreatedAt) {
		return "The hold was placed after this comment was written, so it stays: write a new one to lift it."
	}
	ls.hold = nil
	return ""
}
