package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/chatops"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// emojiAccepted acknowledges a command that was understood and accepted.
const emojiAccepted = "white_check_mark"

// thread is one conversation in which commands may stand.
type thread struct {
	place  chatops.Place
	mr     core.MRID    // 0 on the control issue
	issue  core.IssueID // 0 elsewhere
	target core.Target
	notes  []Note // oldest first
}

// talk is what the comments of one thread amount to.
type talk struct {
	approvers []gate.Person          // those whose approval is in force; whether it counts is the gate's business
	holds     map[chatops.Scope]hold // those in force; on a merge request, the zero scope is its promotion
	revoked   []Approval             // those by GitLab's button that were taken back by a comment
	again     request                // to make the branch anew
	retried   request                // to try at once what GitLab refused
	given     request                // to throw away what is on the branch
	skipped   request                // not to propose this
	reopened  request                // to propose it again
	overrides map[string]request     // by the gate's name
	seen      []message.Seen
	answers   []answer // what is still to be said, oldest comment first
}

// request is a command that asks for something to be done once. It is in force
// until what was asked for shows in the world; the zero request asks for nothing.
type request struct {
	by     string
	at     time.Time
	reason string
}

// said is one command, with who gave it and in which comment.
type said struct {
	Note
	by     gate.Person
	cmd    chatops.Command
	edited bool // the comment's text is not what its author first wrote
}

func (s said) request() request { return request{by: s.by.Username, at: s.CreatedAt} }

// answer is what a comment gets that has not been answered yet.
type answer struct {
	note     core.NoteID
	edited   bool            // it was answered before, and edited since: it gets one more answer
	accepted bool            // one of its commands was accepted in silence: it gets a reaction
	status   bool            // it asks where the merge request stands
	explain  []chatops.Scope // it asks that gate by gate, on the control issue of these
	texts    []string        // what else there is to say; together one comment
}

// listener reads the comments of one thread, oldest first.
type listener struct {
	*computation
	thread
	talk
	known map[core.NoteID]message.Seen // the comments answered so far
	// obey applies a command that its author may give here and returns what there
	// is to say about it; an accepted command that needs no words gives "".
	obey func(*listener, said) string
}

// listen goes through a thread's comments, works out what is in force, and
// gathers the answers that have not been given yet.
func (c *computation) listen(t thread, obey func(*listener, said) string) talk {
	ls := &listener{computation: c, thread: t, obey: obey, known: c.remembered(t.notes)}
	for _, n := range t.notes {
		if commands := c.commands(n); len(commands) > 0 {
			ls.note(n, commands)
		}
	}
	return ls.talk
}

func (c *computation) commands(n Note) []chatops.Command {
	return c.state.Project.commands(c.policy.Commands, n)
}

// note hears one comment with commands.
func (ls *listener) note(n Note, commands []chatops.Command) {
	person, ok := ls.state.People[n.Author]
	if !ok {
		ls.stranger(n, commands)
		return
	}
	before, done := ls.known[n.ID]
	a, now := answer{note: n.ID}, message.Seen{Note: n.ID, Digest: ls.nextDigest(n)}
	for _, cmd := range commands {
		if ls.hear(&a, said{Note: n, by: person, cmd: cmd, edited: ls.edited(n)}) {
			now.Accepted = true
		}
	}
	if !done || before.Digest != editedDigest && before.Digest != digestOf(n) {
		a.edited = done
		ls.answers = append(ls.answers, a)
	} else {
		now.Accepted = before.Accepted
	}
	ls.seen = append(ls.seen, now)
}

// hear applies one command, notes what it gets for an answer, and tells whether
// it was accepted as one that changes something.
func (ls *listener) hear(a *answer, s said) bool {
	verb, _ := chatops.Lookup(s.cmd.Verb)
	if text := ls.refusal(s, verb); text != "" {
		a.texts = append(a.texts, text)
		return false
	}
	text := ls.answered(a, s)
	if text != "" {
		a.texts = append(a.texts, text)
	}
	return !verb.Asks && (text == "" || verb.Name == "hold")
}

