// Package bench measures what a plan costs: in monorepos of 1,000 and 10,000
// apps, against kustomize rendering every overlay and against a promotion made
// by hand with git. `make bench-plan` runs it and prints the table of
// docs/performance.md; the ordinary tests run it once on a monorepo of a few
// apps, so that it cannot rot.
//
// All of it is tests, since kustomize's libraries are linked by tests only. It
// refuses to compare with numbers of another machine or another day: what a
// ratio is made of is measured in one run.
package bench
