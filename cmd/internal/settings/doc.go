// Package settings gives the programs their configuration. A table describes
// every setting once; flags, environment variables, mounted files, error
// messages and docs/configuration.md all follow from it.
//
// A value comes from the first of these that gives one:
//
//  1. the flag, --sweep-interval
//  2. the environment variable, SLUICE_SWEEP_INTERVAL
//  3. the file that SLUICE_SWEEP_INTERVAL_FILE names
//  4. the default
//
// An environment variable that is set to nothing counts as not set, because
// that is what compose files and charts make of a value that is left out. Of
// a file's content one trailing newline is removed and no more.
//
// A secret is never a flag, since every user of a machine may read the
// arguments of a process. Its flag and its _FILE variable name a file, and it
// may come from one place only.
//
// The package refuses to guess. Two places that contradict each other, a
// SLUICE_ variable that no setting has and a value that does not parse are
// errors, all of them reported at once. It reads no environment and no file by
// itself: the caller hands both in.
package settings
