package setup

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/cmd/internal/settings"
	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
	"github.com/sluice-gitops/sluice/internal/core"
)

// What the description of a webhook tells, of which GitLab itself tells
// nothing: when its secrets were set, and that a signing token was not kept.
const (
	mark    = "Tells Sluice where to look. Secrets set by sluice setup on "
	ignored = "; GitLab kept no signing token"
)

// hookWork is the work on the webhook.
type hookWork struct {
	*work
	token, signing core.Secret
	duplicates     []gitlab.Hook
	others         []gitlab.Hook // of other addresses
}

// webhook makes or corrects the webhook, and has it tested and repeated.
func (w *work) webhook(ctx context.Context) {
	if w.hookURL == "" {
		w.say("webhook", told, "not looked at, for there is no --hook-url; without a webhook Sluice sees changes with its next sweep", "")
		return
	}
	h := &hookWork{work: w}
	if err := h.secrets(); err != nil {
		w.trouble("webhook", err, 0)
		return
	}
	hook, found, err := h.find(ctx)
	if err != nil {
		w.trouble("webhook", err, maintainer)
		return
	}
	if !found {
		if !h.create(ctx) {
			return
		}
		if hook, found, err = h.find(ctx); err == nil && !found {
			h.say("webhook", failed, "GitLab has taken the webhook and does not show it", "run it again")
			return
		}
	} else {
		hook, err = h.correct(ctx, hook)
	}
	if err != nil {
		w.trouble("webhook", err, maintainer)
		return
	}
	h.readBack(ctx, hook)
	hook = h.alert(ctx, hook)
	h.double(ctx, hook)
	if w.resend {
		h.again(ctx, hook)
	}
}

// secrets takes the first of each kind; the others are what the receiver still
// takes while one is being replaced.
func (h *hookWork) secrets() error {
	tokens, err := h.v.Secrets(settings.GitLabWebhookSecrets)()
	if err != nil {
		return err
	}
	keys, err := h.v.Secrets(settings.GitLabSigningKeys)()
	if err != nil {
		return err
	}
	if len(tokens) > 0 {
		h.token = tokens[0]
	}
	if len(keys) > 0 {
		h.signing = keys[0]
	}
	return nil
}

// find looks for the webhook by its address. Of several the oldest counts; what
// sluice setup made for another address is told of.
func (h *hookWork) find(ctx context.Context) (gitlab.Hook, bool, error) {
	var list []gitlab.Hook
	err := h.patiently(ctx, func() (err error) {
		list, err = h.place.Hooks(ctx)
		return err
	})
	slices.SortFunc(list, func(a, b gitlab.Hook) int { return int(a.ID - b.ID) })
	var same []gitlab.Hook
	h.others = nil
	for _, k := range list {
		if address(k.URL) == address(h.hookURL) {
			same = append(same, k)
		} else {
			h.others = append(h.others, k)
		}
	}
	if err != nil || len(same) == 0 {
		return gitlab.Hook{}, false, err
	}
	h.duplicates = same[1:]
	return same[0], true, nil
}

// address is what two spellings of one address have in common.
func address(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return text
	}
	port := u.Port()
	if u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80" {
		port = ""
	}
	return strings.ToLower(u.Scheme+"://"+u.Hostname()) + ":" + port + strings.TrimSuffix(u.EscapedPath(), "/")
}

// events are those that the receiver makes hints of and the promoter goes by.
// The others would cost deliveries, which GitLab.com counts. Internal comments
// are sent only if the policy has them read; without a policy that is left as it is.
func (w *work) events() map[string]bool {
	all := map[string]bool{
		"push_events": true, "merge_requests_events": true, "note_events": true, "pipeline_events": true, "tag_push_events": false,
		"emoji_events": false, "job_events": false, "issues_events": false, "confidential_issues_events": false, "wiki_page_events": false,
		"deployment_events": false, "releases_events": false,
	}
	if w.policy != nil {
		all["confidential_note_events"] = w.policy.Commands.Internal
	}
	return all
}

// spec is the webhook as it should be. Pushes to the default branch are enough:
// merge requests tell of the others, and each push that Sluice makes itself
// would have it read all open merge requests anew.
func (h *hookWork) spec(withSecrets bool, old gitlab.Hook) gitlab.HookSpec {
	s := gitlab.HookSpec{URL: h.hookURL, Name: old.Name, Description: old.Description, Filter: h.settings.DefaultBranch, Events: h.events()}
	if s.Name == "" {
		s.Name = "Sluice"
	}
	if withSecrets {
		s.Token, s.SigningToken = h.token, h.signing
		s.Description = mark + h.clock().UTC().Format("2006-01-02 15:04 UTC")
	}
	return s
}

