// Package e2eflux runs Sluice against the real Flux: kube-apiservers on one
// etcd, and source-controller, kustomize-controller and notification-controller
// for each of three clusters, built from their published modules and run as
// processes on loopback ports. They reconcile the reference monorepo from the
// stand-in for GitLab; Sluice is the program that users run.
//
// It is a module of its own, so that Kubernetes' and Flux's modules are no part
// of Sluice's. "make e2e-flux" runs it.
//
// Two things of a cluster are missing, and a stand-in in the tests sets what they
// would report: the nodes, on which Deployments become available and volumes
// get bound, and helm-controller, which installs charts. Everything else that
// speaks is the real thing.
package e2eflux
