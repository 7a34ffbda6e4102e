// Package core holds the nouns of Sluice: the identifiers, the kinds of error
// and the secret type that every other package speaks in. It and the packages
// below it are the pure heart of the system: they take values and return
// values. They do no I/O, read no clock, no environment and no randomness, and
// they log nothing; whoever calls them passes the time in.
//
// Identifiers are distinct types so that an environment can never be handed
// over where an app is meant. Where a value must obey a grammar, holding one
// that came from its Parse function is the proof that it does.
package core
