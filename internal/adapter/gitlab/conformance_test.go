package gitlab_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

// world is a fake GitLab with a bot, a maintainer, and a project of theirs.
type world struct {
	t       *testing.T
	fake    *fakegitlab.Server
	url     string
	bot     core.UserID
	anna    core.UserID
	project *gitlab.Project
}

func newWorld(t *testing.T) *world {
	t.Helper()
	fake, err := fakegitlab.New(fakegitlab.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(fake.Handler())
	t.Cleanup(server.Close)
	fake.SetURL(server.URL)
	w := &world{t: t, fake: fake, url: server.URL}
	w.bot = w.user("bot", token)
	w.anna = w.user("anna", "anna-token")
	if _, err := fake.AddGroup("ai/managers", fakegitlab.Member{Username: "anna", Level: fakegitlab.Developer}, fakegitlab.Member{Username: "bot", Level: fakegitlab.Guest}); err != nil {
		t.Fatal(err)
	}
	_, err = fake.AddProject("ai/flux", fakegitlab.ProjectOptions{Files: map[string][]byte{"app.yaml": []byte("tag: 1\n")}},
		fakegitlab.Member{Username: "bot", Level: fakegitlab.Maintainer}, fakegitlab.Member{Username: "anna", Level: fakegitlab.Maintainer})
	if err != nil {
		t.Fatal(err)
	}
	client, err := gitlab.New(gitlab.Config{BaseURL: w.url, Token: func() (core.Secret, error) { return token, nil }})
	if err != nil {
		t.Fatal(err)
	}
	if w.project, err = client.Project(t.Context(), "ai/flux"); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) user(name string, token core.Secret) core.UserID {
	w.t.Helper()
	id, err := w.fake.AddUser(fakegitlab.User{Username: name, Token: token})
	if err != nil {
		w.t.Fatal(err)
	}
	return core.UserID(id)
}

// ask calls the API in somebody's name, for what the adapter does not do.
func (w *world) ask(method, who, path string, body map[string]any) map[string]any {
	w.t.Helper()
	doc, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(w.t.Context(), method, w.url+strings.TrimSuffix("/api/v4/projects/ai%2Fflux/"+path, "/"), bytes.NewReader(doc))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Private-Token", who)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode >= 300 {
		w.t.Fatalf("%s %s: %s %s %v", method, path, resp.Status, text, err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		w.t.Fatalf("%s %s: %v in %s", method, path, err, text)
	}
	return got
}

// commit puts one commit on a branch, made from main if it does not exist.
func (w *world) commit(branch, content string, more map[string]any) core.SHA {
	w.t.Helper()
	body := map[string]any{
		"branch": branch, "commit_message": "app: " + content,
		"actions": []map[string]any{{"action": "update", "file_path": "app.yaml", "content": "tag: " + content + "\n"}},
	}
	for k, v := range more {
		body[k] = v
	}
	return core.SHA(w.ask("POST", token, "repository/commits", body)["id"].(string))
}

func (w *world) only() plan.MergeRequest {
	w.t.Helper()
	list, err := w.project.MergeRequests(w.t.Context())
	if err != nil || len(list) != 1 {
		w.t.Fatalf("%d merge requests, %v", len(list), err)
	}
	again, ok, err := w.project.MergeRequest(w.t.Context(), list[0].ID)
	if diff := cmp.Diff(list[0], again); diff != "" || !ok || err != nil {
		w.t.Fatalf("read alone: %t, %v, and (-list +alone):\n%s", ok, err, diff)
	}
	return list[0]
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func opening() plan.OpenMR {
	return plan.OpenMR{Branch: "sluice/prd/app", Into: "main", Title: "app: 2", Description: "why", Labels: []string{"env::prd"}}
}

func TestConformanceFromBranchToMerge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, p := t.Context(), w.project

	about, err := p.Describe(ctx)
	w.must(err)
	if about.Path != "ai/flux" || about.DefaultBranch != "main" || about.Bot != w.bot || about.BotName != "bot" || about.Archived {
		t.Errorf("project is %+v", about)
	}
	w.must(p.EnsureLabel(ctx))
	w.must(p.EnsureLabel(ctx))

	_, err = p.OpenMR(ctx, opening())
	wantError(t, err, core.Conflict, "open a merge request from sluice/prd/app")
	first := w.commit("sluice/prd/app", "2", map[string]any{"start_branch": "main"})
	id, err := p.OpenMR(ctx, opening())
	w.must(err)
	again, err := p.OpenMR(ctx, opening())
	if err != nil || again != id {
		t.Errorf("opened again: !%d, %v, want !%d", again, err, id)
	}
	w.must(p.EditMR(ctx, plan.EditMR{MR: id, Title: "app: 3", Description: "because", Labels: []string{"more"}}))

	head := w.commit("sluice/prd/app", "3", nil)
	w.must(p.WriteNote(ctx, plan.WriteNote{MR: id, Body: "first text"}))
	note := w.only().Notes[0]
	w.must(p.WriteNote(ctx, plan.WriteNote{MR: id, Note: note.ID, Body: "second text"}))
	react := plan.React{MR: id, Note: note.ID, Emoji: "eyes"}
	w.must(p.React(ctx, react))
	w.must(p.React(ctx, react))
	react.Note = 999_999
	wantError(t, p.React(ctx, react), core.NotFound)
	wantError(t, p.WriteNote(ctx, plan.WriteNote{MR: id, Note: 999_999, Body: "x"}), core.NotFound)
	w.ask("POST", "anna-token", fmt.Sprintf("merge_requests/%d/approve", id), nil)
	w.ask("POST", "anna-token", fmt.Sprintf("merge_requests/%d/notes", id), map[string]any{"body": "@bot go on"})

	mr := w.only()
	if mr.ID != id || mr.Title != "app: 3" || mr.Description != "because" || mr.Head != head || mr.Author != w.bot ||
		mr.State != plan.Opened || mr.Source != "sluice/prd/app" || mr.Target != "main" || !mr.Prepared {
		t.Errorf("merge request is %+v", mr)
	}
	for _, label := range []string{"sluice", "env::prd", "more"} {
		if !slices.Contains(mr.Labels, label) {
			t.Errorf("label %s is not among %v", label, mr.Labels)
		}
	}
	var heads []core.SHA
	for _, v := range mr.Versions {
		heads = append(heads, v.Head)
	}
	if diff := cmp.Diff([]core.SHA{head, first}, heads); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	if len(mr.Approvals) != 1 || mr.Approvals[0].User != w.anna {
		t.Errorf("approvals are %+v", mr.Approvals)
	}
	var texts []string
	for _, n := range mr.Notes {
		texts = append(texts, fmt.Sprintf("%t %s", n.Author == w.bot, n.Body))
	}
	if diff := cmp.Diff([]string{"true second text", "false @bot go on"}, texts); diff != "" {
		t.Errorf("comments (-want +got):\n%s", diff)
	}

	wantError(t, p.Merge(ctx, plan.MergeMR{MR: id, SHA: first}), core.Conflict, "SHA")
	w.must(p.Merge(ctx, plan.MergeMR{MR: id, SHA: head}))
	if list, err := p.MergeRequests(ctx); err != nil || len(list) != 0 {
		t.Errorf("after the merge: %+v, %v", list, err)
	}
	if mr, ok, err := p.MergeRequest(ctx, id); err != nil || ok {
		t.Errorf("after the merge: still %s, %v", mr.State, err)
	}
	wantError(t, p.CloseMR(ctx, plan.CloseMR{MR: id}), core.Conflict)
}

func TestConformanceClosed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ctx, p := t.Context(), w.project
	if _, found, err := p.LastClosed(ctx, "sluice/prd/app"); found || err != nil {
		t.Fatalf("found is %v, %v", found, err)
	}
	head := w.commit("sluice/prd/app", "2", map[string]any{"start_branch": "main"})
	id, err := p.OpenMR(ctx, opening())
	w.must(err)
	w.must(p.CloseMR(ctx, plan.CloseMR{MR: id}))
	w.must(p.CloseMR(ctx, plan.CloseMR{MR: id}))
	got, found, err := p.LastClosed(ctx, "sluice/prd/app")
	if err != nil || !found || got.ID != id || got.State != plan.Closed || got.ClosedBy != w.bot || got.Head != head || got.HeadMessage != "app: 2" {
		t.Errorf("%+v, %v, %v", got, found, err)
	}
}

