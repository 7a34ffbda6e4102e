package world_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/cmd/sluice/internal/world"
	"github.com/sluice-gitops/sluice/internal/adapter/flux"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

// aSweepThatNeverComes leaves everything to hints.
const aSweepThatNeverComes = time.Hour

func TestHintsAloneCarryAVersionToPrd(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	before := map[string]string{"stg": r.content("stg"), "prd": r.content("prd")}
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), aSweepThatNeverComes, nil)()
	r.bump()
	r.approveOnce()
	r.arrived()
	for env, was := range before {
		if got := r.content(env); got != bumped(was) {
			t.Errorf("%s is now\n%s\nwant only the versions of this changed:\n%s", env, got, was)
		}
	}
	r.diffsTouchOnlyVersions()
	r.descriptionsShowTheManifests()
}

// descriptionsShowTheManifests reads what each merge request was opened with
// and what has become of it.
func (r *rig) descriptionsShowTheManifests() {
	r.t.Helper()
	want := regexp.MustCompile(`(?s)<details><summary>What changes in the manifests of <code>platform-core-\w+-aks</code></summary>.*\n@@ HelmRelease [^\n]*ai-gateway @@\n.*\n-[^\n]*version: 2\.47\.0\n\+[^\n]*version: 2\.48\.0\n`)
	for branch, list := range r.requests() {
		if !want.MatchString(list[0].Description) {
			r.t.Errorf("%s has the description\n%s", branch, list[0].Description)
		}
	}
}

// diffsTouchOnlyVersions reads each merge request's diff as GitLab shows it.
func (r *rig) diffsTouchOnlyVersions() {
	r.t.Helper()
	want := regexp.MustCompile(`^@@[^\n]*\n( [^\n]*\n)*-      version: 2\.47\.0\n\+      version: 2\.48\.0\n( [^\n]*\n)*-      tag: "3\.9\.0"( #[^\n]*)\n\+      tag: "3\.9\.1"( #[^\n]*)\n( [^\n]*\n)*$`)
	for branch, list := range r.requests() {
		diffs, _, err := r.person.MergeRequests.ListMergeRequestDiffs(world.Project, list[0].IID, nil)
		must(r.t, err)
		if len(diffs) != 1 {
			r.t.Errorf("%s touches %d files", branch, len(diffs))
			continue
		}
		m := want.FindStringSubmatch(diffs[0].Diff)
		if m == nil || m[3] != m[4] {
			r.t.Errorf("%s changes more than the versions:\n%s", branch, diffs[0].Diff)
		}
	}
}

func TestNoHintIsNeeded(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.GitLab.Faults().Update(func(p *fakegitlab.Plan) { p.Hooks.Drop = 1 })
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 200*time.Millisecond, nil)()
	r.bump()
	r.approveOnce()
	r.arrived()
}

func TestANastyGitLabOnlyCostsTime(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.GitLab.Faults().Set(fakegitlab.Plan{
		PrepareDelay: 300 * time.Millisecond, CheckDelay: 200 * time.Millisecond,
		MergeAnswers: []int{405, 422, 409, 406, 405}, LockedFor: 300 * time.Millisecond, StaleReads: 3,
		Hooks: fakegitlab.HookFaults{Seed: 7, Drop: 0.2, Duplicate: 0.5, Reorder: 0.3, Delay: 100 * time.Millisecond},
	})
	for _, path := range []string{"/merge_requests$", "/notes$", "/award_emoji$"} {
		must(t, r.GitLab.Faults().Add(fakegitlab.Rule{Method: "POST", Path: path, Status: 502, After: true, Times: 1}))
	}
	must(t, r.GitLab.Faults().Add(fakegitlab.Rule{Path: "/merge_requests/", Status: 500, Times: 6}))
	must(t, r.GitLab.Faults().Add(fakegitlab.Rule{Path: "/merge_requests", Status: 429, RetryAfter: 1, Body: "Retry later", Times: 2}))
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 500*time.Millisecond, nil)()
	r.bump()
	r.approveOnce()
	r.arrived()
	r.oneStickyNoteEach()
}

// oneStickyNoteEach finds the doubles that a repeated write would leave.
func (r *rig) oneStickyNoteEach() {
	r.t.Helper()
	for branch, list := range r.requests() {
		notes, _, err := r.person.Notes.ListMergeRequestNotes(world.Project, list[0].IID, nil)
		must(r.t, err)
		mine := 0
		for _, n := range notes {
			if n.Author.Username == world.Bot && !n.System {
				mine++
			}
		}
		if mine != 1 {
			r.t.Errorf("%s has %d comments of Sluice, want its one sticky note", branch, mine)
		}
	}
}

