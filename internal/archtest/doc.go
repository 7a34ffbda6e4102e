// Package archtest holds the rules of this module's architecture and style and
// the checker for them. Its tests run the checker over the whole module, and
// over small made-up modules to prove that each rule can fail.
//
// The rules are tables in rules.go: which package may import which, what of
// the standard library is out of bounds where, what a program must not link.
// Each carries its reason, and a violation repeats it. A package that no rule
// covers is a violation, and so is a rule for a package that does not exist,
// so the tables cannot drift away from the code.
//
// The checker reads the source without building it, and types only as far as
// names go. It looks at files that are not tests; tests may import anything.
// What needs judgement (names, comments that narrate, goroutines that nobody
// owns) is left to review.
package archtest