// refusal says why a command is not obeyed, and who could give it, or "". A hold
// that was accepted once stays, whatever becomes of its author.
func (ls *listener) refusal(s said, verb chatops.Verb) string {
	switch {
	case verb.Name == "hold" && ls.known[s.ID].Accepted && !s.edited:
		return ""
	case !s.by.Active || s.by.Level < chatops.Asking:
		return "Only people with access to this project can give commands here."
	case !s.cmd.Known:
		return message.Unknown(s.cmd)
	case !verb.At(ls.place):
		return message.Elsewhere(verb)
	case s.by.Level < verb.Level:
		return message.NotYours(verb)
	case s.edited && !verb.Asks && verb.Name != "hold":
		return "This comment was edited, so it does nothing: write a new one."
	}
	return ""
}

// answered obeys one command that is not refused.
func (ls *listener) answered(a *answer, s said) string {
	switch s.cmd.Verb {
	case "status":
		a.status = true
	case "explain":
		over, _, _ := s.cmd.Scope()
		a.explain = append(a.explain, over)
	case "help":
		return chatops.Help(ls.state.Project.BotName)
	default:
		text := ls.obey(ls, s)
		a.accepted = a.accepted || text == ""
		return text
	}
	return ""
}

// stranger hears somebody whose rights this pass does not know. Nothing is
// answered, and the next pass looks again; until then a hold holds, since the
// author may well have the right to it.
func (ls *listener) stranger(n Note, commands []chatops.Command) {
	for _, cmd := range commands {
		over, rest, ok := cmd.Scope()
		if ls.place == chatops.Open {
			over, rest, ok = chatops.Scope{}, cmd.Args, true
		}
		if cmd.Verb == "hold" && ok {
			unknown := gate.Person{Username: "somebody whose rights are not known yet"}
			ls.raise(said{Note: n, by: unknown, edited: ls.edited(n)}, over, chatops.Reason(rest))
		}
	}
	if seen, ok := ls.known[n.ID]; ok {
		ls.seen = append(ls.seen, seen)
	}
}

func (c *computation) act(a Action) { c.plan.Actions = append(c.plan.Actions, a) }

func (t thread) because(format string, args ...any) Cause {
	return Cause{Target: t.target, Reason: fmt.Sprintf(format, args...)}
}

// respond answers the comments of a thread, keeps its sticky note, and then
// acknowledges what was accepted, in an order in which each may be the last
// that is done. told answers those who ask where things stand; why is the reason
// for a change of the sticky note.
func (c *computation) respond(t thread, heard talk, sticky, why string, told func(answer) []string) {
	replied := c.replied(t.notes)
	for _, a := range heard.answers {
		texts := append(slices.Clone(a.texts), told(a)...)
		to := message.To{Note: a.note, Edited: a.edited}
		if len(texts) > 0 && !replied[to] {
			body := message.Reply(to, strings.Join(texts, "\n\n"))
			c.act(WriteNote{Cause: t.because("the command in comment %d wants an answer", a.note), MR: t.mr, Issue: t.issue, Body: body})
		}
	}
	c.keepSticky(t, sticky, why)
	c.react(t, heard)
}

// react plans the reactions. They come after the sticky note: a reaction moves
// the time of the comment's last change, and only the mark in the sticky note
// tells afterwards that the text is still the one that was accepted. One that
// is lost in a crash stays lost: it is a courtesy.
func (c *computation) react(t thread, heard talk) {
	for _, a := range heard.answers {
		if a.accepted {
			c.act(React{Cause: t.because("the command in comment %d was accepted", a.note), MR: t.mr, Issue: t.issue, Note: a.note, Emoji: emojiAccepted})
		}
	}
}

// commands are what a comment commands, if it is one to listen to: not one of
// Sluice's own, and not an internal one unless the policy says so.
func (p Project) commands(rules policy.Commands, n Note) []chatops.Command {
	if n.Author == p.Bot || n.Internal && !rules.Internal {
		return nil
	}
	return chatops.Parse(n.Body, p.BotName)
}

// Commanders are the people who gave commands that are read, or approved by
// GitLab's button, each once and in order: those whose rights must be known.
func Commanders(rules *policy.Policy, s *State) []core.UserID {
	var out []core.UserID
	add := func(mr MergeRequest) {
		for _, n := range mr.Notes {
			if len(s.Project.commands(rules.Commands, n)) > 0 {
				out = append(out, n.Author)
			}
		}
		for _, a := range mr.Approvals {
			out = append(out, a.User)
		}
	}
	for _, mr := range slices.Concat(s.Open, s.done(), []MergeRequest{{Notes: s.Control}}) {
		add(mr)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
