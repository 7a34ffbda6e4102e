package gitlab_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

func TestNewRefusesAnAddressWithoutRepeatingIt(t *testing.T) {
	t.Parallel()
	source := func() (core.Secret, error) { return token, nil }
	for _, address := range []string{
		"", "gitlab.com", "ftp://gitlab.com", "https://", "https://gitlab.com?private_token=" + token,
		"https://bot:" + token + "@gitlab.com", "https://bot:" + token + "/x@gitlab.com", "https://" + token + "%zz@gitlab.com",
	} {
		_, err := gitlab.New(gitlab.Config{BaseURL: address, Token: source})
		wantError(t, err, core.Invalid, "gitlab base url")
	}
	_, err := gitlab.New(gitlab.Config{BaseURL: "https://gitlab.com"})
	wantError(t, err, core.Invalid, "token")
}

func TestAddressMayHaveAPath(t *testing.T) {
	t.Parallel()
	s := serve(t, one("GET /gitlab/api/v4/projects/ai%2Fflux", reply{body: projectBody}))
	s.url += "/gitlab"
	if _, err := s.client(setup{}).Project(t.Context(), "ai/flux"); err != nil {
		t.Fatal(err)
	}
}

func TestAnswersBecomeKinds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply reply
		kind  core.Kind
		wait  time.Duration
		says  string
	}{
		"unauthorised": {reply{401, nil, `{"message":"401 Unauthorized"}`}, core.Denied, 0, "gitlab answered 401: 401 Unauthorized"},
		"forbidden":    {reply{403, nil, `{"error":"insufficient_scope","scope":"api"}`}, core.Denied, 0, "insufficient_scope, scope api"},
		"not found":    {reply{404, nil, `{"message":"404 Project Not Found"}`}, core.NotFound, 0, "404 Project Not Found"},
		"bad request":  {reply{400, nil, `{"message":{"title":["can't be blank","is bad"]}}`}, core.Invalid, 0, "title can't be blank, is bad"},
		"conflict":     {reply{409, nil, `{"message":["it is so"]}`}, core.Conflict, 0, "gitlab answered 409: it is so"},
		"teapot":       {reply{418, nil, ""}, core.Invalid, 0, "gitlab answered 418"},
		"plain 429": {reply{429, map[string]string{"Retry-After": "17"}, "Retry later\n"},
			core.Transient, 17 * time.Second, "gitlab answered 429: Retry later"},
		"429 until a date": {reply{429, map[string]string{"Retry-After": "Wed, 04 Mar 2026 05:06:37 GMT"}, ""},
			core.Transient, 30 * time.Second, "429"},
		"429 until the budget is new": {reply{429, map[string]string{"RateLimit-Remaining": "0", "RateLimit-Reset": "1772600790"}, ""},
			core.Transient, 23 * time.Second, "429"},
		"429 of another budget": {reply{429, map[string]string{"RateLimit-Remaining": "1999", "RateLimit-Reset": "1772600790"}, ""},
			core.Transient, time.Minute, "429"},
		"429 without a time":      {reply{429, nil, `{"error":"too many"}`}, core.Transient, time.Minute, "too many"},
		"429 until the year 9000": {reply{429, map[string]string{"Retry-After": "2000000000"}, ""}, core.Transient, time.Hour, "429"},
		"429 until the past": {reply{429, map[string]string{"Retry-After": "Wed, 04 Mar 2020 05:06:37 GMT"}, ""},
			core.Transient, time.Second, "429"},
		"503 with a time":        {reply{503, map[string]string{"Retry-After": "120"}, "<html>"}, core.Transient, 2 * time.Minute, "(an HTML page)"},
		"HTML 502":               {reply{502, nil, "<!DOCTYPE html>\n<title>502</title>"}, core.Transient, 0, "gitlab answered 502: (an HTML page)"},
		"a page, not JSON":       {reply{200, nil, "<html>hello"}, core.Transient, 0, "not the JSON document"},
		"cut off":                {reply{200, nil, `{"id":7,"path`}, core.Transient, 0, "not the JSON document"},
		"another form":           {reply{200, nil, `{"id":{"a":1}}`}, core.Internal, 0, "not of the expected form"},
		"nothing of use":         {reply{200, nil, `{}`}, core.Internal, 0, "no id"},
		"terminal controls":      {reply{400, nil, "a\x1b[31mb\r\n\x00c\u202e"}, core.Invalid, 0, "gitlab answered 400: a[31mb c"},
		"a long text":            {reply{400, nil, strings.Repeat("é", 1000)}, core.Invalid, 0, ": " + strings.Repeat("é", 299) + "…"},
		"a list at the top":      {reply{422, nil, `["one","two"]`}, core.Invalid, 0, "one, two"},
		"an echo of the request": {reply{400, nil, "Private-Token: " + token}, core.Invalid, 0, "Private-Token: [redacted]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, one(openProject, tc.reply))
			_, err := s.client(setup{}).Project(t.Context(), "ai/flux")
			wantError(t, err, tc.kind, "find project ai/flux", tc.says)
			if got := core.WaitOf(err); got != tc.wait {
				t.Errorf("wait is %v, want %v", got, tc.wait)
			}
		})
	}
}

