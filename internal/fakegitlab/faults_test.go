package fakegitlab_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

func (w *world) merge() string {
	w.t.Helper()
	_, r, err := w.as("ann").MergeRequests.AcceptMergeRequest(w.pid, 1, nil)
	return codeOf(r, err)
}

func (w *world) iids() []int64 {
	w.t.Helper()
	var out []int64
	for _, mr := range ok3[[]*gitlab.BasicMergeRequest](w.t)(w.as("ann").MergeRequests.ListProjectMergeRequests(w.pid, nil)) {
		out = append(out, mr.IID)
	}
	return out
}

func TestSlowPreparationAndCheck(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	w.Faults().Set(fakegitlab.Plan{PrepareDelay: time.Minute, CheckDelay: time.Minute})
	box := newInbox(t)
	w.hook(box)
	w.open("sluice/a")
	got := w.get(1)
	expect(t, "preparing", []any{got.DetailedMergeStatus, got.PreparedAt == nil, got.DiffRefs.HeadSha, w.merge()}, []any{"preparing", true, "", "405"})
	expect(t, "no open hook yet", len(w.settled(box)), 1)
	w.clock.move(time.Minute)
	eventually(t, "open hook", func() bool { return len(box.all()) == 2 })
	expect(t, "open hook", box.all()[1].field("changes.merge_status.previous"), "preparing")
	expect(t, "checking", []string{w.get(1).DetailedMergeStatus, w.merge()}, []string{"checking", "405"})
	w.clock.move(time.Minute)
	expect(t, "checked", []string{w.get(1).DetailedMergeStatus, w.merge()}, []string{"mergeable", "200"})
}

func TestPrescribedMergeAnswersAndLock(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	w.open("sluice/a")
	expect(t, "mergeable", w.get(1).DetailedMergeStatus, "mergeable")
	w.Faults().Set(fakegitlab.Plan{MergeAnswers: []int{405, 405, 406, 409, 422}, LockedFor: time.Minute})
	expect(t, "answers", []string{w.merge(), w.merge(), w.merge(), w.merge(), w.merge(), w.merge()}, []string{"405", "405", "406", "409", "422", "200"})
	expect(t, "locked", w.get(1).State, "locked")
	w.clock.move(time.Minute)
	expect(t, "merged", w.get(1).State, "merged")
}

func TestStaleReads(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	w.open("sluice/a")
	w.clock.move(time.Hour)
	w.Faults().Set(fakegitlab.Plan{StaleFor: 30 * time.Second})
	old := w.get(1).SHA
	sha := w.commit("sluice-bot", "sluice/a", "README.md", "more\n")
	w.open("sluice/b")
	expect(t, "the past", []any{w.get(1).SHA, w.iids()}, []any{old, []int64{1}})
	w.clock.move(30 * time.Second)
	expect(t, "caught up", []any{w.get(1).SHA, w.iids()}, []any{sha, []int64{2, 1}})

	w.update("Renamed")
	w.Faults().Set(fakegitlab.Plan{StaleReads: 1})
	expect(t, "one stale read, then none", []string{w.get(1).Title, w.get(1).Title}, []string{"Promote sluice/a", "Renamed"})
}

func TestRules(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	w.open("sluice/a")
	notes := mrPath + "/1/notes"
	post := func() (int, http.Header, string) {
		return w.call("POST", notes, "ann", map[string]string{"body": "hi"})
	}
	count := func() int64 { return w.get(1).UserNotesCount }
	rule := func(r fakegitlab.Rule) {
		t.Helper()
		w.Faults().Clear()
		check(t, w.Faults().Add(r))
	}
	rule(fakegitlab.Rule{Method: "POST", Path: "/notes$", Times: 1, Status: 502})
	code, _, _ := post()
	expect(t, "before the effect", []any{code, count()}, []any{502, int64(0)})
	rule(fakegitlab.Rule{Method: "POST", Path: "/notes$", Times: 1, Status: 502, After: true})
	code, _, _ = post()
	expect(t, "after the effect", []any{code, count()}, []any{502, int64(1)})
	rule(fakegitlab.Rule{Method: "POST", Times: 1, Drop: true, After: true})
	code, _, text := post()
	expect(t, "dropped after the effect", []any{code, strings.Contains(text, "EOF"), count()}, []any{0, true, int64(2)})
	rule(fakegitlab.Rule{Path: "/notes", Times: 2, Skip: 1, Status: 429, RetryAfter: 7})
	var codes []int
	for range 4 {
		c, h, body := post()
		codes = append(codes, c)
		if c == 429 {
			expect(t, "429", []string{h.Get("Retry-After"), h.Get("Content-Type"), body}, []string{"7", "text/plain", "Retry later"})
		}
	}
	expect(t, "skip one, strike twice", codes, []int{201, 429, 429, 201})
	rule(fakegitlab.Rule{Path: `/platform/mono\.git/`, Times: 1, Status: 503})
	if out, err := git(t, t.TempDir(), "ls-remote", w.cloneURL("ann")); err == nil || !strings.Contains(out, "503") {
		t.Errorf("git under a rule: %v\n%s", err, out)
	}
	mustGit(t, t.TempDir(), "ls-remote", w.cloneURL("ann"))
	rule(fakegitlab.Rule{Path: "/version$", Times: 1, Delay: 20 * time.Millisecond})
	began := time.Now()
	code, _, _ = w.call("GET", "/api/v4/version", "ann", nil)
	expect(t, "slow but right", []any{code, time.Since(began) >= 20*time.Millisecond}, []any{200, true})
	if err := w.Faults().Add(fakegitlab.Rule{Path: "("}); err == nil {
		t.Error("a rule that is no regular expression was taken")
	}
}

