package receiver

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics of one receiver, in a registry of its own. No label ever takes a
// value from a request.
type metrics struct {
	registry   *prometheus.Registry
	received   *prometheus.CounterVec
	published  *prometheus.CounterVec
	duplicates *prometheus.CounterVec
	ignored    *prometheus.CounterVec
	refused    *prometheus.CounterVec
	latency    *prometheus.HistogramVec
	size       *prometheus.HistogramVec
}

func newMetrics() *metrics {
	m := &metrics{
		registry:   prometheus.NewRegistry(),
		received:   counter("received_total", "Deliveries that arrived, authentic or not.", "source"),
		published:  counter("published_total", "Deliveries that were stored as a message.", "source", "kind"),
		duplicates: counter("duplicates_total", "Deliveries that were stored before.", "source"),
		ignored:    counter("ignored_total", "Authentic deliveries that nothing was published for.", "source", "reason"),
		refused:    counter("refused_total", "Deliveries that were not taken.", "source", "reason"),
		latency: histogram("publish_seconds", "Time until JetStream acknowledged or publishing failed.",
			[]float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5}),
		size: histogram("body_bytes", "Sizes of bodies that were read.", prometheus.ExponentialBuckets(1<<10, 4, 8)),
	}
	m.registry.MustRegister(m.received, m.published, m.duplicates, m.ignored, m.refused, m.latency, m.size,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func counter(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "sluice", Subsystem: "receiver", Name: name, Help: help}, labels)
}

func histogram(name, help string, buckets []float64) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "sluice", Subsystem: "receiver", Name: name, Help: help, Buckets: buckets}, []string{"source"})
}
