package gitlab_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
	"github.com/sluice-gitops/sluice/internal/core"
)

func specOf() gitlab.HookSpec {
	return gitlab.HookSpec{
		URL: "https://sluice.example/hooks/gitlab", Name: "Sluice", Description: "why", Filter: "main",
		Events: map[string]bool{"push_events": true, "note_events": true, "job_events": false}, Token: "tok", SigningToken: "whsec_x",
	}
}

// TestHookSpecOnTheWire pins what is sent, secrets among it.
func TestHookSpecOnTheWire(t *testing.T) {
	s := serve(t, map[string][]reply{"POST projects/7/hooks": {{status: 201, body: `{"id":5}`}}, "PUT projects/7/hooks/5": {{body: `{"id":5}`}}})
	p := s.project(setup{})
	if err := p.CreateHook(t.Context(), specOf()); err != nil {
		t.Fatal(err)
	}
	const rest = `"branch_filter_strategy":"wildcard","custom_webhook_template":"","description":"why","enable_ssl_verification":true,"job_events":false,"name":"Sluice","note_events":true,"push_events":true,"push_events_branch_filter":"main",`
	if got, want := s.last().body, `{`+rest+`"signing_token":"whsec_x","token":"tok","url":"https://sluice.example/hooks/gitlab"}`; got != want {
		t.Errorf("sent %s\nwant %s", got, want)
	}
	spec := specOf()
	spec.Token, spec.SigningToken = "", ""
	if err := p.EditHook(t.Context(), 5, spec); err != nil {
		t.Fatal(err)
	}
	if got, want := s.last().body, `{`+rest+`"url":"https://sluice.example/hooks/gitlab"}`; got != want {
		t.Errorf("sent %s\nwant %s", got, want)
	}
}

// TestCreateHookIsNeverRepeated leaves what a lost answer means to the caller.
func TestCreateHookIsNeverRepeated(t *testing.T) {
	s := serve(t, one("POST projects/7/hooks", reply{status: 502, body: "<html>"}))
	wantError(t, s.project(setup{}).CreateHook(t.Context(), specOf()), core.Transient, "create the webhook in ai/flux")
	if n := len(s.lines()); n != 1 {
		t.Errorf("%d requests", n)
	}
}

