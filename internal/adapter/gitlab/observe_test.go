package gitlab_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

const (
	listOpened = "GET projects/7/merge_requests?labels=sluice&order_by=created_at&per_page=100&scope=all&sort=asc&state=opened&target_branch=main"
	listLocked = "GET projects/7/merge_requests?labels=sluice&order_by=created_at&per_page=100&scope=all&sort=asc&state=locked&target_branch=main"
	listClosed = "GET projects/7/merge_requests?order_by=created_at&per_page=100&scope=all&sort=desc" +
		"&source_branch=sluice%2Fprd%2Fweb&state=closed&target_branch=main"
)

func page(line string, n int) string {
	return strings.Replace(line, "order_by=created_at&", fmt.Sprintf("order_by=created_at&page=%d&", n), 1)
}

// mrBody is a merge request as a list or a single read gives it.
func mrBody(iid int, state string, changes ...string) string {
	body := fmt.Sprintf(`{"iid":%d,"state":%q,"source_project_id":7,"target_project_id":7,"source_branch":"sluice/prd/app%d",
		"target_branch":"main","sha":null,"created_at":"2026-03-01T00:00:00.000Z"}`, iid, state, iid)
	return strings.NewReplacer(changes...).Replace(body)
}

// details are the answers for a merge request on which nothing hangs.
func details(replies map[string][]reply, iid int, body string) {
	mr := fmt.Sprintf("GET projects/7/merge_requests/%d", iid)
	replies[mr] = []reply{{body: body}}
	replies[mr+"/versions?per_page=100"] = []reply{{body: `[]`}}
	replies[mr+"/approvals"] = []reply{{body: `{"approved_by":[]}`}}
	replies[mr+"/notes?order_by=created_at&per_page=100&sort=asc"] = []reply{{body: `[]`}}
}

func list(bodies ...string) reply { return reply{body: "[" + strings.Join(bodies, ",") + "]"} }

