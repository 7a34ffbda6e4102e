// Package policy reads sluice.yaml: where overlays lie, which environment
// follows which, and which gates stand between them.
//
// It refuses to guess. A policy with anything in it that is not understood is
// no policy at all, because a gate that is misspelt and then ignored is worse
// than a service that stands still. Every default is the safe one, and every
// problem is reported at once, each with its place and what to do about it.
// It does not read the file, and it does not decide whether a gate is
// satisfied.
package policy
