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
	pauses := [...]time.Duration{5 * time.Second, 15 * time.Second, 45 * time.Second, 2 * time.Minute, 5 * time.Minute}
	return pauses[min(max(attempts, 1), len(pauses))-1]
}

// triggers calls the Flux Receiver of every cluster whose overlays have
// changed since the revision that it last reported.
func (c *computation) triggers() {
	for _, env := range c.policy.Environments {
		for _, cluster := range env.Clusters {
			if reason := c.behind(cluster, env.Name); reason != "" && c.state.Receivers[cluster] {
				c.trigger(cluster, reason)
			}
		}
	}
}

func (c *computation) trigger(cluster core.Cluster, reason string) {
	last := c.state.Triggers[cluster]
	if last.Revision == c.state.Head {
		due := last.At.Add(pause(last.Attempts))
		if last.Attempts >= maxAttempts {
			return
		}
		if c.now.Before(due) {
			c.soon(due)
			return
		}
		reason += fmt.Sprintf("; %d calls so far", last.Attempts)
	}
	if calls := last.since(c.state.Head) + 1; calls < maxAttempts {
		c.soon(c.now.Add(pause(calls)))
	}
	c.plan.Actions = append(c.plan.Actions, Trigger{Cause: Cause{Reason: reason}, Cluster: cluster, Revision: c.state.Head})
}

// since is how many calls were made for a revision.
func (r TriggerRecord) since(revision core.SHA) int {
	if r.Revision != revision {
		return 0
	}
	return r.Attempts
}

// behind says why a cluster must reconcile, or "" if it need not.
func (c *computation) behind(cluster core.Cluster, env core.Env) string {
	reported := false
	for _, r := range c.reports(cluster) {
		now, ok := r.Now()
		if !ok || r.Object.Kind != gate.Kustomization {
			continue
		}
		reported = true
		if app, ok := c.differs(cluster, env, now.Revision); ok {
			return fmt.Sprintf("%s of %s reported %s, and %s has changed since", r.Object, cluster, now.Revision.Short(), app)
		}
	}
	if !reported {
		return fmt.Sprintf("%s has not reported yet", cluster)
	}
	return ""
}

// differs names an app of the cluster whose files are not the same at a
// revision as at Head.
func (c *computation) differs(cluster core.Cluster, env core.Env, at core.SHA) (core.App, bool) {
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
			return app, true
		}
	}
	return "", false
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