func TestConformanceRecent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ahead := time.Duration(0)
	client, err := gitlab.New(gitlab.Config{BaseURL: w.url, Token: func() (core.Secret, error) { return token, nil },
		Clock: func() time.Time { return time.Now().Add(ahead) }})
	w.must(err)
	p, err := client.Project(t.Context(), "ai/flux")
	w.must(err)
	ctx, long := t.Context(), time.Now().Add(-time.Hour)
	w.commit("sluice/prd/app", "2", map[string]any{"start_branch": "main"})
	id, err := p.OpenMR(ctx, opening())
	w.must(err)
	if list, _, err := p.Recent(ctx, long); err != nil || len(list) != 0 {
		t.Errorf("while it is open: %+v, %v", list, err)
	}
	w.must(p.CloseMR(ctx, plan.CloseMR{MR: id}))
	said := func(want ...string) {
		t.Helper()
		list, from, err := p.Recent(ctx, long)
		if err != nil || len(list) != 1 || list[0].ID != id || list[0].State != plan.Closed || list[0].ClosedAt.IsZero() || !from.Equal(long) {
			t.Fatalf("%+v from %s, %v", list, from, err)
		}
		var got []string
		for _, n := range list[0].Notes {
			got = append(got, n.Body)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("comments (-want +got):\n%s", diff)
		}
	}
	said()
	at := fmt.Sprintf("merge_requests/%d/notes", id)
	first := w.ask("POST", "anna-token", at, map[string]any{"body": "one"})["id"].(float64)
	said("one")
	w.ask("PUT", "anna-token", fmt.Sprintf("%s/%.0f", at, first), map[string]any{"body": "uno"})
	said("uno")
	w.ask("POST", "anna-token", at, map[string]any{"body": "two"})
	said("uno", "two")
	ahead = time.Minute
	said("uno", "two")
	w.must(w.fake.Faults().Add(fakegitlab.Rule{Method: "GET", Path: "/notes$", Status: 500}))
	said("uno", "two") // nothing has changed, so they are not read again
	if list, _, err := p.Recent(ctx, time.Now().Add(time.Hour)); err != nil || len(list) != 0 {
		t.Errorf("before the time asked for: %+v, %v", list, err)
	}
}

