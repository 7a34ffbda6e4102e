package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/message"
)

// announce says, before the branch gets another content, whose approvals that
// makes void: once for each content, and only where there are such.
func (l *life) announce() {
	if l.mr == nil || !l.branch.ours() {
		return
	}
	id := l.candidate.ID()
	if slices.ContainsFunc(l.mr.Notes, func(n Note) bool { return n.Author == l.state.Project.Bot && message.IsUpdate(n.Body, id) }) {
		return
	}
	var lapsed []string
	for _, p := range l.listen().approvers {
		lapsed = append(lapsed, p.Username)
	}
	if len(lapsed) > 0 {
		l.act(WriteNote{Cause: l.because("the approvals of %s do not fit what comes now", strings.Join(lapsed, ", ")), MR: l.mr.ID,
			Body: message.Update(id, l.candidate.subject(titleLimit), lapsed)})
	}
}

// source is the commit that brought the versions to where they come from, if
// this pass knows it, and else the head, which has them.
func (l *life) source() core.SHA {
	course, known := l.state.History[core.Target{Env: l.candidate.From, App: l.candidate.Target.App}]
	if known && len(course.Steps) > 0 && course.Steps[0].Commit != "" {
		return course.Steps[0].Commit
	}
	return l.state.Head
}

// preface is the text that a new merge request begins with, outside of Sluice's
// block: from then on it is the people's.
func (l *life) preface() string {
	closed, ok := l.state.Closed[BranchOf(l.candidate.Target)]
	if !ok || closed.ClosedBy == l.state.Project.Bot {
		return ""
	}
	return fmt.Sprintf("Follows !%d, which was closed without a merge.\n", closed.ID)
}

// superseded links what the target's environment has now.
func (l *life) superseded() string {
	if l.state.Project.WebURL == "" {
		return ""
	}
	at := l.state.Head
	if course := l.state.History[l.candidate.Target]; len(course.Steps) > 0 && course.Steps[0].Commit != "" {
		at = course.Steps[0].Commit
	}
	return fmt.Sprintf("\n\nSee [commit %s](%s/-/commit/%s).", at.Short(), l.state.Project.WebURL, at)
}
