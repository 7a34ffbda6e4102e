package fluxlint_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	sluice "github.com/sluice-gitops/sluice"
	"github.com/sluice-gitops/sluice/internal/core/fluxlint"
)

const good = `apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: flux-system, namespace: flux-system}
spec: {path: ./clusters/dev, prune: true}
---
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: apps, namespace: flux-system}
spec: {path: ./clusters/dev/apps, wait: true}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Provider
metadata: {name: sluice, namespace: flux-system}
spec: {type: generic-hmac, address: "https://s/hooks/flux/dev", timeout: 60s, secretRef: {name: s}}
---
apiVersion: notification.toolkit.fluxcd.io/v1beta3
kind: Alert
metadata: {name: sluice, namespace: flux-system}
spec: {providerRef: {name: sluice}, eventSeverity: info, eventSources: [{kind: Kustomization, name: "*"}]}
---
apiVersion: notification.toolkit.fluxcd.io/v1
kind: Receiver
metadata: {name: sluice, namespace: flux-system}
spec: {type: generic-hmac, secretRef: {name: s}, resources: [{kind: GitRepository, name: flux-system}]}
`

// Each case plants one trap in manifests that have none.
func TestEachTrapIsFound(t *testing.T) {
	for rule, c := range map[string]struct{ old, new, want string }{
		fluxlint.RuleWait:       {"apps, wait: true}", "apps, wait: false}", "dev.yaml:9:7: Kustomization apps has neither wait: true nor healthChecks"},
		fluxlint.RuleSuspended:  {"apps, wait: true}", "apps, wait: true, suspend: true}", "dev.yaml:9:56: Kustomization apps is suspended: it neither applies nor reports"},
		fluxlint.RuleNATS:       {"generic-hmac, address", "nats, address", "dev.yaml:14:14: a Provider of type nats loses events"},
		fluxlint.RuleUnsigned:   {"generic-hmac, address", "generic, address", "dev.yaml:14:14: a Provider of type generic does not sign"},
		fluxlint.RuleTimeout:    {"timeout: 60s, ", "", "dev.yaml:14:7: Provider sluice gives up an event after 15s, the default,"},
		fluxlint.RuleSeverity:   {"eventSeverity: info", "eventSeverity: error", "dev.yaml:19:52: Alert sluice sends errors only"},
		fluxlint.RuleSources:    {`name: "*"}`, `name: infra}`, "dev.yaml:19:72: Alert sluice does not name Kustomization apps"},
		fluxlint.RuleExclusion:  {"eventSeverity: info", `eventSeverity: info, exclusionList: ["^Reconciliation.*"]`, `leaves out "^Reconciliation.*", and with that the heartbeat`},
		fluxlint.RuleInclusion:  {"eventSeverity: info", `eventSeverity: info, inclusionList: [".*upgrade.*succeeded.*"]`, "lets only messages through that the heartbeat is none of"},
		fluxlint.RuleOldFirst:   {"resources: [", "resources: [{kind: Kustomization, name: apps}, ", "reconciles a Kustomization before its source has been fetched"},
		fluxlint.RuleNoSecret:   {"secretRef: {name: s}, resources", "resources", "dev.yaml:24:7: Receiver sluice has no secret"},
		fluxlint.RuleRootHealth: {"metadata: {name: apps, namespace: flux-system}\nspec: {path: ./clusters/dev/apps, wait: true}", "metadata: {name: flux-system, namespace: flux-system}\nspec: {path: ./x}", "the root Kustomization applies everything and waits for nothing"},
	} {
		text := strings.Replace(good, c.old, c.new, 1)
		if text == good {
			t.Fatalf("%s: nothing was planted", rule)
		}
		found := fluxlint.Lint(map[string][]byte{"dev.yaml": []byte(text)})
		if len(found) == 0 || found[0].Rule != rule || !strings.Contains(found[0].String(), c.want) || found[0].Fix == "" {
			t.Errorf("%s: found %v, want %q", rule, found, c.want)
		}
		for _, f := range found {
			if f.Rule != rule {
				t.Errorf("%s: found %s as well", rule, f)
			}
		}
	}
}

func TestNothingIsFoundWhereNothingIs(t *testing.T) {
	others := "kind: [\n"
	if diff := cmp.Diff([]fluxlint.Finding(nil), fluxlint.Lint(map[string][]byte{"dev.yaml": []byte(good), "broken.yaml": []byte(others)})); diff != "" {
		t.Error(diff)
	}
}

// The reference monorepo falls into none of the traps.
func TestTheReferenceMonorepoIsClean(t *testing.T) {
	for _, cluster := range []string{"dev", "stg", "prd"} {
		files := map[string][]byte{}
		root := "flux-config/clusters/platform-core-" + cluster + "-aks"
		err := fs.WalkDir(sluice.Monorepo(), root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			files[path], err = fs.ReadFile(sluice.Monorepo(), path)
			return err
		})
		if err != nil || len(files) == 0 {
			t.Fatal(len(files), err)
		}
		for _, f := range fluxlint.Lint(files) {
			t.Error(f)
		}
	}
}

func FuzzLint(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte("kind: Alert\napiVersion: notification.toolkit.fluxcd.io/v1\nspec: {exclusionList: [(]}\n"))
	f.Fuzz(func(t *testing.T, src []byte) {
		for _, found := range fluxlint.Lint(map[string][]byte{"f.yaml": src}) {
			if found.Line < 1 || found.Rule == "" || found.Fix == "" || found.Reason == "" {
				t.Errorf("a finding without a place or words: %+v", found)
			}
		}
	})
}
