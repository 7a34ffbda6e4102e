package world_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/cmd/sluice/internal/world"
	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

// TestOthersPushesAreNeitherLostNorInTheWay moves main on, before and after
// everything that Sluice does.
func TestOthersPushesAreNeitherLostNorInTheWay(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.GitLab.Faults().Update(func(p *fakegitlab.Plan) { p.MergeAnswers = []int{409, 405, 409} })
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	stop, pushed := make(chan struct{}), make(chan int)
	go func() {
		dana, n := r.patient(world.Dana), 0
		for {
			select {
			case <-stop:
				pushed <- n
				return
			case <-time.After(50 * time.Millisecond):
			}
			if _, _, err := dana.Commits.CreateCommit(world.Project, &gitlab.CreateCommitOptions{Branch: new("main"), CommitMessage: new("other work"), Actions: []*gitlab.CommitActionOptions{
				{Action: new(gitlab.FileCreate), FilePath: new(fmt.Sprint("docs/", n)), Content: new("work")},
			}}); err == nil {
				n++
			}
		}
	}()
	want := bumped(r.content("prd"))
	r.bump()
	r.approveOnce()
	r.carries("prd", want)
	close(stop)
	n := <-pushed
	r.arrived()
	for i := range n {
		if r.file(fmt.Sprint("docs/", i)) != "work" {
			t.Errorf("docs/%d of %d is lost", i, n)
		}
	}
}

// TestAStatusThatIsSetAlreadyIsNoError answers like a GitLab on which somebody
// was faster.
func TestAStatusThatIsSetAlreadyIsNoError(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	log := r.listen()
	_, _, err := r.person.Projects.EditProject(world.Project, &gitlab.EditProjectOptions{OnlyAllowMergeIfPipelineSucceeds: new(true)})
	must(t, err)
	r.GitLab.Faults().Update(func(p *fakegitlab.Plan) { p.StatusLocks = 2 })
	must(t, r.GitLab.Faults().Add(fakegitlab.Rule{
		Method: http.MethodPost, Path: "/statuses/", Skip: 2, Times: 2, Status: http.StatusBadRequest, After: true,
		Body: `{"message":"Cannot transition status via :run from :running (Reason(s): Status cannot transition via \"run\")"}`,
	}))
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	r.bump()
	r.approveOnce()
	r.arrived()
	r.rests()
	for branch, list := range r.requests() {
		if state := r.gates(list[0].IID); state != "success" {
			t.Errorf("%s was left with %q", branch, state)
		}
	}
	if strings.Contains(log.String(), "Cannot transition") {
		t.Error("the log calls it an error")
	}
}

// TestWithoutRightsSluiceSaysSoOnceAndGoesOnByItself has the token expire, and
// then takes the role of Sluice's user away.
func TestWithoutRightsSluiceSaysSoOnceAndGoesOnByItself(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	log := r.listen()
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	r.bump()
	r.openForPrd()
	said := func(text string, times int) func() bool {
		return func() bool { return strings.Count(log.String(), text) == times }
	}
	refused := func() (n int) {
		for _, q := range r.GitLab.Requests() {
			if q.User == world.Bot && (q.Status == http.StatusUnauthorized || q.Status == http.StatusForbidden) {
				n++
			}
		}
		return n
	}
	must(t, r.GitLab.Faults().Add(fakegitlab.Rule{Path: "^/api/v4/user$", Status: http.StatusUnauthorized}))
	r.eventually("it is said", said("shut out: ", 1))
	r.eventually("it was tried again", func() bool { return refused() >= 4 })
	r.GitLab.Faults().Clear()
	r.eventually("it goes on", said("let in again", 1))
	before := refused()
	must(t, r.GitLab.AddMember(world.Project, world.Bot, fakegitlab.Guest))
	r.eventually("it is said", said("shut out: ", 2))
	r.eventually("it was tried again", func() bool { return refused() >= before+3 })
	must(t, r.GitLab.AddMember(world.Project, world.Bot, fakegitlab.Maintainer))
	r.approveOnce()
	r.arrived()
	if !said("shut out: ", 2)() || !said("let in again", 2)() {
		t.Errorf("the log says %d times that Sluice is shut out, and %d times that it is not any more; want two each", strings.Count(log.String(), "shut out: "), strings.Count(log.String(), "let in again"))
	}
}

// TestSluiceStaysAwayForAsLongAsGitLabAsks looks at the times of what Sluice
// asks for after it was told to come again later.
func TestSluiceStaysAwayForAsLongAsGitLabAsks(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	const seconds = 2
	list := regexp.MustCompile(`/projects/\d+/merge_requests$`) // people go by the path
	must(t, r.GitLab.Faults().Add(fakegitlab.Rule{Method: http.MethodGet, Path: list.String(), Status: http.StatusTooManyRequests, RetryAfter: seconds, Skip: 2, Times: 1}))
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 200*time.Millisecond, nil)()
	r.bump()
	r.approveOnce()
	r.arrived()
	var told time.Time
	for _, q := range r.GitLab.Requests() {
		switch {
		case q.User != world.Bot || q.Method != http.MethodGet || !list.MatchString(q.Path):
		case q.Status == http.StatusTooManyRequests:
			told = q.At
		case !told.IsZero() && q.At.Sub(told) < seconds*time.Second:
			t.Errorf("Sluice came again after %s", q.At.Sub(told))
		}
	}
	if told.IsZero() {
		t.Error("Sluice was never told to come again later")
	}
}

