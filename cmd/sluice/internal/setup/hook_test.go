package setup

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

func writeFile(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestSigningTokenIgnored has a GitLab take the token and not keep it.
func TestSigningTokenIgnored(t *testing.T) {
	for name, edition := range map[string]fakegitlab.Edition{
		"flag off": {Version: "19.0.2", SigningOff: true},
		"before":   {Version: "18.11.1"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, given{edition: edition})
			r.run().want(t, 0, "[warn] webhook: GitLab", "by the secret token alone: one that somebody recorded can be sent again at any time", "Leave require-signature off")
			second := r.run()
			second.want(t, 0, "all as it should be", "by the secret token alone")
			second.wrote(t)
		})
	}
	t.Run("and no secret token", func(t *testing.T) {
		r := newRig(t, given{edition: fakegitlab.Edition{SigningOff: true}})
		r.with(secrets()[1:], "--hook-url", r.hookURL).want(t, 1, "the receiver refuses every delivery")
		r = newRig(t, given{edition: fakegitlab.Edition{Version: "18.0.0"}})
		o := r.with(secrets()[1:], "--hook-url", r.hookURL)
		o.want(t, 1, "there is no secret for it", "has no signing tokens; give a secret token")
		o.wrote(t, "POST labels")
	})
	t.Run("later kept", func(t *testing.T) {
		r := newRig(t, given{})
		r.with(secrets()[:1], "--hook-url", r.hookURL).want(t, 0, "created; secret token sent at")
		o := r.run()
		o.want(t, 0, "it has no signing token; secret token and signing token sent at")
		o.wrote(t, "PUT "+r.hookPath())
		r.run().wrote(t)
	})
}

func TestSecretsAreSetAnewOnlyWhenAsked(t *testing.T) {
	r := newRig(t, given{})
	r.run()
	r.now = r.now.Add(24 * time.Hour)
	o := r.run("--reset-secrets")
	o.want(t, 0, "its secrets are to be set anew; secret token and signing token sent at 2026-03-05")
	o.wrote(t, "PUT "+r.hookPath())
	r.run().want(t, 0, "last on 2026-03-05 05:06 UTC")
}

// TestOtherSpellingKeepsTheSecret changes the address, at which GitLab drops
// the secret token.
func TestOtherSpellingKeepsTheSecret(t *testing.T) {
	r := newRig(t, given{})
	r.run()
	r.api(http.MethodPut, r.hookPath(), map[string]any{"url": r.hookURL + "/"}, nil)
	if r.hook()["token_present"] != false {
		t.Fatal("the token survived")
	}
	r.with(nil, "--hook-url", r.hookURL).want(t, 1, "cannot be corrected without a secret", "give --gitlab-webhook-secrets-file")
	r.run().want(t, 0, "its address is written differently", "it has no secret token")
	if h := r.hook(); h["token_present"] != true || h["url"] != r.hookURL {
		t.Errorf("the webhook is %v", h)
	}
}

func TestDuplicates(t *testing.T) {
	r := newRig(t, given{})
	r.run()
	kept := r.hook()["id"]
	r.api(http.MethodPost, "hooks", map[string]any{"url": r.hookURL}, nil)
	r.api(http.MethodPost, "hooks", map[string]any{"url": "https://else.example/hooks/secretpath", "description": mark + "2026-01-01"}, nil)
	o := r.run("--apply")
	o.want(t, 1, "has the same address as webhook", "--remove-duplicate-hooks", "leads to the host else.example")
	if strings.Contains(o.out, "secretpath") {
		t.Error("the address of somebody else's webhook is shown")
	}
	if len(r.hooks()) != 3 {
		t.Error("a webhook was deleted without being asked for")
	}
	r.run("--remove-duplicate-hooks").want(t, 0, "deleted webhook")
	if list := r.hooks(); len(list) != 2 || list[0]["id"] != kept {
		t.Errorf("webhooks %v", list)
	}
}

// TestLostAnswerMakesNoSecondHook has GitLab make the webhook and answer 502,
// drop the connection, or make none.
func TestLostAnswerMakesNoSecondHook(t *testing.T) {
	for name, rule := range map[string]fakegitlab.Rule{
		"502 after effect":  {Status: 502, After: true, Times: 1},
		"hangs up after it": {Drop: true, After: true, Times: 1},
		"503 and a wait":    {Status: 503, RetryAfter: 20, After: true, Times: 1},
		"429 before it":     {Status: 429, RetryAfter: 20, Times: 1},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, given{})
			rule.Method, rule.Path = http.MethodPost, "/hooks$"
			if err := r.fake.Faults().Add(rule); err != nil {
				t.Fatal(err)
			}
			r.run().want(t, 0, "[done] webhook: created")
			if r.hook()["token_present"] != true {
				t.Error("it has no token")
			}
			r.run().wrote(t)
		})
	}
	t.Run("502 and none", func(t *testing.T) {
		r := newRig(t, given{})
		if err := r.fake.Faults().Add(fakegitlab.Rule{Method: http.MethodPost, Path: "/hooks$", Status: 502}); err != nil {
			t.Fatal(err)
		}
		o := r.run()
		o.want(t, 1, "[FAIL] webhook: create the webhook", "run it again: what is done stays done", "[done] label")
		o.wrote(t, "POST hooks", "POST labels")
		r.fake.Faults().Clear()
		r.run().want(t, 0, "[done] webhook: created")
	})
}

