// Package gate judges whether a promotion may go on: is the environment that
// the version comes from healthy, has it been so for long enough, have enough
// people agreed. Each gate gives a Verdict with a reason that a person can
// read and, where time alone will change it, the time at which to look again.
//
// What is not known is never a pass. The package knows nothing of merge
// requests, commands or GitLab: it is handed reports and votes.
package gate

import (
	"time"
)

// State is the outcome of a gate.
type State string

// The states. Wait ends by itself or by somebody's ordinary doing; Block needs
// a person to change something first.
const (
	Pass  State = "pass"
	Wait  State = "wait"
	Block State = "block"
)

// Verdict is what one gate says.
type Verdict struct {
	Gate   string // the gate's name, as the policy spells it
	State  State
	Reason string    // one sentence without a full stop
	Until  time.Time // when time alone will change the verdict; zero if it will not
	// PassesWhen says, unless it is a Pass, who or what can change it: the end of
	// a sentence that begins with "passes when".
	PassesWhen string
	Overridden string // who passed over it; "" if nobody did
	URL        string // the page of GitLab's that tells more, or ""
}

func pass(gate, reason string) Verdict { return Verdict{Gate: gate, State: Pass, Reason: reason} }

func wait(gate, reason, passesWhen string) Verdict {
	return Verdict{Gate: gate, State: Wait, Reason: reason, PassesWhen: passesWhen}
}

func block(gate, reason, passesWhen string) Verdict {
	return Verdict{Gate: gate, State: Block, Reason: reason, PassesWhen: passesWhen}
}

// Open says whether all verdicts pass. No verdict at all is open: a policy
// that sets no gate asks for nothing.
func Open(verdicts []Verdict) bool {
	for _, v := range verdicts {
		if v.State != Pass {
			return false
		}
	}
	return true
}

// Next is the earliest time at which time alone changes any of the verdicts,
// or zero.
func Next(verdicts []Verdict) time.Time {
	var next time.Time
	for _, v := range verdicts {
		if !v.Until.IsZero() && (next.IsZero() || v.Until.Before(next)) {
			next = v.Until
		}
	}
	return next
}

// Hold is the verdict for a target that a person holds.
func Hold(by, reason string) Verdict {
	text := "held by " + by
	if reason != "" {
		text += ": " + reason
	}
	return block("hold", text, "somebody with the role developer writes /sluice unhold")
}
