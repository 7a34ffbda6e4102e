package setup

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

// TestFreshProjectThenNothing has everything made in the first run, and no
// write in the second.
func TestFreshProjectThenNothing(t *testing.T) {
	r := newRig(t, given{})
	dir := r.keys("one-dev", "one-prd")
	first := r.run("--deploy-keys", dir)
	first.want(t, 0, "created; secret token and signing token sent at 2026-03-04 05:06:07 UTC", "created sluice", "added the key of one-dev, to read", "added the key of one-prd, to read")
	first.wrote(t, "POST hooks", "POST labels", "POST deploy_keys", "POST deploy_keys")
	h := r.hook()
	for field, want := range map[string]any{
		"push_events": true, "merge_requests_events": true, "note_events": true, "pipeline_events": true, "tag_push_events": false, "emoji_events": false,
		"confidential_note_events": false, "enable_ssl_verification": true, "push_events_branch_filter": "main", "token_present": true, "signing_token_present": true, "name": "Sluice",
	} {
		if h[field] != want {
			t.Errorf("%s is %v, want %v", field, h[field], want)
		}
	}
	var keys []map[string]any
	r.api(http.MethodGet, "deploy_keys", nil, &keys)
	for _, k := range keys {
		if k["can_push"] != false || !strings.HasPrefix(k["title"].(string), "Flux one-") {
			t.Errorf("deploy key %v", k)
		}
		if words := strings.Fields(k["key"].(string)); len(words) != 2 {
			t.Errorf("%v: flux bootstrap would register the same key without the comment, which GitLab refuses", k)
		}
	}
	second := r.run("--deploy-keys", dir)
	second.want(t, 0, "all as it should be", "gave it its secrets last on 2026-03-04 05:06 UTC", "the key of one-dev can read and not write")
	second.wrote(t)
	check := r.run("--deploy-keys", dir, "--check")
	check.want(t, 0, "all as it should be")
	check.wrote(t)
}

func TestCheckAndDryRunChangeNothing(t *testing.T) {
	r := newRig(t, given{})
	dir := r.keys("one-dev", "one-prd")
	for flag, code := range map[string]int{"--check": 1, "--dry-run": 0} {
		o := r.run("--deploy-keys", dir, flag, "--apply")
		o.want(t, code, "[todo] webhook: create the webhook", "[todo] label: create sluice", "[todo] deploy keys: add the key of one-dev", "[todo] settings: change remove_source_branch_after_merge")
		o.wrote(t)
		got := r.run("--deploy-keys", dir, flag, "--format", "json")
		if report := got.asJSON(t); report.Fine || len(report.Starts) != 2 || len(report.Rows) == 0 || got.code != code {
			t.Errorf("%s: code %d and %+v", flag, got.code, report)
		}
	}
	// Recommended settings count only where they are asked for.
	r.run("--deploy-keys", dir)
	r.run("--deploy-keys", dir, "--check").want(t, 0, "[warn] settings: not as recommended: remove_source_branch_after_merge")
	r.run("--deploy-keys", dir, "--check", "--apply").want(t, 1, "[todo] settings")
}

// TestDrift has somebody change what Sluice relies on.
func TestDrift(t *testing.T) {
	r := newRig(t, given{})
	dir := r.keys("one-dev", "one-prd")
	r.run("--deploy-keys", dir)
	r.api(http.MethodPut, r.hookPath(), map[string]any{"pipeline_events": false, "job_events": true, "push_events_branch_filter": "release-*", "enable_ssl_verification": false, "custom_webhook_template": "{}", "name": "to Sluice"}, nil)
	r.api(http.MethodDelete, "labels/sluice", nil, nil)
	var keys []map[string]any
	r.api(http.MethodGet, "deploy_keys", nil, &keys)
	r.api(http.MethodPut, fmt.Sprintf("deploy_keys/%v", keys[0]["id"]), map[string]any{"can_push": true, "title": "renamed"}, nil)

	r.run("--deploy-keys", dir, "--check").want(t, 1, "correct webhook", "pipeline_events are off", "job_events are on and of no use", `pushes are heard from "release-*", not from "main"`, "certificate is not verified", "a template changes its body", "create sluice")
	o := r.run("--deploy-keys", dir)
	o.want(t, 1, "[done] webhook: corrected", "[done] label: created sluice", `[FAIL] deploy keys: the key of one-dev ("renamed") can push`)
	o.wrote(t, "PUT "+r.hookPath(), "POST labels")
	h := r.hook()
	if h["pipeline_events"] != true || h["job_events"] != false || h["push_events_branch_filter"] != "main" || h["custom_webhook_template"] != "" || h["token_present"] != true || h["name"] != "to Sluice" {
		t.Errorf("the webhook is %v", h)
	}
	r.run("--deploy-keys", dir, "--apply").want(t, 0, "can only read from now on", "[done] settings: changed remove_source_branch_after_merge")
	again := r.run("--deploy-keys", dir, "--apply")
	again.want(t, 0, "all as it should be")
	again.wrote(t)
}

