// Only the definition of its custom resource is used; nothing is built.
module github.com/sluice-gitops/sluice/test/e2e-flux/tools/helm-controller

go 1.26.0

require github.com/fluxcd/helm-controller v1.6.3
