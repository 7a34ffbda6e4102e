package gate

// HoldOver is the verdict for a target that is held with others: what names
// them, where is the place in which the hold stands.
func HoldOver(what, by, reason, where string) Verdict {
	text := what + " is held by " + by + " in " + where
	if reason != "" {
		text += ": " + reason
	}
	return block("hold", text, "somebody with the role developer lifts it there by /sluice unhold")
}

// Overridden is a verdict that a person has passed over. It says what the gate
// would have said.
func Overridden(v Verdict, by, reason string) Verdict {
	return Verdict{Gate: v.Gate, State: Pass, Reason: "overridden by " + by + " (" + reason + "); without that: " + v.Reason, Overridden: by}
}

// NotAsked is the verdict of a gate that has nothing to judge.
func NotAsked(gate, reason string) Verdict { return pass(gate, reason) }

// Elsewhere is the verdict of a gate about the source for a version that the
// source does not have now.
func Elsewhere(gate, reason string) Verdict {
	return block(gate, reason, "somebody whom the policy names under commands.override overrides it, or a person merges by hand")
}

// Unheard is the verdict for all targets while the place cannot be read in
// which they might be held.
func Unheard(where, why string) Verdict {
	return block("hold", where+" cannot be read, and a hold may stand there: "+why,
		"Sluice can read it again, or the policy names it no more under commands")
}
