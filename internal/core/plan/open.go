package plan

import (
	"fmt"

	"github.com/sluice-gitops/sluice/internal/core/chatops"
	"github.com/sluice-gitops/sluice/internal/core/message"
)

// thread is the conversation on the target's open merge request.
func (l *life) thread() thread {
	return thread{place: chatops.Open, mr: l.mr.ID, target: l.candidate.Target, notes: l.mr.Notes}
}

// listen hears what is said on the target's open merge request.
func (l *life) listen() talk {
	heard := l.computation.listen(l.thread(), l.obey)
	l.approveByButton(&heard)
	return heard
}

// obey applies a command on the target's open merge request.
func (l *life) obey(ls *listener, s said) string {
	switch s.cmd.Verb {
	case "approve":
		return l.approve(ls, s)
	case "unapprove":
		return l.unapprove(ls, s)
	case "hold":
		return ls.holdHere(s)
	case "unhold":
		return ls.lift(s, chatops.Scope{})
	case "retry":
		return l.retry(ls, s)
	case "take-over":
		return l.takeOver(ls, s)
	case "skip":
		return l.skip(ls, s)
	case "override":
		return l.override(ls, s)
	case "promote", "rollback":
		return l.saidWish(ls.thread, s)
	case "resume":
		_, why := l.about(ls.thread, s.cmd.Args)
		return why
	}
	return fmt.Sprintf("Sluice cannot do %s here.", message.Inline(s.cmd.Verb, 40))
}

// respond answers the comments on the target's open merge request and says in
// the sticky note where it stands.
func (l *life) respond(heard talk, sentence string) {
	marks := message.Marks{Seen: heard.seen, Heads: l.heads()}
	l.computation.respond(l.thread(), heard, message.Sticky(sentence, marks), sentence, func(a answer) []string {
		var texts []string
		if a.status {
			texts = append(texts, message.Status(l.status.Target, sentence, l.status.Verdicts))
		}
		if len(a.explain) > 0 {
			texts = append(texts, message.Explain(l.status.Target, sentence, l.status.Verdicts, l.status.Next))
		}
		return texts
	})
}

// remembered are the marks of the merge request, if nobody listens to it now.
func (l *life) remembered() message.Marks { return l.unheard(l.mr.Notes) }

// sticky keeps the one comment that says where the merge request stands.
func (l *life) sticky(marks message.Marks, sentence string) {
	l.keepSticky(l.thread(), message.Sticky(sentence, marks), sentence)
}
