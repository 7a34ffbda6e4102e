package setup

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
	"github.com/sluice-gitops/sluice/internal/core"
)

// account looks at the token and its user. Without them nothing else can be
// looked at.
func (w *work) account(ctx context.Context) bool {
	var token gitlab.Token
	err := w.patiently(ctx, func() (err error) {
		token, err = w.client.Token(ctx)
		return err
	})
	if err != nil {
		fix := ""
		if core.KindOf(err) == core.Denied {
			fix = "it is wrong, revoked or expired; make a new one with the scope api"
		}
		w.say("token", failed, err.Error(), fix)
		return false
	}
	w.expiry(token)
	if !w.scopes(token) {
		return false
	}
	err = w.patiently(ctx, func() (err error) {
		w.me, err = w.client.Account(ctx)
		return err
	})
	if err != nil {
		w.trouble("token", err, 0)
		return false
	}
	w.say("token", told, fmt.Sprintf("acts as %s, %s", w.me.Username, kindOf(w.me)), "")
	return true
}

// scopes tells whether anything can be read at all.
func (w *work) scopes(t gitlab.Token) bool {
	has := "its scopes are " + strings.Join(t.Scopes, ", ")
	switch {
	case slices.Contains(t.Scopes, "api"):
		w.say("token", fine, "has the scope api", "")
		return true
	case slices.Contains(t.Scopes, "read_api"):
		w.say("token", failed, has+": enough to look, and not to push, to open merge requests or to change anything", "make a token with the scope api")
		return true
	}
	w.say("token", failed, has+": with them GitLab answers nothing that Sluice asks", "make a token with the scope api")
	return false
}

func (w *work) expiry(t gitlab.Token) {
	const anew = "make or rotate one, and replace the file that Sluice reads: it is read anew for each request"
	days := int(t.Expires.Sub(w.clock().UTC()).Hours()) / 24
	switch {
	case !t.Active:
		w.say("token", failed, "it is not active", anew)
	case t.Expires.IsZero():
		w.say("token", fine, "it does not expire", "")
	case !t.Expires.After(w.clock()):
		w.say("token", failed, "it expired on "+t.Expires.Format(time.DateOnly), anew)
	case days < fewDays:
		w.say("token", doubt, fmt.Sprintf("it expires in %d days, on %s", days, t.Expires.Format(time.DateOnly)), anew)
	default:
		w.say("token", fine, fmt.Sprintf("it expires in %d days, on %s", days, t.Expires.Format(time.DateOnly)), "")
	}
}

// kindOf goes by the names that GitLab gives to the users of access tokens.
func kindOf(a gitlab.Account) string {
	for _, k := range []struct{ pattern, kind string }{
		{`^project_\d+_bot`, "a project access token's user: it sees no private group, so groups that the policy names do not count"},
		{`^group_\d+_bot`, "a group access token's user"},
		{`^service_account`, "a service account"},
	} {
		if regexp.MustCompile(k.pattern).MatchString(a.Username) {
			return k.kind
		}
	}
	if a.Bot {
		return "a service account or bot"
	}
	return "a person's account, as far as can be seen; Sluice takes all that this user writes for its own, so it should be nobody's"
}

func roleName(level int) string {
	for _, r := range []struct {
		from int
		name string
	}{{60, "Administrator"}, {50, "Owner"}, {40, "Maintainer"}, {30, "Developer"}, {20, "Reporter"}, {15, "Planner"}, {10, "Guest"}, {5, "Minimal Access"}} {
		if level >= r.from {
			return r.name
		}
	}
	return "no member"
}

// role looks at what the user may do in the project.
func (w *work) role(ctx context.Context) {
	err := w.patiently(ctx, func() (err error) {
		w.level, err = w.place.Level(ctx, w.me.ID)
		return err
	})
	if w.me.Admin {
		w.level = administrator
	}
	switch {
	case err != nil:
		w.trouble("role", err, 0)
		return
	case w.level < developer:
		w.say("role", failed, fmt.Sprintf("%s is %s in the project: too little to push and to open merge requests", w.me.Username, roleName(w.level)), "give it the role Developer or Maintainer")
	default:
		w.say("role", fine, fmt.Sprintf("%s is %s", w.me.Username, roleName(w.level)), "")
	}
	w.branches(ctx)
}
