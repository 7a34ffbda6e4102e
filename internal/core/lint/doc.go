// Package lint finds what is wrong in a monorepo before Flux does: builds that
// fail, names that lead nowhere, objects that no API server takes, secrets that
// everybody can read, versions that nobody fixed.
//
// It is handed a tree and a way to build kustomizations, and returns findings
// with a place, a rule, a reason and a way out. It changes nothing, asks no
// cluster and prints no value of a secret. What it cannot see, such as objects
// that a chart brings, it does not complain of.
package lint
