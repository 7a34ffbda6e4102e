package gate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Source is one cluster of the environment that a version comes from.
type Source struct {
	Cluster  core.Cluster
	Carrier  string // the Kustomization that applies the target, as namespace/name; "" if it is not known, and then all count
	Reports  []Report
	Releases []string // the names of the target's HelmReleases, whose failures count
	Carries  Carries
	// Witnesses are asked besides Flux's events, those that are believed most first.
	Witnesses []Witness
	// Unreached is why the cluster cannot be told to look at Git, "" if it can.
	Unreached string
	// Now is the present time, by which silence is judged; zero judges none.
	Now time.Time
}

// Health is the state of the environment that a version comes from.
type Health struct {
	Healthy bool
	// Coming is set where nothing has failed, and a cluster that is well has only
	// not got as far as this version yet.
	Coming bool
	Since  time.Time // when all clusters had become healthy with this version; zero unless Healthy
	Reason string    // what is missing, or that nothing is
	Until  time.Time // when it ends unless a report comes; zero unless Healthy
}

// HealthOf judges all clusters together: in each of them the Kustomization that
// applies the target, or every one that reports if it is not known which that
// is, must have applied a revision that carries the versions and be ready, and
// no HelmRelease of the target may have failed since. One that has not reported
// for twice its interval may be anywhere by now: silence is not health. Another
// witness stands in where the events are silent, and where two contradict each
// other, neither is believed.
func HealthOf(sources []Source) Health {
	if len(sources) == 0 {
		return Health{Reason: "no cluster deploys it"}
	}
	out := Health{Healthy: true}
	var names []string
	for _, s := range sources {
		h, by := s.health()
		if s.Unreached != "" {
			h.Reason += "; " + s.Unreached
		}
		if !h.Healthy && !h.Coming {
			return h
		}
		if !h.Healthy && out.Healthy {
			out = h
		}
		out.Since, out.Until = later(out.Since, h.Since), sooner(out.Until, h.Until)
		name := string(s.Cluster)
		if by != "" {
			name += " (read from " + by + ")"
		}
		names = append(names, name)
	}
	if !out.Healthy {
		return Health{Reason: out.Reason, Coming: true}
	}
	slices.Sort(names)
	out.Reason = fmt.Sprintf("ready in %s since %s", strings.Join(slices.Compact(names), ", "), Clock(out.Since))
	return out
}

// health judges one cluster, and names the witness that had to stand in, if one had.
func (s Source) health() (Health, string) {
	out, coming, by := Health{Healthy: true}, "", ""
	carriers := s.carriers()
	for _, o := range carriers {
		w, trouble := s.word(o)
		if trouble != "" {
			return Health{Reason: trouble}, ""
		}
		out.Until, by = sooner(out.Until, w.report.Silent()), cmp.Or(by, w.by.Name)
		switch reason := s.missing(w); {
		case reason != "" && !s.coming(w.now):
			return Health{Reason: reason + w.readFrom()}, ""
		case reason != "" && coming == "":
			coming = reason + w.readFrom()
		}
		out.Since = later(out.Since, w.report.readySince(s.Carries))
	}
	failed, since := s.releases()
	out.Since = later(out.Since, since)
	switch {
	case failed != "":
		return Health{Reason: failed}, ""
	case len(carriers) == 0 && s.Carrier != "":
		return Health{Reason: fmt.Sprintf("no report of Kustomization %s from %s yet", s.Carrier, s.Cluster) + s.troubles()}, ""
	case len(carriers) == 0:
		return Health{Reason: fmt.Sprintf("no report from %s yet", s.Cluster) + s.troubles()}, ""
	case coming != "":
		return Health{Reason: coming, Coming: true}, ""
	}
	return out, by
}

// silent says since when a Kustomization has not reported, or "" if it has lately.
func (s Source) silent(r Report) string {
	from := r.Silent()
	if s.Now.IsZero() || from.IsZero() || s.Now.Before(from) {
		return ""
	}
	promise := ""
	if r.Every > 0 {
		promise = fmt.Sprintf(", which should report every %s", short(r.Every))
	}
	return fmt.Sprintf("no report from %s since %s: %s is silent%s", s.Cluster, clockOf(r.Received, s.Now), r.Object, promise)
}

// clockOf is a time of today as people read it off a clock, and any other with
// its date.
func clockOf(t, now time.Time) string {
	t, now = t.UTC(), now.UTC()
	if t.Format(time.DateOnly) == now.Format(time.DateOnly) {
		return t.Format("15:04 UTC")
	}
	return t.Format("2006-01-02 15:04 UTC")
}

// short spells a duration without the zeros at its end.
func short(d time.Duration) string {
	s := d.String()
	for _, zeros := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zeros) {
			s = strings.TrimSuffix(s, zeros[1:])
		}
	}
	return s
}

// coming tells whether a Kustomization is well at a revision without the
// versions.
func (s Source) coming(now Run) bool {
	return now.Ready && now.Revision != "" && s.Carries(now.Revision) == No
}

// missing says what keeps one Kustomization from being healthy, or "".
func (s Source) missing(w word) string {
	r, now := w.report, w.now
	if now.Revision == "" {
		return fmt.Sprintf("%s: %s has not said yet which revision it applies", s.Cluster, r.Object)
	}
	switch s.Carries(now.Revision) {
	case Unknown:
		return fmt.Sprintf("%s: %s reports revision %s, which is not on the default branch that Sluice knows", s.Cluster, r.Object, now.Revision.Short())
	case No:
		return fmt.Sprintf("%s: %s is still at revision %s, which does not have it", s.Cluster, r.Object, now.Revision.Short())
	}
	if now.suspended() {
		return fmt.Sprintf("%s: %s is suspended", s.Cluster, r.Object)
	}
	if !now.Ready {
		return fmt.Sprintf("%s: %s failed at revision %s: %s", s.Cluster, r.Object, now.Revision.Short(), firstLine(now.Reason))
	}
	return ""
}

// Healthy is the verdict of the gate "healthy".
func Healthy(h Health) Verdict {
	if !h.Healthy {
		return wait("healthy", h.Reason, "Flux reports these versions ready in every cluster that they come from")
	}
	v := pass("healthy", h.Reason)
	v.Until = h.Until
	return v
}

// Soak is the verdict of the gate "soak": the version has been healthy for d
// without a break. Without health there is no soak.
func Soak(h Health, d time.Duration, now time.Time) Verdict {
	if !h.Healthy {
		return wait("soak", fmt.Sprintf("%s of health needed, and it is not healthy now", d), "it has been healthy for that long")
	}
	until := h.Since.Add(d)
	if now.Before(until) {
		v := wait("soak", fmt.Sprintf("%s of health needed, since %s: until %s", d, Clock(h.Since), Clock(until)), "it has been healthy for that long")
		v.Until = until
		return v
	}
	v := pass("soak", fmt.Sprintf("healthy for %s, since %s", d, Clock(h.Since)))
	v.Until = h.Until
	return v
}

// Clock spells a time the way every reason does: in UTC, to the second.
func Clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// sooner is the earlier of two times, of which zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
