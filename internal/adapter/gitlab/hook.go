package gitlab

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Hook is a webhook of the project as GitLab shows it, which is without its
// secrets.
type Hook struct {
	ID            int64
	URL           string
	Name          string // "" before GitLab 17.1
	Description   string
	Filter        string          // which branches' pushes it hears, "" for all
	Strategy      string          // how Filter is read, "" where GitLab does not say
	Template      string          // of the body, "" for GitLab's own
	Events        map[string]bool // by GitLab's names, such as "push_events"
	VerifyTLS     bool
	Token         *bool // whether there is a secret token; nil where GitLab does not say
	SigningToken  *bool // likewise
	Alert         string
	DisabledUntil time.Time // zero unless it is disabled for a time
}

// The values of Hook.Alert.
const (
	HookWorks    = "executable"
	HookPauses   = "temporarily_disabled"
	HookDisabled = "disabled"
)

// HookSpec is what a webhook is to be. Tokens that are empty stay as they are,
// except that GitLab drops the secret token when the URL changes.
type HookSpec struct {
	URL          string
	Name         string
	Description  string
	Filter       string
	Events       map[string]bool
	Token        core.Secret
	SigningToken core.Secret
}

// body is the JSON document. All of a hook is said each time, so that one call
// corrects whatever differs.
func (s HookSpec) body() map[string]any {
	doc := map[string]any{
		"url": s.URL, "name": s.Name, "description": s.Description, "enable_ssl_verification": true,
		"push_events_branch_filter": s.Filter, "branch_filter_strategy": "wildcard", "custom_webhook_template": "",
	}
	for event, on := range s.Events {
		doc[event] = on
	}
	if s.Token != "" {
		doc["token"] = s.Token.Reveal()
	}
	if s.SigningToken != "" {
		doc["signing_token"] = s.SigningToken.Reveal()
	}
	return doc
}

// wireHook keeps the document as well, for its events: GitLab adds to them.
type wireHook struct {
	ID            int64  `json:"id"`
	URL           string `json:"url"`
	Name          string `json:"name"`
	Description   string `json:"description"`
	Filter        string `json:"push_events_branch_filter"`
	Strategy      string `json:"branch_filter_strategy"`
	Template      string `json:"custom_webhook_template"`
	VerifyTLS     bool   `json:"enable_ssl_verification"`
	Token         *bool  `json:"token_present"`
	SigningToken  *bool  `json:"signing_token_present"`
	Alert         string `json:"alert_status"`
	DisabledUntil string `json:"disabled_until"`
	events        map[string]bool
}

