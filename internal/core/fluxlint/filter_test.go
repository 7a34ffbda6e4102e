package fluxlint_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core/fluxlint"
)

func TestFiltersNameOnlyWhatFluxKnows(t *testing.T) {
	for filter, unknown := range map[string]string{
		`!has(req.project) || req.project == "g/p"`:                                          "",
		`!has(req.paths) || req.paths.exists(p, p.startsWith("clusters/dev/"))`:              "",
		`req.paths.map(p, p.size() > 3, p).size() > 0 && 1e3 > 2.0`:                          "",
		`req.project == res.metadata.annotations['promoter/project'] && "a" in ['x', 'y z']`: "",
		`type(req.sha) == string`:                                                            "",
		`request.project == "g/p"`:                                                           "request",
		`req.paths.exists(p, q == "a")`:                                                      "q",
		`project == "g/p"`:                                                                   "project",
		`res.metadata.name == resource.name`:                                                 "resource",
		`claims.sub == "a"`:                                                                  "claims",
	} {
		for _, at := range []string{"spec: {resourceFilter: " + strconv.Quote(filter) + ", ", "spec: {"} {
			each := ""
			if at == "spec: {" {
				each = ", filter: " + strconv.Quote(filter)
			}
			text := strings.Replace(good, "spec: {type: generic-hmac, secretRef", at+"type: generic-hmac, secretRef", 1)
			text = strings.Replace(text, "{kind: GitRepository, name: flux-system}", "{kind: GitRepository, name: flux-system"+each+"}", 1)
			found := fluxlint.Lint(map[string][]byte{"dev.yaml": []byte(text)})
			switch {
			case unknown == "" && len(found) > 0:
				t.Errorf("%s: found %v", filter, found)
			case unknown != "" && (len(found) != 1 || found[0].Rule != fluxlint.RuleFilter || found[0].Line != 24 || !strings.Contains(found[0].Reason, " names "+unknown+",")):
				t.Errorf("%s: found %v, want one about %s", filter, found, unknown)
			}
		}
	}
}

// What other tools are told is no matter of Sluice's.
func TestOtherProvidersAreLeftAlone(t *testing.T) {
	const chat = `---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: chat, namespace: flux-system}
spec: {type: generic, address: "https://chat.example.com/hook"}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: {name: chat, namespace: flux-system}
spec: {providerRef: {name: chat}, eventSeverity: error, eventSources: [{kind: HelmRelease, name: "*"}]}
`
	for _, f := range fluxlint.Lint(map[string][]byte{"dev.yaml": []byte(good + chat)}) {
		t.Error(f)
	}
}
