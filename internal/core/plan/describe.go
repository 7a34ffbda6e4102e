package plan

import (
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// blockName marks the part of a description that is Sluice's.
const blockName = "promotion"

// sentence is the status as the sticky note tells it.
func (l *life) sentence() string {
	switch {
	case l.status.Phase == Merging && l.refused() != "":
		return "Every gate passes, but merging it was refused: " + l.refused() + ". Sluice tries again with every sweep."
	case l.status.Phase == Merging && l.mr.MergeError != "":
		return "Every gate passes: Sluice tries again to merge it. The last time, GitLab said: " + message.Plain(l.mr.MergeError, 200)
	case l.status.Phase == Merging:
		return "Every gate passes: Sluice merges it as soon as GitLab lets it."
	case gate.Open(l.status.Verdicts):
		return strings.ToUpper(l.status.Reason[:1]) + l.status.Reason[1:] + "."
	default:
		return "Waiting for " + l.status.Reason + "."
	}
}

// describe keeps the title, the marked block and the label as they should be.
// A title that a person has rewritten is left alone.
func (l *life) describe() {
	title := l.mr.Title
	if l.wrote(title) {
		title = l.title()
	}
	description := message.WithBlock(l.mr.Description, blockName, l.description(l.status.Verdicts))
	if title == l.mr.Title && description == l.mr.Description && slices.Contains(l.mr.Labels, Label) {
		return
	}
	l.act(EditMR{
		Cause: l.because("its text is to say where it stands: %s", l.status.Reason),
		MR:    l.mr.ID, Title: title, Description: description, Labels: []string{Label},
	})
}

// wrote tells whether a title is one that Sluice gave: that of any versions of
// this target, without a word more.
func (l *life) wrote(title string) bool {
	rest, ok := strings.CutPrefix(title, message.Title(l.candidate.bare(), titleLimit))
	moves, some := strings.CutPrefix(rest, ": ")
	if !ok || !some {
		return ok && rest == ""
	}
	for move := range strings.SplitSeq(moves, ", ") {
		from, to, both := strings.Cut(move, " → ")
		if !both || strings.ContainsAny(from+to, " \t") {
			return false
		}
	}
	return true
}

// titleLimit keeps a title within GitLab's 255 characters even if every other
// one of them needs a mark that keeps it inert.
const titleLimit = 125

func (l *life) title() string { return message.Title(l.candidate.subject(titleLimit), titleLimit) }

func (l *life) description(verdicts []gate.Verdict) string {
	p := message.Promotion{
		Target: l.candidate.Target, From: l.candidate.From,
		Auto: l.env.Merge == policy.Auto, Verdicts: verdicts,
	}
	for _, ch := range l.candidate.Changes {
		p.Moves = append(p.Moves, message.Move{
			Cluster: ch.Cluster, What: ch.Pin.Key.String(), Old: ch.Pin.Version, New: ch.New,
			File: ch.Pin.Target().File, Line: ch.Pin.Target().Line, Added: ch.Pin.Override != nil,
		})
	}
	return message.Description(p)
}
