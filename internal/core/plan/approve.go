package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/message"
)

// minCommit is how many digits of a commit's name an approval must give.
const minCommit = 7

// approve counts for the content that was on the branch when it was given. A
// comment that was changed afterwards, by whomever, approves nothing.
func (l *life) approve(ls *listener, s said) string {
	rule := l.env.Gates.Approvals
	if rule.Count == 0 {
		return "The policy asks for no approvals here, so there is nothing to approve."
	}
	if reason := gate.Refusal(rule, s.by, l.authors(), l.bringers()); reason != "" {
		return "This approval does not count: " + message.Quote(reason, 500) + "."
	}
	at := l.headAt(s.CreatedAt)
	if len(s.cmd.Args) > 0 {
		if at = l.headNamed(s.cmd.Args[0]); at == "" {
			return fmt.Sprintf("This approval does not count: it names another commit than the branch's, which is %s. Name at least %d digits of it, or none.", message.Inline(l.branch.Head.Short(), 8), minCommit)
		}
	}
	if !l.holds(at) {
		return "This approval does not count: the content has changed since. Look at it again, and approve it anew."
	}
	ls.agree(s.by)
	return ""
}

func (l *life) unapprove(ls *listener, s said) string {
	if by := l.button(s.by.ID); !by.At.IsZero() && !by.At.After(s.CreatedAt) {
		ls.revoked = append(ls.revoked, by)
	}
	ls.approvers = slices.DeleteFunc(ls.approvers, func(q gate.Person) bool { return q.ID == s.by.ID })
	return ""
}

func (t *talk) agree(p gate.Person) {
	if !slices.ContainsFunc(t.approvers, func(q gate.Person) bool { return q.ID == p.ID }) {
		t.approvers = append(t.approvers, p)
	}
}

// button is a person's approval by GitLab's own button, zero if there is none.
func (l *life) button(id core.UserID) Approval {
	i := slices.IndexFunc(l.mr.Approvals, func(a Approval) bool { return a.User == id })
	if i < 0 {
		return Approval{}
	}
	return l.mr.Approvals[i]
}

// approveByButton adds GitLab's own approvals. They name no commit, so that the
// time decides what they were given for; where GitLab tells none, they were
// given for nothing that is known.
func (l *life) approveByButton(heard *talk) {
	if l.env.Gates.Approvals.Count == 0 {
		return
	}
	for _, a := range l.mr.Approvals {
		person, ok := l.state.People[a.User]
		if ok && !a.At.IsZero() && !slices.Contains(heard.revoked, a) && l.holds(l.headAt(a.At)) {
			heard.agree(person)
		}
	}
}

// headAt is what was the branch's head at a time, as GitLab recorded it.
func (l *life) headAt(t time.Time) core.SHA {
	for _, v := range l.mr.Versions {
		if !t.Before(v.CreatedAt) {
			return v.Head
		}
	}
	return ""
}

// headNamed is the head that somebody names by its first digits, the present
// one or a former one, or "" if they name none or more than one.
func (l *life) headNamed(digits string) core.SHA {
	digits = strings.ToLower(digits)
	var found core.SHA
	for _, v := range append([]Version{{Head: l.branch.Head}}, l.mr.Versions...) {
		if len(digits) < minCommit || !strings.HasPrefix(string(v.Head), digits) || v.Head == found {
			continue
		}
		if found != "" {
			return ""
		}
		found = v.Head
	}
	return found
}

// holds tells whether a head of the branch had the very content that it has
// now. What a former head had is known if Sluice saw it when it was the head: a
// commit's own message says what its author likes.
func (l *life) holds(head core.SHA) bool {
	if head == "" || !l.branch.ours() {
		return false
	}
	if head == l.branch.Head {
		return true
	}
	content := seal(l.branch.Changed)
	for _, h := range l.marks(l.mr.Notes).Heads {
		if h.SHA == head {
			return h.Content == content
		}
	}
	return false
}

// heads are what the sticky note is to remember of the branch's heads: those
// that it remembers, and the present one.
func (l *life) heads() []message.Head {
	old := l.marks(l.mr.Notes).Heads
	if l.env.Gates.Approvals.Count == 0 || !l.branched || !l.branch.ours() {
		return old
	}
	now := message.Head{SHA: l.branch.Head, Content: seal(l.branch.Changed)}
	if slices.Contains(old, now) {
		return old
	}
	return append([]message.Head{now}, old...)
}
