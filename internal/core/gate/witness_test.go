package gate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
)

// said is a report of one witness, received in a minute and promised anew every
// ten: of revision "b", which has the version, or "a", which has not.
func said(m int, order uint64, revision, failure string) []gate.Report {
	e := gate.Event{Object: apps, Revision: core.SHA(strings.Repeat(revision, 40)), Ready: failure == "", Reason: failure, At: minute(m), UID: "u", Order: order, Received: minute(m), Every: 10 * time.Minute}
	return []gate.Report{gate.Fold(gate.Report{}, e)}
}

func withB(r core.SHA) gate.Answer {
	switch r[:1] {
	case "a":
		return gate.No
	case "b":
		return gate.Yes
	}
	return gate.Unknown
}

const (
	apiReads = " (read from the API server)"
	disagree = "the reports of d1 disagree on Kustomization flux-system/apps: Flux's events say "
)

// TestWitnesses has Flux's events and the API server say everything that they
// can say, at minute 60; both are silent after twenty minutes.
func TestWitnesses(t *testing.T) {
	events := map[string][]gate.Report{
		"nothing": nil, "silent": said(30, 5, "b", ""), "ready": said(55, 10, "b", ""), "before": said(55, 10, "a", ""), "failed": said(55, 10, "b", "HealthCheckFailed: no\nmore"), "lost": said(55, 10, "c", ""),
	}
	server := map[string][]gate.Report{
		"nothing": nil, "silent": said(30, 30, "b", ""), "ready": said(59, 20, "b", ""), "before": said(59, 20, "a", ""), "failed": said(59, 20, "b", "BuildFailed: x"), "knows less": said(54, 9, "a", ""), "suspended": said(59, 20, "b", gate.Suspended), "lost": said(59, 20, "c", ""),
	}
	const silent = "no report from d1 since 08:30 UTC: Kustomization flux-system/apps is silent, which should report every 10m"
	const before = "d1: Kustomization flux-system/apps is still at revision aaaaaaaa, which does not have it"
	const failed = "d1: Kustomization flux-system/apps failed at revision bbbbbbbb: "
	const lost = "d1: Kustomization flux-system/apps reports revision cccccccc, which is not on the default branch that Sluice knows"
	const suspended = "d1: Kustomization flux-system/apps is suspended"
	api := map[string]string{
		"nothing": "", "silent": "", "ready": "ready in d1" + apiReads + " since 2026-11-03 08:59:00 UTC", "before": before + apiReads, "failed": failed + "BuildFailed: x" + apiReads,
		"knows less": before + apiReads, "suspended": suspended + apiReads, "lost": lost + apiReads,
	}
	for event, reports := range events {
		for answer, read := range server {
			want := ""
			switch {
			case event == "nothing" && answer == "nothing":
				want = "no report of Kustomization flux-system/apps from d1 yet"
			case event == "nothing" && answer == "silent", event == "silent" && api[answer] == "":
				want = silent
			case event == "nothing", event == "silent":
				want = api[answer]
			case event == "ready" && (api[answer] == "" || answer == "ready" || answer == "knows less"):
				want = "ready in d1 since 2026-11-03 08:55:00 UTC"
			case event == "ready":
				want = disagree + "ready at bbbbbbbb, the API server says " + map[string]string{
					"before": "ready at aaaaaaaa", "failed": "BuildFailed: x", "suspended": "it is suspended", "lost": "ready at cccccccc"}[answer]
			case event == "failed" && answer == "ready":
				want = disagree + "HealthCheckFailed: no, the API server says ready at bbbbbbbb"
			case event == "lost" && answer == "ready":
				want = disagree + "ready at cccccccc, the API server says ready at bbbbbbbb"
			default:
				want = map[string]string{"before": before, "failed": failed + "HealthCheckFailed: no", "lost": lost}[event]
			}
			h := gate.HealthOf([]gate.Source{{
				Cluster: "d1", Carrier: "flux-system/apps", Reports: reports, Carries: withB, Now: minute(60),
				Witnesses: []gate.Witness{{Name: "the API server", Reports: read}},
			}})
			if h.Reason != want || h.Healthy != strings.HasPrefix(want, "ready in") {
				t.Errorf("events %s, API server %s:\ngot  %s\nwant %s", event, answer, h.Reason, want)
			}
			if h.Healthy && !h.Until.After(minute(60)) {
				t.Errorf("events %s, API server %s: healthy until %s", event, answer, h.Until)
			}
		}
	}
}

