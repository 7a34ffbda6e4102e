package fakegitlab

import (
	"net/http"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// Plan is how the server misbehaves. The zero value is a GitLab on a good day,
// without limits. Counts are used up; everything else holds until it is changed.
type Plan struct {
	// PrepareDelay is how long a new merge request stays `preparing`; merging
	// answers 405 meanwhile, and the open hook waits.
	PrepareDelay time.Duration
	// CheckDelay is how long working out mergeability takes after either head
	// has moved: the status is `checking`, merging answers 405.
	CheckDelay time.Duration
	// MergeAnswers are given to the next calls of merge, in order, instead of
	// merging: 405, 406, 409 or 422.
	MergeAnswers []int
	// LockedFor keeps a merge request in state `locked` before it is merged.
	LockedFor time.Duration
	// RebaseDelay is how long a rebase is in progress.
	RebaseDelay time.Duration
	// StaleFor makes lists and single merge requests show the past.
	StaleFor time.Duration
	// StaleReads lets so many reads of merge requests show the state before
	// the latest change.
	StaleReads int
	// StatusLocks answers 409 to so many posts of a commit status.
	StatusLocks int
	// Slow is added before every answer, in real time.
	Slow time.Duration
	// PerMinute limits the requests of each user, with RateLimit-* headers and
	// 429; 0 is no limit and no headers.
	PerMinute int
	// NotesPerMinute limits new comments of each user; GitLab.com has 60.
	NotesPerMinute int
	// AutoDisable turns hooks off after failures, as GitLab.com does.
	AutoDisable bool
	// Hooks loses and mangles webhooks.
	Hooks HookFaults
}

// HookFaults spoils deliveries. Probabilities are between 0 and 1 and drawn
// from Seed, so that a run can be repeated.
type HookFaults struct {
	Seed      uint64
	Drop      float64
	Duplicate float64       // sent twice, with the same Idempotency-Key
	Reorder   float64       // waits for the delivery after it
	Delay     time.Duration // every delivery waits up to this long, by the clock
}

// Rule spoils the HTTP answer of matching requests, Git's as well.
type Rule struct {
	Method string // empty: any
	// Path is a regular expression for the escaped path, such as
	// `/merge_requests$`. Empty matches all.
	Path  string
	Times int // how often it strikes before it is spent; 0 means for ever
	Skip  int // matching requests that pass before the first one struck

	Status int // the answer instead of the real one; 429 answers "Retry later" as plain text
	// After lets the request take effect before the answer is replaced: the
	// write that succeeded and looks failed.
	After bool
	// Drop closes the connection instead of answering (After counts as well).
	Drop       bool
	RetryAfter int           // seconds, sent as Retry-After if positive
	Delay      time.Duration // before anything else, in real time
	Body       string        // instead of the usual body
}

// rule is a Rule at work.
type rule struct {
	Rule
	path *regexp.Regexp
	left int
	skip int
}

// Faults is the switchboard. Tests turn its switches while the server runs.
type Faults struct {
	mu    sync.Mutex
	plan  Plan
	rules []*rule
}

func newFaults() *Faults { return &Faults{} }

// Set replaces the plan.
func (f *Faults) Set(p Plan) { f.Update(func(q *Plan) { *q = p }) }

// Update changes the plan in one step.
func (f *Faults) Update(change func(*Plan)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(&f.plan)
}

// Plan returns the plan as it is now, counts included.
func (f *Faults) Plan() Plan {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.plan
}

// Add puts a rule behind those already there; the first that matches strikes.
// It fails if Path is no regular expression.
func (f *Faults) Add(r Rule) error {
	re, err := regexp.Compile(r.Path)
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, &rule{Rule: r, path: re, left: r.Times, skip: r.Skip})
	return nil
}

// Clear forgets the plan and all rules.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.plan, f.rules = Plan{}, nil
}

// strike finds the rule for a request and uses one of its times up.
func (f *Faults) strike(method, path string) *Rule {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, r := range f.rules {
		if r.Method != "" && r.Method != method || !r.path.MatchString(path) {
			continue
		}
		if r.skip > 0 {
			r.skip--
			continue
		}
		if r.left--; r.left == 0 {
			f.rules = append(f.rules[:i:i], f.rules[i+1:]...)
		}
		out := r.Rule
		return &out
	}
	return nil
}

// take uses up one of a count of the plan.
func (f *Faults) take(count func(*Plan) *int) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := count(&f.plan)
	if *n <= 0 {
		return false
	}
	*n--
	return true
}

// mergeAnswer takes the next prescribed answer of merge, or 0.
func (f *Faults) mergeAnswer() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.plan.MergeAnswers) == 0 {
		return 0
	}
	code := f.plan.MergeAnswers[0]
	f.plan.MergeAnswers = f.plan.MergeAnswers[1:]
	return code
}

// answer is what a struck request gets to see.
func (r *Rule) answer(w http.ResponseWriter) {
	if r.Drop {
		hangUp(w)
		return
	}
	if r.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(r.RetryAfter))
	}
	body := r.Body
	switch {
	case body != "":
	case r.Status == http.StatusTooManyRequests:
		body = "Retry later\n"
	default:
		body = "GitLab is not responding\n"
	}
	w.Header().Set("Content-Type", "text/plain")
	w.WriteHeader(r.Status)
	_, _ = w.Write([]byte(body)) // the client is gone: nothing to do
}

// hangUp closes the connection under the client. HTTP/1 only, which is all
// that this server speaks.
func hangUp(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	_ = conn.Close() // that is the point
}
