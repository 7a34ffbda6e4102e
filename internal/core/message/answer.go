package message

import (
	"fmt"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/chatops"
	"github.com/sluice-gitops/sluice/internal/core/gate"
)

// Elsewhere answers a command that can be given in other places only.
func Elsewhere(v chatops.Verb) string {
	var places []string
	for _, p := range v.Places {
		places = append(places, string(p))
	}
	return fmt.Sprintf("`/sluice %s` does nothing here. Its place is %s.", v.Name, strings.Join(places, " or "))
}

// NotYours answers a command that needs another role.
func NotYours(v chatops.Verb) string {
	return fmt.Sprintf("`/sluice %s` is for %s: ask one of them.", v.Name, v.Who)
}

// Explain answers the command of that name: what each gate found, what changes
// it, and when Sluice looks again by itself.
func Explain(t core.Target, sentence string, verdicts []gate.Verdict, next time.Time) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s in %s: %s\n\n", Inline(string(t.App), maxText), Inline(string(t.Env), maxText), Quote(sentence, 2*maxReason))
	for _, v := range verdicts {
		fmt.Fprintf(&b, "- **%s** %s: %s%s%s\n", v.Gate, stateWord(v), Quote(v.Reason, maxReason), until(v.Until), passesWhen(v))
	}
	if len(verdicts) == 0 {
		b.WriteString("No gate is set for this environment.\n")
	}
	b.WriteString("\n" + looksAgain(next))
	return b.String()
}

// stateWord is a verdict's state within a sentence.
func stateWord(v gate.Verdict) string {
	switch v.State {
	case gate.Pass:
		return "passes"
	case gate.Wait:
		return "waits"
	}
	return "blocks"
}

func passesWhen(v gate.Verdict) string {
	if v.PassesWhen == "" {
		return ""
	}
	return "; passes when " + Quote(v.PassesWhen, maxReason)
}

func until(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " (until " + t.UTC().Format(time.DateTime) + " UTC)"
}

func looksAgain(next time.Time) string {
	if next.IsZero() {
		return "Sluice looks again with whatever happens here, and with every sweep."
	}
	return "Sluice looks again at " + next.UTC().Format(time.DateTime) + " UTC, and with whatever happens here."
}
