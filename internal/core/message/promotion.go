package message

import (
	"fmt"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
)

// Promotion is what a merge request's description tells.
type Promotion struct {
	Target   core.Target
	From     core.Env
	Auto     bool // Sluice merges it; else a person does
	Moves    []Move
	Verdicts []gate.Verdict
}

// Move is one version that changes.
type Move struct {
	Cluster core.Cluster
	What    string
	Old     string
	New     string
	File    string
	Line    int
	Added   bool // an entry that is not there yet, so it has no line
}

// maxMoves bounds the table: past it the diff says it better.
const maxMoves = 60

// maxText bounds a foreign text within a table or a list, in characters.
const maxText = 120

// Description is the marked block of a promotion's description.
func Description(p Promotion) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Brings to %s what %s runs of %s.\n\n", Inline(string(p.Target.Env), maxText), Inline(string(p.From), maxText), Inline(string(p.Target.App), maxText))
	b.WriteString("| Cluster | What | From | To | Where |\n|---|---|---|---|---|\n")
	for _, m := range p.Moves[:min(maxMoves, len(p.Moves))] {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", cell(string(m.Cluster)), cell(m.What), cell(m.Old), cell(m.New), cell(m.where()))
	}
	if more := len(p.Moves) - maxMoves; more > 0 {
		fmt.Fprintf(&b, "\nand %d more.\n", more)
	}
	b.WriteString("\n" + Gates(p.Verdicts) + "\n" + whoMerges(p.Auto) + "\n\n")
	b.WriteString("Commands, each alone on a line of a comment: `/sluice approve`, `/sluice hold`, `/sluice unhold`, `/sluice status`, `/sluice help`.")
	return b.String()
}

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
