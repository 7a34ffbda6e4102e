package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/chatops"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/message"
)

// The lowest access levels for the commands whose right no policy sets.
const (
	levelHold = 30 // developer: whoever may push may also stop
	levelAsk  = 10 // guest: whoever may see the project may ask
)

// editTolerance is how far apart the two times of a comment may be that nobody
// has touched since it was written.
const editTolerance = 2 * time.Second

// emojiAccepted acknowledges a command that was understood and accepted.
const emojiAccepted = "white_check_mark"

// talk is what the comments of one merge request amount to.
type talk struct {
	approvers []gate.Person // those whose approval is in force; whether it counts is the gate's business
	hold      *hold         // nil unless held
	seen      []message.Seen
}

// hold is a hold that is in force.
type hold struct {
	by     string
	reason string
}

// listener reads the comments of one merge request, oldest first.
type listener struct {
	*life
	talk
	known   map[core.NoteID]string // the comments answered so far, with the digest of their text
	replied map[core.NoteID]bool
}

// listen goes through the comments, works out what is in force, and plans an
// answer to each command that has none yet. Comments by Sluice itself and
// internal ones are not listened to.
func (l *life) listen() talk {
	ls := &listener{life: l}
	ls.known, ls.replied = l.mr.recall(l.state.Project.Bot)
	for _, n := range l.mr.Notes {
		if commands := l.state.Project.commands(n); len(commands) > 0 {
			ls.note(n, commands)
		}
	}
	return ls.talk
}

// recall reads from Sluice's own comments which commands were answered.
func (mr MergeRequest) recall(bot core.UserID) (known map[core.NoteID]string, replied map[core.NoteID]bool) {
	known, replied = map[core.NoteID]string{}, map[core.NoteID]bool{}
	for _, n := range mr.Notes {
		if n.Author != bot {
			continue
		}
		for _, s := range message.ReadSeen(n.Body) {
			known[s.Note] = s.Digest
		}
		if to, ok := message.ReadReply(n.Body); ok {
			replied[to] = true
		}
	}
	return known, replied
}

// commands are what a comment commands, if it is one to listen to.
func (p Project) commands(n Note) []chatops.Command {
	if n.Author == p.Bot || n.Internal {
		return nil
	}
	return chatops.Parse(n.Body, p.BotName)
}

// Command is a comment that commands something.
type Command struct {
	MR     core.MRID
	Note   core.NoteID
	Author core.UserID
	// Answered tells that Sluice has finished with it: its reaction need not be
	// looked up.
	Answered bool
}

// Commands lists the comments on open merge requests that command something:
// those of which the author's rights must be known.
func Commands(s *State) []Command {
	var out []Command
	for _, mr := range s.Open {
		known, _ := mr.recall(s.Project.Bot)
		for _, n := range mr.Notes {
			if len(s.Project.commands(n)) > 0 {
				_, done := known[n.ID]
				out = append(out, Command{MR: mr.ID, Note: n.ID, Author: n.Author, Answered: done})
			}
		}
	}
	return out
}

func (ls *listener) note(n Note, commands []chatops.Command) {
	person, ok := ls.state.People[n.Author]
	if !ok {
		return // without knowing the rights nothing is decided; the next pass looks again
	}
	var replies []string
	accepted := false
	for _, cmd := range commands {
		reply := ls.command(n, person, cmd)
		accepted = accepted || reply == ""
		if reply != "" {
			replies = append(replies, reply)
		}
	}
	ls.answer(n, accepted, replies)
	ls.seen = append(ls.seen, message.Seen{Note: n.ID, Digest: ls.firstDigest(n)})
}

// answer plans the reaction and the reply, unless they were given before.
func (ls *listener) answer(n Note, accepted bool, replies []string) {
	if _, done := ls.known[n.ID]; done {
		return
	}
	if accepted && !slices.Contains(ls.state.Reactions[n.ID], Reaction{User: ls.state.Project.Bot, Emoji: emojiAccepted}) {
		ls.act(React{Cause: ls.because("the command in comment %d was accepted", n.ID), MR: ls.mr.ID, Note: n.ID, Emoji: emojiAccepted})
	}
	if len(replies) > 0 && !ls.replied[n.ID] {
		body := message.Reply(n.ID, strings.Join(replies, "\n\n"))
		ls.act(WriteNote{Cause: ls.because("the command in comment %d wants an answer", n.ID), MR: ls.mr.ID, Body: body})
	}
}

