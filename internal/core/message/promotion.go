package message

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/pin"
)

// Promotion is what a merge request's description tells.
type Promotion struct {
	Target      core.Target
	From        core.Env
	Auto        bool // Sluice merges it; else a person does
	Moves       []Move
	Asked       string // what a person asked for; "" if nobody did
	Verdicts    []gate.Verdict
	Differences []Difference // none if they are not known yet
	Others      []Other      // what else is open for the app, the lowest number first
	List        string       // where all that is open stands; "" if that is not known
	GitLab      string       // the address of the GitLab, "" if it is not known
}

// Move is one version that changes.
type Move struct {
	Cluster core.Cluster
	Kind    pin.Kind
	What    string
	Origin  string // where it is fetched from; "" if that is not in sight
	Old     string
	New     string
	File    string
	Line    int
	Added   bool // an entry that is not there yet, so it has no line
	// Proof is how it is known that New is the newer one, where the two do not tell.
	Proof string
}

// Other is another promotion that is under way.
type Other struct {
	MR     core.MRID
	URL    string
	Target core.Target
}

// maxMoves bounds the table: past it the diff says it better.
const maxMoves = 60

// maxOthers bounds what else is named as open.
const maxOthers = 10

// maxText bounds a foreign text within a table or a list, in characters.
const maxText = 120

// Description is the marked block of a promotion's description. It says the
// same for the same promotion, so that it is written once and not with every
// look.
func Description(p Promotion) string {
	var b strings.Builder
	if p.Asked == "" {
		fmt.Fprintf(&b, "Brings to %s what %s runs of %s.\n\n", Inline(string(p.Target.Env), maxText), Inline(string(p.From), maxText), Inline(string(p.Target.App), maxText))
	} else {
		fmt.Fprintf(&b, "On request: %s.\n\n", Quote(p.Asked, maxReason))
	}
	b.WriteString("| Cluster | What | From | To | Where |\n|---|---|---|---|---|\n")
	for _, m := range p.Moves[:min(maxMoves, len(p.Moves))] {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", cell(string(m.Cluster)), cell(m.What), cell(m.Old), cell(m.New)+linked(Links(m, p.GitLab)), cell(m.where()))
	}
	if more := len(p.Moves) - maxMoves; more > 0 {
		fmt.Fprintf(&b, "\nand %d more.\n", more)
	}
	b.WriteString(proofs(p.Moves))
	b.WriteString("\n" + Gates(p.Verdicts) + "\n" + whoMerges(p.Auto) + "\n\n")
	b.WriteString(Differences(p.Differences) + "\n" + inFlight(p))
	b.WriteString("Commands, each alone on a line of a comment: `/sluice approve`, `/sluice hold`, `/sluice unhold`, `/sluice status`. `/sluice help` lists them all.")
	return b.String()
}

func linked(links []Link) string {
	var b strings.Builder
	for _, l := range links {
		fmt.Fprintf(&b, " [%s](%s)", l.Word, l.URL)
	}
	return b.String()
}

// inFlight names what else is open for the app. What else is open for the
// environment is linked as a list only: named here, each opening and each merge
// would change the description of all the others.
func inFlight(p Promotion) string {
	var parts []string
	for _, o := range p.Others[:min(maxOthers, len(p.Others))] {
		parts = append(parts, fmt.Sprintf("%s into %s", o.link(), Inline(string(o.Target.Env), maxText)))
	}
	if more := len(p.Others) - maxOthers; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	text := ""
	if len(parts) > 0 {
		text = fmt.Sprintf("Also open for %s: %s. ", Inline(string(p.Target.App), maxText), strings.Join(parts, ", "))
	}
	if plainURL(p.List) {
		text += fmt.Sprintf("[All that is open](%s).", p.List)
	}
	if text == "" {
		return ""
	}
	return strings.TrimSpace(text) + "\n\n"
}

func (o Other) link() string {
	number := fmt.Sprintf("`!%d`", o.MR)
	if !plainURL(o.URL) {
		return number
	}
	return fmt.Sprintf("[%s](%s)", number, o.URL)
}

// plainURL tells whether an address can stand in a link as it is.
func plainURL(s string) bool {
	return len(s) <= maxURL && regexp.MustCompile(`\Ahttps?://[A-Za-z0-9_.:/?=&%+~-]+\z`).MatchString(s)
}

// maxURL bounds an address. GitLab's own are a quarter of it.
const maxURL = 1000

func (m Move) where() string {
	if m.Added {
		return m.File + " (new entry)"
	}
	return fmt.Sprintf("%s:%d", m.File, m.Line)
}

func whoMerges(auto bool) string {
	if auto {
		return "Sluice merges this when every gate passes."
	}
	return "A person merges this: the policy leaves it to people here."
}

// Gates lists verdicts as a checklist.
func Gates(verdicts []gate.Verdict) string {
	if len(verdicts) == 0 {
		return "No gate is set for this environment.\n"
	}
	var b strings.Builder
	for _, v := range verdicts {
		mark := " "
		if v.State == gate.Pass {
			mark = "x"
		}
		text := Quote(v.Reason, maxReason)
		if plainURL(v.URL) {
			text += linked([]Link{{"look", v.URL}})
		}
		if v.PassesWhen != "" {
			text += "; passes when " + Quote(v.PassesWhen, maxReason)
		}
		fmt.Fprintf(&b, "- [%s] **%s**: %s\n", mark, v.Gate, text)
	}
	return b.String()
}

// maxReason bounds a reason, which may quote what Flux said, in characters.
const maxReason = 500

// cell makes a foreign text fit for a cell of a table.
func cell(s string) string {
	if s == "" {
		return "all"
	}
	return Inline(s, maxText)
}
