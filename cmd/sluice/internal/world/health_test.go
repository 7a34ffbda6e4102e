package world_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/cmd/sluice/internal/world"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/fakeflux"
)

// healthy asks of prd what the tests of health need: that stg runs well.
func healthy(soak string) string {
	return strings.Replace(rules, "      approvals:", "      healthy: true\n      soak: "+soak+"\n      approvals:", 1)
}

func (r *rig) flux(env string) *fakeflux.Flux {
	return r.Clusters[core.Cluster("platform-core-"+env+"-aks")].Flux
}

// TestACommitThatFluxNeverSawIsNotWaitedFor has stg's cluster skip the commit
// that brought the versions and go to a later one.
func TestACommitThatFluxNeverSawIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.policy(healthy("1s"))
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	want := bumped(r.content("prd"))
	dana := r.patient(world.Dana)
	// What brings the versions to stg is known here before the cluster sees it.
	commit, _, err := dana.Commits.CreateCommit(world.Project, &gitlab.CreateCommitOptions{
		Branch: new("ahead"), StartBranch: new("main"), CommitMessage: new("both"), Actions: []*gitlab.CommitActionOptions{
			update(patchFile("dev"), bumped(r.content("dev"))), update(patchFile("stg"), bumped(r.content("stg"))),
		},
	})
	must(t, err)
	r.flux("stg").Behave(fakeflux.Behaviour{Skip: []core.SHA{core.SHA(commit.ID)}, StaleFirst: true})
	_, _, err = r.person.Projects.EditProject(world.Project, &gitlab.EditProjectOptions{MergeMethod: new(gitlab.FastForwardMerge)})
	must(t, err)
	mr, _, err := dana.MergeRequests.CreateMergeRequest(world.Project, &gitlab.CreateMergeRequestOptions{Title: new("Both"), SourceBranch: new("ahead"), TargetBranch: new("main")})
	must(t, err)
	r.eventually("it is merged", func() bool {
		_, _, err := dana.MergeRequests.AcceptMergeRequest(world.Project, mr.IID, nil)
		return err == nil
	})
	if head := r.head(); head != commit.ID {
		t.Fatalf("main is at %s, so the cluster skips nothing", head)
	}
	r.approve()
	prd := r.openForPrd()
	r.shows(prd, "[ ] **healthy**")
	r.rests()
	if r.request(prd).State != "opened" {
		t.Fatal("merged before stg has it")
	}
	r.commit(&gitlab.CommitActionOptions{Action: new(gitlab.FileCreate), FilePath: new("docs/later"), Content: new("work")})
	r.carries("prd", want)
}

// TestSuccessThatDoesNotLastIsNoHealth has stg succeed, and then fail while
// prd's version soaks there and everything else passes.
func TestSuccessThatDoesNotLastIsNoHealth(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.policy(healthy("5s"))
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	want := bumped(r.content("prd"))
	r.bump()
	mr := r.openForPrd()
	r.approveOnce()
	r.shows(mr, "[x] **healthy**")
	r.flux("stg").Behave(fakeflux.Behaviour{Fail: &fakeflux.Failure{}})
	r.shows(mr, "[ ] **healthy**")
	failed := time.Now()
	r.eventually("a soak of five seconds would be over", func() bool { return time.Since(failed) > 5*time.Second })
	r.looks()
	if r.request(mr).State != "opened" {
		t.Fatal("merged though stg fails")
	}
	r.flux("stg").Behave(fakeflux.Behaviour{})
	r.carries("prd", want)
}

// TestSilenceIsNoHealth has stg's cluster fall silent after it was well: what it
// does by now nobody knows, so prd waits, and says for whom.
func TestSilenceIsNoHealth(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.policy(healthy("1s"))
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	want := bumped(r.content("prd"))
	r.bump()
	mr := r.openForPrd()
	r.shows(mr, "[x] **soak**")
	r.flux("stg").Behave(fakeflux.Behaviour{Silent: true})
	r.shows(mr, "[ ] **healthy**: no report from platform-core-stg-aks since ")
	r.shows(mr, "Kustomization flux-system/apps is silent, which should report every 1s")
	r.approveOnce()
	r.looks()
	if r.request(mr).State != "opened" {
		t.Fatal("merged though nobody knows how stg is")
	}
	r.flux("stg").Behave(fakeflux.Behaviour{})
	r.carries("prd", want)
}
