// Package kube reads Flux's Kustomizations and HelmReleases from the API
// servers of clusters that allow it. It is a second witness beside Flux's own
// events: it sees what an event that was lost would have said.
//
// It sends GET requests for two lists and nothing else. It runs no programs for
// credentials, accepts no server without a known certificate, and keeps nothing
// of what it reads but what Report needs.
package kube
