package gitlab

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// wireMember is a membership, inherited or by invitation. The client library
// has no field for membership_state.
type wireMember struct {
	AccessLevel     int    `json:"access_level"`
	MembershipState string `json:"membership_state"` // "active" or "awaiting"; absent in the free edition
	ExpiresAt       string `json:"expires_at"`       // a date, or null
}

// Person looks up who a user is to the project, and which of the groups, given
// by full path, count the user as a member. It fails closed: an account that is
// gone or not active, a membership that awaits its approval or has expired, and
// a group that does not exist or may not be seen give nothing. The latter is
// logged once per group, for the policy then asks for what cannot happen.
func (p *Project) Person(ctx context.Context, id core.UserID, groups []string) (plan.Person, error) {
	what := fmt.Sprintf("read user %d", id)
	user, _, err := call[wireUser](ctx, p.client, p.read(what, fmt.Sprintf("users/%d", id)))
	if status(err) == http.StatusNotFound {
		return plan.Person{ID: id}, nil
	}
	if err != nil {
		return plan.Person{}, err
	}
	person := plan.Person{ID: id, Username: user.Username, Active: user.State == "active", Email: user.Email}
	if !person.Active { // nothing such a person says counts, so the other calls can be saved
		return person, nil
	}
	what = fmt.Sprintf("read the membership of user %d in %s", id, p.path)
	person.Level, err = p.level(ctx, what, fmt.Sprintf("projects/%d/members/all/%d", p.id, id))
	if err != nil && status(err) != http.StatusNotFound {
		return plan.Person{}, err
	}
	for _, group := range groups {
		member, err := p.memberOf(ctx, group, id)
		if err != nil {
			return plan.Person{}, err
		}
		if member {
			person.Groups = append(person.Groups, group)
		}
	}
	return person, nil
}

// memberOf tells whether a group counts the user as a member. GitLab answers
// 404 for a stranger and for a group it does not show, and differs in words only.
func (p *Project) memberOf(ctx context.Context, group string, id core.UserID) (bool, error) {
	what := fmt.Sprintf("read the membership of user %d in group %s", id, oneLine(group))
	level, err := p.level(ctx, what, fmt.Sprintf("groups/%s/members/all/%d", gl.PathEscape(group), id))
	switch {
	case err == nil:
		return level > 0, nil
	case !unseen(err):
		return false, err
	case status(err) == http.StatusForbidden || answered(err).says("group not found"):
		p.warnOnce(group)
	}
	return false, nil
}

// level is the access level of a membership that counts now, else 0.
func (p *Project) level(ctx context.Context, what, path string) (int, error) {
	m, _, err := call[wireMember](ctx, p.client, p.read(what, path))
	if err != nil {
		return 0, err
	}
	if m.MembershipState != "" && m.MembershipState != "active" || expired(m.ExpiresAt, p.client.now()) {
		return 0, nil
	}
	return m.AccessLevel, nil
}

// expired reckons as GitLab does: a membership ends as its date begins, while
// the job that removes it may run a day later. Old versions give a time where
// newer ones give a date; the day decides in either case.
func expired(at string, now time.Time) bool {
	return at != "" && at[:min(len(time.DateOnly), len(at))] <= now.UTC().Format(time.DateOnly)
}

// unseen tells whether GitLab shows nothing of what was asked for.
func unseen(err error) bool {
	s := status(err)
	return s == http.StatusNotFound || s == http.StatusForbidden
}

// warnOnce says once per client what a pass would otherwise say each minute.
func (p *Project) warnOnce(group string) {
	c := p.client
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.warned[group] || len(c.warned) >= maxWarnedGroups {
		return
	}
	c.warned[group] = true
	c.log.Warn("a group that the policy names does not exist or may not be seen, so nobody counts as its member",
		slog.String("repo", p.path), slog.String("group", group))
}