// mortal ends its promoter after every write, and has the answer lost.
type mortal struct {
	ports
	die func(write string) error
}

func (m mortal) OpenMR(ctx context.Context, a plan.OpenMR) (core.MRID, error) {
	id, err := m.Desk.OpenMR(ctx, a)
	return id, after(err, m.die, "open")
}

func (m mortal) EditMR(ctx context.Context, a plan.EditMR) error {
	return after(m.Desk.EditMR(ctx, a), m.die, "edit")
}

func (m mortal) WriteNote(ctx context.Context, a plan.WriteNote) error {
	return after(m.Desk.WriteNote(ctx, a), m.die, "note")
}

func (m mortal) React(ctx context.Context, a plan.React) error {
	return after(m.Desk.React(ctx, a), m.die, "react")
}

func (m mortal) Merge(ctx context.Context, a plan.MergeMR) error {
	return after(m.Desk.Merge(ctx, a), m.die, "merge")
}

func (m mortal) CloseMR(ctx context.Context, a plan.CloseMR) error {
	return after(m.Desk.CloseMR(ctx, a), m.die, "close")
}

func (m mortal) Push(ctx context.Context, p plan.PushBranch) (core.SHA, error) {
	sha, err := m.Mirror.Push(ctx, p)
	return sha, after(err, m.die, "push")
}

func (m mortal) Trigger(ctx context.Context, rec flux.Receiver, p flux.Payload) error {
	return after(m.Caller.Trigger(ctx, rec, p), m.die, "trigger")
}

// after also counts a write that was cut off by the death of another: whether
// it took effect is then as unknown as it can be.
func after(err error, die func(string) error, write string) error {
	if err != nil && core.KindOf(err) != core.Transient {
		return err
	}
	return die(write)
}

// TestARestartBetweenEveryTwoWritesIsHarmless kills the promoter after each
// write before it learns of its success, and starts one that remembers
// nothing: neither the mirror nor the process survives.
func TestARestartBetweenEveryTwoWritesIsHarmless(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var (
		mu     sync.Mutex
		writes = map[string]int{}
		lives  atomic.Int64
		done   = make(chan struct{})
		ended  = make(chan struct{})
	)
	go func() {
		defer close(ended)
		for {
			dead := make(chan struct{})
			var once sync.Once
			stop := r.startPromoter(filepath.Join(r.dir, fmt.Sprint("mirror-", lives.Add(1))), 300*time.Millisecond, func(p ports) ports {
				m := mortal{ports: p, die: func(write string) error {
					mu.Lock()
					defer mu.Unlock()
					writes[write]++
					once.Do(func() { close(dead) })
					return core.Errorf(core.Transient, "killed after %s", write)
				}}
				return ports{Desk: m, Mirror: m, Caller: m}
			})
			select {
			case <-dead:
				stop()
			case <-done:
				stop()
				return
			}
		}
	}()
	r.bump()
	r.approveOnce()
	r.arrived()
	close(done)
	<-ended
	mu.Lock()
	defer mu.Unlock()
	for _, write := range []string{"push", "open", "note", "merge", "trigger"} {
		if writes[write] == 0 {
			t.Errorf("no promoter was killed after a %s; writes were %v", write, writes)
		}
	}
	r.oneStickyNoteEach()
	t.Logf("%d lives, killed after %v", lives.Load(), writes)
}

func TestTwoPromotersAtOnceOpenOneMergeRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i := range 2 {
		defer r.startPromoter(filepath.Join(r.dir, fmt.Sprint("mirror-", i)), 250*time.Millisecond, nil)()
	}
	r.bump()
	r.approveOnce()
	r.arrived()
}

func TestAHoldStopsAndAnOutsiderCannotApprove(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	r.bump()
	mr := r.openForPrd()
	r.comment(world.Dana, mr, "/sluice hold the database is being moved")
	r.comment(world.Dana, mr, "/sluice approve")
	r.approveOnce()
	r.eventually("the hold shows, and dana's approval is refused", func() bool {
		m, _, err := r.person.MergeRequests.GetMergeRequest(world.Project, mr, nil)
		must(t, err)
		return regexp.MustCompile(`\[ \] \*\*hold\*\*: held by dana: the database is being moved; passes when somebody with the role developer writes /sluice unhold\n(.*\n)*.*\[x\] \*\*approvals\*\*: 2 of 2 approvals: amir, bea; who brought it to dev is not known: .* was pushed without a merge request\n`).MatchString(m.Description) &&
			r.said(mr, "This approval does not count: an approval must come from the role maintainer.")
	})
	if state := r.requests()["sluice/prd/ai-gateway"][0].State; state != "opened" {
		t.Fatalf("the held merge request is %s", state)
	}
	r.comment(world.Dana, mr, "/sluice unhold")
	r.arrived()
}

