package world_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/cmd/sluice/internal/world"
)

const base = "flux-config/bases/ai-gateway/helmrelease.yaml"

// file is what main has at a path, "" for nothing.
func (r *rig) file(path string) string {
	r.t.Helper()
	raw, response, err := r.person.RepositoryFiles.GetRawFile(world.Project, path, &gitlab.GetRawFileOptions{Ref: new("main")})
	if response != nil && response.StatusCode == 404 {
		return ""
	}
	must(r.t, err)
	return string(raw)
}

// commit changes files on main as a maintainer.
func (r *rig) commit(actions ...*gitlab.CommitActionOptions) {
	r.t.Helper()
	_, _, err := r.person.Commits.CreateCommit(world.Project, &gitlab.CreateCommitOptions{Branch: new("main"), CommitMessage: new("by hand"), Actions: actions})
	must(r.t, err)
}

func update(path, content string) *gitlab.CommitActionOptions {
	return &gitlab.CommitActionOptions{Action: new(gitlab.FileUpdate), FilePath: &path, Content: &content}
}

// TestEveryWayOfMergingIsRecognised merges with other commits than a merge
// commit, and by a person.
func TestEveryWayOfMergingIsRecognised(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]*gitlab.EditProjectOptions{
		"fast-forward":            {MergeMethod: new(gitlab.FastForwardMerge)},
		"semi-linear":             {MergeMethod: new(gitlab.RebaseMerge)},
		"squash":                  {SquashOption: new(gitlab.SquashOptionAlways)},
		"squash and fast-forward": {MergeMethod: new(gitlab.FastForwardMerge), SquashOption: new(gitlab.SquashOptionAlways)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			_, _, err := r.person.Projects.EditProject(world.Project, set)
			must(t, err)
			defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
			r.bump()
			r.approveOnce()
			r.arrived()
		})
	}
	t.Run("by a person", func(t *testing.T) {
		t.Parallel()
		r := newRig(t)
		r.policy(strings.Replace(rules, "merge: auto", "merge: manual", 1))
		defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
		r.bump()
		r.eventually("a person merges into stg", func() bool {
			list := r.requests()["sluice/stg/ai-gateway"]
			if len(list) == 0 {
				return false
			}
			_, _, err := r.patient(world.Dana).MergeRequests.AcceptMergeRequest(world.Project, list[0].IID, &gitlab.AcceptMergeRequestOptions{Squash: new(true)})
			return err == nil
		})
		r.approveOnce()
		r.arrived()
	})
}

// TestALowerVersionIsNeverPromotedUnasked sets dev back below what stg has.
func TestALowerVersionIsNeverPromotedUnasked(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	log := r.listen()
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	stg := r.content("stg")
	r.write(world.Dana, map[string]string{"dev": strings.NewReplacer("2.47.0", "2.46.9", "3.9.0", "3.8.9").Replace(r.content("dev"))})
	r.eventually("it is said", func() bool {
		return strings.Contains(log.String(), "stg is ahead of dev") && strings.Contains(log.String(), "versions are never lowered unasked")
	})
	r.rests()
	if r.content("stg") != stg || r.count() != 0 {
		t.Errorf("%d merge requests; stg has\n%s", r.count(), r.content("stg"))
	}
}

// TestAHotfixInPrdStays pushes a version to prd alone, and then promotes an
// older one as far as it goes.
func TestAHotfixInPrdStays(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	log := r.listen()
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	hotfix, stg := strings.NewReplacer("2.47.0", "2.48.1", "3.9.0", "3.9.2").Replace(r.content("prd")), bumped(r.content("stg"))
	r.write(world.Bea, map[string]string{"prd": hotfix})
	r.bump()
	r.carries("stg", stg)
	r.eventually("it is said", func() bool { return strings.Contains(log.String(), "prd is ahead of stg") })
	r.rests()
	if r.content("prd") != hotfix || len(r.requests()[prdBranch]) != 0 {
		t.Errorf("%d merge requests for prd, which has\n%s", len(r.requests()[prdBranch]), r.content("prd"))
	}
}

// TestAPromotionEndsWhenItsSourceGoesBack takes the version out of stg between
// the first and the second approval for prd.
func TestAPromotionEndsWhenItsSourceGoesBack(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	stg, prd := r.content("stg"), r.content("prd")
	r.bump()
	mr := r.openForPrd()
	r.comment(world.Amir, mr, "/sluice approve")
	r.shows(mr, "1 of 2 approvals: amir")
	r.write(world.Bea, map[string]string{"stg": stg})
	r.comment(world.Bea, mr, "/sluice approve")
	r.eventually("it is closed", func() bool { return r.request(mr).State == "closed" })
	r.rests()
	if r.content("prd") != prd {
		t.Errorf("prd has\n%s", r.content("prd"))
	}
}

