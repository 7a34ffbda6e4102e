// Package fakegitlab is a GitLab over real HTTP and real Git smart HTTP, for
// tests, for the demo and for docker-compose. It answers the part of GitLab's
// REST API that moves merge requests, delivers webhooks as GitLab signs and
// loses them, and can be told at run time to misbehave in the ways GitLab is
// known to (see Faults).
//
// It is honest about what it is: every answer carries X-Fakegitlab: 1, and the
// version it reports ends in "-fake". It never claims to be complete. Forks (but for what they request),
// issues, groups' own projects, SSH and required approval rules by name are
// not there, and an unknown path is a 404.
//
// State lives in memory and dies with the process; repositories are bare ones
// on disk below Config.Dir. The git binary (2.38 or newer, for merge-tree
// --write-tree) must be in PATH: it speaks the smart HTTP protocol, merges and
// diffs. Cheap reads go through go-git, without starting a process.
//
// One mutex guards all state and every handler runs under it, so an answer
// always shows one moment. Deliveries of webhooks happen outside of it and
// only while Run runs.
package fakegitlab
