// Package agreement holds internal/core/schema against what API servers themselves
// use: the library that validates custom resources, and the Go types of Kubernetes.
// It changes objects at random and wants both to take or to refuse the same ones.
//
// It is a module of its own, so that nobody else needs Kubernetes' packages.
package agreement