func TestStaysAwayUntilTheTimeGitLabNamed(t *testing.T) {
	t.Parallel()
	s := serve(t, one(openProject, reply{429, map[string]string{"Retry-After": "60"}, "Retry later"}, reply{body: projectBody}))
	clock := newClock()
	client := s.client(setup{clock: clock})
	ask := func() error {
		_, err := client.Project(t.Context(), "ai/flux")
		return err
	}
	wantError(t, ask(), core.Transient, "429")
	clock.advance(45 * time.Second)
	err := ask()
	wantError(t, err, core.Transient, "find project ai/flux: not sent", "2026-03-04T05:07:07Z")
	if got := core.WaitOf(err); got != 15*time.Second {
		t.Errorf("the rest of the wait is %v, want 15s", got)
	}
	if len(s.got) != 1 {
		t.Errorf("%d requests were sent while the gate was shut", len(s.got)-1)
	}
	clock.advance(15 * time.Second)
	if err := ask(); err != nil {
		t.Errorf("after the wait: %v", err)
	}
}

func TestALimitOnOneEndpointLeavesTheOthersOpen(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string][]reply{
		"POST projects/7/merge_requests/3/notes": {{429, nil, `{"message":{"error":"This endpoint has been requested too many times."}}`}},
		"GET projects/7":                         {{body: projectBody}},
		"GET user":                               {{body: `{"id":99,"username":"bot"}`}},
	})
	p := s.project(setup{})
	err := p.WriteNote(t.Context(), plan.WriteNote{MR: 3, Body: "hello"})
	wantError(t, err, core.Transient, "too many times")
	if core.WaitOf(err) != time.Minute {
		t.Errorf("wait is %v, want a minute", core.WaitOf(err))
	}
	if _, err := p.Describe(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOnlyReadsAreRepeated(t *testing.T) {
	t.Parallel()
	const comment, merge = "POST projects/7/merge_requests/3/notes", "PUT projects/7/merge_requests/3/merge"
	bad := reply{502, nil, "<html>Bad Gateway</html>"}
	s := serve(t, map[string][]reply{openProject: {bad, bad, {body: projectBody}}, comment: {bad}, merge: {bad}})
	p := s.project(setup{})
	if n := len(s.got); n != 3 {
		t.Errorf("the read was sent %d times, want 3", n)
	}
	wantError(t, p.WriteNote(t.Context(), plan.WriteNote{MR: 3, Body: "x"}), core.Transient, "502", "comment on merge request !3 in ai/flux")
	wantError(t, p.Merge(t.Context(), plan.MergeMR{MR: 3, SHA: shaA}), core.Transient, "502")
	if diff := cmp.Diff([]string{comment, merge}, s.lines()); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

func TestTokenIsReadForEachRequest(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string][]reply{"GET projects/7": {{body: projectBody}}, "GET user": {{body: `{"id":99,"username":"bot"}`}}})
	calls := 0
	p := s.project(setup{token: func() (core.Secret, error) {
		calls++
		return core.Secret(fmt.Sprint("t", calls)), nil
	}})
	if _, err := p.Describe(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, r := range s.got {
		want := http.Header{"Private-Token": {fmt.Sprint("t", i+1)}, "User-Agent": {"sluice"}, "Accept": {"application/json"}}
		for k := range want {
			if diff := cmp.Diff(want[k], r.header[k]); diff != "" {
				t.Errorf("request %d, header %s (-want +got):\n%s", i+1, k, diff)
			}
		}
	}
}

func TestATokenThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		token core.Secret
		err   error
		kind  core.Kind
		says  string
	}{
		"no file":           {"", errors.New("open token: no such file"), core.Denied, "no such file"},
		"a kind of its own": {"", core.Errorf(core.Transient, "vault is sealed"), core.Transient, "vault is sealed"},
		"empty":             {"", nil, core.Denied, "empty"},
		"a line break":      {token + "\n", nil, core.Denied, "control characters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, map[string][]reply{})
			client := s.client(setup{token: func() (core.Secret, error) { return tc.token, tc.err }})
			_, err := client.Project(t.Context(), "ai/flux")
			wantError(t, err, tc.kind, "find project ai/flux", tc.says)
		})
	}
}