// command applies one command and returns what there is to say about it; an
// accepted command that needs no words gives "".
func (ls *listener) command(n Note, p gate.Person, cmd chatops.Command) string {
	switch {
	case !p.Active || p.Level < levelAsk:
		return "Only people with access to this project can give commands here."
	case !cmd.Known:
		return message.Unknown(cmd)
	}
	switch cmd.Verb {
	case "approve":
		return ls.approve(n, p, cmd)
	case "hold":
		return ls.holdBy(p, cmd)
	case "unhold":
		return ls.unhold(n, p)
	case "status":
		return message.Status(ls.status.Target, ls.verdicts(ls.talk))
	default:
		return chatops.Help(ls.state.Project.BotName)
	}
}

// approve counts for the content that was on the branch when it was given. A
// comment that was changed afterwards, by whomever, approves nothing.
func (ls *listener) approve(n Note, p gate.Person, cmd chatops.Command) string {
	rule := ls.env.Gates.Approvals
	head := string(ls.branch.Head)
	switch {
	case rule.Count == 0:
		return "The policy asks for no approvals here, so there is nothing to approve."
	case ls.edited(n):
		return "This comment was edited, so it approves nothing: write a new one."
	case len(cmd.Args) > 0 && (len(cmd.Args[0]) < 7 || !strings.HasPrefix(head, strings.ToLower(cmd.Args[0]))):
		return fmt.Sprintf("The branch is at %s, which is not the commit that you named.", message.Inline(head[:min(8, len(head))], 8))
	}
	if reason := gate.Refusal(rule, p, ls.authors()); reason != "" {
		return "This approval does not count: " + reason + "."
	}
	if ls.current(n) && !slices.ContainsFunc(ls.approvers, func(q gate.Person) bool { return q.ID == p.ID }) {
		ls.approvers = append(ls.approvers, p)
	}
	return ""
}

// current tells whether the branch's present content was there already when
// the comment was written.
func (ls *listener) current(n Note) bool {
	newest := ls.mr.Versions
	return len(newest) > 0 && newest[0].Head == ls.branch.Head && !n.CreatedAt.Before(newest[0].CreatedAt)
}

// holdBy errs on the safe side: an edited comment still holds.
func (ls *listener) holdBy(p gate.Person, cmd chatops.Command) string {
	if p.Level < levelHold {
		return "Holding needs the role developer in this project."
	}
	ls.hold = &hold{by: p.Username, reason: message.Plain(strings.Join(cmd.Args, " "), 200)}
	return ""
}

func (ls *listener) unhold(n Note, p gate.Person) string {
	switch {
	case p.Level < levelHold:
		return "Lifting a hold needs the role developer in this project."
	case ls.edited(n):
		return "This comment was edited, so it lifts nothing: write a new one."
	}
	ls.hold = nil
	return ""
}

// edited tells whether a comment's text is not what its author first wrote.
// GitLab's time of the last change does not tell that by itself: a reaction
// moves it too. So the text's digest is noted with the first answer, and only
// before that the times must agree.
func (ls *listener) edited(n Note) bool {
	if digest, ok := ls.known[n.ID]; ok {
		return digest != digestOf(n)
	}
	return n.UpdatedAt.Sub(n.CreatedAt) > editTolerance
}

func (ls *listener) firstDigest(n Note) string {
	if digest, ok := ls.known[n.ID]; ok {
		return digest
	}
	if ls.edited(n) {
		return "edited"
	}
	return digestOf(n)
}

func digestOf(n Note) string {
	sum := sha256.Sum256([]byte(n.Body))
	return hex.EncodeToString(sum[:6])
}

// sticky keeps the one comment that says where the merge request stands.
func (l *life) sticky(heard talk, sentence string) {
	body := message.Sticky(sentence, heard.seen)
	var id core.NoteID
	for _, n := range l.mr.Notes {
		if n.Author == l.state.Project.Bot && message.IsSticky(n.Body) {
			if n.Body == body {
				return
			}
			id = n.ID
			break
		}
	}
	l.act(WriteNote{Cause: l.because("%s", sentence), MR: l.mr.ID, Note: id, Body: body})
}