func TestLackOfRights(t *testing.T) {
	tests := map[string]struct {
		given given
		code  int
		says  []string
	}{
		"developer": {given{level: fakegitlab.Developer}, 1, []string{
			"sluice-bot is Developer", "[FAIL] webhook:", "needs the scope api and the role Maintainer; sluice-bot is Developer here", "[FAIL] branches: sluice-bot may not merge into main", "[done] label: created sluice", "flux bootstrap gitlab"}},
		"reporter":               {given{level: fakegitlab.Reporter}, 1, []string{"too little to push and to open merge requests"}},
		"no api scope":           {given{scopes: []string{"read_api"}}, 1, []string{"its scopes are read_api: enough to look", "[FAIL] webhook: create the webhook"}},
		"scopes without the API": {given{scopes: []string{"read_repository", "write_repository"}}, 1, []string{"with them GitLab answers nothing that Sluice asks"}},
		"expired":                {given{expires: -time.Hour}, 1, []string{"[FAIL] token:", "Token is expired", "make a new one"}},
		"expires soon":           {given{expires: 10 * 24 * time.Hour}, 0, []string{"[warn] token: it expires in 9 days, on 2026-03-14"}},
		"administrator":          {given{admin: true}, 0, []string{"sluice-bot is Administrator", "sluice-bot may merge into main"}},
		"project token":          {given{user: "project_7_bot_abc"}, 0, []string{"a project access token's user"}},
		"developers may merge":   {given{level: fakegitlab.Developer, options: fakegitlab.ProjectOptions{DevelopersMayPush: true}}, 1, []string{"sluice-bot may merge into main"}},
		"unprotected":            {given{options: fakegitlab.ProjectOptions{UnprotectedDefaultBranch: true}}, 0, []string{"[warn] branches: main is not protected"}},
		"no policy":              {given{options: fakegitlab.ProjectOptions{Files: map[string][]byte{"x": []byte("y")}}}, 0, []string{"[warn] policy: there is no sluice.yaml"}},
		"broken policy":          {given{options: fakegitlab.ProjectOptions{Files: map[string][]byte{"sluice.yaml": []byte("version: 1\nlayuot: []\n")}}}, 1, []string{"[FAIL] policy: sluice.yaml:1:1", `sluice.yaml:2:1: unknown key "layuot"`}},
		"old":                    {given{edition: fakegitlab.Edition{Version: "15.1.0"}}, 1, []string{"version 15.1.0 is too old", "Sluice needs 15.6"}},
		"Community Edition":      {given{edition: fakegitlab.Edition{Community: true}}, 0, []string{"Free (Community Edition)", "Approvals that the policy asks for are Sluice's own"}},
		"Free":                   {given{edition: fakegitlab.Edition{Tier: fakegitlab.Free}}, 0, []string{"Free (there are no push rules)"}},
		"plan of GitLab.com":     {given{edition: fakegitlab.Edition{Plan: "ultimate"}}, 0, []string{"Ultimate (the plan of ai)"}},
		"Ultimate":               {given{edition: fakegitlab.Edition{Tier: fakegitlab.Ultimate}}, 0, []string{"Ultimate (there are external status checks)"}},
		"Premium":                {given{}, 0, []string{"Premium (there are push rules"}},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, c.given)
			r.run().want(t, c.code, c.says...)
		})
	}
}

