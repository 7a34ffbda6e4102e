// Package scaffold is "sluice cluster add" and "sluice app add": they write into
// a clone what a new cluster, or a new app, needs.
//
// They refuse to overwrite anything and to invent anything. What they would
// write has been built with kustomize and read as Sluice reads it before the
// first byte is written; then all of it is written, or nothing. They talk to no
// cluster and to no server, run no git, and commit nothing.
package scaffold
