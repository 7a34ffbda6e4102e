// Package schema tells whether an object is what its API takes, without asking a
// cluster: fields that nobody knows, values of the wrong type, what is missing,
// lists that name the same thing twice, API versions that are gone.
//
// It knows Kubernetes, Flux and the components of the reference monorepo by a
// bundle that test/schemas makes from their own modules, and learns others from
// CustomResourceDefinitions. What it does not know it does not judge; it does not
// evaluate rules in CEL, nor oneOf and its like, and leaves those to the cluster.
package schema
