package policy

// Guard says how a merge request shows in GitLab that its gates are not all
// satisfied, so that GitLab can keep people from merging it.
type Guard string

// The guards. GuardStatus is the default.
const (
	GuardStatus Guard = "status" // a commit status, for projects where pipelines must succeed
	GuardThread Guard = "thread" // an unresolved thread, for projects where all threads must be resolved
	GuardNone   Guard = "none"
)

// CandidateRule says what becomes of a version that soaks for an environment
// when a newer one comes after it.
type CandidateRule string

// The candidate rules. Newest is the default.
const (
	Newest        CandidateRule = "newest"         // the newer one takes its place, and soaks anew
	FinishCurrent CandidateRule = "finish-current" // the newer one waits until the soak is over
)

// Limits bounds how many merge requests people get to see. They are never
// zero: a policy that says nothing of them has the default ones.
type Limits struct {
	Open   int // merge requests that may be open at the same time, per environment
	Hourly int // merge requests that may be opened within an hour, per environment
}

// DefaultLimits let a team keep up with what it is sent, also when Sluice meets
// a monorepo in which a hundred versions are behind.
func DefaultLimits() Limits { return Limits{Open: 30, Hourly: 60} }

// limits keeps the default of what is not written, or cannot be read.
func (d *decoder) limits(at place) Limits {
	l := DefaultLimits()
	number := func(into *int) func(place) {
		return func(at place) {
			if n, ok := d.integer(at, 1, maxLimit); ok {
				*into = n
			}
		}
	}
	d.mapping(at, field{"open", false, number(&l.Open)}, field{"hourly", false, number(&l.Hourly)})
	if len(at.Content) == 0 && at.Node != nil {
		d.report(at, "the limits say nothing; add open or hourly, or remove this")
	}
	return l
}
