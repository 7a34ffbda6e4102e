// Package scaffold works out what a monorepo gets when a cluster or an app is
// added to it: the files that are new, and the entries that existing files get.
// What it writes looks like what stands beside it.
//
// It never replaces what somebody wrote: an existing file gets entries and
// loses no byte, and one that would have to be another is an error. It invents
// nothing either: a version comes from where the same base is deployed already
// or from a person, and what nobody but a person can know is listed with its
// place. It reads and writes no disk: files are values here.
package scaffold
