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

// Unheard is the verdict for all targets while the place cannot be read in
// which they might be held.
func Unheard(where, why string) Verdict {
	return block("hold", where+" cannot be read, and a hold may stand there: "+why,
		"Sluice can read it again, or the policy names it no more under commands")
}
