// Package render shows what a promotion changes in the manifests: it builds an
// overlay with kustomize as it stands and as it would stand, and compares the
// objects of the two.
//
// It reads one commit's tree and nothing else. It asks no network, starts no
// program and writes no file: whatever would need that is named as the reason
// why there is no rendering. Every build is bounded in files, bytes, objects and
// time, and a panic of kustomize ends that build alone. What is secret in a
// manifest does not leave the package; that it changes does.
package render
