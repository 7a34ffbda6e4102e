package promoter

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/history"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// repo is the loop of one monorepo. Hints that arrive while a pass is running
// ask for one more pass, however many they are.
type repo struct {
	Monorepo
	p      *Promoter
	reader *overlay.Reader
	// surveyor is used as reader is.
	surveyor *overlay.Surveyor
	rules    rules
	// planner is used by passes and by merges, never by both at once, as reader,
	// tracer, origins and renderings are: a pass waits for its merges.
	planner    plan.Planner
	tracer     history.Tracer
	renderings renderings
	origins    origins
	asked      chan struct{} // holds one token while a pass is wanted
	said       map[string]bool
	journeys   journeys // used by passes alone
	// remarked is the inventory whose notices were said last.
	remarked *overlay.Inventory

	merging sync.Mutex // one merge at a time, since each moves the base of the next

	mu       sync.Mutex
	attempts map[core.Target]plan.Attempt // merges that GitLab refused; see plan.State
	refused  map[core.Target]string       // why the last action on a target was refused; see plan.State
	id       int64                        // the project's, once known
	plan     *plan.Plan
	// head and deployed are what that plan was made from.
	head     core.SHA
	deployed *overlay.Inventory
	progress time.Time // the end of the last pass that succeeded
	trouble  error     // of the last pass
	started  time.Time

	shut bool // the alarm was given, and nothing has succeeded since; used by passes alone
}

func newRepo(p *Promoter, m Monorepo) *repo {
	r := &repo{Monorepo: m, p: p, reader: overlay.NewReader(), surveyor: overlay.NewSurveyor(), asked: make(chan struct{}, 1), said: map[string]bool{}, refused: map[core.Target]string{}, attempts: map[core.Target]plan.Attempt{}, started: p.cfg.Clock()}
	r.wake()
	return r
}

// wake asks for a pass. It never blocks.
func (r *repo) wake() {
	select {
	case r.asked <- struct{}{}:
	default:
	}
}

// is tells whether a project is this monorepo, by number once that is known.
func (r *repo) is(id int64, path string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.id != 0 {
		return r.id == id
	}
	return path == "" || strings.EqualFold(path, r.Path)
}

func (r *repo) run(ctx context.Context) error {
	r.awaitReports(ctx)
	for attempt := 0; ; {
		next, moved, err := r.converge(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if moved {
			attempt = 0
		}
		wait, mayAsk := r.rest(next, err, attempt)
		if err != nil {
			attempt++
		}
		if !r.await(ctx, wait, mayAsk) {
			return nil
		}
	}
}

// rest says how long to sleep, and whether a hint may cut that short: not while
// something is broken, since a hint does not mend it.
func (r *repo) rest(next time.Time, err error, attempt int) (wait time.Duration, mayAsk bool) {
	sweep := r.jittered(r.p.cfg.Sweep)
	if isShut(err) {
		return min(sweep, shutPause), false
	}
	switch core.KindOf(err) {
	case core.Conflict:
		return max(min(pause(attempt), conflictPause), core.WaitOf(err)), true
	case core.Transient:
		return max(pause(attempt), core.WaitOf(err)), false
	}
	if next.IsZero() {
		return sweep, true
	}
	return min(sweep, max(0, next.Sub(r.p.cfg.Clock()))), true
}

// awaitReports gives the copy of the reports a moment to fill, so that the
// first pass does not take every cluster for silent.
func (r *repo) awaitReports(ctx context.Context) {
	select {
	case <-r.p.reports.synced:
	case <-time.After(syncTimeout):
		r.p.cfg.Logger.Warn("the reports kept in NATS are not there yet; health counts as unknown", "repo", r.Path)
	case <-ctx.Done():
	}
}

// await waits until the time has come or, if hints may cut it short, until
// somebody asks; then it gathers what else arrives in the same moment.
func (r *repo) await(ctx context.Context, wait time.Duration, mayAsk bool) bool {
	asked := r.asked
	if !mayAsk {
		asked = nil
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
	case <-asked:
		if !sleep(ctx, maxHintAge) {
			return false
		}
	}
	select {
	case <-r.asked: // answered by the pass that comes now
	default:
	}
	return true
}

// converge observes and acts until nothing is left to do now. It returns when
// time alone will make something due, and whether anything was achieved.
func (r *repo) converge(ctx context.Context) (next time.Time, moved bool, err error) {
	for range maxRounds {
		next, acted, err := r.pass(ctx)
		moved = moved || acted
		if err != nil || !acted {
			return next, moved, err
		}
	}
	err = core.Errorf(core.Internal, "%d passes in a row found something to do: something undoes what Sluice does", maxRounds)
	r.p.cfg.Logger.Error("no fixed point", "repo", r.Path, "error", err)
	return time.Time{}, false, err
}

// pass observes, plans and acts once.
func (r *repo) pass(ctx context.Context) (next time.Time, acted bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, passTimeout)
	defer cancel()
	begun := r.p.cfg.Clock()
	defer func() { r.finish(ctx, begun, err) }()
	o, err := r.observe(ctx)
	if err != nil && o != nil && o.unruled != nil {
		_, told := r.act(ctx, o, plan.Halt(o.state, o.unruled.Error()))
		return time.Time{}, false, worst([]error{err, told})
	}
	if err != nil {
		return time.Time{}, false, shut(err)
	}
	decided := r.decide(ctx, o)
	r.publish(o, decided)
	r.measure(o)
	acted, err = r.act(ctx, o, decided)
	return decided.Next, acted, err
}

