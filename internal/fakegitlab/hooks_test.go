package fakegitlab_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

func TestDeliveryHeadersAndSignature(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	box := newInbox(t)
	w.hook(box)
	w.commit("ann", "feature/x", "README.md", "hi\n")
	got := w.settled(box)
	expect(t, "deliveries", len(got), 1)
	h := got[0].header
	for name, want := range map[string]string{
		"Content-Type":             `^application/json$`,
		"User-Agent":               `^GitLab/19\.5\.0-fake$`,
		"X-Gitlab-Event":           `^Push Hook$`,
		"X-Gitlab-Token":           `^s3cret$`,
		"Idempotency-Key":          `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`,
		"X-Gitlab-Webhook-UUID":    `^[0-9a-f-]{36}$`,
		"X-Gitlab-Event-UUID":      `^[0-9a-f-]{36}$`,
		"X-Gitlab-Instance":        "^" + regexp.QuoteMeta(w.base) + "$",
		"Webhook-Timestamp":        fmt.Sprintf("^%d$", w.clock.now().Unix()),
		"Webhook-Signature":        `^v1,[A-Za-z0-9+/]{43}=$`,
		"X-Gitlab-Event-Duplicate": `^$`,
	} {
		if !regexp.MustCompile(want).MatchString(h.Get(name)) {
			t.Errorf("%s: %q, want %s", name, h.Get(name), want)
		}
	}
	expect(t, "webhook-id is the idempotency key", h.Get("webhook-id"), h.Get("Idempotency-Key"))
	key := make([]byte, 32) // the token's key is the bytes 0 to 31
	for i := range key {
		key[i] = byte(i)
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(h.Get("webhook-id") + "." + h.Get("webhook-timestamp") + "."))
	mac.Write(got[0].body)
	expect(t, "signature", h.Get("webhook-signature"), "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

func TestBodiesAreWhatTheClientLibraryParses(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	box := newInbox(t)
	w.hook(box)
	mr := w.open("sluice/a")
	n := ok3[*gitlab.Note](t)(w.as("ann").Notes.CreateMergeRequestNote(w.pid, 1, &gitlab.CreateMergeRequestNoteOptions{Body: gitlab.Ptr("hi")}))
	ok3[*gitlab.AwardEmoji](t)(w.as("ann").AwardEmoji.CreateMergeRequestAwardEmojiOnNote(w.pid, 1, n.ID, &gitlab.CreateAwardEmojiOptions{Name: "eyes"}))
	w.status("sluice-bot", mr.SHA, "success", "gate")
	ok3[*gitlab.MergeRequestApprovals](t)(w.as("ann").MergeRequestApprovals.ApproveMergeRequest(w.pid, 1, nil))
	w.update("Renamed")
	ok3[*gitlab.MergeRequest](t)(w.as("ann").MergeRequests.AcceptMergeRequest(w.pid, 1, &gitlab.AcceptMergeRequestOptions{ShouldRemoveSourceBranch: gitlab.Ptr(true)}))
	seen := map[string]int{}
	for _, l := range w.settled(box) {
		ev, err := gitlab.ParseWebhook(gitlab.EventType(l.event()), l.body)
		if err != nil {
			t.Errorf("%s: %v\n%s", l.event(), err, l.body)
		}
		switch ev := ev.(type) {
		case *gitlab.MergeEvent:
			seen["mr "+ev.ObjectAttributes.Action]++
			if ev.ObjectAttributes.Action == "update" {
				expect(t, "title change", ev.Changes.Title.Previous+" → "+ev.Changes.Title.Current, "Promote sluice/a → Renamed")
			}
		case *gitlab.MergeCommentEvent:
			seen["note "+string(ev.ObjectAttributes.Action)]++
			expect(t, "note", []any{ev.ObjectAttributes.Note, ev.MergeRequest.IID, ev.User.Username, ev.ObjectAttributes.ID}, []any{"hi", int64(1), "ann", n.ID})
		case *gitlab.PushEvent:
			seen["push"]++
			if ev.After == strings.Repeat("0", 40) {
				seen["push, branch gone"]++
				expect(t, "checkout_sha", ev.CheckoutSHA, "")
			}
		case *gitlab.PipelineEvent:
			seen["pipeline "+ev.ObjectAttributes.Status]++
		default:
			seen[fmt.Sprintf("%T", ev)]++
		}
	}
	expect(t, "events", seen, map[string]int{
		"mr open": 1, "mr approved": 1, "mr update": 1, "mr merge": 1, "note create": 1, "push": 3, "push, branch gone": 1,
		"pipeline success": 1, "*gitlab.EmojiEvent": 1,
	})
}

func TestPushHookDetails(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	box := newInbox(t)
	w.hook(box)
	dir := w.clone("bob")
	before := mustGit(t, dir, "rev-parse", "HEAD")
	for i := range 25 {
		write(t, dir, "n.txt", fmt.Sprint(i))
		mustGit(t, dir, "add", ".")
		mustGit(t, dir, "commit", "-qm", fmt.Sprint("commit ", i))
	}
	mustGit(t, dir, "push", "-q", "origin", "HEAD:main")
	var push struct {
		Before, After string
		Total         int `json:"total_commits_count"`
		RefProtected  bool
		Commits       []struct {
			Title                    string
			Added, Modified, Removed []string
		}
	}
	got := w.settled(box)
	check(t, json.Unmarshal(got[0].body, &push))
	expect(t, "range", []string{push.Before, push.After}, []string{before, w.head("main")})
	expect(t, "newest 20 of 25", []any{push.Total, len(push.Commits), push.Commits[0].Title, push.Commits[19].Title}, []any{25, 20, "commit 5", "commit 24"})
	expect(t, "paths", push.Commits[19].Modified, []string{"n.txt"})

	for i := range 4 {
		mustGit(t, dir, "branch", fmt.Sprint("b", i))
	}
	mustGit(t, dir, "push", "-q", "origin", "b0", "b1", "b2")
	expect(t, "three refs", len(w.settled(box)), 4)
	for i := range 4 {
		mustGit(t, dir, "branch", fmt.Sprint("c", i))
	}
	mustGit(t, dir, "push", "-q", "origin", "c0", "c1", "c2", "c3")
	expect(t, "four refs fire nothing", len(w.settled(box)), 4)
	mustGit(t, dir, "tag", "-am", "first", "v1")
	mustGit(t, dir, "push", "-q", "origin", "v1")
	expect(t, "tag", w.settled(box)[4].event(), "Tag Push Hook")
}

func TestHooksAPI(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	c := w.as("ann")
	box := newInbox(t)
	h := w.hook(box)
	expect(t, "secrets are only said to be there", []bool{h.TokenPresent, h.SigningTokenPresent, h.PushEvents, h.JobEvents}, []bool{true, true, true, false})
	code, _, body := w.call("GET", fmt.Sprintf("/api/v4/projects/%d/hooks/%d", w.pid, h.ID), "ann", nil)
	if code != 200 || strings.Contains(body, "s3cret") || strings.Contains(body, "whsec_") {
		t.Errorf("%d: the secrets are in %s", code, body)
	}
	ok3[*gitlab.ProjectHook](t)(c.Projects.EditProjectHook(w.pid, h.ID, &gitlab.EditProjectHookOptions{URL: gitlab.Ptr(box.URL + "/other"), NoteEvents: gitlab.Ptr(false)}))
	h = ok3[*gitlab.ProjectHook](t)(c.Projects.GetProjectHook(w.pid, h.ID))
	expect(t, "another URL resets the token", []bool{h.TokenPresent, h.SigningTokenPresent, h.NoteEvents}, []bool{false, true, false})
	_, err := c.Projects.TriggerTestProjectHook(w.pid, h.ID, gitlab.ProjectHookEventPush)
	check(t, err)
	r, err := c.Projects.TriggerTestProjectHook(w.pid, h.ID, gitlab.ProjectHookEventMergeRequests)
	expect(t, "no sample", codeOf(r, err), "422")

	events := fmt.Sprintf("/api/v4/projects/%d/hooks/%d/events", w.pid, h.ID)
	var list []struct {
		ID             int64
		Trigger        string
		ResponseStatus string            `json:"response_status"`
		RequestHeaders map[string]string `json:"request_headers"`
	}
	_, _, body = w.call("GET", events+"?status=successful", "ann", nil)
	check(t, json.Unmarshal([]byte(body), &list))
	expect(t, "events", []any{len(list), list[0].Trigger, list[0].ResponseStatus}, []any{1, "push_hooks", "200"})
	code, _, _ = w.call("POST", fmt.Sprintf("%s/%d/resend", events, list[0].ID), "ann", nil)
	expect(t, "resend", code, http.StatusCreated)
	got := box.all()
	expect(t, "same key", got[1].header.Get("Idempotency-Key"), got[0].header.Get("Idempotency-Key"))
	expect(t, "developers see no hooks", func() string { _, r, err := w.as("dev").Projects.ListProjectHooks(w.pid, nil); return codeOf(r, err) }(), "403")
	_, err = c.Projects.DeleteProjectHook(w.pid, h.ID)
	check(t, err)
	expect(t, "hooks left", len(ok3[[]*gitlab.ProjectHook](t)(c.Projects.ListProjectHooks(w.pid, nil))), 0)
}

func TestAutoDisable(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	w.Faults().Set(fakegitlab.Plan{AutoDisable: true})
	box := newInbox(t)
	box.answer(http.StatusInternalServerError)
	w.open("sluice/a")
	h := w.hook(box)
	push := func() {
		w.call("POST", mrPath+"/1/notes", "ann", map[string]string{"body": "hi"})
		w.settled(box)
	}
	alert := func() string {
		h := ok3[*gitlab.ProjectHook](t)(w.as("ann").Projects.GetProjectHook(w.pid, h.ID))
		return h.AlertStatus
	}
	for range 3 {
		push()
	}
	expect(t, "three failures", alert(), "executable")
	push()
	expect(t, "the fourth", alert(), "temporarily_disabled")
	push()
	expect(t, "events while disabled are lost", len(box.all()), 4)
	w.clock.move(time.Minute)
	expect(t, "a minute later", alert(), "executable")
	push()
	w.clock.move(time.Minute)
	expect(t, "backoff has doubled", alert(), "temporarily_disabled")
	for range 35 {
		w.clock.move(24 * time.Hour)
		push()
	}
	expect(t, "the fortieth", []any{alert(), len(box.all())}, []any{"disabled", 40})
	box.answer(http.StatusFound) // a redirection is a success
	_, err := w.as("ann").Projects.TriggerTestProjectHook(w.pid, h.ID, gitlab.ProjectHookEventPush)
	check(t, err)
	expect(t, "after a good test", alert(), "executable")
}
