package promoter

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/git"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/history"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// desk is a project with one merge request, ready to be merged, as it is when
// the merge is about to happen.
type desk struct {
	Forge
	Desk
	mr     plan.MergeRequest
	open   bool
	merged []plan.MergeMR
	gone   bool  // dana has lost her role
	answer error // of GitLab, to a merge
}

func (d *desk) MergeRequest(context.Context, core.MRID) (plan.MergeRequest, bool, error) {
	return d.mr, d.open, nil
}

// Origin says that every commit came by somebody else's merge request.
func (d *desk) Origin(context.Context, core.SHA) (plan.Origin, bool, error) {
	return plan.Origin{Carriers: []plan.Carrier{{Author: 99, AuthorName: "eve", Merger: 99}}}, true, nil
}

func (d *desk) Merge(_ context.Context, a plan.MergeMR) error {
	d.merged = append(d.merged, a)
	return d.answer
}

func (d *desk) Person(_ context.Context, id core.UserID, _ []string) (plan.Person, error) {
	switch {
	case id == 5 && d.gone:
		return plan.Person{ID: 5, Username: "dana", Active: true}, nil
	case id == 5:
		return plan.Person{ID: 5, Username: "dana", Level: 30, Active: true}, nil
	}
	return plan.Person{ID: id, Username: "erik", Level: 30, Active: true}, nil
}

// shelf is a mirror of two commits: the head, and Sluice's on top of it.
type shelf struct {
	Mirror
	refs   git.Refs
	tree   overlay.Tree
	branch plan.Branch
}

func (s *shelf) Fetch(context.Context, string) (git.Refs, error) { return s.refs, nil }
func (s *shelf) Tree(core.SHA) (overlay.Tree, error)             { return s.tree, nil }
func (s *shelf) Trail(_ context.Context, head, known core.SHA, _ int) ([]history.Commit, history.End, error) {
	return []history.Commit{{SHA: head, Everything: true}}, history.Beginning, nil
}
func (s *shelf) Branch(context.Context, string, core.SHA) (plan.Branch, error) {
	return s.branch, nil
}

func blob(content []byte) core.SHA {
	sum := sha1.Sum(append(fmt.Appendf(nil, "blob %d\x00", len(content)), content...))
	return core.SHA(hex.EncodeToString(sum[:]))
}