// TestWhatAMergeRequestSaysDecidesNothing has a person rewrite the description
// and the title.
func TestWhatAMergeRequestSaysDecidesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	r.bump()
	mr := r.openForPrd()
	lie := strings.NewReplacer("2.48.0", "9.9.9", "[ ]", "[x]", "0 of 2", "2 of 2").Replace(r.request(mr).Description)
	_, _, err := r.patient(world.Dana).MergeRequests.UpdateMergeRequest(world.Project, mr, &gitlab.UpdateMergeRequestOptions{Title: new("Bring 9.9.9"), Description: &lie})
	must(t, err)
	r.shows(mr, "0 of 2 approvals")
	r.shows(mr, "2.48.0")
	r.rests()
	if m := r.request(mr); m.State != "opened" || strings.Contains(m.Description, "9.9.9") || m.Title != "Bring 9.9.9" {
		t.Errorf("!%d is %s, titled %q, with\n%s", mr, m.State, m.Title, m.Description)
	}
	r.approveOnce()
	r.arrived()
}

// TestAnAppThatAnEnvironmentLacksIsNotInvented removes prd's overlay.
func TestAnAppThatAnEnvironmentLacksIsNotInvented(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	log := r.listen()
	gone := []string{patchFile("prd"), filepath.Join(filepath.Dir(patchFile("prd")), "kustomization.yaml")}
	r.commit(&gitlab.CommitActionOptions{Action: new(gitlab.FileDelete), FilePath: &gone[0]}, &gitlab.CommitActionOptions{Action: new(gitlab.FileDelete), FilePath: &gone[1]})
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	stg := bumped(r.content("stg"))
	r.bump()
	r.carries("stg", stg)
	r.rests()
	if r.file(gone[0])+r.file(gone[1]) != "" || len(r.requests()[prdBranch]) != 0 {
		t.Errorf("%d merge requests for prd, which has\n%s", len(r.requests()[prdBranch]), r.file(gone[0]))
	}
	if !strings.Contains(log.String(), "prd has no overlay for it") || strings.Contains(log.String(), "pass ended early") {
		t.Error("the log does not say that prd lacks it, or tells of errors")
	}
}

// TestABaseIsNeverChangedForOneEnvironment gives the base a version, lets stg
// have it from there, and promotes: a change of the base would reach prd too.
func TestABaseIsNeverChangedForOneEnvironment(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	shared := strings.Replace(r.file(base), "chart: kong # version: see the overlays", "chart: kong\n      version: 2.47.0", 1)
	own := strings.Replace(r.content("stg"), "  chart:\n    spec:\n      version: 2.47.0\n", "", 1)
	if shared == r.file(base) || own == r.content("stg") {
		t.Fatal("the seed looks otherwise")
	}
	r.commit(update(base, shared), update(patchFile("stg"), own))
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	r.looks()
	if n := r.count(); n != 0 {
		t.Errorf("%d merge requests, though nothing is to be promoted", n)
	}
	r.bump()
	r.eventually("stg has the version in its overlay", func() bool {
		return strings.Contains(r.content("stg"), "version: 2.48.0") && strings.Contains(r.content("stg"), `"3.9.1"`)
	})
	r.approve()
	r.eventually("prd has the version in its overlay", func() bool { return strings.Contains(r.content("prd"), "version: 2.48.0") })
	if r.file(base) != shared {
		t.Errorf("the base is now\n%s", r.file(base))
	}
}

// TestATagAndItsDigestTravelTogether promotes an image that is pinned by both.
func TestATagAndItsDigestTravelTogether(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	pinned := func(tag, digit string) string {
		return strings.Replace(r.content("dev"), `"3.9.0" # quoted: 3.9 would be a number`, `"`+tag+`"`+"\n      digest: sha256:"+strings.Repeat(digit, 64), 1)
	}
	old, next := pinned("3.9.0", "a"), pinned("3.9.1", "b")
	r.write(world.Dana, map[string]string{"dev": old, "stg": old, "prd": old})
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	r.write(world.Dana, map[string]string{"dev": next})
	r.approve()
	r.carries("prd", next)
	for branch, list := range r.requests() {
		diffs, _, err := r.person.MergeRequests.ListMergeRequestDiffs(world.Project, list[0].IID, nil)
		must(t, err)
		if len(list) != 1 || len(diffs) != 1 || !strings.Contains(diffs[0].Diff, `+      tag: "3.9.1"`) || !strings.Contains(diffs[0].Diff, "+      digest: sha256:bbb") {
			t.Errorf("%s has %d merge requests, the first with %d files", branch, len(list), len(diffs))
		}
	}
}
