package message

import (
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/chatops"
	"github.com/sluice-gitops/sluice/internal/core/gate"
)

const guardMark = "<!-- sluice:guard -->"

// Guard is the thread that stays unresolved while a gate is not satisfied.
func Guard() string {
	return guardMark + "\nThis thread is open while a gate of this promotion is not satisfied, so that it is not merged past it. " +
		"Sluice resolves it as soon as every gate passes."
}

// Update tells that a merge request gets another content, and whose approvals
// are void with that.
func Update(change, title string, approvers []string) string {
	names := make([]string, len(approvers))
	for i, name := range approvers {
		names[i] = Inline(name, 60)
	}
	return fmt.Sprintf("%s\nThis is now: %s. What was approved by %s was something else, so it has to be approved anew.",
		updateMark(change), Quote(title, maxText), strings.Join(names, ", "))
}

func updateMark(change string) string { return "<!-- sluice:update " + change + " -->" }

// IsUpdate recognises the text that tells of this content. Whether Sluice wrote
// it is for the caller to know.
func IsUpdate(body, change string) bool { return strings.HasPrefix(body, updateMark(change)) }

// IsGuard recognises that thread. Whether Sluice wrote it is for the caller to
// know.
func IsGuard(body string) bool { return strings.HasPrefix(body, guardMark) }

// Seen is a comment whose commands were answered, with the digest of its text
// at that time.
type Seen struct {
	Note     core.NoteID
	Digest   string
	Accepted bool // a command in it that changes something was accepted then
}

// Head is a head that a branch once had, with the digest of what it changed, as
// Sluice saw it itself.
type Head struct {
	SHA     core.SHA
	Content string
}

// Marks is what a sticky note remembers.
type Marks struct {
	Seen  []Seen
	Heads []Head // newest first
}

// maxSeen bounds the marks in a sticky note, at some 30 characters each. What was
// refused goes first, so that nobody who may not command anything can push
// others' marks out, and then the oldest. An approval whose mark was lost counts
// as edited, which only means it must be repeated.
const maxSeen = 2000

// maxHeads bounds the heads in a sticky note. An approval that was given for one
// that was forgotten must be repeated.
const maxHeads = 50

const stickyMark = "<!-- sluice:status -->"

// Sticky is the one comment per merge request that says where it stands. It
// carries the marks of the commands that were answered.
func Sticky(sentence string, marks Marks) string {
	return stickyMark + "\n" + Quote(sentence, 2*maxReason) + "\n\n" + marks.String()
}

// StickyList is the one comment of the issue for commands. It lists what is in
// force.
func StickyList(sentence string, inForce []string, marks Marks) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s\n\n", stickyMark, Quote(sentence, 2*maxReason))
	if len(inForce) == 0 {
		b.WriteString("Nothing of what was said here is in force.\n")
	}
	for _, line := range inForce {
		fmt.Fprintf(&b, "- %s\n", Quote(line, maxReason))
	}
	return b.String() + "\n" + marks.String()
}

// Remember is a sticky note's text with other marks.
func Remember(body string, marks Marks) string {
	text, _, _ := strings.Cut(body, seenMark)
	return text + marks.String()
}

const (
	seenMark  = "<!-- sluice:seen"
	headsMark = "<!-- sluice:heads"
)

// String is the marks as they stand at a sticky note's end, invisible to readers.
func (m Marks) String() string {
	var b strings.Builder
	b.WriteString(seenMark)
	for _, s := range m.kept() {
		fmt.Fprintf(&b, " %d:%s", s.Note, s.Digest)
		if s.Accepted {
			b.WriteString("+")
		}
	}
	b.WriteString(" -->")
	if len(m.Heads) == 0 {
		return b.String()
	}
	b.WriteString("\n" + headsMark)
	for _, h := range m.Heads[:min(len(m.Heads), maxHeads)] {
		fmt.Fprintf(&b, " %s:%s", h.SHA, h.Content)
	}
	return b.String() + " -->"
}

// kept are the marks for which there is room, in their order.
func (m Marks) kept() []Seen {
	over := len(m.Seen) - maxSeen
	seen := slices.DeleteFunc(slices.Clone(m.Seen), func(s Seen) bool {
		if s.Accepted || over <= 0 {
			return false
		}
		over--
		return true
	})
	return seen[max(0, len(seen)-maxSeen):]
}

// IsSticky recognises a sticky note's text. Whether Sluice wrote it is for the
// caller to know.
func IsSticky(body string) bool { return strings.HasPrefix(body, stickyMark) }

// ReadMarks reads the marks from a sticky note's text; other texts have none.
func ReadMarks(body string) Marks {
	var m Marks
	if !IsSticky(body) {
		return m
	}
	for id, digest := range marked(body, seenMark) {
		n, err := strconv.ParseInt(id, 10, 64)
		if err == nil {
			digest, accepted := strings.CutSuffix(digest, "+")
			m.Seen = append(m.Seen, Seen{Note: core.NoteID(n), Digest: digest, Accepted: accepted})
		}
	}
	for name, content := range marked(body, headsMark) {
		if sha, err := core.ParseSHA(name); err == nil {
			m.Heads = append(m.Heads, Head{SHA: sha, Content: content})
		}
	}
	return m
}

// marked yields the pairs that stand behind a mark.
func marked(body, mark string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		_, rest, _ := strings.Cut(body, mark)
		pairs, _, ok := strings.Cut(rest, "-->")
		if !ok {
			return
		}
		for pair := range strings.FieldsSeq(pairs) {
			key, value, _ := strings.Cut(pair, ":")
			if !yield(key, value) {
				return
			}
		}
	}
}

// To is what an answer answers: a comment, as it was first written or as it
// was edited afterwards.
type To struct {
	Note   core.NoteID
	Edited bool
}

// Reply is an answer to a comment, marked so that it is given once.
func Reply(to To, text string) string {
	edited := ""
	if to.Edited {
		edited = " edited"
	}
	return fmt.Sprintf("<!-- sluice:reply %d%s -->\n%s", to.Note, edited, text)
}

// ReadReply tells which comment a text answers.
func ReadReply(body string) (To, bool) {
	m := regexp.MustCompile(`\A<!-- sluice:reply ([0-9]{1,18})( edited)? -->`).FindStringSubmatch(body)
	if m == nil {
		return To{}, false
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	return To{Note: core.NoteID(n), Edited: m[2] != ""}, err == nil
}

// Status answers the command of that name: where the merge request stands, in
// a sentence and gate by gate.
func Status(t core.Target, sentence string, verdicts []gate.Verdict) string {
	return fmt.Sprintf("%s in %s: %s\n\n%s", Inline(string(t.App), maxText), Inline(string(t.Env), maxText), Quote(sentence, 2*maxReason), Gates(verdicts))
}

// Unknown answers a command that does not exist.
func Unknown(cmd chatops.Command) string {
	text := fmt.Sprintf("There is no command %s.", Inline(cmd.Verb, 40))
	if cmd.Suggestion != "" {
		text += fmt.Sprintf(" Did you mean %s?", Inline(cmd.Suggestion, 40))
	}
	return text + " `/sluice help` lists them all."
}