func TestThrottles(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	w.open("sluice/a")
	w.Faults().Set(fakegitlab.Plan{PerMinute: 2})
	var codes []int
	var last http.Header
	for range 3 {
		code, h, _ := w.call("GET", "/api/v4/version", "ann", nil)
		codes, last = append(codes, code), h
	}
	expect(t, "third is too many", codes, []int{200, 200, 429})
	expect(t, "headers", []string{last.Get("RateLimit-Limit"), last.Get("RateLimit-Remaining"), last.Get("RateLimit-Reset"), last.Get("Retry-After")},
		[]string{"2", "0", fmt.Sprint(w.clock.now().Add(time.Minute).Unix()), "61"})
	code, _, _ := w.call("GET", "/api/v4/version", "bob", nil)
	expect(t, "others have their own", code, 200)
	w.clock.move(time.Minute)
	code, _, _ = w.call("GET", "/api/v4/version", "ann", nil)
	expect(t, "a minute later", code, 200)

	w.Faults().Set(fakegitlab.Plan{NotesPerMinute: 1})
	w.call("POST", mrPath+"/1/notes", "bob", map[string]string{"body": "a"})
	code, h, body := w.call("POST", mrPath+"/1/notes", "bob", map[string]string{"body": "b"})
	expect(t, "notes", fmt.Sprint(code, h.Get("RateLimit-Remaining"), body), `429{"message":{"error":"This endpoint has been requested too many times. Try again later."}}`)
}

func TestHookFaults(t *testing.T) {
	branches := func(letters []letter) []string {
		var out []string
		for _, l := range letters {
			out = append(out, strings.TrimPrefix(l.field("ref"), "refs/heads/"))
		}
		return out
	}
	for name, tc := range map[string]struct {
		f    fakegitlab.HookFaults
		want []string // sorted
	}{
		"dropped":    {fakegitlab.HookFaults{Drop: 1}, nil},
		"duplicated": {fakegitlab.HookFaults{Duplicate: 1}, []string{"a", "a", "b", "b"}},
		"reordered":  {fakegitlab.HookFaults{Reorder: 1}, []string{"a", "b"}},
		"delayed":    {fakegitlab.HookFaults{Delay: time.Hour}, []string{"a", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := start(t, fakegitlab.ProjectOptions{})
			box := newInbox(t)
			w.hook(box)
			w.Faults().Set(fakegitlab.Plan{Hooks: tc.f})
			w.commit("ann", "a", "README.md", "a\n")
			w.commit("ann", "b", "README.md", "b\n")
			if tc.f.Delay > 0 {
				expect(t, "still waiting", []int{w.PendingHooks(), len(box.all())}, []int{2, 0})
				w.clock.move(time.Hour)
			}
			got := w.settled(box)
			order := branches(got)
			if tc.f.Reorder > 0 {
				expect(t, "order", order, []string{"b", "a"})
			}
			slices.Sort(order)
			expect(t, "arrived", order, tc.want)
			if tc.f.Duplicate > 0 {
				keys := map[string]bool{}
				for _, l := range got {
					keys[l.header.Get("Idempotency-Key")] = true
				}
				expect(t, "keys", len(keys), 2)
			}
			if tc.f.Drop > 0 {
				expect(t, "lost", w.LostHooks(), 2)
			}
		})
	}
}

func TestRequestLog(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	w.ForgetRequests()
	w.get2("bob", "/api/v4/projects/platform%2Fmono?license=true")
	w.get2("", "/api/v4/version")
	mustGit(t, t.TempDir(), "ls-remote", w.cloneURL("dev"))
	var got []string
	for _, r := range w.Requests() {
		got = append(got, fmt.Sprint(r.Method, " ", r.Path, " ", r.User, " ", r.Status))
	}
	expect(t, "log", slices.Compact(got), []string{
		"GET /api/v4/projects/platform%2Fmono bob 200", "GET /api/v4/version  401",
		"GET /platform/mono.git/info/refs  401", "GET /platform/mono.git/info/refs dev 200", "POST /platform/mono.git/git-upload-pack dev 200",
	})
}

func (w *world) get2(user, path string) { w.t.Helper(); w.call("GET", path, user, nil) }

func TestPagesForPeople(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	w.open("sluice/a")
	w.call("POST", mrPath+"/1/notes", "ann", map[string]string{"body": "<b>looks</b> good"})
	for path, want := range map[string]string{
		"/":                                 `<a href="/platform/mono">`,
		"/platform/mono":                    "Promote sluice/a",
		"/platform/mono/-/merge_requests":   "Promote sluice/a",
		"/platform/mono/-/merge_requests/1": "&lt;b&gt;looks&lt;/b&gt; good",
	} {
		code, _, body := w.call("GET", path, "", nil)
		if code != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d, no %q in:\n%s", path, code, want, body)
		}
	}
	code, _, _ := w.call("GET", "/platform/other", "", nil)
	expect(t, "unknown page", code, 404)
}
