package setup

import (
	"context"
	"io"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/cmd/internal/promoting"
	"github.com/sluice-gitops/sluice/cmd/internal/settings"
	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// options are the flags of "sluice setup" beside its settings.
type options struct {
	project, hookURL, keys, repo, format                               string
	apply, dryRun, check, test, resend, resetSecrets, removeDuplicates bool
}

// work is one run.
type work struct {
	options
	env   process.Env
	clock func() time.Time
	pause func(context.Context, time.Duration) error

	v         settings.Values
	client    *gitlab.Client
	place     *gitlab.Project
	me        gitlab.Account
	level     int
	release   release
	settings  gitlab.Settings
	policy    *policy.Policy // nil if it cannot be read
	hasDir    func(context.Context, string) (bool, error)
	hasCI     bool
	protected bool // the default branch
	rules     bool // whether the rules for protected branches could be read

	closers []io.Closer
	report
}

// Command is "sluice setup".
func Command(env process.Env) *cobra.Command {
	return command(&work{env: env, clock: time.Now, pause: sleep})
}

func command(w *work) *cobra.Command {
	c := process.Command(w.env, settings.Setup(), &cobra.Command{
		Use:   "setup",
		Short: "Prepare a project on GitLab for Sluice, and check that it is so",
		Long: `Looks at a project with Sluice's own token and says what Sluice lacks there: the
token's scopes and days, its user's role, GitLab's version and tier. It makes or
corrects what is Sluice's own: the webhook, the label, the clusters' read-only
deploy keys. It recommends settings of the project, which it changes with --apply
only, and prints the command that bootstraps Flux in each cluster of the policy.

Where all is as it should be, it changes nothing. Of several webhook secrets the
first is given to the webhook. GitLab shows no secret, so whether the right one is
set shows with --test.

It ends with exit code 1 if something could not be done or stays wrong, and with
--check also if anything is not as it should be.`,
		Example: `  sluice setup --project group/name --hook-url https://sluice.example.com/hooks/gitlab \
    --gitlab-webhook-secrets-file secret --deploy-keys keys/
  sluice setup --project group/name --check
  sluice setup --project group/name --hook-url https://sluice.example.com/hooks/gitlab --test --resend`,
	}, w.run)
	f := c.Flags()
	f.StringVar(&w.project, "project", "", "full path of the monorepo's project, required")
	f.StringVar(&w.hookURL, "hook-url", "", "address of Sluice's receiver as GitLab reaches it, such as https://sluice.example.com/hooks/gitlab; without it, the webhook is left alone")
	f.StringVar(&w.keys, "deploy-keys", "", "directory with a public SSH key CLUSTER.pub for each cluster")
	f.StringVar(&w.repo, "repo", "", "a clone to read the policy from, instead of the default branch on GitLab")
	f.BoolVar(&w.apply, "apply", false, "also change the project's settings as recommended, and take pushing from the clusters' deploy keys")
	f.BoolVar(&w.dryRun, "dry-run", false, "change nothing, and say what would be changed")
	f.BoolVar(&w.check, "check", false, "change nothing, and end with exit code 1 if anything is not as it should be (with --apply, the recommended settings count as well)")
	f.BoolVar(&w.resetSecrets, "reset-secrets", false, "give the webhook its secrets anew, such as after replacing them")
	f.BoolVar(&w.test, "test", false, "have GitLab send a test to the webhook; one that was disabled is enabled if the receiver takes it")
	f.BoolVar(&w.resend, "resend", false, "have GitLab send again what the receiver has missed in the last days, at GitLab's pace of 5 a minute")
	f.BoolVar(&w.removeDuplicates, "remove-duplicate-hooks", false, "delete further webhooks with the same address")
	f.StringVar(&w.format, "format", "text", "text or json")
	return c
}

// run does what can be done, whatever else cannot, and then tells all of it.
func (w *work) run(ctx context.Context, v settings.Values) error {
	if err := w.valid(); err != nil {
		return err
	}
	client, err := promoting.NewGitLab(v, slog.New(slog.DiscardHandler), w.clock)
	if err != nil {
		return err
	}
	w.v, w.client = v, client
	defer func() {
		for _, c := range w.closers {
			_ = c.Close() // it was only read
		}
	}()
	w.report = report{Project: w.project, Instance: v.URL(settings.GitLabURL).String()}
	if w.account(ctx) && w.open(ctx) {
		w.instance(ctx)
		w.readPolicy(ctx)
		w.role(ctx)
		w.webhook(ctx)
		w.label(ctx)
		w.deployKeys(ctx)
		w.recommend(ctx)
		w.bootstrap(ctx)
	}
	return w.tell(w.env.Stdout)
}

func (w *work) valid() error {
	switch {
	case w.project == "" || !strings.Contains(strings.Trim(w.project, "/"), "/"):
		return core.Errorf(core.Invalid, "--project: found %q; write the project's full path, such as group/name", w.project)
	case w.format != "text" && w.format != "json":
		return core.Errorf(core.Invalid, "--format: found %q; write text or json", w.format)
	case w.check && w.dryRun:
		return core.Errorf(core.Invalid, "--check and --dry-run: give one of them; both change nothing, and --check ends with exit code 1 if something would be changed")
	case w.onlyLooks() && (w.test || w.resend):
		return core.Errorf(core.Invalid, "--test and --resend have GitLab send something: leave out --check and --dry-run")
	case w.hookURL == "" && (w.test || w.resend || w.resetSecrets || w.removeDuplicates):
		return core.Errorf(core.Invalid, "--hook-url is missing: it says which webhook is meant")
	case w.hookURL != "":
		return checkHookURL(w.hookURL)
	}
	return nil
}

// checkHookURL never shows the address, for it could hold a password.
func checkHookURL(text string) error {
	const want = "write the receiver's whole address, such as https://sluice.example.com/hooks/gitlab"
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return core.Errorf(core.Invalid, "--hook-url is no http or https address; %s", want)
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return core.Errorf(core.Invalid, "--hook-url has a user, a query or a fragment, which the receiver has no use for; %s", want)
	case u.Path == "" || u.Path == "/":
		return core.Errorf(core.Invalid, "--hook-url has no path; %s", want)
	}
	return nil
}

