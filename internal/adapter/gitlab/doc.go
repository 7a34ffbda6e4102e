// Package gitlab observes and changes one GitLab project through its REST API:
// the project itself, the merge requests that Sluice opened, their comments,
// approvals and versions, and the people who commented. Its answers are the
// core's values; no type of the client library leaves it.
//
// Every write is an "ensure" (see plan.Action): what is so already counts as
// done, and what has moved comes back as core.Conflict, which means "observe
// again". Nothing that GitLab answers to a write is taken for an observation.
//
// It refuses to guess. It follows no redirect to another host, repeats no
// request that could act twice, merges nothing without the SHA that was seen,
// and takes no fork's merge request for one of ours. When GitLab asks to be
// left alone, all calls of the client fail at once until that time has come:
// waiting is the caller's business, and so is every retry beyond a read's.
package gitlab
