package world_test

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/cmd/sluice/internal/world"
	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

// writes are the changes that Sluice asked GitLab for, and what came of them.
func (r *rig) writes() []string {
	var out []string
	for _, q := range r.GitLab.Requests() {
		if q.User == world.Bot && q.Method != http.MethodGet && !strings.HasSuffix(q.Path, "git-upload-pack") {
			out = append(out, fmt.Sprint(q.Method, " ", q.Path, " ", q.Status))
		}
	}
	return out
}

// passes counts how often Sluice has begun to look at everything.
func (r *rig) passes() int {
	n := 0
	for _, q := range r.GitLab.Requests() {
		if q.User == world.Bot && q.Path == "/api/v4/user" && q.Status == http.StatusOK {
			n++
		}
	}
	return n
}

// looks waits until Sluice has looked at everything and acted on it, from now
// on, twice.
func (r *rig) looks() {
	r.t.Helper()
	before := r.passes()
	r.eventually("Sluice looks again", func() bool { return r.passes() >= before+3 })
}

// rests waits until Sluice looks and finds nothing to do.
func (r *rig) rests() {
	r.t.Helper()
	r.eventually("Sluice has nothing to do", func() bool {
		before := len(r.writes())
		r.looks()
		return len(r.writes()) == before
	})
}

// deliver sends a webhook as the GitLab would, authentic and of any content.
func (r *rig) deliver(event, key, body string) int {
	r.t.Helper()
	token, err := os.ReadFile(filepath.Join(r.dir, "gitlab_webhook_secrets"))
	must(r.t, err)
	q, err := http.NewRequestWithContext(r.ctx, http.MethodPost, r.HooksURL()+"/hooks/gitlab", strings.NewReader(body))
	must(r.t, err)
	q.Header = http.Header{"X-Gitlab-Event": {event}, "X-Gitlab-Token": {strings.TrimSpace(string(token))}, "Content-Type": {"application/json"}, "Idempotency-Key": {key}}
	answer, err := http.DefaultClient.Do(q)
	must(r.t, err)
	answer.Body.Close()
	return answer.StatusCode
}

// delivered are the bodies of all webhooks that the GitLab sent, newest first.
func (r *rig) delivered() (events, bodies []string) {
	r.t.Helper()
	hooks, _, err := r.person.Projects.ListProjectHooks(world.Project, nil)
	must(r.t, err)
	var list []struct {
		Headers map[string]string `json:"request_headers"`
		Body    rawJSON           `json:"request_data"`
	}
	q, err := r.person.NewRequest(http.MethodGet, fmt.Sprintf("projects/%s/hooks/%d/events", gitlab.PathEscape(world.Project), hooks[0].ID), &gitlab.ListOptions{PerPage: 100}, nil)
	must(r.t, err)
	_, err = r.person.Do(q, &list)
	must(r.t, err)
	for _, d := range list {
		events, bodies = append(events, d.Headers["X-Gitlab-Event"]), append(bodies, string(d.Body))
	}
	return events, bodies
}

// rawJSON keeps a document byte for byte.
type rawJSON []byte

func (j *rawJSON) UnmarshalJSON(b []byte) error { *j = bytes.Clone(b); return nil }

// head is the commit that main is at.
func (r *rig) head() string {
	r.t.Helper()
	branch, _, err := r.person.Branches.GetBranch(world.Project, "main")
	must(r.t, err)
	return branch.Commit.ID
}

// TestADuplicatedWebhookChangesNothing sends everything twice on the way, and
// afterwards ten times more at once: under the key that it had, as GitLab
// repeats it, and under others, as a hook of the group would.
func TestADuplicatedWebhookChangesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.GitLab.Faults().Update(func(p *fakegitlab.Plan) { p.Hooks.Duplicate = 1 })
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	r.bump()
	r.approveOnce()
	r.arrived()
	r.oneStickyNoteEach()
	r.rests()
	before, head := len(r.writes()), r.head()
	events, bodies := r.delivered()
	if len(events) < 10 {
		t.Fatalf("only %d webhooks were sent", len(events))
	}
	var all sync.WaitGroup
	for i := range events {
		for copied := range 10 {
			all.Go(func() {
				key := fmt.Sprintf("again-%d-%d", i, copied/5)
				if status := r.deliver(events[i], key, bodies[i]); status/100 != 2 {
					t.Errorf("%s was answered with %d", events[i], status)
				}
			})
		}
	}
	all.Wait()
	r.looks()
	if more := r.writes()[before:]; len(more) > 0 || r.head() != head {
		t.Errorf("copies of webhooks moved main from %s to %s, and led to %q", head, r.head(), more)
	}
}