func TestAMergeRequestInFull(t *testing.T) {
	t.Parallel()
	const notes = "GET projects/7/merge_requests/3/notes?order_by=created_at&per_page=100&sort=asc"
	s := serve(t, map[string][]reply{
		listOpened: {list(mrBody(3, "opened"))},
		listLocked: {list()},
		"GET projects/7/merge_requests/3": {{body: `{
			"id":9003,"iid":3,"web_url":"https://gl.example/ai/flux/-/merge_requests/3","state":"opened","draft":true,
			"source_project_id":7,"target_project_id":7,"source_branch":"sluice/prd/web","target_branch":"main",
			"sha":"` + string(shaA) + `","title":"web: 1.2.3","description":"why\nhow","labels":["sluice","env::prd"],
			"author":{"id":99,"username":"bot"},"closed_by":null,"created_at":"2026-03-01T10:00:00.123+02:00",
			"prepared_at":"2026-03-01T08:00:05.000Z","detailed_merge_status":"a_status_of_tomorrow","merge_error":null,
			"milestone":{"due_date":"someday"},"changes_count":12,
			"head_pipeline":{"id":41,"sha":"` + string(shaA) + `","ref":"sluice/prd/web","status":"success","web_url":"https://gl.example/p/41","coverage":30.5}}`}},
		"GET projects/7/repository/commits/" + string(shaA) + "/statuses?per_page=100": {{body: `[
			{"id":201,"name":"sluice/gates","status":"pending","description":"waiting","pipeline_id":41,"author":{"id":99},"coverage":null},
			{"id":202,"name":"lint","status":"a state of tomorrow","description":null,"pipeline_id":41,"allow_failure":true,"author":null}]`}},
		"GET projects/7/merge_requests/3/versions?per_page=100": {{body: `[
			{"id":110,"head_commit_sha":"` + string(shaB) + `","created_at":"2026-03-01T08:00:00.000Z"},
			{"id":112,"head_commit_sha":null,"created_at":"2026-03-01T09:00:00.000Z"},
			{"id":111,"head_commit_sha":"` + string(shaA) + `","created_at":"2026-03-01T09:00:00.000Z"}]`}},
		"GET projects/7/merge_requests/3/approvals": {{body: `{"approved":true,"approved_by":[
			{"user":{"id":5},"approved_at":"2026-03-01T11:00:00.000Z"},{"user":{"id":6}}]}`}},
		notes: {{header: map[string]string{"Link": `<{url}/api/v4/projects/7/merge_requests/3/notes?page=2&per_page=100>; rel="next", <{url}/x>; rel="first"`},
			body: `[{"id":72,"type":"DiscussionNote","resolvable":true,"resolved":true,"body":"second","author":{"id":6},"created_at":"2026-03-01T10:00:00.000Z","updated_at":"2026-03-01T10:30:00.000Z"},
			{"id":71,"type":null,"body":"first","author":{"id":5},"created_at":"2026-03-01T10:00:00.000Z","updated_at":"2026-03-01T10:00:00.000Z"},
			{"id":70,"body":"added 1 commit","system":true,"author":{"id":99},"created_at":"2026-03-01T09:00:00.000Z","updated_at":"2026-03-01T09:00:00.000Z"}]`}},
		page(notes, 2): {{body: `[
			{"id":73,"type":"DiffNote","body":"a line","author":{"id":5},"created_at":"2026-03-01T11:00:00.000Z","updated_at":"2026-03-01T11:00:00.000Z","position":{"line_range":7}},
			{"id":74,"body":"among us","author":{"id":5},"internal":true,"created_at":"2026-03-01T12:00:00.000Z","updated_at":"2026-03-01T12:00:00.000Z"}]`}},
	})
	got, err := s.project(setup{}).MergeRequests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	at := func(h, m int) time.Time { return time.Date(2026, 3, 1, h, m, 0, 0, time.UTC) }
	want := []plan.MergeRequest{{
		ID: 3, URL: "https://gl.example/ai/flux/-/merge_requests/3", State: plan.Opened, Draft: true,
		Source: "sluice/prd/web", Target: "main", Head: shaA, Title: "web: 1.2.3", Description: "why\nhow",
		Labels: []string{"sluice", "env::prd"}, Author: 99,
		AuthorName: "bot", CreatedAt: at(8, 0).Add(123 * time.Millisecond), Prepared: true,
		MergeStatus: "a_status_of_tomorrow",
		Pipeline:    &plan.Pipeline{ID: 41, SHA: shaA, Head: shaA, Ref: "sluice/prd/web", Status: "success", URL: "https://gl.example/p/41"},
		Statuses: []plan.CommitStatus{
			{ID: 201, Name: "sluice/gates", Pipeline: 41, State: "pending", Description: "waiting", Author: 99},
			{ID: 202, Name: "lint", Pipeline: 41, State: "a state of tomorrow", Optional: true},
		},
		Versions:  []plan.Version{{CreatedAt: at(9, 0)}, {Head: shaA, CreatedAt: at(9, 0)}, {Head: shaB, CreatedAt: at(8, 0)}},
		Approvals: []plan.Approval{{User: 5, At: at(11, 0)}, {User: 6}},
		Notes: []plan.Note{
			{ID: 71, Author: 5, Body: "first", CreatedAt: at(10, 0), UpdatedAt: at(10, 0)},
			{ID: 72, Author: 6, Body: "second", CreatedAt: at(10, 0), UpdatedAt: at(10, 30), Resolvable: true, Resolved: true},
			{ID: 73, Author: 5, Body: "a line", CreatedAt: at(11, 0), UpdatedAt: at(11, 0), Diff: true},
			{ID: 74, Author: 5, Body: "among us", CreatedAt: at(12, 0), UpdatedAt: at(12, 0), Internal: true},
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("merge requests (-want +got):\n%s", diff)
	}
}

func TestOnlyOpenMergeRequestsOfOursAreRead(t *testing.T) {
	t.Parallel()
	replies := map[string][]reply{
		listOpened: {{header: map[string]string{"X-Next-Page": "2", "Link": "<http://cdn.example/a.css>; preload"}, body: "[" + strings.Join([]string{
			mrBody(9, "opened"),
			mrBody(10, "opened", `"source_project_id":7`, `"source_project_id":8`),
			mrBody(11, "opened", `"source_project_id":7`, `"source_project_id":null`),
			mrBody(12, "opened", `"target_branch":"main"`, `"target_branch":"other"`),
			mrBody(13, "opened", `sluice/prd/`, `feature/`),
			mrBody(14, "opened"),
			mrBody(15, "opened"),
			mrBody(16, "opened"),
		}, ",") + "]"}},
		page(listOpened, 2): {list(mrBody(4, "opened"), mrBody(5, "opened"))},
		listLocked:          {list(mrBody(5, "locked"), mrBody(6, "locked"))},
	}
	for iid, body := range map[int]string{
		9: mrBody(9, "opened"), 4: mrBody(4, "opened"), 5: mrBody(5, "locked"), 6: mrBody(6, "locked"),
		14: mrBody(14, "merged"),
		15: mrBody(15, "opened", `"target_branch":"main"`, `"target_branch":"other"`),
	} {
		details(replies, iid, body)
	}
	replies["GET projects/7/merge_requests/16"] = []reply{{404, nil, `{"message":"404 Not found"}`}}
	s := serve(t, replies)
	got, err := s.project(setup{}).MergeRequests(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var seen []string
	for _, mr := range got {
		seen = append(seen, fmt.Sprintf("!%d %s", mr.ID, mr.State))
		if mr.Head != "" || mr.Pipeline != nil || mr.Prepared {
			t.Errorf("!%d is not as bare as GitLab says: %+v", mr.ID, mr)
		}
	}
	if diff := cmp.Diff([]string{"!4 opened", "!5 locked", "!6 locked", "!9 opened"}, seen); diff != "" {
		t.Errorf("merge requests (-want +got):\n%s", diff)
	}
	var reads int
	for _, line := range s.lines() {
		if line == "GET projects/7/merge_requests/5" {
			reads++
		}
	}
	if reads != 1 {
		t.Errorf("!5 was read %d times", reads)
	}
}

func TestAMergeRequestThatVanishesWhileItIsRead(t *testing.T) {
	t.Parallel()
	replies := map[string][]reply{listOpened: {list(mrBody(3, "opened"))}, listLocked: {list()}}
	details(replies, 3, mrBody(3, "opened"))
	replies["GET projects/7/merge_requests/3/approvals"] = []reply{{404, nil, `{"message":"404 Not found"}`}}
	_, err := serve(t, replies).project(setup{}).MergeRequests(t.Context())
	wantError(t, err, core.Conflict, "vanished", "read approvals of merge request !3 in ai/flux")
}

func TestARateLimitAmongParallelReads(t *testing.T) {
	t.Parallel()
	replies := map[string][]reply{listLocked: {list()}}
	var bodies []string
	for iid := range 30 {
		bodies = append(bodies, mrBody(iid+1, "opened"))
		details(replies, iid+1, mrBody(iid+1, "opened"))
	}
	replies[listOpened] = []reply{list(bodies...)}
	replies["GET projects/7/merge_requests/2"] = []reply{{429, map[string]string{"Retry-After": "9"}, "Retry later"}}
	s := serve(t, replies)
	_, err := s.project(setup{}).MergeRequests(t.Context())
	wantError(t, err, core.Transient, "merge request")
	if core.WaitOf(err) != 9*time.Second {
		t.Errorf("wait of %q is %v, want 9s", err, core.WaitOf(err))
	}
	if n := len(s.lines()); n > 60 {
		t.Errorf("%d requests were sent although the second one was told to wait", n)
	}
}

func TestTooManyIsAnErrorNotACutOffList(t *testing.T) {
	t.Parallel()
	full := list(slices.Repeat([]string{mrBody(3, "opened", "sluice/", "feature/")}, 100)...)
	replies := map[string][]reply{}
	for n := range 21 {
		line := listOpened
		if n > 0 {
			line = page(listOpened, n+1)
		}
		r := full
		r.header = map[string]string{"X-Next-Page": fmt.Sprint(n + 2)}
		replies[line] = []reply{r}
	}
	_, err := serve(t, replies).project(setup{}).MergeRequests(t.Context())
	wantError(t, err, core.Invalid, "list opened merge requests in ai/flux", "more than the 2000")
}

func TestPagesThatNeverEnd(t *testing.T) {
	t.Parallel()
	empty := reply{header: map[string]string{"X-Next-Page": "2"}, body: `[]`}
	s := serve(t, map[string][]reply{listOpened: {empty}, page(listOpened, 2): {empty}})
	_, err := s.project(setup{}).MergeRequests(t.Context())
	wantError(t, err, core.Invalid, "more than")
}

func TestLastClosed(t *testing.T) {
	t.Parallel()
	closed := func(iid int, changes ...string) string {
		return mrBody(iid, "closed", append(changes, fmt.Sprintf("sluice/prd/app%d", iid), "sluice/prd/web",
			`"sha":null`, `"sha":"`+string(shaA)+`","closed_by":{"id":5},"closed_at":"2026-03-01T09:00:00.000Z"`)...)
	}
	mr := func(iid int) string { return fmt.Sprintf("GET projects/7/merge_requests/%d", iid) }
	const commit = "GET projects/7/repository/commits/" + string(shaA)
	gone := reply{http.StatusNotFound, nil, `{"message":"404 Commit Not Found"}`}
	fork := closed(9, `"source_project_id":7`, `"source_project_id":8`)
	talk := func(iid int) string {
		return fmt.Sprintf("GET projects/7/merge_requests/%d/notes?order_by=created_at&per_page=100&sort=asc", iid)
	}
	said := reply{body: `[{"id":71,"body":"no","author":{"id":5},"created_at":"2026-03-01T10:00:00.000Z","updated_at":"2026-03-01T10:00:00.000Z"}]`}
	at := time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)
	want := plan.MergeRequest{
		ID: 4, State: plan.Closed, Source: "sluice/prd/web", Target: "main", Head: shaA, ClosedBy: 5, ClosedAt: at.Add(-time.Hour), Ended: at.Add(-time.Hour),
		CreatedAt: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), HeadMessage: "web 1.2.3\n\nSluice-Version: 1\n",
		Notes: []plan.Note{{ID: 71, Author: 5, Body: "no", CreatedAt: at, UpdatedAt: at}},
	}
	forgotten := want
	forgotten.HeadMessage = ""
	for name, tc := range map[string]struct {
		replies map[string][]reply
		found   bool
		want    plan.MergeRequest
	}{
		"none":          {map[string][]reply{listClosed: {list()}}, false, plan.MergeRequest{}},
		"only a fork's": {map[string][]reply{listClosed: {list(fork)}}, false, plan.MergeRequest{}},
		"the newest": {map[string][]reply{
			listClosed: {list(fork, closed(4), closed(2))}, mr(4): {{body: closed(4)}}, talk(4): {said},
			commit: {{body: `{"id":"x","title":"web 1.2.3","message":"web 1.2.3\n\nSluice-Version: 1\n"}`}},
		}, true, want},
		"its commit is gone": {map[string][]reply{
			listClosed: {list(closed(4))}, mr(4): {{body: closed(4)}}, talk(4): {said}, commit: {gone},
		}, true, forgotten},
		"the newer one was reopened": {map[string][]reply{
			listClosed: {list(closed(6), closed(4))}, mr(6): {{body: closed(6, `"closed"`, `"opened"`)}}, mr(4): {{body: closed(4)}}, talk(4): {said},
			commit: {gone},
		}, true, forgotten},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, found, err := serve(t, tc.replies).project(setup{}).LastClosed(t.Context(), "sluice/prd/web")
			if err != nil || found != tc.found {
				t.Fatalf("found is %v, error %v", found, err)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("merge request (-want +got):\n%s", diff)
			}
		})
	}
}
