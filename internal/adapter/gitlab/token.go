package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Token is what GitLab says of the token that a client uses.
type Token struct {
	Name    string
	User    core.UserID
	Scopes  []string
	Active  bool
	Expires time.Time // the day from which it is refused, in UTC; zero if it never expires
}

// Account is the user that a token acts for.
type Account struct {
	ID       core.UserID
	Username string
	Bot      bool // GitLab made it for an access token, or it is a service account
	Admin    bool // of the instance, and so allowed everything
}

// Instance is what a GitLab says of itself.
type Instance struct {
	Version    string // such as "19.2.1-ee"
	Enterprise *bool  // nil where it does not say
}

// Token asks for the token itself, which needs no scope at all. One that has
// expired or was revoked is core.Denied.
func (c *Client) Token(ctx context.Context) (Token, error) {
	got, _, err := call[struct {
		Name    string   `json:"name"`
		UserID  int64    `json:"user_id"`
		Scopes  []string `json:"scopes"`
		Active  bool     `json:"active"`
		Expires string   `json:"expires_at"`
	}](ctx, c, request{what: "read the token", method: http.MethodGet, path: "personal_access_tokens/self"})
	if err != nil {
		return Token{}, err
	}
	t := Token{Name: oneLine(got.Name), User: core.UserID(got.UserID), Scopes: got.Scopes, Active: got.Active}
	if day := got.Expires; day != "" {
		if t.Expires, err = time.Parse(time.DateOnly, day[:min(len(day), len(time.DateOnly))]); err != nil {
			return Token{}, core.Errorf(core.Internal, "read the token: the day on which it expires is %q", oneLine(day))
		}
	}
	return t, nil
}

// Account reads the token's user.
func (c *Client) Account(ctx context.Context) (Account, error) {
	got, _, err := call[struct {
		ID       int64  `json:"id"`
		Username string `json:"username"`
		Bot      bool   `json:"bot"`
		Admin    bool   `json:"is_admin"` // shown to administrators alone
	}](ctx, c, request{what: "read the token's user", method: http.MethodGet, path: "user"})
	if err != nil {
		return Account{}, err
	}
	return Account{ID: core.UserID(got.ID), Username: oneLine(got.Username), Bot: got.Bot, Admin: got.Admin}, nil
}

// Instance reads the version. GitLab before 15.2 does not tell its edition.
func (c *Client) Instance(ctx context.Context) (Instance, error) {
	type wire struct {
		Version    string `json:"version"`
		Enterprise *bool  `json:"enterprise"`
	}
	got, _, err := call[wire](ctx, c, request{what: "read gitlab's version", method: http.MethodGet, path: "metadata"})
	if status(err) == http.StatusNotFound {
		got, _, err = call[wire](ctx, c, request{what: "read gitlab's version", method: http.MethodGet, path: "version"})
	}
	return Instance{Version: oneLine(got.Version), Enterprise: got.Enterprise}, err
}

// Plan is the subscription of a namespace, such as "premium"; "default" where
// there are none, and "" where it is not shown.
func (c *Client) Plan(ctx context.Context, namespace string) (string, error) {
	got, _, err := call[struct {
		Plan string `json:"plan"`
	}](ctx, c, request{what: "read namespace " + oneLine(namespace), method: http.MethodGet, path: "namespaces/" + gl.PathEscape(namespace)})
	if unseen(err) {
		return "", nil
	}
	return oneLine(got.Plan), err
}

// Has tells whether a feature that has an endpoint below the project is
// licensed. The second result is false where the user may not ask.
func (p *Project) Has(ctx context.Context, feature Feature) (has, known bool, err error) {
	_, _, err = call[any](ctx, p.client, p.get("look for "+string(feature), string(feature), nil))
	switch status(err) {
	case http.StatusNotFound:
		return false, true, nil
	case http.StatusForbidden, http.StatusUnauthorized:
		return false, false, nil
	}
	return err == nil, err == nil, err
}

// Feature is an endpoint that is there only in some of GitLab's tiers.
type Feature string

// The features that tell the tiers apart.
const (
	PushRules    Feature = "push_rule"              // Premium
	StatusChecks Feature = "external_status_checks" // Ultimate
)

// Level is a user's access level in the project, by whatever way, 0 if none.
func (p *Project) Level(ctx context.Context, id core.UserID) (int, error) {
	level, err := p.level(ctx, fmt.Sprintf("read the membership of user %d in %s", id, p.path), fmt.Sprintf("projects/%d/members/all/%d", p.id, id))
	if status(err) == http.StatusNotFound {
		return 0, nil
	}
	return level, err
}
