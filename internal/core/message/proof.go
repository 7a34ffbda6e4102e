package message

import (
	"fmt"
	"slices"
	"strings"
)

// proofs says of versions without an order why they move all the same.
func proofs(moves []Move) string {
	var b strings.Builder
	var said []string
	for _, m := range moves {
		line := fmt.Sprintf("- %s: %s\n", Inline(m.What, maxText), Quote(m.Proof, maxReason))
		if m.Proof == "" || slices.Contains(said, line) || len(said) == maxProofs {
			continue
		}
		said = append(said, line)
		b.WriteString(line)
	}
	if len(said) == 0 {
		return ""
	}
	return "\n" + b.String()
}

// maxProofs bounds the list of proofs: who doubts more than a few looks into Git.
const maxProofs = 10
