package world_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/cmd/sluice/internal/world"
	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

const prdBranch = "sluice/prd/ai-gateway"

// request is one merge request as a person sees it.
func (r *rig) request(mr int64) *gitlab.MergeRequest {
	r.t.Helper()
	m, _, err := r.person.MergeRequests.GetMergeRequest(world.Project, mr, nil)
	must(r.t, err)
	return m
}

// shows waits until a merge request's description says something.
func (r *rig) shows(mr int64, text string) {
	r.t.Helper()
	r.eventually(fmt.Sprintf("!%d shows %s", mr, text), func() bool { return strings.Contains(r.request(mr).Description, text) })
}

// saying counts Sluice's comments with this text.
func (r *rig) saying(mr int64, text string) int {
	r.t.Helper()
	notes, _, err := r.person.Notes.ListMergeRequestNotes(world.Project, mr, &gitlab.ListMergeRequestNotesOptions{ListOptions: gitlab.ListOptions{PerPage: 100}})
	must(r.t, err)
	n := 0
	for _, note := range notes {
		if note.Author.Username == world.Bot && strings.Contains(note.Body, text) {
			n++
		}
	}
	return n
}

// newer raises both versions of dev beyond those of bump.
func (r *rig) newer() {
	r.t.Helper()
	r.write(world.Dana, map[string]string{"dev": strings.NewReplacer("2.47.0", "2.49.0", "2.48.0", "2.49.0", "3.9.0", "3.9.2", "3.9.1", "3.9.2").Replace(r.content("dev"))})
}

func newest(s string) string {
	return strings.NewReplacer("2.47.0", "2.49.0", "3.9.0", "3.9.2").Replace(s)
}

// TestANewerVersionUpdatesTheOpenMergeRequest brings a newer version while prd
// has one of two approvals and people have talked.
func TestANewerVersionUpdatesTheOpenMergeRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	want := newest(r.content("prd"))
	r.bump()
	mr := r.openForPrd()
	r.comment(world.Dana, mr, "the release notes look fine")
	r.comment(world.Amir, mr, "/sluice approve")
	r.shows(mr, "1 of 2 approvals: amir")
	_, _, err := r.person.MergeRequests.UpdateMergeRequest(world.Project, mr, &gitlab.UpdateMergeRequestOptions{Description: new("Mind the gap.\n\n" + r.request(mr).Description)})
	must(t, err)
	r.newer()
	r.shows(mr, "2.49.0")
	r.shows(mr, "0 of 2 approvals")
	r.rests()
	m := r.request(mr)
	if m.State != "opened" || !strings.Contains(m.Title, "2.49.0") || !strings.HasPrefix(m.Description, "Mind the gap.\n\n") || strings.Contains(m.Description, "| 2.48.0 |") {
		t.Errorf("!%d is %s, titled %q, with\n%s", mr, m.State, m.Title, m.Description)
	}
	if n := r.saying(mr, "What was approved by `amir` was something else"); n != 1 {
		t.Errorf("that the approval lapsed was said %d times", n)
	}
	if n := len(r.requests()[prdBranch]); n != 1 {
		t.Errorf("%d merge requests for prd", n)
	}
	r.approve()
	r.carries("prd", want)
}

// TestAMergeRequestOfNoMoreUseIsClosedWithALink brings the versions to prd by
// hand while they are proposed.
func TestAMergeRequestOfNoMoreUseIsClosedWithALink(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	r.bump()
	mr := r.openForPrd()
	r.write(world.Bea, map[string]string{"prd": bumped(r.content("prd"))})
	head := r.head()
	r.eventually("it is closed", func() bool { return r.request(mr).State == "closed" })
	r.rests()
	if n := r.saying(mr, "/-/commit/"+head); n != 1 {
		t.Errorf("%d comments link the commit that brought the versions", n)
	}
	if _, _, err := r.person.Branches.GetBranch(world.Project, prdBranch); err == nil {
		t.Error("the branch is still there")
	}
}

// TestAPersonsCommitOnTheBranchIsNeverDestroyed pushes to Sluice's branch, and
// amends its commit under its own name, and then brings a newer version.
func TestAPersonsCommitOnTheBranchIsNeverDestroyed(t *testing.T) {
	t.Parallel()
	for name, amended := range map[string]bool{"a commit on top": false, "the commit amended": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
			want := newest(r.content("prd"))
			r.bump()
			mr := r.openForPrd()
			mine := r.pushOnto(amended)
			r.newer()
			r.eventually("Sluice says that it keeps its hands off", func() bool { return r.said(mr, "carries work that is not Sluice's") })
			for _, who := range []string{world.Amir, world.Bea} {
				r.comment(who, mr, "/sluice approve")
			}
			r.rests()
			if m := r.request(mr); m.SHA != mine || m.State != "opened" {
				t.Fatalf("!%d is %s at %s; the person's commit is %s", mr, m.State, m.SHA, mine)
			}
			r.comment(world.Dana, mr, "/sluice take-over")
			r.eventually("the branch is made anew", func() bool { return r.request(mr).SHA != mine })
			r.approve()
			r.carries("prd", want)
			if _, _, err := r.person.RepositoryFiles.GetRawFile(world.Project, "mine", &gitlab.GetRawFileOptions{Ref: new("main")}); err == nil {
				t.Error("what was thrown away is on main")
			}
		})
	}
}

