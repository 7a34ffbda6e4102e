package fakegitlab

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// hook is one project webhook.
type hook struct {
	id        int64
	project   *project
	url       string
	name      string
	about     string
	token     core.Secret
	signing   core.Secret
	flags     map[string]bool
	filter    string
	template  string
	strategy  string
	verifyTLS bool
	createdAt time.Time
	headers   map[string]string

	failures int       // consecutive
	until    time.Time // disabled until then
	records  []*hookRecord
}

// hookFlags are the events that a hook can be set for, with GitLab's defaults.
func hookFlags() map[string]bool {
	return map[string]bool{
		"push_events": true, "tag_push_events": false, "merge_requests_events": false, "note_events": false, "confidential_note_events": false,
		"pipeline_events": false, "job_events": false, "emoji_events": false, "deployment_events": false, "releases_events": false,
		"issues_events": false, "confidential_issues_events": false, "wiki_page_events": false, "milestone_events": false,
		"feature_flag_events": false, "resource_access_token_events": false, "vulnerability_events": false, "repository_update_events": false,
	}
}

// alert is alert_status. A hook that is disabled for good stays so until a test
// of it succeeds.
func (h *hook) alert(now time.Time) string {
	switch {
	case h.failures > hookHardLimit:
		return "disabled"
	case h.until.After(now):
		return "temporarily_disabled"
	}
	return "executable"
}

// delivered notes how a delivery went, and turns the hook off when too many
// went wrong in a row.
func (h *hook) delivered(now time.Time, success, autoDisable bool) {
	if success {
		h.failures, h.until = 0, time.Time{}
		return
	}
	if !autoDisable {
		return
	}
	h.failures++
	if h.failures > hookSoftLimit {
		steps := min(h.failures-hookSoftLimit-1, 20)
		h.until = now.Add(min(time.Minute<<steps, 24*time.Hour))
	}
}

// wants says whether an event of this kind on this branch is for the hook.
func (h *hook) wants(flag, branch string) bool {
	if !h.flags[flag] {
		return false
	}
	if flag != "push_events" || h.filter == "" {
		return true
	}
	if h.strategy == "regex" {
		re, err := regexp.Compile(h.filter)
		return err == nil && re.MatchString(branch)
	}
	return wildcard(h.filter, branch)
}

// renderHook never shows a secret, only whether there is one; of custom headers
// it shows the names.
func (c *call) renderHook(h *hook) obj {
	o := obj{
		"id": h.id, "url": h.url, "name": h.name, "description": h.about, "created_at": stamp(h.createdAt), "project_id": h.project.id,
		"enable_ssl_verification": h.verifyTLS, "push_events_branch_filter": h.filter, "branch_filter_strategy": h.strategy,
		"alert_status": h.alert(c.now()), "disabled_until": nil, "url_variables": []obj{}, "custom_webhook_template": h.template,
	}
	if c.cfg.Edition.knows(19, 0) {
		o["token_present"], o["signing_token_present"] = h.token != "", h.signing != ""
	}
	names := []obj{}
	for k := range h.headers {
		names = append(names, obj{"key": k})
	}
	o["custom_headers"] = names
	if h.until.After(c.now()) {
		o["disabled_until"] = stamp(h.until)
	}
	for k, v := range h.flags {
		o[k] = v
	}
	return o
}

func listHooks(c *call) (reply, error) { return ok(render(page(c, c.project.hooks), c.renderHook)) }

func (c *call) hookOfPath() (*hook, error) {
	id, err := c.id("hook")
	if err != nil {
		return nil, err
	}
	h := find(c.project.hooks, func(h *hook) bool { return h.id == id })
	if h == nil {
		return nil, notFound("")
	}
	return h, nil
}

func getHook(c *call) (reply, error) {
	h, err := c.hookOfPath()
	if err != nil {
		return reply{}, err
	}
	return ok(c.renderHook(h))
}

// createHook makes a second hook of the same URL without complaint, as GitLab
// does.
func createHook(c *call) (reply, error) {
	if err := c.params.require("url"); err != nil {
		return reply{}, err
	}
	h := &hook{id: c.next(), project: c.project, flags: hookFlags(), verifyTLS: true, strategy: "wildcard", createdAt: c.now(), headers: map[string]string{}}
	if err := c.applyHook(h); err != nil {
		return reply{}, err
	}
	c.project.hooks = append(c.project.hooks, h)
	return created(c.renderHook(h))
}

// updateHook changes what is named and keeps the rest.
func updateHook(c *call) (reply, error) {
	h, err := c.hookOfPath()
	if err != nil {
		return reply{}, err
	}
	if err := c.applyHook(h); err != nil {
		return reply{}, err
	}
	return ok(c.renderHook(h))
}

