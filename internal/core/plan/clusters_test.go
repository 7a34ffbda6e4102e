package plan_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

func TestVoiceOf(t *testing.T) {
	at := func(m int) time.Time { return time.Date(2026, 11, 3, 9, m, 0, 0, time.UTC) }
	report := func(kind, name string, revision core.SHA, heard, received int, every time.Duration) gate.Report {
		r := gate.Report{Object: gate.Object{Kind: kind, Namespace: "flux-system", Name: name}, Heard: at(heard), Every: every, Runs: []gate.Run{{Revision: revision}}}
		if received > 0 {
			r.Received = at(received)
		}
		return r
	}
	for name, tc := range map[string]struct {
		reports []gate.Report
		want    plan.Voice
	}{
		"nothing": {nil, plan.Voice{}},
		"the last of several": {
			[]gate.Report{report("Kustomization", "a", "c2", 7, 0, time.Hour), report("Kustomization", "b", "c1", 5, 0, time.Minute), report("HelmRelease", "c", "", 9, 0, 0)},
			plan.Voice{Heard: at(9), Every: time.Minute, Revision: "c2"},
		},
		"by Sluice's own clock": {
			[]gate.Report{report("Kustomization", "a", "c1", 50, 3, 0), report("Kustomization", "b", "c2", 1, 4, 0)},
			plan.Voice{Heard: at(4), Revision: "c2"},
		},
		"no revision yet": {[]gate.Report{report("Kustomization", "a", "", 5, 0, 0)}, plan.Voice{Heard: at(5)}},
	} {
		if diff := cmp.Diff(tc.want, plan.VoiceOf(tc.reports)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
