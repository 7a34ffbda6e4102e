package gate

import (
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Outcome is what became, on one object, of the versions that a source is asked
// about.
type Outcome string

// The outcomes.
const (
	Failing   Outcome = "failing"   // it failed with them, and has not recovered
	Recovered Outcome = "recovered" // it is ready with them
	Replaced  Outcome = "replaced"  // it has other versions
)

// Standing is where one object is with the versions that a source is asked
// about.
type Standing struct {
	Object  Object
	Outcome Outcome
	Since   time.Time
	Reason  string // what Flux said, while Failing
	// Revision is the one that fails, "" for a HelmRelease, which reports none.
	Revision core.SHA
	// Cause is set where the versions are the likely cause of the failure: it is
	// the target's own object, or names one, or nothing else came with them.
	Cause Cause
	// Before is set where the object failed already without them.
	Before bool
	// Shared is set where the failure may be of something else that it applies.
	Shared bool
}

// Cause says whether a failure has to do with the versions.
type Cause string

// The causes. The zero value is a failure that began with something else.
const (
	Likely  Cause = "likely"  // it began with them, or it is of what is the target's own
	Unclear Cause = "unclear" // what was before it is not known any more
)

// Standings tell where each object that counts is with the versions that the
// source carries. Shared is set if its Kustomization applies other things as
// well. Versions came at a time: a HelmRelease, which reports no revision, has
// failed with them if a Helm action failed after that. What has not got as far
// as the versions, or reports what is not known, is left out.
func (s Source) Standings(shared bool, came time.Time) []Standing {
	var out []Standing
	for _, r := range s.Reports {
		now, ok := r.Now()
		if !ok {
			continue
		}
		switch {
		case s.counts(r.Object):
			if st, ok := s.applied(r, now, shared); ok {
				out = append(out, st)
			}
		case r.Object.Kind != Kustomization && slices.Contains(s.Releases, r.Object.Name):
			if st, ok := s.released(r, now, came); ok {
				out = append(out, st)
			}
		}
	}
	return out
}

func (s Source) applied(r Report, now Run, shared bool) (Standing, bool) {
	out := Standing{Object: r.Object, Revision: now.Revision}
	if now.Revision == "" {
		return out, false
	}
	switch carries := s.Carries(now.Revision); {
	case carries == Unknown:
		return out, false
	case carries == No:
		out.Outcome, out.Since = Replaced, now.Since
	case now.Ready:
		out.Outcome, out.Since = Recovered, now.ReadyAt
	default:
		i := s.began(r.Runs)
		out.Outcome, out.Since, out.Reason = Failing, r.Runs[i].failedAt(), now.Reason
		out.Before = i > 0 && !r.Runs[i-1].Ready
		out.Shared = shared && !s.named(now.Reason)
		switch {
		case !out.Shared, i > 0 && s.Carries(r.Runs[i-1].Revision) == No:
			out.Cause = Likely
		case i == 0:
			out.Cause = Unclear
		}
	}
	return out, true
}

// began is the run in which the present failure with the versions began.
func (s Source) began(runs []Run) int {
	i := len(runs) - 1
	for i > 0 && !runs[i].failedAt().After(runs[i].Since) && !runs[i-1].Ready && s.Carries(runs[i-1].Revision) == Yes {
		i--
	}
	return i
}

// failedAt is when it began to fail; of what was kept before that was noted, it
// is when the revision came.
func (r Run) failedAt() time.Time {
	if r.FailedAt.IsZero() {
		return r.Since
	}
	return r.FailedAt
}

// named tells whether Flux's message names a HelmRelease of the target.
func (s Source) named(reason string) bool {
	words := strings.FieldsFunc(reason, func(r rune) bool { return strings.ContainsRune(" \t\n[](),:;'\"", r) })
	return slices.ContainsFunc(words, func(word string) bool {
		parts := strings.Split(word, "/")
		return len(parts) == 3 && parts[0] == "HelmRelease" && slices.Contains(s.Releases, parts[2])
	})
}

func (s Source) released(r Report, now Run, came time.Time) (Standing, bool) {
	out := Standing{Object: r.Object, Outcome: Recovered, Since: now.ReadyAt}
	if now.Ready {
		return out, true
	}
	out.Outcome, out.Since, out.Reason, out.Cause = Failing, now.failedAt(), now.Reason, Likely
	if out.Since.Before(came) {
		out.Since, out.Before = r.Heard, true
	}
	if out.Since.Before(came) {
		return out, false
	}
	for _, other := range s.Reports {
		is, ok := other.Now()
		if ok && s.counts(other.Object) && is.Since.After(out.Since) && s.Carries(is.Revision) == No {
			return Standing{Object: r.Object, Outcome: Replaced, Since: is.Since}, true
		}
	}
	return out, true
}

// Came is when the first of the Kustomizations that count first reported, by its
// own clock, what it carries now without a break; zero if none carries it.
func (s Source) Came() time.Time {
	var first time.Time
	for _, r := range s.Reports {
		i := len(r.Runs) - 1
		if i < 0 || !s.counts(r.Object) || s.Carries(r.Runs[i].Revision) != Yes {
			continue
		}
		for i > 0 && s.Carries(r.Runs[i-1].Revision) == Yes {
			i--
		}
		if since := r.Runs[i].Since; first.IsZero() || since.Before(first) {
			first = since
		}
	}
	return first
}

// counts tells whether an object is the Kustomization that applies the target,
// or may be.
func (s Source) counts(o Object) bool {
	return o.Kind == Kustomization && (s.Carrier == "" || s.Carrier == o.Namespace+"/"+o.Name)
}
