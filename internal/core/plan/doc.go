// Package plan decides. Compute is a function from what was observed, the
// policy and the time to the actions that are due and the reason for each; it
// is the whole logic of Sluice, and it is the same whether a webhook, a sweep
// or a restart asked for it.
//
// There is no stored progress and no "next step". Environment n+1 gets a
// version because environment n carries it, and the same question is asked
// anew in every pass: what do the target's pins say, what do the source's say,
// is there a branch with exactly that change, a merge request for it, and do
// its gates pass. A pass plans at most one step of a target's way; the world
// is observed again before the next.
//
// The package does no I/O and reads no clock. It never plans a downgrade, a
// merge past a gate, or a write to a branch that carries somebody else's work.
package plan