func TestHooksOfOldAndNewVersions(t *testing.T) {
	s := serve(t, one("GET projects/7/hooks?per_page=100", reply{body: `[
		{"id":1,"url":"https://a","push_events":true,"future_events":true,"odd_events":"x","enable_ssl_verification":true},
		{"id":2,"url":"https://b","name":"n","token_present":true,"signing_token_present":false,"alert_status":"temporarily_disabled","disabled_until":"2026-03-04T06:00:00.000Z"},
		{"id":3,"url":"https://c","disabled_until":null}]`}))
	list, err := s.project(setup{}).Hooks(t.Context())
	if err != nil || len(list) != 3 {
		t.Fatalf("%d, %v", len(list), err)
	}
	if list[0].Token != nil || list[0].SigningToken != nil || !list[0].VerifyTLS {
		t.Errorf("an old version's: %+v", list[0])
	}
	if diff := cmp.Diff(map[string]bool{"push_events": true, "future_events": true}, list[0].Events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	if b := list[1]; b.Token == nil || !*b.Token || b.SigningToken == nil || *b.SigningToken || b.Alert != gitlab.HookPauses || b.DisabledUntil.Hour() != 6 || b.Name != "n" {
		t.Errorf("a new version's: %+v", b)
	}
	if !list[2].DisabledUntil.IsZero() {
		t.Errorf("null is %v", list[2].DisabledUntil)
	}
}

func TestDeliveries(t *testing.T) {
	s := serve(t, one("GET projects/7/hooks/5/events?per_page=20", reply{body: `[
		{"id":9,"url":"https://a","response_status":"202","request_headers":{"Idempotency-Key":"k1","Webhook-Timestamp":"1772600767"}},
		{"id":8,"url":"https://a","response_status":503,"request_headers":{"idempotency-key":"k2"}},
		{"id":7,"url":"https://a","response_status":"internal error","request_headers":null},
		{"id":6,"url":"https://a","response_status":null}]`}))
	list, whole, err := s.project(setup{}).Deliveries(t.Context(), 5)
	if err != nil || !whole {
		t.Fatal(err)
	}
	var got []string
	for _, d := range list {
		got = append(got, fmt.Sprintf("%d %s %s %t %d", d.ID, d.Key, d.Status, d.Taken(), max(d.At.Unix(), 0)))
	}
	want := []string{"9 k1 202 true 1772600767", "8 k2 503 false 0", "7  internal error false 0", "6  null false 0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("deliveries (-want +got):\n%s", diff)
	}
}

func TestTokenAndInstance(t *testing.T) {
	s := serve(t, map[string][]reply{
		"GET personal_access_tokens/self": {{body: `{"name":"n","user_id":5,"scopes":["api"],"active":true,"expires_at":"2026-12-31"}`}, {body: `{"active":true,"expires_at":null}`}, {body: `{"expires_at":"soon"}`}, {status: 401, body: `{"error":"invalid_token","error_description":"Token is expired."}`}},
		"GET metadata":                    {{status: 404, body: `{"error":"404 Not Found"}`}},
		"GET version":                     {{body: `{"version":"14.10.2-ee"}`}},
		"GET namespaces/a%2Fb":            {{body: `{"plan":"premium"}`}, {status: 404}},
		"GET projects/7/push_rule":        {{body: `null`}, {status: 404}, {status: 403}},
	})
	p, c, ctx := s.project(setup{}), s.client(setup{}), t.Context()
	tok, err := c.Token(ctx)
	if err != nil || tok.Expires.Format("2006-01-02") != "2026-12-31" || tok.User != 5 || !tok.Active || len(tok.Scopes) != 1 {
		t.Errorf("%+v, %v", tok, err)
	}
	if tok, err = c.Token(ctx); err != nil || !tok.Expires.IsZero() {
		t.Errorf("%+v, %v", tok, err)
	}
	_, err = c.Token(ctx)
	wantError(t, err, core.Internal, `"soon"`)
	_, err = c.Token(ctx)
	wantError(t, err, core.Denied, "expired")
	if i, err := c.Instance(ctx); err != nil || i.Version != "14.10.2-ee" || i.Enterprise != nil {
		t.Errorf("%+v, %v", i, err)
	}
	for _, want := range []string{"premium", ""} {
		if plan, err := c.Plan(ctx, "a/b"); err != nil || plan != want {
			t.Errorf("plan %q, %v, want %q", plan, err, want)
		}
	}
	for _, want := range [][2]bool{{true, true}, {false, true}, {false, false}} {
		if has, known, err := p.Has(ctx, gitlab.PushRules); err != nil || [2]bool{has, known} != want {
			t.Errorf("%t %t %v, want %v", has, known, err, want)
		}
	}
}

func TestProtectionCovers(t *testing.T) {
	for _, c := range []struct {
		rule, branch string
		want         bool
	}{{"main", "main", true}, {"sluice/*", "sluice/prd/app", true}, {"*", "a/b", true}, {"release-*", "main", false}, {"[", "[", true}, {"main", "mainline", false}} {
		if got := (gitlab.Protection{Name: c.rule}).Covers(c.branch); got != c.want {
			t.Errorf("%q covers %q: %t", c.rule, c.branch, got)
		}
	}
}

// TestConformanceSetup makes everything that a project is prepared with, over
// HTTP against the stand-in.
func TestConformanceSetup(t *testing.T) {
	w := newWorld(t)
	p, ctx := w.project, t.Context()
	spec := specOf()
	spec.SigningToken = core.Secret("whsec_" + strings.Repeat("A", 43) + "=")
	w.must(p.CreateHook(ctx, spec))
	list, err := p.Hooks(ctx)
	if err != nil || len(list) != 1 || !*list[0].Token || !*list[0].SigningToken || list[0].Alert != gitlab.HookWorks || list[0].Filter != "main" || list[0].Description != "why" {
		t.Fatalf("%+v, %v", list, err)
	}
	again, err := p.Hook(ctx, list[0].ID)
	if diff := cmp.Diff(list[0], again); diff != "" || err != nil {
		t.Errorf("read alone: %v, (-list +alone):\n%s", err, diff)
	}
	wantError(t, p.TestHook(ctx, again.ID, "push_events"), core.Invalid, "Hook execution failed")
	sent, _, err := p.Deliveries(ctx, again.ID)
	if err != nil || len(sent) != 1 || sent[0].Taken() || sent[0].Key == "" || sent[0].At.IsZero() {
		t.Fatalf("%+v, %v", sent, err)
	}
	wantError(t, p.Resend(ctx, again.ID, sent[0].ID), core.Invalid, "Hook execution failed")
	w.must(p.RemoveHook(ctx, again.ID))
	w.must(p.RemoveHook(ctx, again.ID))

	key := "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH"
	w.must(p.AddDeployKey(ctx, "Flux dev", key))
	w.must(p.AddDeployKey(ctx, "once more", key+" comment"))
	keys, err := p.DeployKeys(ctx)
	if err != nil || len(keys) != 1 || keys[0].CanPush || keys[0].Title != "Flux dev" {
		t.Fatalf("%+v, %v", keys, err)
	}
	w.ask(http.MethodPut, token, fmt.Sprintf("deploy_keys/%d", keys[0].ID), map[string]any{"can_push": true})
	w.must(p.ForbidPush(ctx, keys[0].ID))
	if keys, err = p.DeployKeys(ctx); err != nil || keys[0].CanPush {
		t.Errorf("%+v, %v", keys, err)
	}
	conformSettings(t, w)
}

func conformSettings(t *testing.T, w *world) {
	t.Helper()
	p, ctx := w.project, t.Context()
	w.must(p.ChangeSettings(ctx, map[string]string{"merge_method": "ff", "only_allow_merge_if_pipeline_succeeds": "true"}))
	s, err := p.Settings(ctx)
	if err != nil || s.MergeMethod != "ff" || !s.PipelineMustPass || s.Namespace != "ai" || s.Name != "flux" || s.DefaultBranch != "main" || s.Personal {
		t.Errorf("%+v, %v", s, err)
	}
	w.must(p.Protect(ctx, "main"))
	rules, err := p.Protections(ctx)
	if err != nil || len(rules) != 1 || !rules[0].Covers("main") || rules[0].Merge[0].Level != 40 {
		t.Errorf("%+v, %v", rules, err)
	}
	if level, err := p.Level(ctx, w.bot); err != nil || level != 40 {
		t.Errorf("level %d, %v", level, err)
	}
	if level, err := p.Level(ctx, 4711); err != nil || level != 0 {
		t.Errorf("level of a stranger %d, %v", level, err)
	}
	if b, err := p.BranchRights(ctx, "main"); err != nil || !b.Protected || !b.CanPush || b.DevelopersMerge {
		t.Errorf("%+v, %v", b, err)
	}
	if src, err := p.File(ctx, "app.yaml"); err != nil || string(src) != "tag: 1\n" {
		t.Errorf("%q, %v", src, err)
	}
	_, err = p.File(ctx, "none.yaml")
	wantError(t, err, core.NotFound)
	if has, err := p.HasDirectory(ctx, "nowhere"); err != nil || has {
		t.Errorf("%t, %v", has, err)
	}
	w.ask(http.MethodPost, token, "labels", map[string]any{"name": gitlab.Label, "color": "#6699cc"})
	if l, err := p.LabelState(ctx); err != nil || !l.Exists || !l.Plain {
		t.Errorf("%+v, %v", l, err)
	}
	w.must(p.DescribeLabel(ctx))
	if l, err := p.LabelState(ctx); err != nil || l.Plain {
		t.Errorf("%+v, %v", l, err)
	}
}

// TestNoSecretOfAHookIsShown prints what is handed around.
func TestNoSecretOfAHookIsShown(t *testing.T) {
	doc, err := json.Marshal(specOf())
	if text := fmt.Sprintf("%v %+v %#v %s %v", specOf(), specOf(), specOf(), doc, err); strings.Contains(text, "tok\"") || strings.Contains(text, "whsec_x") {
		t.Error(text)
	}
}