func TestItWaitsWhileGitLabAsksForIt(t *testing.T) {
	r := newRig(t, given{})
	for _, path := range []string{"/personal_access_tokens/self$", "/protected_branches$", "/labels$"} {
		if err := r.fake.Faults().Add(fakegitlab.Rule{Path: path, Status: 429, RetryAfter: 30, Times: 1}); err != nil {
			t.Fatal(err)
		}
	}
	r.run().want(t, 0, "GitLab asks to be left alone for 30s")
	if len(r.paused) != 3 {
		t.Errorf("paused %v", r.paused)
	}
	if err := r.fake.Faults().Add(fakegitlab.Rule{Path: "/hooks$", Status: 429, RetryAfter: 3000}); err != nil {
		t.Fatal(err)
	}
	r.run().want(t, 1, "[FAIL] webhook")
	if len(r.paused) != 3 {
		t.Errorf("paused %v", r.paused)
	}
}

// down has the receiver refuse n deliveries. Comments are sent, one each.
func (r *rig) down(n int) {
	r.t.Helper()
	path := r.hookPath()
	r.answers(http.StatusServiceUnavailable)
	for range n {
		r.now = r.now.Add(61 * time.Second) // GitLab takes five tests a minute
		r.refusedTest(path)
	}
}

// refusedTest is a delivery that fails.
func (r *rig) refusedTest(path string) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.url+"/api/v4/projects/ai%2Fflux/"+path+"/test/push_events", nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Private-Token", "ann-token")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusUnprocessableEntity {
		r.t.Fatalf("a test that should fail: %s", resp.Status)
	}
}

func TestDisabledHookIsToldEnabledAndCaughtUp(t *testing.T) {
	r := newRig(t, given{})
	r.run()
	r.fake.Faults().Update(func(p *fakegitlab.Plan) { p.AutoDisable = true })
	r.down(5)
	r.run().want(t, 0, "[warn] webhook: GitLab has switched it off until 2026-03-04 05:13:12 UTC, after failures; the last answer was 503, the first of them was sent at 2026-03-04 05:07:08 UTC", "run with --test")
	r.down(36)
	r.run().want(t, 1, "[FAIL] webhook: GitLab has switched it off for good")
	r.run("--test").want(t, 1, "a test was not taken", "Hook execution failed: 503")

	r.answers(http.StatusAccepted)
	r.now, r.paused = r.now.Add(time.Hour), nil
	o := r.run("--test", "--resend")
	o.want(t, 0, "took a test, and GitLab has enabled the webhook again", "42 deliveries that the receiver had missed were sent again", "sent 5 of 42 again; GitLab takes 5 a minute, going on in 1m0s")
	if r.hook()["alert_status"] != "executable" {
		t.Error("it is still off")
	}
	for _, q := range r.fake.Requests() {
		if q.Status == http.StatusTooManyRequests && strings.Contains(q.Path, "/resend") {
			t.Error("a resend went beyond GitLab's pace")
		}
	}
	again := r.run("--resend")
	again.want(t, 0, "no delivery of the last days is missing")
	again.wrote(t)
}

func TestResendStopsAtTheFirstThatIsRefused(t *testing.T) {
	r := newRig(t, given{})
	r.run()
	r.down(3)
	o := r.run("--resend")
	o.want(t, 1, "0 of 3 deliveries were sent again; then:", "put right why the receiver does not take it")
	if len(o.writes) != 1 {
		t.Errorf("wrote %q", o.writes)
	}
}

// TestWrongSecretShowsInATest gives the webhook another secret than the
// receiver has.
func TestWrongSecretShowsInATest(t *testing.T) {
	r := newRig(t, given{})
	r.with([]string{"SLUICE_GITLAB_WEBHOOK_SECRETS=another"}, "--hook-url", r.hookURL, "--test").want(t, 1, "a test was not taken", "401", "it does not have these secrets")
	r.with(secrets()[:1], "--hook-url", r.hookURL, "--reset-secrets", "--test").want(t, 0, "the receiver took a test")
}

func TestInternalCommentsAreSentIfThePolicyHasThemRead(t *testing.T) {
	r := newRig(t, given{options: fakegitlab.ProjectOptions{Files: map[string][]byte{"sluice.yaml": []byte(policyText + "commands:\n  internal: true\n")}}})
	r.run().want(t, 0)
	if r.hook()["confidential_note_events"] != true {
		t.Error("internal comments are not sent")
	}
}