func (r *rig) comment(who string, mr int64, body string) {
	r.t.Helper()
	_, _, err := r.patient(who).Notes.CreateMergeRequestNote(world.Project, mr, &gitlab.CreateMergeRequestNoteOptions{Body: &body})
	must(r.t, err)
}

// said tells whether Sluice wrote a comment with this text.
func (r *rig) said(mr int64, text string) bool {
	r.t.Helper()
	notes, _, err := r.person.Notes.ListMergeRequestNotes(world.Project, mr, nil)
	must(r.t, err)
	for _, n := range notes {
		if n.Author.Username == world.Bot && regexp.MustCompile(regexp.QuoteMeta(text)).MatchString(n.Body) {
			return true
		}
	}
	return false
}

func TestWithoutActNothingIsWrittenAnywhere(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var log lockedBuffer
	r.logger = slog.New(slog.NewTextHandler(&log, nil))
	r.act = false
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 200*time.Millisecond, nil)()
	r.bump()
	want := `action=PushBranch env=stg app=ai-gateway reason="dev has chart ai-gateway 2.48.0, stg has 2.47.0, and 1 more"`
	r.eventually("the plan is told", func() bool {
		return strings.Contains(log.String(), "would act") && strings.Contains(log.String(), want)
	})
	for _, q := range r.GitLab.Requests() {
		if q.User == world.Bot && q.Method != http.MethodGet && !strings.HasSuffix(q.Path, "git-upload-pack") {
			t.Errorf("Sluice wrote: %s %s", q.Method, q.Path)
		}
	}
	for name, c := range r.Clusters {
		if n := c.Flux.Status().Triggers; n > 0 {
			t.Errorf("%s was called %d times", name, n)
		}
	}
}

// lockedBuffer is a log that is read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestARefusedMergeIsToldWhereItHappens takes the right to merge away from
// Sluice: the merge request must say so, and go on when the right is back.
func TestARefusedMergeIsToldWhereItHappens(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	must(t, r.GitLab.Faults().Add(fakegitlab.Rule{Method: http.MethodPut, Path: "/merge_requests/1/merge$", Status: http.StatusUnauthorized, Times: 3}))
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	r.bump()
	r.eventually("the refusal shows", func() bool {
		list := r.requests()["sluice/stg/ai-gateway"]
		return len(list) > 0 && r.said(list[0].IID, "Every gate passes, but merging it was refused")
	})
	r.approveOnce()
	r.arrived()
}

// TestABrokenPolicyIsToldOnEveryOpenMergeRequest breaks the policy while prd
// waits for approvals, and mends it again.
func TestABrokenPolicyIsToldOnEveryOpenMergeRequest(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	r.bump()
	mr := r.openForPrd()
	r.policy(strings.Replace(rules, "approvals:", "aprovals:", 1))
	r.eventually("the mistake shows", func() bool {
		return r.said(mr, "Stopped, because the policy cannot be read") && r.said(mr, "did you mean approvals")
	})
	r.policy(rules)
	r.approveOnce()
	r.arrived()
}

// TestAnEnvironmentThatIsGoneLeavesNothingBehind takes prd out of the policy
// while its promotion is open.
func TestAnEnvironmentThatIsGoneLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	r.bump()
	mr := r.openForPrd()
	without, _, _ := strings.Cut(rules, "  - name: prd")
	r.policy(without)
	r.eventually("it says why it is closed", func() bool { return r.said(mr, "the policy has no environment prd any more") })
	r.eventually("it is closed, and the branch is gone", func() bool {
		_, resp, err := r.person.Branches.GetBranch(world.Project, "sluice/prd/ai-gateway")
		return r.requests()["sluice/prd/ai-gateway"][0].State == "closed" && err != nil && resp.StatusCode == http.StatusNotFound
	})
	r.policy(rules)
	r.eventually("it is proposed again with the policy as it was", func() bool { return len(r.requests()["sluice/prd/ai-gateway"]) == 2 })
}

// policy replaces the policy on the default branch.
func (r *rig) policy(content string) {
	r.t.Helper()
	_, _, err := r.patient(world.Dana).Commits.CreateCommit(world.Project, &gitlab.CreateCommitOptions{
		Branch: new("main"), CommitMessage: new("other rules"),
		Actions: []*gitlab.CommitActionOptions{{Action: new(gitlab.FileUpdate), FilePath: new("sluice.yaml"), Content: &content}},
	})
	must(r.t, err)
}