// pushOnto puts a person's work on prd's branch and returns the new head.
func (r *rig) pushOnto(amended bool) string {
	r.t.Helper()
	branch, _, err := r.person.Branches.GetBranch(world.Project, prdBranch)
	must(r.t, err)
	o := &gitlab.CreateCommitOptions{Branch: new(prdBranch), CommitMessage: new("mine"), Actions: []*gitlab.CommitActionOptions{
		{Action: new(gitlab.FileCreate), FilePath: new("mine"), Content: new("work")},
	}}
	if amended {
		o.StartSHA, o.Force, o.CommitMessage = &branch.Commit.ParentIDs[0], new(true), &branch.Commit.Message
		o.AuthorName, o.AuthorEmail = &branch.Commit.AuthorName, &branch.Commit.AuthorEmail
		o.Actions = append(o.Actions, &gitlab.CommitActionOptions{Action: new(gitlab.FileUpdate), FilePath: new(patchFile("prd")), Content: new(bumped(r.content("prd")))})
	}
	commit, _, err := r.patient(world.Dana).Commits.CreateCommit(world.Project, o)
	must(r.t, err)
	return commit.ID
}

// TestAMergeRequestThatAPersonClosedStaysClosed until somebody asks for it
// again, or a newer version is there.
func TestAMergeRequestThatAPersonClosedStaysClosed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	want := newest(r.content("prd"))
	r.bump()
	first := r.openForPrd()
	shut := func(mr int64) {
		t.Helper()
		_, _, err := r.patient(world.Bea).MergeRequests.UpdateMergeRequest(world.Project, mr, &gitlab.UpdateMergeRequestOptions{StateEvent: new("close")})
		must(t, err)
		before := len(r.requests()[prdBranch])
		r.looks()
		r.rests()
		if list := r.requests()[prdBranch]; len(list) != before || list[0].State != "closed" {
			t.Fatalf("%d merge requests for prd, %d before; the newest is %s", len(list), before, list[0].State)
		}
	}
	open := func(what string, than int64) int64 {
		t.Helper()
		var mr int64
		r.eventually(what, func() bool {
			list := r.requests()[prdBranch]
			mr = list[0].IID
			return list[0].State == "opened" && (than == 0 || mr > than)
		})
		return mr
	}
	shut(first)
	r.comment(world.Dana, first, "/sluice reopen")
	second := open("it is proposed again", 0)
	shut(second)
	r.newer()
	third := open("the newer version is proposed", second)
	r.shows(third, fmt.Sprintf("Follows !%d", second))
	r.approve()
	r.carries("prd", want)
}

// TestWhatSluiceClosedIsProposedAgain sets dev back while stg's merge request
// is open, and raises it again: nobody has refused that version.
func TestWhatSluiceClosedIsProposedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.policy(strings.Replace(rules, "clusters: [platform-core-stg-aks], merge: auto", "clusters: [platform-core-stg-aks]", 1))
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	old := r.content("dev")
	state := func(want string) func() bool {
		return func() bool {
			list := r.requests()["sluice/stg/ai-gateway"]
			return len(list) > 0 && list[0].State == want
		}
	}
	r.bump()
	r.eventually("it is proposed", state("opened"))
	r.write(world.Dana, map[string]string{"dev": old})
	r.eventually("it is closed", state("closed"))
	r.write(world.Dana, map[string]string{"dev": bumped(old)})
	r.eventually("it is proposed again", state("opened"))
}

// TestTheMergeRequestOfAForkIsNeverTakenForOurs opens one from a fork's branch
// of our name before Sluice opens its own, with our label and two approvals.
func TestTheMergeRequestOfAForkIsNeverTakenForOurs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	must(t, r.GitLab.AddMember(world.Project, world.Eve, fakegitlab.Reporter))
	evil, _, err := r.patient(world.Dana).Commits.CreateCommit(world.Project, &gitlab.CreateCommitOptions{
		Branch: new("elsewhere"), StartBranch: new("main"), CommitMessage: new("evil"),
		Actions: []*gitlab.CommitActionOptions{{Action: new(gitlab.FileUpdate), FilePath: new(patchFile("prd")), Content: new(newest(r.content("prd")))}},
	})
	must(t, err)
	fork, err := r.GitLab.AddForkRequest(world.Project, world.Eve, prdBranch, "main", evil.ID)
	must(t, err)
	_, _, err = r.person.MergeRequests.UpdateMergeRequest(world.Project, fork, &gitlab.UpdateMergeRequestOptions{AddLabels: &gitlab.LabelOptions{"sluice"}})
	must(t, err)
	for _, who := range []string{world.Amir, world.Bea} {
		r.comment(who, fork, "/sluice approve")
	}
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	want := bumped(r.content("prd"))
	r.bump()
	var ours int64
	r.eventually("a merge request of Sluice's own", func() bool {
		for _, mr := range r.requests()[prdBranch] {
			if mr.IID != fork {
				ours = mr.IID
			}
		}
		return ours != 0
	})
	r.rests()
	for _, who := range []string{world.Amir, world.Bea} {
		r.comment(who, ours, "/sluice approve")
	}
	r.carries("prd", want)
	r.rests()
	if m := r.request(fork); m.State != "opened" || m.Title != "From a fork" || m.Description != "" || m.SHA != evil.ID || r.saying(fork, "") > 0 {
		t.Errorf("the fork's merge request was touched: %s, %q, %q, %d comments", m.State, m.Title, m.Description, r.saying(fork, ""))
	}
}
