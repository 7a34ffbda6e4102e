package message

import (
	"fmt"
	"regexp"
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

// IsGuard recognises that thread. Whether Sluice wrote it is for the caller to
// know.
func IsGuard(body string) bool { return strings.HasPrefix(body, guardMark) }

// Seen is a comment whose commands were answered, with the digest of its text
// at that time.
type Seen struct {
	Note   core.NoteID
	Digest string
}

// maxSeen bounds the marks in a sticky note. The newest are kept: an approval
// whose mark was lost counts as edited, which only means it must be repeated.
const maxSeen = 500

const stickyMark = "<!-- sluice:status -->"

// Sticky is the one comment per merge request that says where it stands. It
// carries the marks of the commands that were answered.
func Sticky(sentence string, seen []Seen) string {
	var marks strings.Builder
	for _, s := range seen[max(0, len(seen)-maxSeen):] {
		fmt.Fprintf(&marks, " %d:%s", s.Note, s.Digest)
	}
	return fmt.Sprintf("%s\n%s\n\n<!-- sluice:seen%s -->", stickyMark, Quote(sentence, 2*maxReason), marks.String())
}

// IsSticky recognises a sticky note's text. Whether Sluice wrote it is for the
// caller to know.
func IsSticky(body string) bool { return strings.HasPrefix(body, stickyMark) }

// ReadSeen reads the marks from a sticky note's text; other texts have none.
func ReadSeen(body string) []Seen {
	if !IsSticky(body) {
		return nil
	}
	_, rest, _ := strings.Cut(body, "<!-- sluice:seen")
	marks, _, ok := strings.Cut(rest, "-->")
	if !ok {
		return nil
	}
	var out []Seen
	for mark := range strings.FieldsSeq(marks) {
		id, digest, _ := strings.Cut(mark, ":")
		if n, err := strconv.ParseInt(id, 10, 64); err == nil {
			out = append(out, Seen{Note: core.NoteID(n), Digest: digest})
		}
	}
	return out
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
