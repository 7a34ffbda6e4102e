package promoter

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// meter counts what the promoter does. Its labels are bounded: projects come
// from the configuration, and the rest are closed sets.
type meter struct {
	passes   *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	progress *prometheus.GaugeVec
	actions  *prometheus.CounterVec
	phases   *prometheus.GaugeVec
	shutOut  *prometheus.GaugeVec
	triggers *prometheus.CounterVec
	refused  *prometheus.GaugeVec
	asked    *prometheus.CounterVec
	heard    *prometheus.GaugeVec
}

func newMeter(reg prometheus.Registerer) *meter {
	m := &meter{
		passes:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_passes_total", Help: "Passes, by their outcome."}, []string{"repo", "outcome"}),
		seconds:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "sluice_pass_seconds", Help: "How long a pass took.", Buckets: prometheus.ExponentialBuckets(0.01, 2.5, 10)}, []string{"repo"}),
		progress: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "sluice_last_success_timestamp_seconds", Help: "When a pass last succeeded."}, []string{"repo"}),
		actions:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_actions_total", Help: "Actions, by kind and outcome."}, []string{"repo", "action", "outcome"}),
		phases:   prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "sluice_targets", Help: "Targets, by the phase they are in."}, []string{"repo", "phase"}),
		shutOut:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "sluice_shut_out", Help: "1 while GitLab refuses Sluice for want of rights."}, []string{"repo"}),
		triggers: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_flux_triggers_total", Help: "Calls to Flux Receivers, by cluster and outcome."}, []string{"cluster", "outcome"}),
		refused:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "sluice_flux_receiver_refused", Help: "1 while a cluster's Flux Receiver cannot be called before a person changes something."}, []string{"cluster"}),
		asked:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "sluice_witness_asked_total", Help: "How often a witness besides Flux's events was asked."}, []string{"cluster", "witness", "outcome"}),
		heard:    prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "sluice_flux_last_report_timestamp_seconds", Help: "When a configured cluster last reported."}, []string{"cluster"}),
	}
	if reg != nil {
		reg.MustRegister(m.passes, m.seconds, m.progress, m.actions, m.phases, m.shutOut, m.triggers, m.refused, m.asked, m.heard)
	}
	return m
}

func outcome(err error) string {
	if err == nil {
		return "success"
	}
	return core.KindOf(err).String()
}

func (m *meter) pass(repo string, took time.Duration, err error) {
	m.passes.WithLabelValues(repo, outcome(err)).Inc()
	m.seconds.WithLabelValues(repo).Observe(took.Seconds())
	if err == nil {
		m.progress.WithLabelValues(repo).SetToCurrentTime()
	}
}

func (m *meter) shut(repo string, is bool) {
	m.shutOut.WithLabelValues(repo).Set(number(is))
}

// trigger counts a call, and tells whether the Receiver needs a person. The
// cluster is one that has a Receiver in the configuration.
func (m *meter) trigger(cluster core.Cluster, outcome string, refused bool) {
	m.triggers.WithLabelValues(string(cluster), outcome).Inc()
	m.refused.WithLabelValues(string(cluster)).Set(number(refused))
}

// witness counts that a witness was asked about a configured cluster.
func (m *meter) witness(cluster core.Cluster, name string, err error) {
	m.asked.WithLabelValues(string(cluster), name, outcome(err)).Inc()
}

// report notes when a configured cluster was heard of.
func (m *meter) report(cluster core.Cluster, at time.Time) {
	m.heard.WithLabelValues(string(cluster)).Set(float64(at.Unix()))
}

func number(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func (m *meter) action(repo, action string, err error) {
	m.actions.WithLabelValues(repo, action, outcome(err)).Inc()
}

func (m *meter) targets(repo string, p *plan.Plan) {
	count := map[plan.Phase]float64{}
	for _, t := range p.Targets {
		count[t.Phase]++
	}
	for _, phase := range []plan.Phase{plan.Current, plan.Blocked, plan.Vetoed, plan.HandsOff, plan.Opening, plan.Waiting, plan.Ready, plan.Merging} {
		m.phases.WithLabelValues(repo, string(phase)).Set(count[phase])
	}
}