// applyHook takes the parameters over. A new URL resets the secret token, so
// that it cannot be sent to somebody else.
func (c *call) applyHook(h *hook) error {
	q := c.params
	if to := q.text("url"); to != "" {
		u, err := url.Parse(to)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return fail(http.StatusUnprocessableEntity, "Invalid url given")
		}
		if h.url != "" && to != h.url {
			h.token = ""
		}
		h.url = to
	}
	if err := checkSigning(q.text("signing_token")); err != nil && c.cfg.Edition.signs() {
		return err
	}
	for key, field := range map[string]*string{"name": &h.name, "description": &h.about, "push_events_branch_filter": &h.filter, "branch_filter_strategy": &h.strategy, "custom_webhook_template": &h.template} {
		if q.has(key) {
			*field = q.text(key)
		}
	}
	if q.has("token") {
		h.token = core.Secret(strings.NewReplacer("\n", "", "\r", "").Replace(q.text("token")))
	}
	if q.has("signing_token") && c.cfg.Edition.signs() {
		h.signing = core.Secret(q.text("signing_token"))
	}
	h.verifyTLS = q.boolean("enable_ssl_verification", h.verifyTLS)
	for k, v := range h.flags {
		h.flags[k] = q.boolean(k, v)
	}
	list, _ := q["custom_headers"].([]any)
	for _, x := range list {
		if m, isMap := x.(map[string]any); isMap {
			h.headers[params(m).text("key")] = params(m).text("value")
		}
	}
	return nil
}

// checkSigning wants whsec_ and 32 bytes in base64.
func checkSigning(token string) error {
	if token == "" {
		return nil
	}
	key, prefixed := strings.CutPrefix(token, "whsec_")
	raw, err := base64.StdEncoding.DecodeString(key)
	if !prefixed || err != nil || len(raw) != 32 {
		return fail(http.StatusUnprocessableEntity, "Signing token must be whsec_ followed by 32 bytes encoded as base64")
	}
	return nil
}

func deleteHook(c *call) (reply, error) {
	h, err := c.hookOfPath()
	if err != nil {
		return reply{}, err
	}
	c.project.hooks = slices.DeleteFunc(c.project.hooks, func(x *hook) bool { return x == h })
	return noContent()
}

// testHook sends a sample and waits for the answer, without the lock: the
// receiver may call back.
func testHook(c *call) (reply, error) {
	h, err := c.hookOfPath()
	if err != nil {
		return reply{}, err
	}
	trigger := c.r.PathValue("trigger")
	if _, known := h.flags[trigger]; !known {
		return reply{}, failWith(http.StatusBadRequest, "trigger does not have a valid value")
	}
	ev, body := c.sample(trigger)
	if body == nil {
		return reply{}, fail(http.StatusUnprocessableEntity, "Ensure the project has at least one sample.")
	}
	return c.sendNow("test", c.newDelivery(h, ev, body, newUUID()))
}

// sendNow delivers within the request, as GitLab does for tests and resends, of
// which it takes five of each a minute, for each hook and user.
func (c *call) sendNow(kind string, d *delivery) (reply, error) {
	if n, _ := c.count(fmt.Sprintf("%s %d %s", kind, d.hook.id, c.user.username)); n > sendsPerMinute {
		return reply{}, fail(http.StatusTooManyRequests, "This endpoint has been requested too many times. Try again later.")
	}
	return reply{later: func() (reply, error) {
		if rec := c.deliver(c.r.Context(), d); !rec.success() {
			return reply{}, fail(http.StatusUnprocessableEntity, fmt.Sprintf("Hook execution failed: %s", rec.outcome()))
		}
		return reply{status: http.StatusCreated, body: obj{"message": "201 Created"}}, nil
	}}, nil
}

// listHookEvents shows the newest delivery first.
func listHookEvents(c *call) (reply, error) {
	h, err := c.hookOfPath()
	if err != nil {
		return reply{}, err
	}
	var found []*hookRecord
	for _, r := range slices.Backward(h.records) {
		if r.fits(c.params.text("status")) {
			found = append(found, r)
		}
	}
	return ok(render(page(c, found), (*hookRecord).render))
}

// resendHookEvent sends the same body under the same key, freshly signed.
func resendHookEvent(c *call) (reply, error) {
	h, err := c.hookOfPath()
	if err != nil {
		return reply{}, err
	}
	id, err := c.id("event")
	if err != nil {
		return reply{}, err
	}
	r := find(h.records, func(r *hookRecord) bool { return r.id == id })
	if r == nil {
		return reply{}, notFound("")
	}
	if r.d.url != h.url {
		return reply{}, fail(http.StatusUnprocessableEntity, "The hook URL has changed. This log entry cannot be retried.")
	}
	return c.sendNow("resend", c.newDelivery(h, r.d.event, r.d.body, r.d.key))
}