func (r *repo) publish(o *observation, decided *plan.Plan) {
	r.mu.Lock()
	before := r.plan
	r.id, r.plan = o.state.Project.ID, decided
	r.head, r.deployed = o.state.Head, o.state.Inventory
	r.mu.Unlock()
	r.p.meter.targets(r.Path, decided)
	for _, problem := range decided.Problems {
		r.once("problem "+problem.File+problem.Message, func() {
			r.p.cfg.Logger.Warn("not understood", "repo", r.Path, "file", problem.File, "line", problem.Line, "column", problem.Column, "reason", problem.Message)
		})
	}
	r.remark(o)
	for i, t := range decided.Targets {
		if before != nil && i < len(before.Targets) && before.Targets[i] == t {
			continue // said already: of thousands of targets, most stand where they stood
		}
		r.notices(t.Candidate.Notices)
		r.logOverrides(t)
		r.once("target "+t.Target.String()+string(t.Phase)+t.Reason, func() {
			r.p.cfg.Logger.Info("target", "repo", r.Path, "env", t.Target.Env, "app", t.Target.App, "mr", t.MR, "phase", t.Phase, "reason", t.Reason)
		})
	}
}

// remark says what stops nothing, of the overlays that may have changed since
// the last time.
func (r *repo) remark(o *observation) {
	inv, last := o.state.Inventory, r.remarked
	if last == nil {
		last = new(overlay.Inventory)
	}
	for _, env := range o.policy.Environments {
		for _, app := range inv.Changed(env.Name, last) {
			for _, d := range inv.Of(core.Target{Env: env.Name, App: app}) {
				r.notices(d.Notices)
			}
		}
	}
	r.remarked = inv
}

func (r *repo) notices(list []overlay.Notice) {
	for _, n := range list {
		r.once("notice "+n.File+n.Message, func() {
			say := r.p.cfg.Logger.Info
			if n.Severity == overlay.Warning {
				say = r.p.cfg.Logger.Warn
			}
			say("notice", "repo", r.Path, "file", n.File, "line", n.Line, "column", n.Column, "reason", n.Message)
		})
	}
}

// logOverrides says which gates people passed over: of that there must be a
// record that nobody can edit afterwards.
func (r *repo) logOverrides(t *plan.Status) {
	for _, v := range t.Verdicts {
		if v.Overridden != "" {
			r.once("override "+t.Target.String()+v.Gate+v.Reason, func() {
				r.p.cfg.Logger.Warn("gate overridden", "repo", r.Path, "env", t.Target.Env, "app", t.Target.App, "mr", t.MR, "gate", v.Gate, "by", v.Overridden, "reason", v.Reason)
			})
		}
	}
}

// once says something the first time only. The memory starts anew when it has
// grown large: then some things are said twice.
func (r *repo) once(key string, say func()) {
	if r.said[key] {
		return
	}
	if len(r.said) > 100_000 {
		clear(r.said)
	}
	r.said[key] = true
	say()
}

func (r *repo) finish(ctx context.Context, begun time.Time, err error) {
	now := r.p.cfg.Clock()
	r.p.meter.pass(r.Path, now.Sub(begun), err)
	r.mu.Lock()
	r.trouble = err
	if err == nil {
		r.progress = now
	}
	r.mu.Unlock()
	r.alarm(err)
	if err == nil || isShut(err) || errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	level := r.p.cfg.Logger.Warn
	if kind := core.KindOf(err); kind != core.Transient && kind != core.Conflict {
		level = r.p.cfg.Logger.Error
	}
	level("pass ended early", "repo", r.Path, "kind", core.KindOf(err), "error", err)
}

func (r *repo) last() *plan.Plan {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.plan
}

// ready ties readiness to progress: a loop that only fails is not ready,
// however alive its process is.
func (r *repo) ready(now time.Time) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	since := r.progress
	if since.IsZero() {
		since = r.started
	}
	switch {
	case isShut(r.trouble):
		return core.Errorf(core.Denied, "%s: %w", r.Path, r.trouble)
	case r.progress.IsZero() && r.trouble == nil:
		return core.Errorf(core.Transient, "%s: the first pass is not finished", r.Path)
	case r.progress.IsZero(), now.Sub(since) > staleSweeps*r.p.cfg.Sweep:
		return core.Errorf(core.Transient, "%s: no pass has succeeded since %s: %w", r.Path, since.UTC().Format(time.RFC3339), r.trouble)
	}
	return nil
}

// jittered spreads the sweeps of many monorepos and replicas.
func (r *repo) jittered(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}

// pause is the back-off after so many failures in a row, with jitter.
func pause(attempt int) time.Duration {
	d := min(firstPause<<min(attempt, 10), lastPause)
	return d/2 + rand.N(d/2+1)
}
