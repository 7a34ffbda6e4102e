module github.com/sluice-gitops/sluice/test/e2e-flux/tools/notification-controller

go 1.26.0

require (
	github.com/fluxcd/notification-controller v1.9.3
)

tool github.com/fluxcd/notification-controller
replace gopkg.in/yaml.v3 => gopkg.in/yaml.v3 v3.0.1
replace github.com/fluxcd/notification-controller/api => github.com/fluxcd/notification-controller/api v1.9.3