func TestRulesForBranches(t *testing.T) {
	r := newRig(t, given{})
	r.api(http.MethodPost, "protected_branches", map[string]any{"name": "sluice/*"}, nil)
	r.run().want(t, 1, `the rule "sluice/*" protects branches under sluice/`, "the role Maintainer may push to main")
}

func TestApplyProtects(t *testing.T) {
	r := newRig(t, given{options: fakegitlab.ProjectOptions{UnprotectedDefaultBranch: true, MergeMethod: "ff", SquashOption: "always", KeepOldPipelines: true, AllowMergeOnSkipped: true,
		Files: map[string][]byte{"sluice.yaml": []byte(policyText), ".gitlab-ci.yml": []byte("x: {script: [y]}\n")}}})
	r.run().want(t, 0, "not as recommended: merge_method, squash_option, remove_source_branch_after_merge, auto_cancel_pending_pipelines, only_allow_merge_if_pipeline_succeeds, allow_merge_on_skipped_pipeline")
	r.run("--apply").want(t, 0, "protected main: maintainers push and merge")
	var p map[string]any
	r.api(http.MethodGet, "", nil, &p)
	for k, want := range map[string]any{
		"merge_method": "merge", "squash_option": "default_off", "only_allow_merge_if_pipeline_succeeds": true, "allow_merge_on_skipped_pipeline": false,
		"remove_source_branch_after_merge": true, "auto_cancel_pending_pipelines": "enabled", "only_allow_merge_if_all_discussions_are_resolved": false,
	} {
		if p[k] != want {
			t.Errorf("%s is %v, want %v", k, p[k], want)
		}
	}
	again := r.run("--apply")
	again.want(t, 0, "all as it should be")
	again.wrote(t)
}

func TestGuardThreadWantsThreadsResolved(t *testing.T) {
	r := newRig(t, given{options: fakegitlab.ProjectOptions{Files: map[string][]byte{"sluice.yaml": []byte(policyText + "guard: thread\n")}}})
	r.run("--apply").want(t, 0, "changed only_allow_merge_if_all_discussions_are_resolved, remove_source_branch_after_merge")
}

func TestBootstrapCommands(t *testing.T) {
	r := newRig(t, given{})
	host := strings.TrimPrefix(r.url, "http://")
	o := r.run("--deploy-keys", r.keys("one-dev", "one-prd", "typo"))
	o.want(t, 0, "# one-dev\n  flux bootstrap gitlab \\\n    --hostname="+host+" \\\n    --owner=ai \\\n    --repository=flux \\\n    --branch=main \\\n    --path=clusters/one-dev \\\n    --token-auth=false \\\n    --private-key-file=/",
		"# one-prd: the directory is not there yet", "typo.pub is of no cluster")
	if strings.Contains(o.out, "read-write") {
		t.Error("a command has a key that can write")
	}
}

func TestKeysThatAreNone(t *testing.T) {
	for name, c := range map[string]struct{ content, says string }{
		"private":  {"-----BEGIN OPENSSH PRIVATE KEY-----\nsecretstuff\n", "this is a private key"},
		"no key":   {"hello\n", "this is no public SSH key"},
		"two keys": {"", "found more than one key"},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, given{})
			if c.content == "" {
				c.content = pub(t, 1) + "\n" + pub(t, 2) + "\n"
			}
			dir := t.TempDir()
			writeFile(t, dir+"/one-dev.pub", c.content)
			o := r.run("--deploy-keys", dir)
			o.want(t, 1, c.says)
			if strings.Contains(o.out, "secretstuff") {
				t.Error("the private key is shown")
			}
		})
	}
}

