package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
)

// maxAttempts bounds the calls to one cluster for one revision. After the last
// the cluster is left to its own interval; the next revision starts anew.
const maxAttempts = 8

// pause is how long to wait after so many calls for one revision: a fetch that
// raced the merge is asked for again soon, a cluster that is away seldom.
func pause(attempts int) time.Duration {
	return pauses[min(max(attempts, 1), len(pauses))-1]
}

var pauses = [...]time.Duration{5 * time.Second, 15 * time.Second, 45 * time.Second, 2 * time.Minute, 5 * time.Minute}

// lost is after what time a call that was ordered and not made is ordered once
// more: whoever should make it may have lost it with all of NATS. Until then it
// is being made, as often as it takes.
const lost = 15 * time.Minute

// triggers orders a call of the Flux Receiver of every cluster that is made
// from something that has changed since the revision that it last reported.
func (c *computation) triggers() {
	for _, env := range c.policy.Environments {
		for _, cluster := range env.Clusters {
			if !c.state.Receivers[cluster] {
				continue
			}
			if reason, since := c.lag(cluster, env.Name); reason != "" {
				c.trigger(cluster, reason, since)
			}
		}
	}
}

func (c *computation) trigger(cluster core.Cluster, reason string, since core.SHA) {
	last := c.state.Triggers[cluster]
	if last.Revision != c.state.Head {
		last = TriggerRecord{Revision: c.state.Head}
	}
	if due, ever := last.due(); !ever {
		return
	} else if c.now.Before(due) {
		c.soon(last.look(c.now, due))
		return
	}
	if last.Attempts > 0 {
		reason += fmt.Sprintf("; %d calls so far", last.Attempts)
	}
	if calls := last.Attempts + 1; calls < maxAttempts {
		c.soon(c.now.Add(pause(calls)))
	}
	c.plan.Actions = append(c.plan.Actions, Trigger{Cause: Cause{Reason: reason}, Cluster: cluster, Revision: c.state.Head, Since: since, Attempt: last.Attempts + 1})
}

// due is when the next call for the record's revision is to be ordered; ever is
// false if none is.
func (r TriggerRecord) due() (at time.Time, ever bool) {
	switch {
	case r.Attempts == 0:
		return time.Time{}, true
	case r.GaveUp, r.Attempts >= maxAttempts:
		return time.Time{}, false
	case r.Called.IsZero():
		return r.At.Add(lost), true
	}
	return r.Called.Add(pause(r.Attempts)), true
}

// look is when to look at it again: that a call was made wakes nobody, so while
// one is being made, at the times at which the next one would be due.
func (r TriggerRecord) look(now, due time.Time) time.Time {
	if !r.Called.IsZero() {
		return due
	}
	for _, wait := range pauses {
		if at := r.At.Add(wait); at.After(now) {
			return at
		}
	}
	return due
}

// trouble says what keeps a cluster from being told of the head, or "".
func (r TriggerRecord) trouble(head core.SHA) string {
	switch {
	case r.Trouble == "" || r.Revision != head && !r.GaveUp:
		return ""
	case r.GaveUp:
		return "its Flux Receiver cannot be called: " + r.Trouble
	}
	return "its Flux Receiver is being called again and again: " + r.Trouble
}

// behind says why a cluster must reconcile, or "" if it need not, and which
// revision it has reported, "" if none.
func (c *computation) behind(cluster core.Cluster, env core.Env) (reason string, since core.SHA) {
	reported, alike := false, map[core.SHA]bool{}
	for _, r := range c.reports(cluster) {
		now, ok := r.Now()
		if !ok || r.Object.Kind != gate.Kustomization {
			continue
		}
		reported = true
		if alike[now.Revision] {
			continue
		}
		alike[now.Revision] = true
		if what, ok := c.differs(cluster, env, now.Revision); ok {
			return fmt.Sprintf("%s of %s reported %s, and %s has changed since", r.Object, cluster, now.Revision.Short(), what), now.Revision
		}
	}
	if !reported {
		return fmt.Sprintf("%s has not reported yet", cluster), ""
	}
	return "", ""
}

// differs names what of that from which a cluster is made is not the same at a
// revision as at Head: an app whose files differ, or else a place.
func (c *computation) differs(cluster core.Cluster, env core.Env, at core.SHA) (string, bool) {
	past := c.state.at(at)
	if past == c.state.Inventory {
		return "", false
	}
	if past == nil {
		return "something", true
	}
	for _, app := range c.state.Inventory.Changed(env, past) {
		t := core.Target{Env: env, App: app}
		if !sameInputs(of(c.state.Inventory.Of(t), cluster), of(past.Of(t), cluster)) {
			return string(app), true
		}
	}
	was, known := c.state.Footprints[Site{Revision: at, Cluster: cluster}]
	is, also := c.state.Footprints[Site{Revision: c.state.Head, Cluster: cluster}]
	if !known || !also {
		return "", false
	}
	return was.Differs(is)
}

func of(list []*overlay.Deployment, cluster core.Cluster) *overlay.Deployment {
	for _, d := range list {
		if d.Cluster == cluster || d.Cluster == "" {
			return d
		}
	}
	return nil
}

func sameInputs(a, b *overlay.Deployment) bool {
	if a == b {
		return true
	}
	return a != nil && b != nil && slices.EqualFunc(a.Inputs, b.Inputs, func(x, y overlay.Input) bool {
		return x.Path == y.Path && x.SHA == y.SHA
	})
}
