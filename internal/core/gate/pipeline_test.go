package gate_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core/gate"
)

func TestPipeline(t *testing.T) {
	const head, url = "abcdef0123", "https://gl/p/7"
	of := func(status string) gate.Checks {
		return gate.Checks{Exist: true, Head: head, Status: status, URL: url}
	}
	for name, tc := range map[string]struct {
		checks gate.Checks
		want   string
	}{
		"none yet":            {gate.Checks{}, "wait: no pipeline has been started for abcdef01 yet"},
		"of another commit":   {gate.Checks{Exist: true, Head: "1234567890", Status: "success", URL: url}, "wait: the newest pipeline is that of 12345678, and the branch is at abcdef01"},
		"of an unknown one":   {gate.Checks{Exist: true, Status: "success", URL: url}, "wait: GitLab does not tell for which commit of the branch its pipeline ran"},
		"Sluice's alone":      {of(""), "wait: no job of the project's CI has run for abcdef01, only Sluice's own status is there"},
		"success":             {of("success"), "pass: success for abcdef01"},
		"failed":              {of("failed"), "block: failed for abcdef01"},
		"canceled":            {of("canceled"), "block: canceled for abcdef01"},
		"skipped":             {of("skipped"), "block: skipped for abcdef01"},
		"manual":              {of("manual"), "wait: a manual job stops it for abcdef01"},
		"running":             {of("running"), "wait: running for abcdef01"},
		"created":             {of("created"), "wait: created for abcdef01"},
		"waiting":             {of("waiting_for_resource"), "wait: waiting for resource for abcdef01"},
		"invented later":      {of("success_with_doubts"), "wait: success with doubts for abcdef01"},
		"success in capitals": {of("SUCCESS"), "wait: SUCCESS for abcdef01"},
	} {
		t.Run(name, func(t *testing.T) {
			v := gate.Pipeline(head, tc.checks)
			if diff := cmp.Diff(tc.want, told(v)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if (v.State == gate.Pass) != (v.PassesWhen == "") {
				t.Errorf("%s passes when %q", v.State, v.PassesWhen)
			}
			if v.URL != tc.checks.URL {
				t.Errorf("leads to %q", v.URL)
			}
		})
	}
}