func TestConformancePeople(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	stranger := w.user("eve", "eve-token")
	groups := []string{"ai/managers", "ai/nobody-knows"}
	for id, want := range map[core.UserID]plan.Person{
		w.anna:   {ID: w.anna, Username: "anna", Active: true, Level: 40, Groups: []string{"ai/managers"}},
		stranger: {ID: stranger, Username: "eve", Active: true},
		999_999:  {ID: 999_999},
	} {
		got, err := w.project.Person(t.Context(), id, groups)
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("person (-want +got):\n%s", diff)
		}
	}
}

// TestConformanceOrigin asks who brought commits that came in all ways.
func TestConformanceOrigin(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, err := w.fake.AddUser(fakegitlab.User{Username: "renovate", Token: "renovate-token", Bot: true})
	w.must(err)
	w.must(w.fake.AddMember("ai/flux", "renovate", fakegitlab.Developer))
	propose := func(who, content, into string, options map[string]any) (string, core.SHA) {
		branch := "work-" + content
		head := w.commit(branch, content, map[string]any{"start_branch": "main"})
		body := map[string]any{"source_branch": branch, "target_branch": into, "title": content}
		maps.Copy(body, options)
		mr := w.ask("POST", who, "merge_requests", body)
		return fmt.Sprintf("merge_requests/%.0f", mr["iid"].(float64)), head
	}
	merge := func(at string) core.SHA {
		mr := w.ask("PUT", "anna-token", at+"/merge", nil)
		return core.SHA(mr["merge_commit_sha"].(string))
	}
	check := func(what string, commit core.SHA, want plan.Origin) {
		t.Helper()
		got, told, err := w.project.Origin(t.Context(), commit)
		if err != nil || !told {
			t.Errorf("%s: %t, %v", what, told, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	by := func(c plan.Carrier) plan.Origin {
		c.Merger, c.MergerName = w.anna, "anna"
		return plan.Origin{Carriers: []plan.Carrier{c}}
	}
	bot := plan.Carrier{Author: w.bot, AuthorName: "bot"}
	robot := plan.Carrier{Author: core.UserID(id), AuthorName: "renovate", Robot: true}

	pushed := w.commit("main", "2", nil)
	check("pushed", pushed, plan.Origin{Emails: []string{"bot@example.com"}})

	at, head := propose(token, "3", "main", nil)
	check("open", head, plan.Origin{Emails: []string{"bot@example.com"}})
	merged := merge(at)
	check("a merge commit", merged, by(bot))
	check("a commit of the merge request", head, by(bot))

	at, _ = propose("renovate-token", "4", "main", map[string]any{"squash": true})
	merged = merge(at)
	check("squashed, of a robot", merged, by(robot))

	w.commit("elsewhere", "5", map[string]any{"start_branch": "main"})
	at, head = propose(token, "6", "elsewhere", nil)
	w.ask("PUT", "anna-token", at, map[string]any{"state_event": "close"})
	check("of one that was closed, into another branch", head, plan.Origin{Emails: []string{"bot@example.com"}})

	if _, told, err := w.project.Origin(t.Context(), "0123456789012345678901234567890123456789"); told || err != nil {
		t.Errorf("a commit that GitLab has not got: %t, %v", told, err)
	}
}

func TestConformanceMoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.must(w.fake.RenameProject("ai/flux", "platform/flux"))
	about, err := w.project.Describe(t.Context())
	if err != nil || about.Path != "platform/flux" {
		t.Errorf("%+v, %v", about, err)
	}
	client, err := gitlab.New(gitlab.Config{BaseURL: w.url, Token: func() (core.Secret, error) { return token, nil }})
	w.must(err)
	moved, err := client.Project(t.Context(), "ai/flux")
	w.must(err)
	if about, err = moved.Describe(t.Context()); err != nil || about.Path != "platform/flux" {
		t.Errorf("%+v, %v", about, err)
	}
}

func TestConformanceMisbehaviour(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.commit("sluice/prd/app", "2", map[string]any{"start_branch": "main"})
	id, err := w.project.OpenMR(t.Context(), opening())
	w.must(err)
	for _, code := range []int{405, 406, 409, 422} {
		w.fake.Faults().Update(func(f *fakegitlab.Plan) { f.MergeAnswers = []int{code} })
		wantError(t, w.project.Merge(t.Context(), plan.MergeMR{MR: id, SHA: w.only().Head}), core.Conflict, fmt.Sprint(code))
	}
	w.must(w.fake.Faults().Add(fakegitlab.Rule{Method: "POST", Path: "/notes$", Times: 1, Status: 502, After: true}))
	wantError(t, w.project.WriteNote(t.Context(), plan.WriteNote{MR: id, Body: "once"}), core.Transient, "502")
	if n := len(w.only().Notes); n != 1 {
		t.Errorf("the comment was written %d times", n)
	}
	w.must(w.fake.Faults().Add(fakegitlab.Rule{Method: "GET", Path: "/approvals$", Times: 1, Status: 429, RetryAfter: 30}))
	_, err = w.project.MergeRequests(t.Context())
	wantError(t, err, core.Transient, "429")
	_, err = w.project.MergeRequests(t.Context())
	wantError(t, err, core.Transient, "not sent")
}
