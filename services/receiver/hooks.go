package receiver

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/pkg/events"
)

// The sources, as metrics label them.
const (
	sourceGitLab = "gitlab"
	sourceFlux   = "flux"
)

// gitlab takes a delivery from GitLab: the headers first, then the body's
// signature, and only then what the body says.
func (r *Receiver) gitlab(c echo.Context) error {
	r.metrics.received.WithLabelValues(sourceGitLab).Inc()
	claim, why := r.keys.admit(c.Request().Header, r.now())
	if why != accepted {
		return r.refuse(c, sourceGitLab, why)
	}
	next, why := r.withBody(c, maxGitLabBody, func(body []byte) answer {
		r.metrics.size.WithLabelValues(sourceGitLab).Observe(float64(len(body)))
		if why := r.keys.confirm(claim, body); why != accepted {
			return func() error { return r.refuse(c, sourceGitLab, why) }
		}
		hint := classify(c.Request().Header, body)
		return func() error { return r.hint(c, hint) }
	})
	if why != accepted {
		return r.refuse(c, sourceGitLab, why)
	}
	return next()
}

// hint publishes where to look, if it is of use.
func (r *Receiver) hint(c echo.Context, hint events.Hint) error {
	if hint.Kind == unused {
		return r.ignore(c, sourceGitLab, "unused")
	}
	attrs := []any{"delivery", hint.Delivery, "kind", string(hint.Kind), "repo", hint.Project}
	if hint.MR != 0 {
		attrs = append(attrs, "mr", hint.MR)
	}
	if hint.SHA != "" {
		attrs = append(attrs, "sha", hint.SHA)
	}
	return r.publish(c, r.log.With(attrs...), sourceGitLab, string(hint.Kind), events.Event{ID: hint.Delivery, Time: r.now(), Payload: hint})
}

// flux takes an event from the Flux of the cluster that the address names. The
// key decides whether it may speak for that cluster.
func (r *Receiver) flux(c echo.Context) error {
	r.metrics.received.WithLabelValues(sourceFlux).Inc()
	signatures := c.Request().Header["X-Signature"]
	if len(signatures) != 1 || signatures[0] == "" {
		return r.refuse(c, sourceFlux, noCredentials)
	}
	cluster := core.Cluster(c.Param("cluster"))
	next, why := r.withBody(c, maxFluxBody, func(body []byte) answer {
		r.metrics.size.WithLabelValues(sourceFlux).Observe(float64(len(body)))
		if why := r.verifyFlux(cluster, signatures[0], body); why != accepted {
			return func() error { return r.refuse(c, sourceFlux, why) }
		}
		report, err := r.fluxCode.Decode(body)
		return func() error { return r.report(c, cluster, report, err) }
	})
	if why != accepted {
		return r.refuse(c, sourceFlux, why)
	}
	return next()
}

// verifyFlux does the same work for an unknown cluster as for a known one.
func (r *Receiver) verifyFlux(cluster core.Cluster, signature string, body []byte) refusal {
	keys, known := r.cfg.Clusters[cluster]
	if !known {
		keys = []core.Secret{r.decoy}
	}
	good := false
	for _, key := range keys {
		if r.fluxCode.Verify(key, signature, body) == nil {
			good = true
		}
	}
	switch {
	case !known:
		return unknownCluster
	case !good:
		return badSignature
	}
	return accepted
}

// report publishes what an authentic event said; err is from reading it.
func (r *Receiver) report(c echo.Context, cluster core.Cluster, report events.Report, err error) error {
	if err != nil {
		r.log.Warn("a Flux event cannot be read and is dropped", "cluster", string(cluster), "error", err)
		return r.ignore(c, sourceFlux, "undecodable")
	}
	report.Cluster = string(cluster)
	id := report.ID()
	log := r.log.With("delivery", id, "cluster", report.Cluster, "kind", report.Kind, "name", report.Namespace+"/"+report.Name, "reason", report.Reason, "revision", report.Revision)
	when := report.Timestamp
	if when.IsZero() {
		when = r.now()
	}
	return r.publish(c, log, sourceFlux, "report", events.Event{ID: id, Time: when, Payload: report})
}

// publish goes on when the sender hangs up: what it said is still of use.
func (r *Receiver) publish(c echo.Context, log *slog.Logger, source, kind string, e events.Event) error {
	m, err := events.Encode(e)
	if err != nil {
		log.Error("a delivery cannot be encoded and is dropped", "error", err)
		return r.ignore(c, source, "unencodable")
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), publishWait)
	defer cancel()
	begin := time.Now()
	duplicate, err := r.bus.Publish(ctx, m)
	r.metrics.latency.WithLabelValues(source).Observe(time.Since(begin).Seconds())
	if err != nil {
		log.Error("not published", "error", err)
		return r.unavailable(c, source, notPublished, core.WaitOf(err))
	}
	if duplicate {
		r.metrics.duplicates.WithLabelValues(source).Inc()
	} else {
		r.metrics.published.WithLabelValues(source, kind).Inc()
	}
	log.Info("published", "duplicate", duplicate)
	return c.NoContent(http.StatusAccepted)
}

// ignore answers what is authentic but of no use.
func (r *Receiver) ignore(c echo.Context, source, reason string) error {
	r.metrics.ignored.WithLabelValues(source, reason).Inc()
	return c.NoContent(http.StatusNoContent)
}

// refuse is the table from reasons to statuses.
func (r *Receiver) refuse(c echo.Context, source string, why refusal) error {
	r.log.Warn("refused", "source", source, "reason", string(why), "remote", c.Request().RemoteAddr)
	switch why {
	case tooLarge:
		r.metrics.refused.WithLabelValues(source, string(why)).Inc()
		return c.NoContent(http.StatusRequestEntityTooLarge)
	case tooBusy:
		return r.unavailable(c, source, why, 0)
	case unreadable:
		// The sender stopped in the middle; at most a proxy sees this.
		r.metrics.refused.WithLabelValues(source, string(why)).Inc()
		return c.NoContent(http.StatusRequestTimeout)
	default:
		r.metrics.refused.WithLabelValues(source, string(why)).Inc()
		return c.NoContent(http.StatusUnauthorized)
	}
}

// unavailable asks the sender to come again. GitLab does not, but proxies and
// Flux do.
func (r *Receiver) unavailable(c echo.Context, source string, why refusal, after time.Duration) error {
	r.metrics.refused.WithLabelValues(source, string(why)).Inc()
	seconds := int64(max(after, retryAfter).Round(time.Second) / time.Second)
	c.Response().Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	return c.NoContent(http.StatusServiceUnavailable)
}
