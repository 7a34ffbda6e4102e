// Package fluxtool is "sluice flux": it writes and checks the manifests that
// connect a cluster's Flux with Sluice, and finds out why the two do not hear
// each other.
//
// It works in a clone and over HTTP, and never talks to a Kubernetes API: what
// it writes is for Flux to apply. In files that are there already it adds what
// is missing and changes what Sluice needs otherwise, and not one byte more. It
// writes no secret, only the shape of one.
package fluxtool
