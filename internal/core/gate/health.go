package gate

import (
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
	// Unreached is why the cluster cannot be told to look at Git, "" if it can.
	Unreached string
}

// Health is the state of the environment that a version comes from.
type Health struct {
	Healthy bool
	// Coming is set where nothing has failed, and a cluster that is well has only
	// not got as far as this version yet.
	Coming bool
	Since  time.Time // when all clusters had become healthy with this version; zero unless Healthy
	Reason string    // what is missing, or that nothing is
}

// HealthOf judges all clusters together: in each of them the Kustomization that
// applies the target, or every one that reports if it is not known which that
// is, must have applied a revision that carries the versions and be ready, and
// no HelmRelease of the target may have failed since.
func HealthOf(sources []Source) Health {
	if len(sources) == 0 {
		return Health{Reason: "no cluster deploys it"}
	}
	out := Health{Healthy: true}
	var names []string
	for _, s := range sources {
		h := s.health()
		if s.Unreached != "" {
			h.Reason += "; " + s.Unreached
		}
		if !h.Healthy && !h.Coming {
			return h
		}
		if !h.Healthy && out.Healthy {
			out = h
		}
		out.Since = later(out.Since, h.Since)
		names = append(names, string(s.Cluster))
	}
	if !out.Healthy {
		return Health{Reason: out.Reason, Coming: true}
	}
	slices.Sort(names)
	out.Reason = fmt.Sprintf("ready in %s since %s", strings.Join(slices.Compact(names), ", "), Clock(out.Since))
	return out
}

func (s Source) health() Health {
	out := Health{Healthy: true}
	reported, coming := false, ""
	for _, r := range s.Reports {
		now, ok := r.Now()
		switch {
		case !ok:
		case r.Object.Kind == Kustomization && s.Carrier != "" && s.Carrier != r.Object.Namespace+"/"+r.Object.Name:
		case r.Object.Kind == Kustomization:
			reported = true
			switch reason := s.missing(r, now); {
			case reason != "" && !s.coming(now):
				return Health{Reason: reason}
			case reason != "" && coming == "":
				coming = reason
			}
			out.Since = later(out.Since, r.readySince(s.Carries))
		case !slices.Contains(s.Releases, r.Object.Name):
		case !now.Ready:
			return Health{Reason: fmt.Sprintf("%s: %s failed: %s", s.Cluster, r.Object, firstLine(now.Reason))}
		default:
			out.Since = later(out.Since, now.ReadyAt)
		}
	}
	switch {
	case !reported && s.Carrier != "":
		return Health{Reason: fmt.Sprintf("no report of Kustomization %s from %s yet", s.Carrier, s.Cluster)}
	case !reported:
		return Health{Reason: fmt.Sprintf("no report from %s yet", s.Cluster)}
	case coming != "":
		return Health{Reason: coming, Coming: true}
	}
	return out
}

// coming tells whether a Kustomization is well at a revision without the
// versions.
func (s Source) coming(now Run) bool {
	return now.Ready && now.Revision != "" && s.Carries(now.Revision) == No
}

// missing says what keeps one Kustomization from being healthy, or "".
func (s Source) missing(r Report, now Run) string {
	if now.Revision == "" {
		return fmt.Sprintf("%s: %s has not said yet which revision it applies", s.Cluster, r.Object)
	}
	switch s.Carries(now.Revision) {
	case Unknown:
		return fmt.Sprintf("%s: %s reports revision %s, which is not on the default branch that Sluice knows", s.Cluster, r.Object, now.Revision.Short())
	case No:
		return fmt.Sprintf("%s: %s is still at revision %s, which does not have it", s.Cluster, r.Object, now.Revision.Short())
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
	return pass("healthy", h.Reason)
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
	return pass("soak", fmt.Sprintf("healthy for %s, since %s", d, Clock(h.Since)))
}

// Clock spells a time the way every reason does: in UTC, to the second.
func Clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
