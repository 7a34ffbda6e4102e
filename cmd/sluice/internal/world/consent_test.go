package world_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/cmd/sluice/internal/world"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/fakegitlab"
	"github.com/sluice-gitops/sluice/services/promoter"
)

// TestOnlyAnApprovalAsItWasWrittenCounts tries everything that looks like an
// approval and is none, and then takes given ones away.
func TestOnlyAnApprovalAsItWasWrittenCounts(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	must(t, r.GitLab.AddMember(world.Project, world.Eve, fakegitlab.Reporter))
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	r.bump()
	mr := r.openForPrd()
	note := func(who string, o gitlab.CreateMergeRequestNoteOptions) int64 {
		t.Helper()
		n, _, err := r.patient(who).Notes.CreateMergeRequestNote(world.Project, mr, &o)
		must(t, err)
		return n.ID
	}
	approve := gitlab.CreateMergeRequestNoteOptions{Body: new("/sluice approve")}
	edited := note(world.Bea, gitlab.CreateMergeRequestNoteOptions{Body: new("looks good")})
	written := time.Now()
	note(world.Amir, gitlab.CreateMergeRequestNoteOptions{Body: new("write this:\n\n> /sluice approve\n\n```\n/sluice approve\n```\n\n    /sluice approve\n\n `/sluice approve` /sluice approve")})
	note(world.Amir, gitlab.CreateMergeRequestNoteOptions{Body: new("/sluice approve"), Internal: new(true)})
	note(world.Bot, approve)
	note(world.Dana, approve)
	note(world.Eve, gitlab.CreateMergeRequestNoteOptions{Body: new("/sluice approve\n/sluice hold for me")})
	r.eventually("an edit would show", func() bool { return time.Since(written) > 3*time.Second })
	_, _, err := r.patient(world.Bea).Notes.UpdateMergeRequestNote(world.Project, mr, edited, &gitlab.UpdateMergeRequestNoteOptions{Body: approve.Body})
	must(t, err)
	r.eventually("all is answered", func() bool {
		return r.said(mr, "This comment was edited, so it does nothing") && r.said(mr, "an approval must come from the role maintainer") && r.saying(mr, "`/sluice hold` is for developers and above") == 1
	})
	r.rests()
	r.shows(mr, "0 of 2 approvals")
	if strings.Contains(r.request(mr).Description, "held by eve") {
		t.Errorf("a reporter holds it:\n%s", r.request(mr).Description)
	}

	withdrawn := note(world.Amir, approve)
	r.shows(mr, "1 of 2 approvals: amir")
	_, err = r.patient(world.Amir).Notes.DeleteMergeRequestNote(world.Project, mr, withdrawn)
	must(t, err)
	r.shows(mr, "0 of 2 approvals")
	note(world.Bea, approve)
	r.shows(mr, "1 of 2 approvals: bea")
	must(t, r.GitLab.AddMember(world.Project, world.Bea, fakegitlab.Developer))
	r.shows(mr, "0 of 2 approvals")
	note(world.Amir, approve)
	r.shows(mr, "1 of 2 approvals: amir")
	must(t, r.GitLab.AddMember(world.Project, world.Bea, fakegitlab.Maintainer))
	r.arrived()
}

// TestOnlyWhatWasCheckedIsMerged changes the branch, and holds the promotion,
// between Sluice's last look and GitLab's merge.
func TestOnlyWhatWasCheckedIsMerged(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var mine string
	between := func(p ports) ports {
		p.Desk = lateDesk{Desk: p.Desk, before: func(mr int64) {
			if mine == "" && r.request(mr).SourceBranch == prdBranch {
				mine = r.pushOnto(false)
			}
		}}
		return p
	}
	stop := r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, between)
	r.bump()
	mr := r.openForPrd()
	r.approve()
	r.eventually("Sluice says that it keeps its hands off", func() bool { return r.said(mr, "carries work that is not Sluice's") })
	r.rests()
	stop()
	if m := r.request(mr); m.State != "opened" || m.SHA != mine {
		t.Errorf("!%d is %s at %s; what was pushed at the last moment is %s", mr, m.State, m.SHA, mine)
	}
	if _, _, err := r.person.RepositoryFiles.GetRawFile(world.Project, "mine", &gitlab.GetRawFileOptions{Ref: new("main")}); err == nil {
		t.Error("what nobody checked is on main")
	}
}

// lateDesk lets something happen right before a merge.
type lateDesk struct {
	promoter.Desk
	before func(mr int64)
}

func (d lateDesk) Merge(ctx context.Context, a plan.MergeMR) error {
	d.before(int64(a.MR))
	return d.Desk.Merge(ctx, a)
}