func TestNetworkErrorsAreTransient(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string][]reply{})
	gone := httptest.NewServer(http.NotFoundHandler())
	s.url = gone.URL
	gone.Close()
	_, err := s.client(setup{}).Project(t.Context(), "ai/flux")
	wantError(t, err, core.Transient, "find project ai/flux: gitlab cannot be reached", "refused")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.client(setup{}).Project(ctx, "ai/flux")
	wantError(t, err, core.Transient, "find project ai/flux")
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v does not say that the context ended", err)
	}
}

func TestAMovedProjectIsFollowed(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string][]reply{
		openProject:      {{301, map[string]string{"Location": "{url}/api/v4/projects/7"}, ""}},
		"GET projects/7": {{body: strings.ReplaceAll(projectBody, "ai/flux", "platform/flux")}},
		"GET user":       {{body: `{"id":99,"username":"bot","state":"active"}`}},
	})
	var log bytes.Buffer
	p := s.project(setup{log: &log})
	got, err := p.Describe(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := plan.Project{
		ID: 7, Path: "platform/flux", WebURL: "https://gl.example/platform/flux", DefaultBranch: "main", Bot: 99, BotName: "bot",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("project (-want +got):\n%s", diff)
	}
	if !strings.Contains(log.String(), "has moved") || !strings.Contains(log.String(), "repo=platform/flux") {
		t.Errorf("the log does not tell: %s", &log)
	}
}

func TestARedirectElsewhereIsNotFollowed(t *testing.T) {
	t.Parallel()
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the other host was asked, with token %q", r.Header.Get("Private-Token"))
	}))
	defer other.Close()
	to := map[string]string{"Location": strings.Replace(other.URL, "http://", "http://user:"+token+"@", 1) + "/api/v4/projects/7"}
	s := serve(t, one(openProject, reply{301, to, ""}))
	_, err := s.client(setup{}).Project(t.Context(), "ai/flux")
	wantError(t, err, core.Invalid, "redirect to "+other.URL, "base url")

	const close = "PUT projects/7/merge_requests/3"
	s = serve(t, one(close, reply{302, map[string]string{"Location": "{url}/api/v4/user"}, ""}))
	wantError(t, s.project(setup{}).CloseMR(t.Context(), plan.CloseMR{MR: 3}), core.Invalid, "redirect")
	if diff := cmp.Diff([]string{close}, s.lines()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestDescribeRefusesAProjectWithoutAnythingToPromote(t *testing.T) {
	t.Parallel()
	s := serve(t, one("GET projects/7", reply{body: `{"id":7,"path_with_namespace":"ai/flux","default_branch":null}`}))
	_, err := s.project(setup{}).Describe(t.Context())
	wantError(t, err, core.NotFound, "ai/flux", "no default branch")
}

func TestDescribeReportsAnArchivedProject(t *testing.T) {
	t.Parallel()
	s := serve(t, map[string][]reply{
		"GET projects/7": {{body: strings.ReplaceAll(projectBody, "false", "true")}},
		"GET user":       {{body: `{"id":99,"username":"bot"}`}},
	})
	got, err := s.project(setup{}).Describe(t.Context())
	if err != nil || !got.Archived {
		t.Errorf("archived is %v, error %v", got.Archived, err)
	}
}
