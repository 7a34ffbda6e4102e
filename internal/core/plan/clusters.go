package plan

import (
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
)

// ClusterStatus is where one cluster stands.
type ClusterStatus struct {
	Name core.Cluster
	Env  core.Env
	Voice
	Behind  string        // why it must reconcile; "" if it need not
	Trigger TriggerRecord // the last call to its Flux Receiver; the zero value if there was none
}

// Voice is what has been heard of a cluster.
type Voice struct {
	Heard    time.Time     // when one of its objects was heard of last; zero if none ever was
	Every    time.Duration // how often it is to be heard of; 0 if that is not known
	Revision core.SHA      // where the last of its Kustomizations to be heard of is, "" if it is not known
}

// clusters tells where every cluster of the policy stands, in the policy's order.
func (c *computation) clusters() []ClusterStatus {
	var out []ClusterStatus
	for _, env := range c.policy.Environments {
		for _, name := range env.Clusters {
			s := ClusterStatus{Name: name, Env: env.Name, Voice: VoiceOf(c.state.Reports[name]), Trigger: c.state.Triggers[name]}
			s.Behind, _ = c.lag(name, env.Name)
			out = append(out, s)
		}
	}
	return out
}

// lagging is what keeps a cluster from being where the head is, and the revision
// that it has reported.
type lagging struct {
	reason string
	since  core.SHA
}

// lag is behind, worked out once per computation.
func (c *computation) lag(cluster core.Cluster, env core.Env) (string, core.SHA) {
	l, known := c.lags[cluster]
	if !known {
		l.reason, l.since = c.behind(cluster, env)
		if c.lags == nil {
			c.lags = map[core.Cluster]lagging{}
		}
		c.lags[cluster] = l
	}
	return l.reason, l.since
}

// VoiceOf sums up what the objects of one cluster reported, in any order.
func VoiceOf(reports []gate.Report) Voice {
	var v Voice
	var newest time.Time
	for _, r := range reports {
		at := r.Received
		if at.IsZero() {
			at = r.Heard
		}
		v.Heard = latest(v.Heard, at)
		if r.Every > 0 && (v.Every == 0 || r.Every < v.Every) {
			v.Every = r.Every
		}
		now, ok := r.Now()
		if ok && r.Object.Kind == gate.Kustomization && now.Revision != "" && at.After(newest) {
			v.Revision, newest = now.Revision, at
		}
	}
	return v
}