// UnmarshalJSON implements json.Unmarshaler.
func (h *wireHook) UnmarshalJSON(doc []byte) error {
	type plain wireHook
	if err := json.Unmarshal(doc, (*plain)(h)); err != nil {
		return err
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(doc, &fields); err != nil {
		return err
	}
	h.events = map[string]bool{}
	for name, value := range fields {
		var on bool
		if strings.HasSuffix(name, "_events") && json.Unmarshal(value, &on) == nil {
			h.events[name] = on
		}
	}
	return nil
}

func (h wireHook) hook() Hook {
	until, err := time.Parse(time.RFC3339, h.DisabledUntil)
	if err != nil {
		until = time.Time{} // null, or a form that tells nothing
	}
	return Hook{
		ID: h.ID, URL: h.URL, Name: h.Name, Description: h.Description, Filter: h.Filter, Strategy: h.Strategy, Template: h.Template, Events: maps.Clone(h.events),
		VerifyTLS: h.VerifyTLS, Token: h.Token, SigningToken: h.SigningToken, Alert: h.Alert, DisabledUntil: until,
	}
}

// Hooks lists the project's own webhooks; those of groups are not among them.
func (p *Project) Hooks(ctx context.Context) ([]Hook, error) {
	list, err := all[wireHook](ctx, p.client, p.get("list webhooks", "hooks", gl.ListOptions{PerPage: perPage}), maxHooks)
	if err != nil {
		return nil, err
	}
	out := make([]Hook, 0, len(list))
	for _, h := range list {
		out = append(out, h.hook())
	}
	return out, nil
}

// Hook reads one webhook anew.
func (p *Project) Hook(ctx context.Context, id int64) (Hook, error) {
	got, _, err := call[wireHook](ctx, p.client, p.get(fmt.Sprintf("read webhook %d", id), fmt.Sprintf("hooks/%d", id), nil))
	return got.hook(), err
}

// CreateHook makes a webhook. It is no "ensure": GitLab takes a second one with
// the same URL. After an error other than a refusal, whether it was made shows
// in Hooks alone.
func (p *Project) CreateHook(ctx context.Context, s HookSpec) error {
	_, _, err := call[struct{}](ctx, p.client, p.request(http.MethodPost, "create the webhook", "hooks", s.body()))
	return err
}

// EditHook makes a webhook what it is to be.
func (p *Project) EditHook(ctx context.Context, id int64, s HookSpec) error {
	_, _, err := call[struct{}](ctx, p.client, p.request(http.MethodPut, fmt.Sprintf("correct webhook %d", id), fmt.Sprintf("hooks/%d", id), s.body()))
	return err
}

// RemoveHook deletes a webhook; one that is gone counts as deleted.
func (p *Project) RemoveHook(ctx context.Context, id int64) error {
	_, _, err := call[struct{}](ctx, p.client, p.request(http.MethodDelete, fmt.Sprintf("delete webhook %d", id), fmt.Sprintf("hooks/%d", id), nil))
	if status(err) == http.StatusNotFound {
		return nil
	}
	return err
}

// TestHook has GitLab send a sample of an event, such as "push_events", and
// wait for the answer. It is core.Invalid, with GitLab's words, if the receiver
// did not take it. A webhook that was disabled is enabled by one that was taken.
func (p *Project) TestHook(ctx context.Context, id int64, event string) error {
	_, _, err := call[struct{}](ctx, p.client, p.request(http.MethodPost, fmt.Sprintf("test webhook %d", id), fmt.Sprintf("hooks/%d/test/%s", id, event), nil))
	return err
}

// Delivery is one request that GitLab made for a webhook. A delivery that is
// sent again has the same key, and is another delivery.
type Delivery struct {
	ID     int64
	URL    string
	Key    string    // the Idempotency-Key, "" before GitLab 17.4
	Status string    // the answer's, or words such as "internal error" where there was none
	At     time.Time // zero unless it was signed
}

// Taken tells whether the receiver took it; GitLab counts redirections as taken.
func (d Delivery) Taken() bool {
	return len(d.Status) == 3 && (d.Status[0] == '2' || d.Status[0] == '3')
}

// Deliveries lists the newest requests of a webhook, the latest first: those of
// the last days, as far as GitLab keeps them. Where there are too many, the
// oldest are left out, and whole is false. It is core.NotFound before GitLab 17.3.
func (p *Project) Deliveries(ctx context.Context, hook int64) (list []Delivery, whole bool, _ error) {
	r := p.get(fmt.Sprintf("list deliveries of webhook %d", hook), fmt.Sprintf("hooks/%d/events", hook), gl.ListOptions{PerPage: deliveriesPage})
	for d, err := range items[wireDelivery](ctx, p.client, r, maxDeliveries+1) {
		if err != nil {
			return nil, false, err
		}
		if len(list) == maxDeliveries {
			return list, false, nil
		}
		list = append(list, d.delivery())
	}
	return list, true, nil
}

type wireDelivery struct {
	ID      int64           `json:"id"`
	URL     string          `json:"url"`
	Status  json.RawMessage `json:"response_status"` // a text, in some versions a number
	Headers map[string]any  `json:"request_headers"`
}

// header ignores case, for proxies and versions differ in it.
func (d wireDelivery) header(name string) string {
	for k, v := range d.Headers {
		if strings.EqualFold(k, name) {
			return oneLine(fmt.Sprint(v))
		}
	}
	return ""
}

func (d wireDelivery) delivery() Delivery {
	out := Delivery{ID: d.ID, URL: d.URL, Key: d.header("Idempotency-Key"), Status: oneLine(strings.Trim(string(d.Status), `"`))}
	var seconds int64
	if _, err := fmt.Sscan(d.header("webhook-timestamp"), &seconds); err == nil && seconds > 0 {
		out.At = time.Unix(seconds, 0).UTC()
	}
	return out
}

// Resend has GitLab make a request once more. It is core.Invalid, with GitLab's
// words, if the receiver did not take it or the webhook's URL is another one by
// now. GitLab takes five a minute.
func (p *Project) Resend(ctx context.Context, hook, delivery int64) error {
	what := fmt.Sprintf("send delivery %d of webhook %d again", delivery, hook)
	_, _, err := call[struct{}](ctx, p.client, p.request(http.MethodPost, what, fmt.Sprintf("hooks/%d/events/%d/resend", hook, delivery), nil))
	return err
}
