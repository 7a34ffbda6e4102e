// Package promoter is the only writer of Sluice, and this is the tour of the
// whole system from its side.
//
// # From the bottom up
//
// At the bottom lies internal/core, which is pure. Package policy reads
// sluice.yaml, the rules of one monorepo. Package yamledit finds scalars in
// YAML and changes them byte for byte. Package overlay finds every app's
// overlay in a tree and says which versions it deploys, as pins. Package gate
// folds what Flux reports and judges health, soak and approvals; chatops reads
// commands in comments; message writes all texts. Package plan puts them
// together: plan.Compute(policy, state, now) is the whole logic of promotion.
//
// Around it stand the adapters, which observe and act and decide nothing: git
// keeps a bare mirror and pushes single commits, gitlab speaks with GitLab's
// API, flux calls Flux Receivers and reads Flux's events, bus is the way to
// NATS JetStream.
//
// Two services use them. The receiver turns webhooks into hints and reports on
// NATS (pkg/events is the contract). This package is the other one.
//
// # One pass
//
// Each monorepo has a loop (repo.go) that sleeps until somebody asks for a
// pass: a hint, a change in what Flux reports, the time that the last plan
// named, or the sweep. However many ask meanwhile, it is one pass:
//
//	observe   GitLab first, then one fetch, then everything at that commit (observe.go)
//	plan      plan.Compute, pure
//	act       each action is an "ensure" with a compare-and-swap (act.go)
//	observe   again, until there is nothing left to do
//
// There is no other state. What is in NATS are folds of Flux's reports and the
// times of the last triggers (table.go): losing them costs time, since soaks
// begin anew, and the memory of a Helm upgrade that failed, which only a
// Kustomization with wait: true goes on reporting. A process that dies between any two writes leaves a world from which
// the next pass goes on.
//
// A hint is never believed (inbox.go): it only says where to look, and the
// sweep looks without it.
//
// The package refuses to decide anything that could be decided in core, and to
// write anything that no plan asked for. Without Config.Act it writes nothing
// at all.
package promoter