// TestOnlyMergeRequestsOfThisProjectAndBranchCount surrounds prd's with more of
// people's, under Sluice's label, than a page holds, and with one of the same
// branch and number in another project.
func TestOnlyMergeRequestsOfThisProjectAndBranchCount(t *testing.T) {
	t.Parallel()
	const other = "ai-platform/other"
	r := newRig(t)
	_, err := r.GitLab.AddProject(other, fakegitlab.ProjectOptions{Files: map[string][]byte{"a": []byte("a")}},
		fakegitlab.Member{Username: world.Bot, Level: fakegitlab.Maintainer}, fakegitlab.Member{Username: world.Dana, Level: fakegitlab.Developer})
	must(t, err)
	dana := r.patient(world.Dana)
	propose := func(project, branch, into string) {
		t.Helper()
		_, _, err := dana.MergeRequests.CreateMergeRequest(project, &gitlab.CreateMergeRequestOptions{Title: new("Mine"), SourceBranch: &branch, TargetBranch: &into, Labels: &gitlab.LabelOptions{"sluice"}})
		must(t, err)
	}
	push := func(project, branch string) {
		t.Helper()
		_, _, err := dana.Commits.CreateCommit(project, &gitlab.CreateCommitOptions{Branch: &branch, StartBranch: new("main"), CommitMessage: new("mine"), Actions: []*gitlab.CommitActionOptions{
			{Action: new(gitlab.FileCreate), FilePath: new("mine"), Content: new("mine")},
		}})
		must(t, err)
	}
	push(other, prdBranch)
	propose(other, prdBranch, "main")
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 500*time.Millisecond, nil)()
	want := bumped(r.content("prd"))
	r.bump()
	mr := r.openForPrd()
	push(world.Project, "mine")
	for i := range 101 {
		into := fmt.Sprint("release-", i)
		_, _, err := dana.Branches.CreateBranch(world.Project, &gitlab.CreateBranchOptions{Branch: &into, Ref: new("main")})
		must(t, err)
		propose(world.Project, "mine", into)
	}
	for _, who := range []string{world.Amir, world.Bea} {
		r.comment(who, mr, "/sluice approve")
	}
	r.carries("prd", want)
	r.rests()
	opened := 0
	for _, w := range r.writes() {
		if strings.Contains(w, "/projects/") && strings.HasPrefix(w, "POST ") && strings.HasSuffix(w, "/merge_requests 201") {
			opened++
		}
	}
	if opened != 2 {
		t.Errorf("Sluice opened %d merge requests, want 2", opened)
	}
	theirs, _, err := dana.MergeRequests.GetMergeRequest(other, 1, nil)
	must(t, err)
	if theirs.State != "opened" || theirs.Title != "Mine" || theirs.Description != "" || theirs.UserNotesCount != 0 {
		t.Errorf("the other project's merge request was touched: %+v", theirs)
	}
}

// TestAProjectThatMovesIsFollowed renames it while prd waits for approvals.
func TestAProjectThatMovesIsFollowed(t *testing.T) {
	t.Parallel()
	const later = "ai-platform/gitops"
	r := newRig(t)
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	want := bumped(r.content("prd"))
	r.bump()
	mr := r.openForPrd()
	must(t, r.GitLab.RenameProject(world.Project, later))
	for _, who := range []string{world.Amir, world.Bea} {
		_, _, err := r.patient(who).Notes.CreateMergeRequestNote(later, mr, &gitlab.CreateMergeRequestNoteOptions{Body: new("/sluice approve")})
		must(t, err)
	}
	r.carries("prd", want)
}

// TestAnArchivedProjectIsLeftAlone until it is no longer archived.
func TestAnArchivedProjectIsLeftAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	log := r.listen()
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	r.bump()
	r.openForPrd()
	r.rests()
	_, _, err := r.person.Projects.ArchiveProject(world.Project)
	must(t, err)
	r.eventually("it is said", func() bool { return strings.Contains(log.String(), "is archived, so nothing in it can be promoted") })
	before := len(r.writes())
	r.looks()
	if more := r.writes()[before:]; len(more) > 0 {
		t.Errorf("Sluice wrote %q", more)
	}
	_, _, err = r.person.Projects.UnarchiveProject(world.Project)
	must(t, err)
	r.approveOnce()
	r.arrived()
}

// TestARenamedDefaultBranchIsFollowed makes another branch the default one,
// while prd's merge request into the old one is open.
func TestARenamedDefaultBranchIsFollowed(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	want, main := bumped(r.content("prd")), r.content("prd")
	r.bump()
	old := r.openForPrd()
	_, _, err := r.person.Branches.CreateBranch(world.Project, &gitlab.CreateBranchOptions{Branch: new("trunk"), Ref: new("main")})
	must(t, err)
	_, _, err = r.person.Projects.EditProject(world.Project, &gitlab.EditProjectOptions{DefaultBranch: new("trunk")})
	must(t, err)
	var mr int64
	r.eventually("a merge request into the new branch", func() bool {
		for _, found := range r.requests()[prdBranch] {
			if found.TargetBranch == "trunk" && found.State == "opened" {
				mr = found.IID
			}
		}
		return mr != 0
	})
	for _, who := range []string{world.Amir, world.Bea} {
		r.comment(who, mr, "/sluice approve")
	}
	r.eventually("prd carries the version", func() bool {
		raw, _, err := r.person.RepositoryFiles.GetRawFile(world.Project, patchFile("prd"), &gitlab.GetRawFileOptions{Ref: new("trunk")})
		must(t, err)
		return string(raw) == want
	})
	if r.content("prd") != main || r.request(old).State == "merged" && r.request(old).TargetBranch == "main" {
		t.Error("Sluice merged into the former default branch")
	}
}
