package gitlab_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// remembering is a world with some open merge requests, and a project that
// remembers them for an hour by a clock that the test moves.
func remembering(t *testing.T, n int) (w *world, p *gitlab.Project, ahead *time.Duration) {
	t.Helper()
	w, ahead = newWorld(t), new(time.Duration)
	client, err := gitlab.New(gitlab.Config{BaseURL: w.url, Token: func() (core.Secret, error) { return token, nil },
		Clock: func() time.Time { return time.Now().Add(*ahead) }, Remember: time.Hour})
	w.must(err)
	p, err = client.Project(t.Context(), "ai/flux")
	w.must(err)
	for i := range n {
		opening := opening()
		opening.Branch = fmt.Sprintf("sluice/prd/app%d", i)
		w.commit(opening.Branch, fmt.Sprint(i+2), map[string]any{"start_branch": "main"})
		_, err := p.OpenMR(t.Context(), opening)
		w.must(err)
	}
	return w, p, ahead
}

// pass asks what a pass asks about merge requests, and counts the calls.
func (w *world) pass(p *gitlab.Project) (calls int, list []plan.MergeRequest) {
	w.t.Helper()
	w.fake.ForgetRequests()
	_, err := p.Describe(w.t.Context())
	w.must(err)
	list, err = p.MergeRequests(w.t.Context())
	w.must(err)
	_, _, err = p.Recent(w.t.Context(), time.Now().Add(-time.Hour))
	w.must(err)
	return len(w.fake.Requests()), list
}

func TestAQuietPassCostsLists(t *testing.T) {
	t.Parallel()
	const open = 20
	w, p, ahead := remembering(t, open)
	want := func(what string, want int) {
		t.Helper()
		if calls, list := w.pass(p); calls != want || len(list) != open {
			t.Errorf("%s: %d calls, want %d; %d merge requests", what, calls, want, len(list))
		}
	}
	const lists, each = 6, 5
	want("the first pass", lists+open*each)
	w.pass(p) // the first has made GitLab look whether they can be merged
	*ahead += 2 * time.Minute
	want("it is long enough that they are the same", lists+open*each)
	want("nothing has happened", lists)
	w.ask("POST", "anna-token", "merge_requests/3/notes", map[string]any{"body": "hello"})
	want("a comment", lists+each)
	*ahead += 10 * time.Second
	want("the comment is too new to rely on what was read", lists+each)
	*ahead += 2 * time.Minute
	want("once more", lists+each)
	want("nothing has happened since", lists)
	w.must(p.WriteNote(t.Context(), plan.WriteNote{MR: 4, Body: "by Sluice"}))
	want("a comment of its own", lists+each)
	*ahead += 2 * time.Minute
	w.pass(p)
	want("it has settled", lists)
	p.Heard(5, "")
	want("a hint about one", lists+each)
	want("the hint is a moment old", lists+each)
	*ahead += 10 * time.Second
	w.pass(p)
	want("the hint is answered", lists)
	p.Heard(0, "")
	want("a hint about anything", lists+open*each)
	*ahead += 10 * time.Second
	w.pass(p)
	want("that is answered", lists)
	*ahead += 2 * time.Hour
	want("long after", lists+open*each)
}

// TestWhatListsDoNotShowIsHeardOf changes what moves no time of a merge request.
func TestWhatListsDoNotShowIsHeardOf(t *testing.T) {
	t.Parallel()
	w, p, ahead := remembering(t, 2)
	for range 3 {
		w.pass(p)
		*ahead += 2 * time.Minute
	}
	_, list := w.pass(p)
	head := list[0].Head
	id, err := w.fake.CreatePipeline("ai/flux", string(head), list[0].Source, "running")
	w.must(err)
	p.Heard(0, head)
	status := func(want string) {
		t.Helper()
		_, list := w.pass(p)
		if pl := list[0].Pipeline; pl == nil || pl.Status != want || len(list[0].Statuses) != 1 || list[0].Statuses[0].State != want {
			t.Errorf("the pipeline is %+v with %+v, want %s", pl, list[0].Statuses, want)
		}
	}
	status("running")
	w.must(w.fake.SetPipelineStatus("ai/flux", id, "success"))
	*ahead += 2 * time.Minute
	status("success") // what is under way is not remembered
	w.must(w.fake.SetPipelineStatus("ai/flux", id, "failed"))
	p.Heard(0, head)
	status("failed")
	got, ok, err := p.MergeRequest(t.Context(), list[1].ID)
	if err != nil || !ok || got.ID != list[1].ID {
		t.Errorf("%+v, %t, %v", got, ok, err)
	}
}

// TestASingleReadIsFresh counts what is read right before a merge.
func TestASingleReadIsFresh(t *testing.T) {
	t.Parallel()
	w, p, ahead := remembering(t, 1)
	for range 3 {
		w.pass(p)
		*ahead += 2 * time.Minute
	}
	w.fake.ForgetRequests()
	if _, ok, err := p.MergeRequest(t.Context(), 1); !ok || err != nil {
		t.Fatal(ok, err)
	}
	var paths []string
	for _, r := range w.fake.Requests() {
		paths = append(paths, r.Path)
	}
	for _, part := range []string{"/merge_requests/1", "/notes", "/approvals", "/versions", "/statuses"} {
		if !strings.Contains(strings.Join(paths, " "), part) {
			t.Errorf("%s was not read: %q", part, paths)
		}
	}
	if calls, _ := w.pass(p); calls <= 6 {
		t.Errorf("the pass after it made %d calls: it relies on what was read before", calls)
	}
}
