package promoter

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// latencies measure the way of merged versions into the clusters. Their label is
// bounded: only clusters that a policy names are measured.
type latencies struct {
	mergeToTrigger   *prometheus.HistogramVec
	triggerToApplied *prometheus.HistogramVec
	appliedToHealthy *prometheus.HistogramVec
	mergeToHealthy   *prometheus.HistogramVec
}

func newLatencies(reg prometheus.Registerer) *latencies {
	histogram := func(name, help string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "sluice_flux_" + name + "_seconds", Help: help, Buckets: []float64{0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600},
		}, []string{"cluster"})
		if reg != nil {
			reg.MustRegister(h)
		}
		return h
	}
	return &latencies{
		mergeToTrigger:   histogram("merge_to_trigger", "From a promotion's merge until the cluster's Flux Receiver took the call."),
		triggerToApplied: histogram("trigger_to_applied", "From that call until the cluster reported a revision with the versions."),
		appliedToHealthy: histogram("applied_to_healthy", "From that report until the cluster was healthy with the versions."),
		mergeToHealthy:   histogram("merge_to_healthy", "From a promotion's merge until the cluster was healthy with the versions."),
	}
}

// journeys are the merges whose way into the clusters is being measured. Only
// what was merged since the process began is: so nothing is counted again after
// a restart, and what was under way then is not counted at all.
type journeys map[core.MRID]*journey

// journey is the way of what one merge request brought. It is used by passes
// alone.
type journey struct {
	landed *overlay.Inventory // what was deployed right after the merge; nil once it is over
	stages map[core.Cluster]*stage
}

// stage is how far one cluster is.
type stage struct {
	called, applied time.Time
	over            bool
}

// measure looks how far merged versions have got. A failure to look costs a
// measurement and nothing else.
func (r *repo) measure(o *observation) {
	now := r.p.cfg.Clock()
	going := journeys{}
	for _, mr := range plan.TrackedMerges(o.state, r.started.Truncate(time.Second)) {
		if now.Sub(mr.Ended) > maxJourney || len(going) == maxJourneys {
			continue
		}
		j := r.journeys[mr.ID]
		if j == nil {
			landed, err := r.deployedAt(o, mr.Landed)
			if err != nil {
				r.p.cfg.Logger.Debug("not measured", "repo", r.Path, "mr", mr.ID, "error", err)
				continue
			}
			j = &journey{landed: landed, stages: map[core.Cluster]*stage{}}
		}
		going[mr.ID] = j
		if j.landed == nil {
			continue
		}
		for _, a := range plan.Arrivals(o.policy, o.state, mr, j.landed, now) {
			j.look(r.p.latencies, a, o.state.Triggers[a.Cluster], mr.Ended, now)
		}
		j.settle()
	}
	r.journeys = going
}

// deployedAt is what every overlay deploys at a revision.
func (r *repo) deployedAt(o *observation, at core.SHA) (*overlay.Inventory, error) {
	if at == o.state.Head {
		return o.state.Inventory, nil
	}
	if past := o.state.Past[at]; past != nil {
		return past, nil
	}
	tree, err := r.Mirror.Tree(at)
	if err != nil {
		return nil, err
	}
	return r.reader.Read(tree, o.policy)
}

// look takes in where one cluster is now. What the clusters report is timed by
// when Sluice knew it: their clocks may be wrong. A call that was ordered before
// the merge was made may not have been for it.
func (j *journey) look(m *latencies, a plan.Arrival, t plan.TriggerRecord, merged, now time.Time) {
	s := j.stages[a.Cluster]
	if s == nil {
		s = &stage{over: a.Before}
		j.stages[a.Cluster] = s
	}
	if s.over {
		return
	}
	cluster := string(a.Cluster)
	if s.called.IsZero() && s.applied.IsZero() && !t.Called.IsZero() && !t.At.Before(merged) {
		s.called = t.Called
		m.mergeToTrigger.WithLabelValues(cluster).Observe(t.Called.Sub(merged).Seconds())
	}
	if s.applied.IsZero() && a.Applied {
		s.applied = now
		if !s.called.IsZero() {
			m.triggerToApplied.WithLabelValues(cluster).Observe(now.Sub(s.called).Seconds())
		}
	}
	if !s.applied.IsZero() && a.Healthy {
		s.over = true
		m.appliedToHealthy.WithLabelValues(cluster).Observe(now.Sub(s.applied).Seconds())
		m.mergeToHealthy.WithLabelValues(cluster).Observe(now.Sub(merged).Seconds())
	}
}

// settle lets go of what is not needed once every cluster has arrived.
func (j *journey) settle() {
	for _, s := range j.stages {
		if !s.over {
			return
		}
	}
	if len(j.stages) > 0 {
		j.landed = nil
	}
}