// onlyLooks says that nothing may be written.
func (w *work) onlyLooks() bool { return w.check || w.dryRun }

// open finds the project and reads its settings.
func (w *work) open(ctx context.Context) bool {
	err := w.patiently(ctx, func() (err error) {
		w.place, err = w.client.Project(ctx, w.project)
		return err
	})
	if err == nil {
		err = w.patiently(ctx, func() (err error) {
			w.settings, err = w.place.Settings(ctx)
			return err
		})
	}
	switch {
	case core.KindOf(err) == core.NotFound && err != nil:
		w.say("project", failed, err.Error(), "check the path; the token's user must be a member of the project")
	case err != nil:
		w.trouble("project", err, 0)
	case w.settings.Archived:
		w.say("project", failed, "it is archived, so nothing can be promoted in it", "unarchive it in its settings")
		return false
	case w.settings.DefaultBranch == "":
		w.say("project", failed, "it has no default branch, or the token may not read its repository", "push a first commit; a policy goes to the root of the default branch")
		return false
	}
	return err == nil
}

// readPolicy reads the policy. Without one, what depends on it is left out.
func (w *work) readPolicy(ctx context.Context) {
	name := w.v.String(settings.PolicyPath)
	var src []byte
	var err error
	if w.repo != "" {
		src, err = w.readClone(name)
		name = filepath.Join(w.repo, name)
	} else {
		w.hasDir = w.place.HasDirectory
		err = w.patiently(ctx, func() (err error) {
			src, err = w.place.File(ctx, name)
			return err
		})
	}
	switch {
	case err != nil && w.repo != "":
		w.say("policy", failed, err.Error(), "give a clone of the monorepo with --repo")
		return
	case core.KindOf(err) == core.NotFound && err != nil:
		w.say("policy", doubt, "there is no "+name+" on the default branch yet, so nothing is promoted", "sluice init proposes one for a clone; merge it into "+w.settings.DefaultBranch)
		return
	case err != nil:
		w.trouble("policy", err, developer)
		return
	}
	if w.policy, err = policy.Parse(name, src); err != nil {
		w.say("policy", failed, err.Error(), "correct it on the default branch")
		return
	}
	w.say("policy", fine, name+" is understood", "")
}
