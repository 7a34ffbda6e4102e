package world_test

import (
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/cmd/sluice/internal/world"
)

// write commits new contents of environments' files on main, as one of the people.
func (r *rig) write(who string, contents map[string]string) {
	r.t.Helper()
	var actions []*gitlab.CommitActionOptions
	for env, content := range contents {
		actions = append(actions, &gitlab.CommitActionOptions{Action: new(gitlab.FileUpdate), FilePath: new(patchFile(env)), Content: &content})
	}
	_, _, err := r.patient(who).Commits.CreateCommit(world.Project, &gitlab.CreateCommitOptions{
		Branch: new("main"), CommitMessage: new("by hand"), Actions: actions,
	})
	must(r.t, err)
}

// listen keeps what the promoters of a rig say from now on.
func (r *rig) listen() *lockedBuffer {
	var log lockedBuffer
	r.logger = slog.New(slog.NewTextHandler(&log, nil))
	r.t.Cleanup(func() {
		if r.t.Failed() {
			r.t.Logf("the promoter said:\n%s", log.String())
		}
	})
	return &log
}

// approve lets two maintainers approve the newest merge request of prd that is
// open, as soon as there is one.
func (r *rig) approve() {
	r.t.Helper()
	var mr int64
	r.eventually("an open merge request for prd", func() bool {
		for _, found := range r.requests()["sluice/prd/ai-gateway"] {
			if found.State == "opened" {
				mr = found.IID
			}
		}
		return mr != 0
	})
	for _, name := range []string{world.Amir, world.Bea} {
		r.comment(name, mr, "/sluice approve")
	}
}

// count is how many merge requests there ever were.
func (r *rig) count() int {
	n := 0
	for _, list := range r.requests() {
		n += len(list)
	}
	return n
}

func (r *rig) carries(env, content string) {
	r.t.Helper()
	r.eventually(env+" carries the version", func() bool { return r.content(env) == content })
}

// TestADigestIsPromotedForwardOnly pins an app by digests, which have no order,
// and sets dev back after a version has arrived.
func TestADigestIsPromotedForwardOnly(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	log := r.listen()
	pinned := func(digit string) string {
		return strings.Replace(r.content("dev"), `"3.9.0" # quoted: 3.9 would be a number`, `"3.9.0"`+"\n      digest: sha256:"+strings.Repeat(digit, 64), 1)
	}
	old, next := pinned("a"), pinned("b")
	r.write(world.Dana, map[string]string{"dev": old, "stg": old, "prd": old})
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()

	r.write(world.Dana, map[string]string{"dev": next})
	r.approve()
	r.carries("prd", next)
	mr, _, err := r.person.MergeRequests.GetMergeRequest(world.Project, r.requests()["sluice/stg/ai-gateway"][0].IID, nil)
	must(t, err)
	if !strings.Contains(mr.Description, "not comparable; newer in dev's history") {
		t.Errorf("the merge request does not say why it goes forward:\n%s", mr.Description)
	}

	before := r.count()
	r.write(world.Dana, map[string]string{"dev": old})
	r.eventually("the way back is refused", func() bool {
		return strings.Contains(log.String(), "env=stg app=ai-gateway mr=0 phase=blocked reason=\"dev went back to ")
	})
	if r.content("stg") != next || r.count() != before {
		t.Errorf("%d merge requests after dev went back, %d before; stg has\n%s", r.count(), before, r.content("stg"))
	}
}

// TestWhatAPersonLoweredStaysLow lowers prd by hand, and brings a newer version.
func TestWhatAPersonLoweredStaysLow(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	log := r.listen()
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	low := r.content("prd")
	r.bump()
	r.approve()
	r.carries("prd", bumped(low))

	before := r.count()
	r.write(world.Bea, map[string]string{"prd": low})
	r.eventually("prd is held", func() bool {
		return strings.Contains(log.String(), "env=prd app=ai-gateway mr=0 phase=blocked reason=\"prd was lowered from chart ai-gateway 2.48.0 to 2.47.0 in commit ")
	})
	newest := strings.NewReplacer("2.48.0", "2.49.0", "3.9.1", "3.9.2").Replace(r.content("dev"))
	if r.content("prd") != low || r.count() != before {
		t.Errorf("%d merge requests after prd was lowered, %d before; prd has\n%s", r.count(), before, r.content("prd"))
	}

	r.write(world.Dana, map[string]string{"dev": newest})
	r.approve()
	r.carries("prd", strings.NewReplacer("2.47.0", "2.49.0", "3.9.0", "3.9.2").Replace(low))
}
