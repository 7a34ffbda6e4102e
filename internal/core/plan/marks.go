package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/message"
)

// editTolerance is how far apart the two times of a comment may be that nobody
// has touched since it was written.
const editTolerance = 2 * time.Second

// editedDigest stands for the text of a comment that was edited. It stays, so
// that going back to the first text makes no difference.
const editedDigest = "edited"

// edited tells whether a comment's text is not what its author first wrote.
// GitLab's time of the last change does not tell that by itself: a reaction
// moves it too. So the text's digest is noted with the first answer, and only
// before that the times must agree.
func (ls *listener) edited(n Note) bool {
	if seen, ok := ls.known[n.ID]; ok {
		return seen.Digest != digestOf(n)
	}
	return n.UpdatedAt.Sub(n.CreatedAt) > editTolerance
}

func (ls *listener) nextDigest(n Note) string {
	if ls.edited(n) {
		return editedDigest
	}
	return digestOf(n)
}

func digestOf(n Note) string {
	sum := sha256.Sum256([]byte(n.Body))
	return hex.EncodeToString(sum[:6])
}

// marks reads what Sluice's own comments among these remember.
func (c *computation) marks(notes []Note) message.Marks {
	var out message.Marks
	for _, n := range notes {
		if n.Author == c.state.Project.Bot {
			m := message.ReadMarks(n.Body)
			out.Seen, out.Heads = append(out.Seen, m.Seen...), append(out.Heads, m.Heads...)
		}
	}
	return out
}

// remembered are the comments that were answered before.
func (c *computation) remembered(notes []Note) map[core.NoteID]message.Seen {
	known := map[core.NoteID]message.Seen{}
	for _, s := range c.marks(notes).Seen {
		known[s.Note] = s
	}
	return known
}

// replied are the answers that were given in words.
func (c *computation) replied(notes []Note) map[message.To]bool {
	replied := map[message.To]bool{}
	for _, n := range notes {
		if to, ok := message.ReadReply(n.Body); ok && n.Author == c.state.Project.Bot {
			replied[to] = true
		}
	}
	return replied
}

// unheard are the marks of a thread that nobody listens to in this pass.
func (c *computation) unheard(notes []Note) message.Marks {
	marks := c.marks(notes)
	known := c.remembered(notes)
	marks.Seen = nil
	for _, id := range slices.Sorted(maps.Keys(known)) {
		marks.Seen = append(marks.Seen, known[id])
	}
	return marks
}

// stickyOf finds the one comment that says where a thread stands.
func (c *computation) stickyOf(t thread) (Note, bool) {
	i := slices.IndexFunc(t.notes, func(n Note) bool { return n.Author == c.state.Project.Bot && message.IsSticky(n.Body) })
	if i < 0 {
		return Note{}, false
	}
	return t.notes[i], true
}

// keepSticky keeps that comment, and deletes others like it: two promoters that
// looked at the same time have each written one. What they remember has been
// read already, and goes into the one that stays.
func (c *computation) keepSticky(t thread, body, because string) {
	old, _ := c.stickyOf(t)
	if old.Body != body {
		c.act(WriteNote{Cause: t.because("%s", because), MR: t.mr, Issue: t.issue, Note: old.ID, Body: body})
	}
	for _, n := range t.notes {
		if n.ID != old.ID && n.Author == c.state.Project.Bot && message.IsSticky(n.Body) {
			c.act(DeleteNote{Cause: t.because("comment %d says where it stands, and one is enough", old.ID), MR: t.mr, Issue: t.issue, Note: n.ID})
		}
	}
}
