// Package overlay finds every app's overlay in a monorepo and tells which
// versions it really deploys: the overlay's own pins first, the base's where
// the overlay has none. It needs no markers in the files and no list of paths
// beyond the policy's layout.
//
// It refuses to guess: what it does not understand becomes a Problem with the
// place and the reason, and stops only the apps that depend on it.
package overlay
