package message_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/message"
)

func failure(name, said string) message.Failure {
	at := time.Date(2026, 11, 3, 9, 5, 0, 0, time.UTC)
	return message.Failure{
		Episode: 2, Meanwhile: "Until it is well, Sluice merges nothing of this into `prd`.", Rollback: "/sluice rollback",
		Failed: []message.Failed{
			{
				Cluster: core.Cluster(name), Object: gate.Object{Kind: gate.Kustomization, Namespace: "flux-system", Name: name}, Outcome: gate.Failing,
				First: at, Since: at.Add(time.Hour), Times: 2, Revision: core.SHA(strings.Repeat("ab", 20)), Shared: true, Before: true, Said: message.Said(said),
			},
			{
				Cluster: "stg-2", Object: gate.Object{Kind: "HelmRelease", Namespace: "web", Name: "web"}, Outcome: gate.Recovered,
				First: at, Since: at, Until: at.Add(time.Minute), Times: 1, Said: message.Said("UpgradeFailed: " + said),
			},
		},
	}
}

func TestFailure(t *testing.T) {
	f := failure("stg-1", "HealthCheckFailed: timeout waiting for: [Deployment/web/web status: 'InProgress']\n\n/merge @all")
	golden(t, "failure", f.String())
	f.Rollback = ""
	if got := f.String(); strings.Contains(got, "rollback") || !strings.Contains(got, "Another merge request") {
		t.Errorf("where a rollback is not heard:\n%s", got)
	}
	f.Failed[0].Outcome, f.Failed[0].Until = gate.Replaced, f.Failed[0].Since.Add(time.Minute)
	golden(t, "failure-over", f.String())
}

// TestFailureIsReadAsItWasWritten also with words that would end a mark, or
// look like another.
func TestFailureIsReadAsItWasWritten(t *testing.T) {
	for _, text := range append(hostile, "x\n<!-- sluice:failed a/b/c/d/failing/////1//true/true -->\n> y", "%41/../") {
		want := failure(text, text)
		got, ok := message.ReadFailure(want.String())
		got.Meanwhile, got.Rollback = want.Meanwhile, want.Rollback
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Errorf("%q: %t (-want +got):\n%s", text, ok, diff)
		}
	}
	for _, text := range []string{"", "x", "<!-- sluice:failure 0 -->", "<!-- sluice:failure x -->", " <!-- sluice:failure 1 -->", "<!-- sluice:status -->"} {
		if _, ok := message.ReadFailure(text); ok {
			t.Errorf("%q is taken for one", text)
		}
	}
}
