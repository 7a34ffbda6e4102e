package setup

import (
	"context"
	"fmt"

	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
)

// release is a version of GitLab. The zero one is unknown, and counts as recent.
type release struct {
	text         string
	major, minor int
}

func parseRelease(text string) release {
	r := release{text: text}
	if _, err := fmt.Sscanf(text, "%d.%d", &r.major, &r.minor); err != nil {
		return release{text: text}
	}
	return r
}

// before tells whether the version is known to be older.
func (r release) before(major, minor int) bool {
	return r.major != 0 && (r.major < major || r.major == major && r.minor < minor)
}

// instance looks at GitLab's version and tier.
func (w *work) instance(ctx context.Context) {
	var got gitlab.Instance
	err := w.patiently(ctx, func() (err error) {
		got, err = w.client.Instance(ctx)
		return err
	})
	if err != nil {
		w.trouble("gitlab", err, 0)
		return
	}
	w.release = parseRelease(got.Version)
	switch {
	case w.release.major == 0:
		w.say("gitlab", doubt, fmt.Sprintf("its version %q is not understood", got.Version), "")
	case w.release.before(oldestMajor, oldestMinor):
		w.say("gitlab", failed, fmt.Sprintf("version %s is too old: it does not say why a merge request cannot be merged", got.Version), fmt.Sprintf("Sluice needs %d.%d or newer", oldestMajor, oldestMinor))
	case w.release.before(keyedMajor, keyedMinor):
		w.say("gitlab", doubt, fmt.Sprintf("version %s: webhooks have no key that tells a repeated one, and what was missed cannot be sent again; the sweep finds it", got.Version), fmt.Sprintf("both came with %d.%d", keyedMajor, keyedMinor))
	default:
		w.say("gitlab", fine, "version "+got.Version, "")
	}
	w.tier(ctx, got)
}

// tier tells what the licence leaves out, for that is where people look in vain.
func (w *work) tier(ctx context.Context, got gitlab.Instance) {
	var name, how string
	err := w.patiently(ctx, func() (err error) {
		name, how, err = w.findTier(ctx, got)
		return err
	})
	if err != nil {
		w.trouble("tier", err, 0)
		return
	}
	switch name {
	case "free":
		w.say("tier", told, "Free ("+how+"): GitLab itself requires no approvals, has no code owners, push rules, merge trains or webhooks of groups, and protects branches by role only. "+
			"Approvals that the policy asks for are Sluice's own; one webhook per project; \"Pipelines must succeed\" or \"All threads must be resolved\" keeps people from merging past gates", "")
	case "premium":
		w.say("tier", told, "Premium ("+how+"): required approvals, code owners, push rules and merge trains can be used; a push rule that refuses Sluice's author or messages keeps it from pushing", "")
	case "ultimate":
		w.say("tier", told, "Ultimate ("+how+"): all that Premium has, and external status checks, which Sluice does not use", "")
	default:
		w.say("tier", told, "it cannot be seen with this token: needs the role Maintainer", "")
	}
}

// findTier asks what is cheap and certain first.
func (w *work) findTier(ctx context.Context, got gitlab.Instance) (name, how string, err error) {
	if got.Enterprise != nil && !*got.Enterprise {
		return "free", "Community Edition", nil
	}
	plan, err := w.client.Plan(ctx, w.settings.Namespace)
	if err != nil {
		return "", "", err
	}
	for tier, plans := range map[string][]string{"free": {"free"}, "premium": {"premium", "silver", "premium_trial"}, "ultimate": {"ultimate", "gold", "ultimate_trial", "opensource"}} {
		for _, p := range plans {
			if p == plan {
				return tier, "the plan of " + w.settings.Namespace, nil
			}
		}
	}
	has, known, err := w.place.Has(ctx, gitlab.PushRules)
	switch {
	case err != nil || !known:
		return "", "", err
	case !has:
		return "free", "there are no push rules", nil
	}
	if has, _, err = w.place.Has(ctx, gitlab.StatusChecks); err != nil || !has {
		return "premium", "there are push rules, and no external status checks", err
	}
	return "ultimate", "there are external status checks", nil
}