// usable tells whether what is configured proves a delivery to the receiver.
func (h *hookWork) usable() bool { return h.token != "" || h.signing != "" && h.signs() }

func (h *hookWork) signs() bool { return !h.release.before(signsMajor, signsMinor) }

// create makes the webhook, and never a second one: an answer that was lost may
// have followed one that was made, so each try begins with a look.
func (h *hookWork) create(ctx context.Context) bool {
	if !h.usable() {
		h.say("webhook", failed, "there is none, and none can be made that the receiver believes: there is no secret for it", h.wantsSecrets())
		return false
	}
	return h.write(ctx, "webhook", h.told("created"), "create the webhook", maintainer, func() error {
		if _, found, err := h.find(ctx); err != nil || found {
			return err
		}
		err := h.place.CreateHook(ctx, h.spec(true, gitlab.Hook{}))
		if err == nil || core.WaitOf(err) > 0 || core.KindOf(err) != core.Transient {
			return err
		}
		if _, found, again := h.find(ctx); again == nil && found {
			return nil
		}
		return err
	})
}

func (h *hookWork) wantsSecrets() string {
	if h.signing != "" {
		return "GitLab " + h.release.text + " has no signing tokens; give a secret token in --gitlab-webhook-secrets-file, the same as the receiver has"
	}
	return "give --gitlab-webhook-secrets-file or --gitlab-signing-keys-file, the same as the receiver has"
}

// told says which secrets went with it and when, for GitLab shows neither.
func (h *hookWork) told(what string) string {
	var kinds []string
	if h.token != "" {
		kinds = append(kinds, "secret token")
	}
	if h.signing != "" {
		kinds = append(kinds, "signing token")
	}
	return fmt.Sprintf("%s; %s sent at %s", what, strings.Join(kinds, " and "), h.clock().UTC().Format(time.DateTime+" UTC"))
}

// correct makes one that is there what it should be.
func (h *hookWork) correct(ctx context.Context, old gitlab.Hook) (gitlab.Hook, error) {
	wrong, secrets := h.differences(old)
	if len(wrong) == 0 {
		h.say("webhook", fine, fmt.Sprintf("webhook %d is as it should be", old.ID), "")
		return old, nil
	}
	if secrets && !h.usable() {
		h.say("webhook", failed, fmt.Sprintf("webhook %d cannot be corrected without a secret: %s", old.ID, strings.Join(wrong, ", ")), h.wantsSecrets())
		return old, nil
	}
	did := "corrected: " + strings.Join(wrong, ", ")
	if secrets {
		did = h.told(did)
	}
	if !h.write(ctx, "webhook", did, fmt.Sprintf("correct webhook %d: %s", old.ID, strings.Join(wrong, ", ")), maintainer,
		func() error { return h.place.EditHook(ctx, old.ID, h.spec(secrets, old)) }) {
		return old, nil
	}
	return h.reread(ctx, old.ID)
}

func (h *hookWork) reread(ctx context.Context, id int64) (hook gitlab.Hook, err error) {
	err = h.patiently(ctx, func() (err error) {
		hook, err = h.place.Hook(ctx, id)
		return err
	})
	return hook, err
}

// differences says what is wrong, and whether the secrets have to be sent. They
// must with another address: GitLab drops the secret token then.
func (h *hookWork) differences(old gitlab.Hook) (wrong []string, secrets bool) {
	want := h.spec(false, old)
	if old.URL != want.URL {
		wrong, secrets = append(wrong, "its address is written differently"), true
	}
	for _, event := range slices.Sorted(maps.Keys(want.Events)) {
		if old.Events[event] != want.Events[event] {
			wrong = append(wrong, event+map[bool]string{true: " are off", false: " are on and of no use"}[want.Events[event]])
		}
	}
	if old.Filter != want.Filter || old.Strategy != "" && old.Strategy != "wildcard" {
		wrong = append(wrong, fmt.Sprintf("pushes are heard from %q, not from %q", old.Filter, want.Filter))
	}
	if !old.VerifyTLS {
		wrong = append(wrong, "the receiver's certificate is not verified")
	}
	if old.Template != "" {
		wrong = append(wrong, "a template changes its body")
	}
	if lacks := h.lacks(old); lacks != "" {
		wrong, secrets = append(wrong, lacks), true
	}
	return wrong, secrets
}

// lacks says which secret has to be sent, "" for none.
func (h *hookWork) lacks(old gitlab.Hook) string {
	switch {
	case h.resetSecrets:
		return "its secrets are to be set anew"
	case h.token != "" && old.Token != nil && !*old.Token:
		return "it has no secret token"
	case h.signing != "" && h.signs() && !present(old.SigningToken) && !strings.HasSuffix(old.Description, ignored):
		return "it has no signing token"
	}
	return ""
}

func present(p *bool) bool { return p != nil && *p }