func TestKeysOfOthers(t *testing.T) {
	r := newRig(t, given{})
	r.api(http.MethodPost, "deploy_keys", map[string]any{"title": "deployer", "key": pub(t, 9), "can_push": true}, nil)
	r.api(http.MethodPost, "deploy_keys", map[string]any{"title": "Flux one-dev", "key": pub(t, 8)}, nil)
	o := r.run("--deploy-keys", r.keys("one-dev", "one-prd"), "--apply")
	o.want(t, 0, `[warn] deploy keys: "deployer" can push, and is no cluster's`, `[warn] deploy keys: "Flux one-dev" is none of the keys in`)
	for _, line := range o.writes {
		if strings.HasPrefix(line, "PUT deploy_keys") || strings.HasPrefix(line, "DELETE") {
			t.Errorf("somebody else's key was touched: %s", line)
		}
	}
}

func TestWrongFlags(t *testing.T) {
	r := newRig(t, given{})
	for want, args := range map[string][]string{
		"--project: found":                   {"--project", "flux"},
		"--format: found":                    {"--format", "xml"},
		"--check and --dry-run":              {"--check", "--dry-run"},
		"--test and --resend":                {"--check", "--test", "--hook-url", r.hookURL},
		"--hook-url is missing":              {"--resend"},
		"--hook-url has no path":             {"--hook-url", "https://sluice.example.com"},
		"--hook-url is no http":              {"--hook-url", "sluice.example.com/hooks/gitlab"},
		"--hook-url has a user, a query":     {"--hook-url", "https://u:p@sluice.example.com/hooks/gitlab"},
		"SLUICE_GITLAB_SIGNING_KEY is no se": {"--hook-url", r.hookURL},
	} {
		environ := secrets()
		if strings.HasPrefix(want, "SLUICE") {
			environ = []string{"SLUICE_GITLAB_SIGNING_KEY=x"}
		}
		r.with(environ, args...).want(t, 2, want)
	}
}

// TestTheEnvironmentOfServeIsTaken runs it where Sluice runs.
func TestTheEnvironmentOfServeIsTaken(t *testing.T) {
	r := newRig(t, given{})
	r.with(append(secrets(), "SLUICE_PROJECTS=a/b", "SLUICE_ACT=true", "SLUICE_NATS_URL=nats://x:1"), "--check").want(t, 1, "create sluice", "there is no --hook-url")
}

// TestACloneInPlaceOfTheAPI reads the policy of a clone's HEAD.
func TestACloneInPlaceOfTheAPI(t *testing.T) {
	r := newRig(t, given{options: fakegitlab.ProjectOptions{Files: map[string][]byte{"README.md": []byte("x")}}})
	dir := t.TempDir()
	runGit(t, dir, "init", "-q", "-b", "main")
	writeFile(t, dir+"/sluice.yaml", strings.ReplaceAll(policyText, "one-", "other-"))
	runGit(t, dir, "add", ".")
	runGit(t, dir, "-c", "user.name=x", "-c", "user.email=x@example.com", "commit", "-q", "-m", "x")
	r.run("--repo", dir).want(t, 0, "--path=clusters/other-dev", "# other-prd: the directory is not there yet")
	r.run("--repo", t.TempDir()).want(t, 1, "[FAIL] policy")
}

func runGit(t *testing.T, dir string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "git", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

func TestProjectsThatCannotBeServed(t *testing.T) {
	r := newRig(t, given{})
	r.run("--project", "ai/other").want(t, 1, "[FAIL] project:", "the token's user must be a member")
	r.api(http.MethodPost, "archive", nil, nil)
	o := r.run()
	o.want(t, 1, "it is archived")
	o.wrote(t)
}

func TestSSHHost(t *testing.T) {
	for address, want := range map[string]string{
		"git@gitlab.example.com:a/b.git": "gitlab.example.com", "ssh://git@gitlab.example.com:2222/a/b.git": "gitlab.example.com:2222", "": "", "nonsense": "",
	} {
		if got := sshHost(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}

func TestQuoted(t *testing.T) {
	for text, want := range map[string]string{"a/b-c": "a/b-c", "": "''", "a b": "'a b'", "a'b;c": `'a'\''b;c'`, "$(x)": "'$(x)'"} {
		if got := quoted(text); got != want {
			t.Errorf("%q: %s, want %s", text, got, want)
		}
	}
}