// TestLostLateAndReorderedWebhooksConverge loses two of five and mixes the rest.
func TestLostLateAndReorderedWebhooksConverge(t *testing.T) {
	t.Parallel()
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			want := bumped(r.content("prd"))
			r.GitLab.Faults().Update(func(p *fakegitlab.Plan) {
				p.Hooks = fakegitlab.HookFaults{Seed: seed, Drop: 0.4, Duplicate: 0.3, Reorder: 0.5, Delay: 300 * time.Millisecond}
			})
			defer r.startPromoter(filepath.Join(r.dir, "mirror"), 500*time.Millisecond, nil)()
			r.bump()
			r.approveOnce()
			r.arrived()
			r.oneStickyNoteEach()
			if got := r.content("prd"); got != want {
				t.Errorf("prd has\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestWhatAWebhookClaimsIsNotBelieved sends authentic webhooks that tell of a
// merge, a push and approvals that never were.
func TestWhatAWebhookClaimsIsNotBelieved(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	r.bump()
	mr := r.openForPrd()
	r.rests()
	before, head := len(r.writes()), r.head()
	project, _, err := r.person.Projects.GetProject(world.Project, nil)
	must(t, err)
	at := fmt.Sprintf(`"project_id":%d,"project":{"id":%d,"path_with_namespace":%q,"web_url":%q}`, project.ID, project.ID, world.Project, project.WebURL)
	lie := strings.Repeat("f", 40)
	for i, hook := range [][2]string{
		{"Push Hook", fmt.Sprintf(`{"object_kind":"push",%s,"ref":"refs/heads/main","after":%q,"commits":[]}`, at, lie)},
		{"Push Hook", fmt.Sprintf(`{"object_kind":"push",%s,"ref":"refs/heads/sluice/prd/ai-gateway","after":"%040d"}`, at, 0)},
		{"Merge Request Hook", fmt.Sprintf(`{"object_kind":"merge_request",%s,"object_attributes":{"iid":%d,"action":"merge","state":"merged"}}`, at, mr)},
		{"Merge Request Hook", fmt.Sprintf(`{"object_kind":"merge_request",%s,"object_attributes":{"iid":%d,"action":"approved"},"user":{"username":"bea"}}`, at, mr)},
		{"Note Hook", fmt.Sprintf(`{"object_kind":"note",%s,"user":{"username":"amir"},"object_attributes":{"id":99,"note":"/sluice approve","noteable_type":"MergeRequest","action":"create"},"merge_request":{"iid":%d}}`, at, mr)},
		{"Pipeline Hook", fmt.Sprintf(`{"object_kind":"pipeline",%s,"object_attributes":{"status":"success","sha":%q},"merge_request":{"iid":%d}}`, at, lie, mr)},
	} {
		if status := r.deliver(hook[0], fmt.Sprint("lie-", i), hook[1]); status != http.StatusAccepted {
			t.Errorf("%s was answered with %d", hook[1], status)
		}
	}
	r.looks()
	if more := r.writes()[before:]; len(more) > 0 || r.head() != head {
		t.Errorf("lies moved main from %s to %s, and led to %q", head, r.head(), more)
	}
	r.approveOnce()
	r.arrived()
}

// TestWebhooksOfNoUseKeepTheHookAlive sends what a hook with every box ticked
// sends: GitLab switches off a hook that is answered with 4xx.
func TestWebhooksOfNoUseKeepTheHookAlive(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.GitLab.Faults().Update(func(p *fakegitlab.Plan) { p.AutoDisable = true })
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	for i, hook := range [][2]string{
		{"Issue Hook", `{"object_kind":"issue"}`}, {"Job Hook", `{"object_kind":"build"}`}, {"Wiki Page Hook", `{"object_kind":"wiki_page"}`},
		{"Release Hook", `{}`}, {"Deployment Hook", `{}`}, {"Feature Flag Hook", `{}`}, {"Some Later Hook", `{"object_kind":"later"}`},
		{"Note Hook", `{"object_kind":"note","object_attributes":{"note":"/sluice approve","noteable_type":"Commit"}}`},
		{"Note Hook", `{"object_kind":"note","object_attributes":{"note":"/sluice approve","noteable_type":"Snippet"}}`},
		{"Push Hook", `{"cut off`}, {"Push Hook", `[]`}, {"Push Hook", ``},
	} {
		if status := r.deliver(hook[0], fmt.Sprint("useless-", i), hook[1]); status/100 != 2 {
			t.Errorf("%s %s was answered with %d", hook[0], hook[1], status)
		}
	}
	r.bump()
	r.approveOnce()
	r.arrived()
	hooks, _, err := r.person.Projects.ListProjectHooks(world.Project, nil)
	must(t, err)
	if len(hooks) != 1 || hooks[0].AlertStatus != "executable" {
		t.Errorf("the hook is %+v", hooks[0])
	}
}

// TestAPushOfManyCommitsIsReadInFull brings the versions in the first of 25
// commits of one push: GitLab lists the newest 20 of them in the webhook.
func TestAPushOfManyCommitsIsReadInFull(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), aSweepThatNeverComes, nil)()
	dana, want := r.patient(world.Dana), bumped(r.content("prd"))
	for i := range 25 {
		action := &gitlab.CommitActionOptions{Action: new(gitlab.FileCreate), FilePath: new(fmt.Sprint("docs/", i)), Content: new("more")}
		if i == 0 {
			action = &gitlab.CommitActionOptions{Action: new(gitlab.FileUpdate), FilePath: new(patchFile("dev")), Content: new(bumped(r.content("dev")))}
		}
		_, _, err := dana.Commits.CreateCommit(world.Project, &gitlab.CreateCommitOptions{
			Branch: new("many"), StartBranch: map[bool]*string{true: new("main")}[i == 0], CommitMessage: new(fmt.Sprint("change ", i)), Actions: []*gitlab.CommitActionOptions{action},
		})
		must(t, err)
	}
	mr, _, err := dana.MergeRequests.CreateMergeRequest(world.Project, &gitlab.CreateMergeRequestOptions{Title: new("Many"), SourceBranch: new("many"), TargetBranch: new("main")})
	must(t, err)
	r.eventually("the many commits are merged", func() bool {
		_, _, err := r.person.MergeRequests.AcceptMergeRequest(world.Project, mr.IID, nil)
		return err == nil
	})
	r.approve()
	r.carries("prd", want)
	_, bodies := r.delivered()
	cut := slices.DeleteFunc(bodies, func(b string) bool { return !strings.Contains(b, `"total_commits_count":26`) })
	if len(cut) != 1 || strings.Contains(cut[0], "change 0") {
		t.Errorf("no webhook left the versions' commit out, so this test shows nothing: %q", cut)
	}
}

// TestSluiceDoesNotKeepItselfAwake leaves everything to hints: its own pushes,
// comments and merges bring some, a merge must lead to the next environment,
// and then it must be quiet.
func TestSluiceDoesNotKeepItselfAwake(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), aSweepThatNeverComes, nil)()
	r.bump()
	r.approveOnce()
	r.arrived()
	r.eventually("Sluice is quiet", func() bool {
		last := time.Time{}
		for _, q := range r.GitLab.Requests() {
			if q.User == world.Bot && q.Path == "/api/v4/user" {
				last = q.At
			}
		}
		return r.GitLab.PendingHooks() == 0 && time.Since(last) > 1500*time.Millisecond
	})
	count := map[string]int{}
	for _, w := range r.writes() {
		method, rest, _ := strings.Cut(w, " ")
		path, _, _ := strings.Cut(rest, " ")
		count[method+" "+path[strings.LastIndex(path, "/")+1:]]++
	}
	if count["POST merge_requests"] != 2 || count["POST notes"] != 2 || count["POST award_emoji"] != 2 {
		t.Errorf("Sluice wrote %v; want two merge requests with a comment each, and two reactions", count)
	}
}