// ready builds a monorepo whose only promotion is about to be merged.
func ready(t *testing.T, now time.Time) (*repo, *observation, *desk) {
	t.Helper()
	const overlayFile = "clusters/s/apps/web/kustomization.yaml"
	files := map[string]string{
		"sluice.yaml": "version: 1\nlayout: [\"clusters/{cluster}/apps/{app}\"]\nenvironments:\n" +
			"  - {name: dev, clusters: [d]}\n  - {name: stg, from: dev, clusters: [s], merge: auto, gates: {healthy: false, approvals: {count: 1, from: role:developer}}}\n",
		"clusters/d/apps/web/kustomization.yaml": "images: [{name: web, newTag: 1.1.0}]\n",
		overlayFile:                              "images: [{name: web, newTag: 1.0.0}]\n",
	}
	tree := memtree.Text(files)
	mr := plan.MergeRequest{ID: 7, State: plan.Opened, Source: "sluice/stg/web", Target: "main", Head: shaB, Author: 1,
		MergeStatus: "mergeable", Versions: []plan.Version{{Head: shaB, CreatedAt: now}},
		Notes: []plan.Note{{ID: 60, Author: 5, Body: "/sluice approve", CreatedAt: now, UpdatedAt: now}}}
	d, s := &desk{mr: mr, open: true}, &shelf{refs: git.Refs{Default: "main", Head: shaA}, tree: tree}
	p, err := New(Config{
		Monorepos: []Monorepo{{Path: "g/p", PolicyPath: policy.FileName, Forge: d, Desk: d, Mirror: s}},
		Clock:     func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	o := &observation{state: &plan.State{
		Project: plan.Project{DefaultBranch: "main", Bot: 1}, Open: []plan.MergeRequest{mr},
		People: map[core.UserID]plan.Person{5: {ID: 5, Username: "dana", Level: 30, Active: true}},
	}}
	if err := p.repos[0].readGit(o, s.refs); err != nil {
		t.Fatal(err)
	}
	if err := p.repos[0].recall(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	for _, a := range plan.Compute(o.policy, o.state, now).Actions {
		if push, ok := a.(plan.PushBranch); ok {
			s.refs.Branches = map[string]core.SHA{push.Branch: shaB}
			s.branch = plan.Branch{Name: push.Branch, Head: shaB, Parents: []core.SHA{shaA}, Rooted: true, Message: push.Message,
				Changed: map[string]core.SHA{overlayFile: blob(push.Files[0].Content)}, Base: map[string]core.SHA{overlayFile: blob([]byte(files[overlayFile]))}}
		}
	}
	return p.repos[0], o, d
}

// TestAMergeListensUntilTheEnd changes what people said after it was decided
// to merge: a burst of merges takes minutes in a large monorepo.
func TestAMergeListensUntilTheEnd(t *testing.T) {
	now := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	hold := func(author core.UserID) func(*desk) {
		return func(d *desk) {
			d.mr.Notes = append(d.mr.Notes[:1:1], plan.Note{ID: 70, Author: author, Body: "/sluice hold", CreatedAt: now, UpdatedAt: now})
		}
	}
	for name, c := range map[string]struct {
		meanwhile func(*desk)
		merges    bool
	}{
		"nothing happened":                        {func(*desk) {}, true},
		"GitLab checks it anew":                   {func(d *desk) { d.mr.MergeStatus = "checking" }, true},
		"a developer holds it":                    {hold(5), false},
		"somebody not looked up yet holds it":     {hold(6), false},
		"the approval was deleted":                {func(d *desk) { d.mr.Notes = nil }, false},
		"who approved it has lost the role":       {func(d *desk) { d.gone = true }, false},
		"it was closed":                           {func(d *desk) { d.open = false }, false},
		"somebody pushed, and GitLab tells first": {func(d *desk) { d.mr.Head = shaA }, false},
	} {
		t.Run(name, func(t *testing.T) {
			r, o, d := ready(t, now)
			c.meanwhile(d)
			err := r.merge(t.Context(), o, plan.MergeMR{Cause: plan.Cause{Target: core.Target{Env: "stg", App: "web"}, Reason: "every gate passes"}, MR: 7, SHA: shaB})
			if merged := len(d.merged) == 1; merged != c.merges || !merged && core.KindOf(err) != core.Conflict {
				t.Errorf("merged: %t, want %t; error %v", merged, c.merges, err)
			}
		})
	}
}

// TestARefusedMergeIsGivenTime counts what GitLab refuses, and forgets it with
// the first merge that it accepts.
func TestARefusedMergeIsGivenTime(t *testing.T) {
	now := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	r, o, d := ready(t, now)
	a := plan.MergeMR{Cause: plan.Cause{Target: core.Target{Env: "stg", App: "web"}, Reason: "every gate passes"}, MR: 7, SHA: shaB}
	want := func(count int) {
		t.Helper()
		if got := r.attempts[a.Target]; got.Count != count || count > 0 && (got.SHA != shaB || !got.At.Equal(now)) {
			t.Errorf("attempts are %+v, want %d", got, count)
		}
	}
	d.answer = core.Errorf(core.Conflict, "405")
	for n := range 3 {
		if err := r.merge(t.Context(), o, a); core.KindOf(err) != core.Conflict {
			t.Fatal(err)
		}
		want(n + 1)
	}
	if len(d.merged) != 3 {
		t.Errorf("GitLab was asked %d times", len(d.merged))
	}
	d.answer = nil
	if err := r.merge(t.Context(), o, a); err != nil {
		t.Fatal(err)
	}
	want(0)
	d.open = false
	if err := r.merge(t.Context(), o, a); core.KindOf(err) != core.Conflict {
		t.Fatal(err)
	}
	want(0) // that was no refusal of GitLab's
}

// TestARetryMergesWithoutWaiting lets GitLab refuse a merge until the pauses are
// long, and a developer ask for another attempt.
func TestARetryMergesWithoutWaiting(t *testing.T) {
	now := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	r, o, d := ready(t, now)
	a := plan.MergeMR{Cause: plan.Cause{Target: core.Target{Env: "stg", App: "web"}, Reason: "every gate passes"}, MR: 7, SHA: shaB}
	d.answer = core.Errorf(core.Conflict, "405")
	for range 20 {
		r.attempted(a, d.answer)
	}
	again := func() int {
		o.state.Attempts = r.attempts
		_ = r.merge(t.Context(), o, a)
		return len(d.merged)
	}
	if n := again(); n != 0 {
		t.Fatalf("GitLab was asked %d times within the pause", n)
	}
	asked := now.Add(time.Second)
	d.mr.Notes = append(d.mr.Notes[:1:1], plan.Note{ID: 70, Author: 5, Body: "/sluice retry", CreatedAt: asked, UpdatedAt: asked})
	if n := again(); n != 1 {
		t.Fatalf("GitLab was asked %d times after the retry, want once", n)
	}
	r.attempts[a.Target] = plan.Attempt{SHA: shaB, Count: 21, At: asked.Add(time.Second)}
	if n := again(); n != 1 {
		t.Errorf("GitLab was asked %d times: one retry is one attempt", n)
	}
}
