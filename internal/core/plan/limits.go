package plan

import (
	"fmt"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// allowance is how many merge requests may still be opened into an environment.
// Those that are open, and the times at which others were opened, are observed;
// nothing is counted anywhere else.
type allowance struct {
	open, hourly int       // what is left
	next         time.Time // when the oldest of the last hour is an hour old
}

// allowance works out an environment's, once per plan.
func (c *computation) allowance(env core.Env) *allowance {
	if a := c.allowances[env]; a != nil {
		return a
	}
	a := &allowance{open: c.policy.Limits.Open, hourly: c.policy.Limits.Hourly}
	count := func(mr *MergeRequest, open bool) {
		if targetOf(mr.Source).Env != env {
			return
		}
		if open {
			a.open--
		}
		if until := mr.CreatedAt.Add(time.Hour); until.After(c.now) {
			a.hourly--
			if a.next.IsZero() || until.Before(a.next) {
				a.next = until
			}
		}
	}
	for i := range c.state.Open {
		count(&c.state.Open[i], true)
	}
	for i := range c.state.Recent {
		count(&c.state.Recent[i], false)
	}
	if c.allowances == nil {
		c.allowances = map[core.Env]*allowance{}
	}
	c.allowances[env] = a
	return a
}

// mayOpen tells whether one more merge request may be opened into the target's
// environment, and counts it; if not, the target waits.
func (l *life) mayOpen() bool {
	limits, a := l.policy.Limits, l.allowance(l.env.Name)
	switch {
	case limits.Open > 0 && a.open <= 0:
		l.set(Waiting, fmt.Sprintf("%s has %d open merge requests, as many as the policy allows (limits.open); it comes when one of them is merged or closed", l.env.Name, limits.Open-a.open))
		return false
	case limits.Hourly > 0 && a.hourly <= 0:
		l.set(Waiting, fmt.Sprintf("%d merge requests were opened for %s within an hour, as many as the policy allows (limits.hourly)", limits.Hourly-a.hourly, l.env.Name))
		if !a.next.IsZero() {
			l.lookAgain(a.next)
		}
		return false
	}
	a.open, a.hourly = a.open-1, a.hourly-1
	return true
}
