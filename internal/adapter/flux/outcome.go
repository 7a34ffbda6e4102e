package flux

import "strings"

// Outcome is what an event says about the object it comes from.
type Outcome int

// The outcomes. The zero value is the one from which nothing follows.
const (
	Irrelevant Outcome = iota // says nothing about a revision's fate
	Progress                  // work goes on or went well, which proves nothing about the whole
	Succeeded                 // the Kustomization applied its revision and, where it waits for health, is healthy
	Failed                    // the Kustomization or HelmRelease did not get there
)

// String names the outcome as logs and metrics spell it.
func (o Outcome) String() string {
	return [...]string{"irrelevant", "progress", "succeeded", "failed"}[o]
}

const (
	kindKustomization = "Kustomization"
	kindHelmRelease   = "HelmRelease"
	fluxGroupSuffix   = ".toolkit.fluxcd.io"
)

// Outcome classifies the event. Only Kustomizations succeed: their
// ReconciliationSucceeded is sent after every run and carries the revision that
// was applied. A HelmRelease reports single Helm actions, names no commit, and
// stays silent when there is nothing to do; its failures count, its successes
// are Progress. Everything else, sources included, is Irrelevant.
//
// The severity is looked at before the reason, because Flux has sent failures
// with the reason Progressing. Success means "healthy" only for a
// Kustomization with spec.wait or spec.healthChecks, which the event does not
// tell.
func (e Event) Outcome() Outcome {
	if e.Object.Name == "" || !e.ofFlux() {
		return Irrelevant
	}
	reasons, reports := reportingKinds[e.Object.Kind]
	switch {
	case !reports:
		return Irrelevant
	case e.failed():
		return Failed
	default:
		return reasons[e.Reason]
	}
}

// ofFlux tells Flux's Kustomization from the file format of the same name, for
// those events that say which of them they are about.
func (e Event) ofFlux() bool {
	group := e.Object.group()
	return group == "" || strings.HasSuffix(group, fluxGroupSuffix)
}

func (e Event) failed() bool {
	return strings.EqualFold(e.Severity, "error") || strings.HasSuffix(e.Reason, "Failed")
}

// reportingKinds are the kinds whose events count.
var reportingKinds = map[string]map[string]Outcome{
	kindKustomization: kustomizationReasons,
	kindHelmRelease:   helmReleaseReasons,
}

// kustomizationReasons are the reasons of kustomize-controller that do not end
// in "Failed". Those missing here, such as DependencyNotReady (a wait that ends
// by itself) and HealthCheckCanceled (a newer revision takes over), are
// Irrelevant.
var kustomizationReasons = map[string]Outcome{
	"ReconciliationSucceeded": Succeeded,
	"Progressing":             Progress,
	"InvalidCELExpression":    Failed,
	"FeatureGateDisabled":     Failed,
	"AccessDenied":            Failed,
}

// helmReleaseReasons are the reasons of helm-controller that do not end in
// "Failed". RollbackSucceeded is missing on purpose: it follows a failed
// upgrade, leaves the old version running, and must not read as a recovery.
var helmReleaseReasons = map[string]Outcome{
	"InstallSucceeded": Progress,
	"UpgradeSucceeded": Progress,
	"TestSucceeded":    Progress,
	"ValuesError":      Failed,
}
