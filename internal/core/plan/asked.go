package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/message"
)

// retry is in force until the branch has got another head or, where what stands
// on the newest commit was refused, until that was tried once more.
func (l *life) retry(ls *listener, s said) string {
	switch attempt := l.attempt(); {
	case l.since(s.CreatedAt), attempt.At.After(s.CreatedAt):
		return "" // done since
	case !l.branch.ours():
		return "The branch carries work that is not Sluice's, so it is left alone; `/sluice take-over` throws that away."
	case l.branch.Parents[0] != l.state.Head:
		ls.again = s.request()
	case attempt.Count > 0:
		ls.retried = s.request()
	case l.refused() == "": // what was refused is tried by every pass
		return "The branch lies on the newest commit already. To have its pipeline run once more, start it in GitLab."
	}
	return ""
}

// takeOver is in force until the branch has got another head.
func (l *life) takeOver(ls *listener, s said) string {
	switch {
	case l.since(s.CreatedAt):
		return "" // done since
	case l.branch.ours():
		return "The branch is Sluice's, so there is nothing to take over."
	case len(l.mr.Versions) == 0 || l.mr.Versions[0].Head != l.branch.Head:
		return "GitLab has not taken in the last push yet. Look at what was pushed, and ask again."
	}
	ls.given = s.request()
	return ""
}

// since tells whether the branch has got its head after a time.
func (l *life) since(t time.Time) bool {
	return len(l.mr.Versions) > 0 && t.Before(l.mr.Versions[0].CreatedAt)
}

// skip is in force for the content that the branch had when it was given.
func (l *life) skip(ls *listener, s said) string {
	if len(s.cmd.Args) > 0 && !slices.ContainsFunc(l.candidate.Changes, func(ch Change) bool { return ch.New == s.cmd.Args[0] }) {
		return fmt.Sprintf("This promotion does not bring %s, so nothing was skipped: %s.", message.Inline(s.cmd.Args[0], 60), l.brings())
	}
	if !l.holds(l.headAt(s.CreatedAt)) {
		return "The content has changed since this was written, so nothing was skipped: write it anew."
	}
	ls.skipped = s.request()
	return ""
}

// brings lists the versions that a promotion brings.
func (l *life) brings() string {
	var versions []string
	for _, ch := range l.candidate.Changes {
		if v := message.Inline(ch.New, 60); !slices.Contains(versions, v) {
			versions = append(versions, v)
		}
	}
	return "it brings " + strings.Join(versions[:min(len(versions), 10)], ", ")
}

// finished hears what is said on a merge request that is closed or merged.
func (c *computation) finished(mr MergeRequest) (thread, talk) {
	t := doneThread(mr)
	return t, c.listen(t, func(ls *listener, s said) string { return c.obeyDone(ls, s, mr) })
}

// obeyDone applies a command on a merge request that is closed or merged.
func (c *computation) obeyDone(ls *listener, s said, mr MergeRequest) string {
	switch s.cmd.Verb {
	case "reopen":
		return c.reopen(ls, s, mr)
	case "rollback":
		if newer := c.mergedAfter(mr); newer != 0 && len(s.cmd.Args) == 0 {
			return fmt.Sprintf("!%d was merged after this one: say there what to do about it.", newer)
		}
		return c.saidWish(ls.thread, s)
	case "promote":
		return c.saidWish(ls.thread, s)
	case "resume":
		_, why := c.about(ls.thread, s.cmd.Args)
		return why
	}
	return fmt.Sprintf("Sluice cannot do %s here.", message.Inline(s.cmd.Verb, 40))
}

// reopen lifts what keeps a closed promotion away. It must be written after
// the closing, which it speaks of.
func (c *computation) reopen(ls *listener, s said, mr MergeRequest) string {
	last, known := c.state.Closed[mr.Source]
	switch {
	case mr.State == Merged:
		return "This was merged, so there is nothing to reopen."
	case c.open(mr.Source) != nil:
		return "This promotion is open again already."
	case known && last.ID != mr.ID:
		return fmt.Sprintf("!%d was closed after this one: say it there.", last.ID)
	case s.CreatedAt.Before(mr.ClosedAt):
		return "This was written before the merge request was closed: write it anew to have it proposed again."
	}
	ls.reopened = s.request()
	return ""
}

// mergedAfter is a later merge request of the same branch that was merged.
func (c *computation) mergedAfter(mr MergeRequest) core.MRID {
	for _, other := range c.state.Recent {
		if other.Source == mr.Source && other.State == Merged && other.ID > mr.ID {
			return other.ID
		}
	}
	return 0
}

// closing says why a closed merge request keeps its promotion away, or "".
func (c *computation) closing(mr MergeRequest) string {
	_, heard := c.finished(mr)
	switch by := c.skipper(mr); {
	case heard.reopened != request{}:
		return ""
	case by != "":
		return fmt.Sprintf("%s skipped it in !%d; it stays away until the version changes, or until somebody writes /sluice reopen there", by, mr.ID)
	case mr.ClosedBy == c.state.Project.Bot:
		return ""
	}
	return fmt.Sprintf("!%d was closed by a person; it stays closed until the version changes, or until somebody writes /sluice reopen there", mr.ID)
}

// skipper is who had a merge request closed by a command that stands and was
// accepted, or "".
func (c *computation) skipper(mr MergeRequest) string {
	known := c.remembered(mr.Notes)
	for _, n := range mr.Notes {
		seen := known[n.ID]
		if !seen.Accepted || seen.Digest != digestOf(n) {
			continue
		}
		for _, cmd := range c.commands(n) {
			if cmd.Verb == "skip" {
				return c.nameOf(n.Author)
			}
		}
	}
	return ""
}

// nameOf is a person's user name, if this pass knows it.
func (c *computation) nameOf(id core.UserID) string {
	if p, ok := c.state.People[id]; ok && p.Username != "" {
		return p.Username
	}
	return "somebody"
}

// drop closes a merge request that somebody skips.
func (l *life) drop(heard talk) {
	l.set(Vetoed, heard.skipped.by+" skipped it; it stays away until the version changes")
	l.respond(heard, "Skipped by "+heard.skipped.by+": it stays away until the version changes. /sluice reopen takes that back.")
	l.act(CloseMR{Cause: l.because("%s skipped it", heard.skipped.by), MR: l.mr.ID})
}

// handsOff leaves somebody else's work alone until a person gives the branch
// back.
func (l *life) handsOff(files []File, want map[string]core.SHA) {
	if l.mr != nil {
		if heard := l.listen(); heard.given != (request{}) {
			l.respond(heard, heard.given.by+" gave the branch back to Sluice, which makes it anew.")
			l.push(files, want, l.branch.Head, "%s gave the branch back to Sluice", heard.given.by)
			return
		}
	}
	l.stop(HandsOff, fmt.Sprintf("the branch %s carries work that is not Sluice's; delete the branch to have it made anew, or write /sluice take-over on its merge request", l.branch.Name))
}
