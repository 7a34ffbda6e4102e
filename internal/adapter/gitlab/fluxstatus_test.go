package gitlab_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
)

// Only names that hold the cluster count, and of each author's the newest one:
// another user's status of the same name hides nothing.
func TestFluxStatuses(t *testing.T) {
	t.Parallel()
	const list = "GET projects/7/repository/commits/" + string(shaA) + "/statuses?per_page=100"
	status := func(id, name, state, author, more string) string {
		return `{"id":` + id + `,"name":"` + name + `","status":"` + state + `","description":"reconciliation succeeded","created_at":"2026-11-03T08:00:00Z","author":{"username":"` + author + `"}` + more + `}`
	}
	const apps = "flux/stg/kustomization/flux-system/apps"
	s := serve(t, map[string][]reply{
		list: {{header: map[string]string{"Link": `<{url}/api/v4/projects/7/repository/commits/` + string(shaA) + `/statuses?per_page=100&page=2>; rel="next"`, "X-Next-Page": "2"}, body: `[` +
			status("1", apps, "failed", "flux", "") + `,` + status("2", apps, "success", "flux", `,"finished_at":"2026-11-03T08:00:05Z"`) + `,` +
			status("3", apps, "failed", "mallory", "") + `,` + status("4", "kustomization/apps/0c9c2e41", "success", "flux", "") + `]`}},
		"GET projects/7/repository/commits/" + string(shaA) + "/statuses?page=2&per_page=100": {{body: `[` +
			status("5", "flux/prd/kustomization/flux-system/apps", "running", "flux", "") + `,` + status("6", "flux/stg/kustomization/apps", "success", "flux", "") + `,` + status("7", "build", "success", "dev", "") + `]`}},
		"GET projects/7/repository/commits/" + string(shaB) + "/statuses?per_page=100": {{status: 404, body: `{"message":"404 Commit Not Found"}`}},
	})
	p := s.project(setup{})
	got, err := p.FluxStatuses(t.Context(), shaA)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 3, 8, 0, 0, 0, time.UTC)
	want := gitlab.FluxStatus{Cluster: "stg", Kind: "kustomization", Namespace: "flux-system", Name: "apps", Description: "reconciliation succeeded"}
	flux, mallory := want, want
	flux.Success, flux.At, flux.Author = true, at.Add(5*time.Second), "flux"
	mallory.At, mallory.Author = at, "mallory"
	if diff := cmp.Diff([]gitlab.FluxStatus{flux, mallory}, got); diff != "" {
		t.Error(diff)
	}
	if got, err := p.FluxStatuses(t.Context(), shaB); err != nil || len(got) != 0 {
		t.Errorf("a commit that is gone: %v, %v", got, err)
	}
}
