package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
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
	answers   []answer // what is still to be said, oldest comment first
}

// hold is a hold that is in force.
type hold struct {
	by     string
	reason string
	since  time.Time
}

// answer is what a comment gets that has not been answered yet.
type answer struct {
	note     core.NoteID
	edited   bool     // it was answered before, and edited since: it gets one more answer
	accepted bool     // one of its commands was accepted in silence: it gets a reaction
	status   bool     // it asks where the merge request stands
	texts    []string // what else there is to say; together one comment
}

// listener reads the comments of one merge request, oldest first.
type listener struct {
	*life
	talk
	known map[core.NoteID]string // the comments answered so far, with the digest of their text
}

// listen goes through the comments, works out what is in force, and gathers the
// answers that have not been given yet. Comments by Sluice itself and internal
// ones are not listened to.
func (l *life) listen() talk {
	ls := &listener{life: l}
	ls.known, _ = l.mr.recall(l.state.Project.Bot)
	for _, n := range l.mr.Notes {
		if commands := l.state.Project.commands(n); len(commands) > 0 {
			ls.note(n, commands)
		}
	}
	return ls.talk
}

// recall reads from Sluice's own comments which commands were answered.
func (mr MergeRequest) recall(bot core.UserID) (known map[core.NoteID]string, replied map[message.To]bool) {
	known, replied = map[core.NoteID]string{}, map[message.To]bool{}
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

// Commanders are the people who wrote commands on open merge requests, each
// once and in order: those whose rights must be known.
func Commanders(s *State) []core.UserID {
	var out []core.UserID
	for _, mr := range s.Open {
		for _, n := range mr.Notes {
			if len(s.Project.commands(n)) > 0 {
				out = append(out, n.Author)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (ls *listener) note(n Note, commands []chatops.Command) {
	person, ok := ls.state.People[n.Author]
	if !ok {
		ls.stranger(n, commands)
		return
	}
	a := answer{note: n.ID}
	for _, cmd := range commands {
		switch text := ls.command(n, person, cmd); {
		case text != "":
			a.texts = append(a.texts, text)
		case cmd.Verb == "status":
			a.status = true
		default:
			a.accepted = true
		}
	}
	if digest, done := ls.known[n.ID]; !done || digest != editedDigest && digest != digestOf(n) {
		a.edited = done
		ls.answers = append(ls.answers, a)
	}
	ls.seen = append(ls.seen, message.Seen{Note: n.ID, Digest: ls.nextDigest(n)})
}

// stranger hears somebody whose rights this pass does not know. Nothing is
// answered, and the next pass looks again; until then a hold holds, since the
// author may well have the right to it.
func (ls *listener) stranger(n Note, commands []chatops.Command) {
	for _, cmd := range commands {
		if cmd.Verb == "hold" {
			ls.raise(n, "somebody whose rights are not known yet", cmd)
		}
	}
	if digest, ok := ls.known[n.ID]; ok {
		ls.seen = append(ls.seen, message.Seen{Note: n.ID, Digest: digest})
	}
}

// reply plans the answers in words. Each carries a mark of its own, so it is
// given once even if nothing after it is done.
func (l *life) reply(heard talk, sentence string) {
	_, replied := l.mr.recall(l.state.Project.Bot)
	for _, a := range heard.answers {
		texts := a.texts
		if a.status {
			texts = append(texts, message.Status(l.status.Target, sentence, l.status.Verdicts))
		}
		to := message.To{Note: a.note, Edited: a.edited}
		if len(texts) > 0 && !replied[to] {
			body := message.Reply(to, strings.Join(texts, "\n\n"))
			l.act(WriteNote{Cause: l.because("the command in comment %d wants an answer", a.note), MR: l.mr.ID, Body: body})
		}
	}
}

// react plans the reactions. They come after the sticky note: a reaction moves
// the time of the comment's last change, and only the mark in the sticky note
// tells afterwards that the text is still the one that was accepted. One that
// is lost in a crash stays lost: it is a courtesy.
func (l *life) react(heard talk) {
	for _, a := range heard.answers {
		if a.accepted {
			l.act(React{Cause: l.because("the command in comment %d was accepted", a.note), MR: l.mr.ID, Note: a.note, Emoji: emojiAccepted})
		}
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
		return ls.holdBy(n, p, cmd)
	case "unhold":
		return ls.unhold(n, p)
	case "status":
		return ""
	default:
		return chatops.Help(ls.state.Project.BotName)
	}
}

// approve counts for the content that was on the branch when it was given. A
// comment that was changed afterwards, by whomever, approves nothing.
func (ls *listener) approve(n Note, p gate.Person, cmd chatops.Command) string {
	rule := ls.env.Gates.Approvals
	switch {
	case rule.Count == 0:
		return "The policy asks for no approvals here, so there is nothing to approve."
	case ls.edited(n):
		return "This comment was edited, so it approves nothing: write a new one."
	case len(cmd.Args) > 0 && (len(cmd.Args[0]) < 7 || !strings.HasPrefix(string(ls.branch.Head), strings.ToLower(cmd.Args[0]))):
		return fmt.Sprintf("This approval does not count: it names another commit than the branch's, which is %s. Name at least 7 digits of it, or none.", message.Inline(ls.branch.Head.Short(), 8))
	}
	if reason := gate.Refusal(rule, p, ls.authors()); reason != "" {
		return "This approval does not count: " + message.Quote(reason, 500) + "."
	}
	if !ls.current(n) {
		return "This approval does not count: the branch has changed since. Look at it again, and approve it anew."
	}
	if !slices.ContainsFunc(ls.approvers, func(q gate.Person) bool { return q.ID == p.ID }) {
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
func (ls *listener) holdBy(n Note, p gate.Person, cmd chatops.Command) string {
	if p.Level < levelHold {
		return "Holding needs the role developer in this project."
	}
	ls.raise(n, p.Username, cmd)
	if ls.edited(n) {
		return "Held. Since this comment was edited, only an unhold that is written from now on lifts it."
	}
	return ""
}

// raise takes the time of its last change for that of an edited comment: what
// was edited into a hold is not lifted by what was written before. An edited
// comment therefore gets words and no reaction, which would move that time.
func (ls *listener) raise(n Note, by string, cmd chatops.Command) {
	h := &hold{by: by, reason: message.Plain(strings.Join(cmd.Args, " "), 200), since: n.CreatedAt}
	if ls.edited(n) {
		h.since = n.UpdatedAt
	}
	if ls.hold == nil || !h.since.Before(ls.hold.since) {
		ls.hold = h
	}
}

func (ls *listener) unhold(n Note, p gate.Person) string {
	switch {
	case p.Level < levelHold:
		return "Lifting a hold needs the role developer in this project."
	case ls.edited(n):
		return "This comment was edited, so it lifts nothing: write a new one."
	case ls.hold != nil && ls.hold.since.After(n.CreatedAt):
		return "The hold was placed after this comment was written, so it stays: write a new one to lift it."
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

// editedDigest stands for the text of a comment that was edited. It stays, so
// that going back to the first text makes no difference.
const editedDigest = "edited"

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

// remembered are the marks of the comments that were answered before.
func (l *life) remembered() []message.Seen {
	known, _ := l.mr.recall(l.state.Project.Bot)
	var out []message.Seen
	for _, id := range slices.Sorted(maps.Keys(known)) {
		out = append(out, message.Seen{Note: id, Digest: known[id]})
	}
	return out
}

// sticky keeps the one comment that says where the merge request stands.
func (l *life) sticky(seen []message.Seen, sentence string) {
	body := message.Sticky(sentence, seen)
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
