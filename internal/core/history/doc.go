// Package history tells what targets deployed in the past: which versions, since
// which commit, along the first parents of the default branch. It is how Sluice
// knows which of two digests is the newer one, and that somebody has lowered a
// version on purpose.
//
// A Trail knows which commits changed which paths; a Tracer follows what a
// target depends on from one such commit to the next and looks at the overlays
// only there. Both remember, so that a new head costs what it changed.
//
// The package looks back a bounded way and says how far: what lies behind is
// not known, and it never guesses about it. It decides nothing: what follows
// from the past is package plan's.
package history