func TestAWitnessThatCannotBeAskedIsNamedWhereItIsMissed(t *testing.T) {
	w := gate.Witness{Name: "the API server", Trouble: "connection refused\nand more"}
	s := gate.Source{Cluster: "d1", Carrier: "flux-system/apps", Carries: withB, Now: minute(60), Witnesses: []gate.Witness{w}}
	if h := gate.HealthOf([]gate.Source{s}); h.Reason != "no report of Kustomization flux-system/apps from d1 yet; the API server cannot be asked: connection refused" {
		t.Error(h.Reason)
	}
	s.Reports = said(30, 1, "b", "")
	if h := gate.HealthOf([]gate.Source{s}); !strings.HasSuffix(h.Reason, "every 10m; the API server cannot be asked: connection refused") {
		t.Error(h.Reason)
	}
	s.Reports = said(59, 1, "b", "")
	if h := gate.HealthOf([]gate.Source{s}); !h.Healthy {
		t.Errorf("a dead API server costs the health that the events tell of: %s", h.Reason)
	}
}

// Several things say, one thing says.
func TestWitnessesDisagreeInTheirNumber(t *testing.T) {
	h := gate.HealthOf([]gate.Source{{
		Cluster: "d1", Carrier: "flux-system/apps", Reports: said(55, 10, "b", ""), Carries: withB, Now: minute(60),
		Witnesses: []gate.Witness{{Name: "GitLab's commit statuses", Plural: true, Reports: said(59, 11, "b", "health check failed")}},
	}})
	if !strings.HasSuffix(h.Reason, "GitLab's commit statuses say health check failed") {
		t.Error(h.Reason)
	}
}

// The failure of a HelmRelease counts wherever it is seen, but not one that an
// event has overtaken, nor one that nobody has seen lately.
func TestWitnessesSeeFailedReleases(t *testing.T) {
	gateway := gate.Object{Kind: "HelmRelease", Namespace: "apps", Name: "gateway"}
	release := func(m int, order uint64, failure string) []gate.Report {
		return []gate.Report{gate.Fold(gate.Report{}, gate.Event{Object: gateway, Ready: failure == "", Reason: failure, At: minute(m), UID: "h", Order: order, Received: minute(m), Every: 10 * time.Minute})}
	}
	for name, tc := range map[string]struct {
		events, read []gate.Report
		want         string // "" for health
	}{
		"well":      {release(50, 5, ""), release(59, 6, ""), ""},
		"failed":    {nil, release(59, 6, "UpgradeFailed: no"), "d1: HelmRelease apps/gateway failed: UpgradeFailed: no" + apiReads},
		"overtaken": {release(50, 7, ""), release(59, 6, "UpgradeFailed: no"), ""},
		"long ago":  {nil, release(30, 6, "UpgradeFailed: no"), ""},
		"by event":  {release(30, 7, "UpgradeFailed: no"), release(59, 9, ""), "d1: HelmRelease apps/gateway failed: UpgradeFailed: no"},
	} {
		h := gate.HealthOf([]gate.Source{{
			Cluster: "d1", Carrier: "flux-system/apps", Reports: append(said(55, 10, "b", ""), tc.events...), Carries: withB, Now: minute(60),
			Releases: []string{"gateway"}, Witnesses: []gate.Witness{{Name: "the API server", Reports: tc.read}},
		}})
		if h.Healthy != (tc.want == "") || !h.Healthy && h.Reason != tc.want {
			t.Errorf("%s: %+v, want %q", name, h, tc.want)
		}
	}
}
