package plan

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/sluice-gitops/sluice/internal/core/chatops"
	"github.com/sluice-gitops/sluice/internal/core/message"
)

// Recently is how long a merge request that is not open any more is read for
// commands, by the time of its last change.
const Recently = 14 * 24 * time.Hour

// done are the merge requests that are not open any more and in which commands
// are read: those that were closed or merged lately, and the last closed one of
// each promotion that is due.
func (s *State) done() []MergeRequest {
	all := slices.Concat(s.Recent, slices.Collect(maps.Values(s.Closed)))
	all = slices.DeleteFunc(all, func(mr MergeRequest) bool { // merged while the lists were read
		return slices.ContainsFunc(s.Open, func(open MergeRequest) bool { return open.ID == mr.ID })
	})
	slices.SortFunc(all, func(a, b MergeRequest) int { return cmp.Compare(a.ID, b.ID) })
	return slices.CompactFunc(all, func(a, b MergeRequest) bool { return a.ID == b.ID })
}

func doneThread(mr MergeRequest) thread {
	return thread{place: chatops.Done, mr: mr.ID, target: targetOf(mr.Source), notes: mr.Notes}
}

// answerDone answers what is said on merge requests that are not open any more.
func (c *computation) answerDone() {
	for _, mr := range c.state.done() {
		t, heard := c.finished(mr)
		if len(heard.seen) == 0 {
			continue
		}
		c.respond(t, heard, c.kept(t, heard), "it is to remember what was answered", func(a answer) []string {
			if a.status || len(a.explain) > 0 {
				return []string{ended(mr)}
			}
			return nil
		})
	}
}

// kept is a sticky note that says what it said, and remembers what was heard.
func (c *computation) kept(t thread, heard talk) string {
	marks := c.marks(t.notes)
	marks.Seen = heard.seen
	if old, ok := c.stickyOf(t); ok {
		return message.Remember(old.Body, marks)
	}
	return message.Sticky("Sluice has heard what was said here.", marks)
}

// ended says how a merge request ended.
func ended(mr MergeRequest) string {
	if mr.State == Merged {
		return "This was merged. What followed is shown on the merge requests of the next environments."
	}
	return "This was closed without a merge. `/sluice reopen` has it proposed again, if it is still due."
}
