package world_test

import (
	"path/filepath"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/cmd/sluice/internal/world"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// TestPipelinesMustSucceedWhereThereAreNone lets GitLab ask for pipelines in a
// monorepo that has no CI: Sluice's status is then the only thing in one, keeps
// people from merging while approvals are missing, and must not keep Sluice.
func TestPipelinesMustSucceedWhereThereAreNone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	_, _, err := r.person.Projects.EditProject(world.Project, &gitlab.EditProjectOptions{OnlyAllowMergeIfPipelineSucceeds: new(true)})
	must(t, err)
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 500*time.Millisecond, nil)()
	r.bump()
	mr := r.openForPrd()
	r.eventually("the status waits with the gates", func() bool { return r.gates(mr) == "pending" })
	if _, response, err := r.person.MergeRequests.AcceptMergeRequest(world.Project, mr, nil); err == nil {
		t.Errorf("a person merged past the gates: %s", response.Status)
	}
	r.approveOnce()
	r.arrived()
	for _, list := range r.requests() {
		if state := r.gates(list[0].IID); state != "success" {
			t.Errorf("!%d was left with %q", list[0].IID, state)
		}
	}
}

// gates is the state of Sluice's status on a merge request's head.
func (r *rig) gates(mr int64) string {
	r.t.Helper()
	m, _, err := r.person.MergeRequests.GetMergeRequest(world.Project, mr, nil)
	must(r.t, err)
	list, _, err := r.person.Commits.GetCommitStatuses(world.Project, m.SHA, nil)
	must(r.t, err)
	for _, s := range list {
		if s.Name == plan.StatusName {
			return s.Status
		}
	}
	return ""
}
