package gate

import (
	"cmp"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// maxRuns bounds how many revisions are remembered for one object. The oldest
// go first, which can only make a soak look shorter than it was.
const maxRuns = 128

// Object names a Flux object within its cluster.
type Object struct {
	Kind      string
	Namespace string
	Name      string
}

// String is the object as people name it.
func (o Object) String() string { return o.Kind + " " + o.Namespace + "/" + o.Name }

// Compare orders objects by kind, namespace and name.
func (o Object) Compare(p Object) int {
	return cmp.Or(strings.Compare(o.Kind, p.Kind), strings.Compare(o.Namespace, p.Namespace), strings.Compare(o.Name, p.Name))
}

// Kustomization is the kind of the objects whose reports say which revision of
// the monorepo a cluster has applied.
const Kustomization = "Kustomization"

// Report is what one Flux object has said so far.
type Report struct {
	Object Object
	Heard  time.Time // the newest event's time, by the cluster's clock
	UID    string    // of the life of the object that the newest event is about, "" if unknown
	Order  uint64    // the newest event's resource version, 0 if unknown
	Runs   []Run     // oldest first; the last one is where the object is now
	// Received is when the newest event arrived, by Sluice's own clock; zero if that
	// is not known. Every is how often the object said it would report, 0 if it did
	// not.
	Received time.Time
	Every    time.Duration
}

// Run is a span of time during which an object reported one revision.
type Run struct {
	Revision core.SHA // "" for objects that report no Git revision
	Since    time.Time
	Order    uint64 // the resource version of the event that began it, 0 if unknown
	Ready    bool
	ReadyAt  time.Time // when the present readiness began; zero unless Ready
	FailedAt time.Time // when the present failure began, as far as that is known; zero while Ready
	Reason   string    // what Flux said, unless Ready
}

// Event is one thing a Flux object said about itself.
type Event struct {
	Object   Object
	Revision core.SHA // "" if the event names none
	Ready    bool
	Reason   string // for people, when not Ready
	At       time.Time
	UID      string        // of this life of the object, "" if unknown
	Order    uint64        // the object's resource version, 0 if unknown
	Received time.Time     // when it arrived, by Sluice's own clock; zero if unknown
	Every    time.Duration // after which time the next one is promised, 0 if it was not
	// Contains tells whether the history of sha has a commit in it, as far as that
	// is known; nil means that nobody knows.
	Contains func(commit, sha core.SHA) bool
}

// restored is by how much the time of an event must be later for a lower
// resource version to be a newer one: a cluster that was restored from a backup
// counts on from where the backup was, with the same UIDs. Events are repeated
// for a minute and no longer.
const restored = 10 * time.Minute

// Fold adds an event to what an object has said. Events may come late, twice
// and in any order. Within one life of the object its resource version says
// which is newer, and not the clock; else the time does. One that is older than
// the newest known does not change where the object is; it can only show that it
// was not ready, or not at that revision, for as long as it seemed. Of two events
// of the same second, of which the resource version does not say which came
// first, the one counts whose revision descends from the other's, else the failure.
func Fold(r Report, e Event) Report {
	runs := append([]Run(nil), r.Runs...)
	if stale(r, e) {
		doubt(runs, e, r.Heard)
		r.Object, r.Runs = e.Object, runs
		return r
	}
	e.At = later(e.At, r.Heard) // a clock that was set back makes no soak longer
	if n := len(runs); n > 0 && (e.Revision == "" || runs[n-1].Revision == e.Revision) {
		runs[n-1] = runs[n-1].after(e)
	} else {
		runs = append(runs, Run{Revision: e.Revision, Since: e.At, Order: e.Order}.after(e))
	}
	out := Report{Object: e.Object, Heard: e.At, UID: e.UID, Order: e.Order, Runs: runs[max(0, len(runs)-maxRuns):], Received: later(r.Received, e.Received), Every: e.Every}
	if e.Every == 0 {
		out.Every = r.Every // failures promise nothing
	}
	return out
}

// stale tells whether an event is older than the newest known one, or is to
// be treated so.
func stale(r Report, e Event) bool {
	sameLife := e.UID == r.UID && e.UID != ""
	switch {
	case len(r.Runs) == 0:
		return false
	case sameLife && e.Order > r.Order && r.Order > 0:
		return false
	case sameLife && e.Order < r.Order && e.Order > 0:
		return !e.At.After(r.Heard.Add(restored))
	case e.At.After(r.Heard):
		return false
	case e.At.Before(r.Heard):
		return true
	case e.Order == r.Order || e.Order == 0 || r.Order == 0:
		return e.precedes(r.Runs[len(r.Runs)-1])
	}
	return e.Order < r.Order
}

// precedes tells whether an event that no clock and no count can place came
// before a run: a branch goes forward, so the revision that has the other one in
// its history is the later one. Else the failure is taken for the later word.
func (e Event) precedes(run Run) bool {
	if e.Contains != nil && e.Revision != run.Revision && e.Revision != "" && run.Revision != "" {
		switch {
		case e.Contains(run.Revision, e.Revision):
			return false
		case e.Contains(e.Revision, run.Revision):
			return true
		}
	}
	return e.Ready
}

// minPatience bounds how soon an object counts as silent: deliveries take their
// time. unpromised is how often an object is taken to report that did not say.
const (
	minPatience = 10 * time.Second
	unpromised  = 30 * time.Minute
)

// Patience is how long an object that reports so often may be quiet before it
// counts as silent.
func Patience(every time.Duration) time.Duration {
	if every <= 0 {
		every = unpromised
	}
	return max(2*every, minPatience)
}

// Silent is when the object begins to count as silent unless it reports again;
// zero if it is not known when it was heard of last.
func (r Report) Silent() time.Time {
	if r.Received.IsZero() {
		return time.Time{}
	}
	return r.Received.Add(Patience(r.Every))
}

// doubt corrects the run that a late event falls into, if the two contradict
// each other. The last run was ready again when it was last heard of; whether
// an earlier one was is not known.
func doubt(runs []Run, late Event, heard time.Time) {
	i := len(runs) - 1
	for i >= 0 && runs[i].Since.After(late.At) {
		i--
	}
	switch {
	case i < 0 || runs[i].agrees(late) || !runs[i].Ready || runs[i].ReadyAt.After(late.At):
	case i > 0 && runs[i].Since.Equal(late.At) && runs[i-1].agrees(late) && !runs[i].before(late):
	case i == len(runs)-1:
		runs[i].ReadyAt = heard
	default:
		runs[i].Ready, runs[i].ReadyAt, runs[i].FailedAt, runs[i].Reason = false, time.Time{}, late.At, late.Reason
	}
}

// before tells whether the run is known to have begun before an event.
func (r Run) before(e Event) bool { return r.Order > 0 && e.Order >= r.Order }

// agrees tells whether an event says no other than the run does already.
func (r Run) agrees(e Event) bool {
	return e.Ready && (e.Revision == "" || e.Revision == r.Revision)
}

func (r Run) after(e Event) Run {
	switch {
	case !e.Ready:
		if r.FailedAt.IsZero() {
			r.FailedAt = e.At
		}
		r.Ready, r.ReadyAt, r.Reason = false, time.Time{}, e.Reason
	case !r.Ready:
		r.Ready, r.ReadyAt, r.FailedAt, r.Reason = true, e.At, time.Time{}, ""
	}
	return r
}

// Now is where the object is, and false if it has said nothing yet.
func (r Report) Now() (Run, bool) {
	if len(r.Runs) == 0 {
		return Run{}, false
	}
	return r.Runs[len(r.Runs)-1], true
}

// readySince walks back from now through the runs that were ready without a
// break and that carry what is asked for.
func (r Report) readySince(carries Carries) time.Time {
	i := len(r.Runs) - 1
	since := r.Runs[i].ReadyAt
	for ; i > 0 && r.Runs[i].ReadyAt.Equal(r.Runs[i].Since); i-- {
		before := r.Runs[i-1]
		if !before.Ready || carries(before.Revision) != Yes {
			break
		}
		since = before.ReadyAt
	}
	return since
}

// Answer is the answer to a question about a revision.
type Answer int

// The answers. Unknown is the zero value: a revision that the mirror does not
// have.
const (
	Unknown Answer = iota
	No
	Yes
)

// Carries tells whether the monorepo, at a revision, deploys exactly the
// versions that are asked for.
type Carries func(core.SHA) Answer

// firstLine is Flux's message cut to what fits in a sentence.
func firstLine(s string) string {
	s, _, _ = strings.Cut(strings.TrimSpace(s), "\n")
	if r := []rune(s); len(r) > 200 {
		s = string(r[:200]) + "…"
	}
	return s
}
