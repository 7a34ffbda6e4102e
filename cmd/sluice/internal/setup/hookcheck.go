package setup

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
	"github.com/sluice-gitops/sluice/internal/core"
)

// readBack says what GitLab kept of the secrets.
func (h *hookWork) readBack(ctx context.Context, hook gitlab.Hook) {
	if h.onlyLooks() && h.count(due) > 0 && h.lacks(hook) != "" {
		return // they are to be sent yet
	}
	if at, ok := strings.CutPrefix(strings.TrimSuffix(hook.Description, ignored), mark); ok {
		h.say("webhook", told, "sluice setup gave it its secrets last on "+at+"; whether they are the receiver's shows with --test", "")
	}
	if hook.Token == nil && h.token != "" {
		h.say("webhook", told, "this GitLab does not say whether a secret token is set; --test shows it", "")
	}
	h.unsigned(ctx, hook)
	if present(hook.SigningToken) && h.signing == "" && h.token != "" {
		h.say("webhook", doubt, "it signs its deliveries, and no signing token is given here", "the receiver refuses what is signed with a key that it does not have: give it --gitlab-signing-keys-file")
	}
}

// unsigned tells what it means that a signing token was not kept, and remembers
// it, so that the next run does not try in vain.
func (h *hookWork) unsigned(ctx context.Context, hook gitlab.Hook) {
	if h.signing == "" || present(hook.SigningToken) {
		return
	}
	why := "GitLab took the signing token without a word and did not keep it: its feature flag webhook_signing_token is off (it is on from 19.1)"
	if !h.signs() {
		why = "GitLab " + h.release.text + " has no signing tokens; they came with 19.0"
	}
	const means = ". Deliveries prove themselves by the secret token alone: one that somebody recorded can be sent again at any time. Leave require-signature off, or the receiver refuses all of them"
	if h.token == "" {
		h.say("webhook", failed, why+", and there is no secret token: the receiver refuses every delivery", "give --gitlab-webhook-secrets-file, the same as the receiver has, and --reset-secrets")
		return
	}
	h.say("webhook", doubt, why+means, "when GitLab has them, run with --reset-secrets")
	if !h.signs() || h.onlyLooks() || strings.HasSuffix(hook.Description, ignored) {
		return
	}
	spec := h.spec(false, hook)
	spec.Description += ignored
	if err := h.patiently(ctx, func() error { return h.place.EditHook(ctx, hook.ID, spec) }); err != nil {
		h.trouble("webhook", err, maintainer)
	}
}

// alert tells whether GitLab has switched the webhook off, and has it tested.
func (h *hookWork) alert(ctx context.Context, hook gitlab.Hook) gitlab.Hook {
	if h.test {
		again, ok := h.try(ctx, hook)
		if ok {
			return again
		}
	}
	const fix = "put right why the receiver does not take them, then run with --test: GitLab enables it when a test is taken"
	switch hook.Alert {
	case gitlab.HookPauses:
		h.say("webhook", doubt, fmt.Sprintf("GitLab has switched it off until %s, after failures%s. What happens meanwhile is not sent, and the sweep finds it", hook.DisabledUntil.UTC().Format(time.DateTime+" UTC"), h.lately(ctx, hook)), fix)
	case gitlab.HookDisabled:
		h.say("webhook", failed, "GitLab has switched it off for good, after failures"+h.lately(ctx, hook), fix)
	}
	return hook
}

// try sends a test, which also shows whether the secrets are the receiver's.
func (h *hookWork) try(ctx context.Context, hook gitlab.Hook) (gitlab.Hook, bool) {
	err := h.patiently(ctx, func() error { return h.place.TestHook(ctx, hook.ID, "push_events") })
	if err != nil {
		fix := "look at the receiver's log; 401 means that it does not have these secrets: give it the same, or run with --reset-secrets"
		if core.KindOf(err) != core.Invalid {
			fix = ""
		}
		h.say("webhook", failed, "a test was not taken: "+err.Error(), fix)
		return hook, false
	}
	again, err := h.reread(ctx, hook.ID)
	if err != nil {
		h.trouble("webhook", err, maintainer)
		return hook, false
	}
	says := "the receiver took a test"
	if !works(hook) && works(again) {
		says += ", and GitLab has enabled the webhook again"
	}
	h.say("webhook", done, says, "")
	return again, works(again)
}

// works is also so where GitLab does not say.
func works(h gitlab.Hook) bool { return h.Alert != gitlab.HookPauses && h.Alert != gitlab.HookDisabled }

// lately says how the last deliveries went, as far as GitLab tells.
func (h *hookWork) lately(ctx context.Context, hook gitlab.Hook) string {
	list, _, err := h.place.Deliveries(ctx, hook.ID)
	if err != nil || len(list) == 0 || list[0].Taken() {
		return ""
	}
	says := "; the last answer was " + list[0].Status
	var since time.Time
	for _, d := range list {
		if d.Taken() {
			break
		}
		if !d.At.IsZero() {
			since = d.At
		}
	}
	if !since.IsZero() {
		says += ", the first of them was sent at " + since.Format(time.DateTime+" UTC")
	}
	return says
}

// double tells of further webhooks to the same receiver, and deletes them if
// that was asked for. Those of other addresses that sluice setup made are told.
func (h *hookWork) double(ctx context.Context, kept gitlab.Hook) {
	for _, d := range h.duplicates {
		what := fmt.Sprintf("webhook %d has the same address as webhook %d, so everything is sent twice", d.ID, kept.ID)
		switch {
		case !h.removeDuplicates:
			h.say("webhook", failed, what, "delete one of them, or run with --remove-duplicate-hooks")
		case !works(kept):
			h.say("webhook", failed, what+"; it is kept while the other one is switched off", "enable that one first, with --test")
		default:
			h.write(ctx, "webhook", fmt.Sprintf("deleted webhook %d", d.ID), fmt.Sprintf("delete webhook %d, which has the same address", d.ID), maintainer,
				func() error { return h.place.RemoveHook(ctx, d.ID) })
		}
	}
	for _, o := range h.others {
		if strings.HasPrefix(o.Description, mark) {
			h.say("webhook", doubt, fmt.Sprintf("webhook %d, which sluice setup made, leads to %s", o.ID, host(o.URL)), "delete it if Sluice is not there any more")
		}
	}
}

// host shows of an address no more than what cannot be secret.
func host(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" {
		return "another address"
	}
	return "the host " + u.Hostname()
}
