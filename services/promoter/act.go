package promoter

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// act carries out a plan: the actions of one target in their order, those of
// different targets side by side. An action that fails ends its target's turn
// and no other's. It tells whether anything was done that is worth observing.
func (r *repo) act(ctx context.Context, o *observation, decided *plan.Plan) (bool, error) {
	if !r.p.cfg.Act {
		r.rehearse(decided)
		return false, nil
	}
	var (
		mu    sync.Mutex
		errs  []error
		acted bool
	)
	var g errgroup.Group
	g.SetLimit(maxParallel)
	for _, group := range grouped(decided.Actions) {
		g.Go(func() error {
			done, err := r.turn(ctx, o, group)
			mu.Lock()
			defer mu.Unlock()
			acted = acted || done
			errs = append(errs, err)
			return nil
		})
	}
	_ = g.Wait() // the turns report through errs
	return acted, worst(errs)
}

// rehearse says what acting would do, once per decision.
func (r *repo) rehearse(decided *plan.Plan) {
	for _, a := range decided.Actions {
		r.once("rehearse "+describe(a)+a.About().String()+a.Because(), func() {
			r.p.cfg.Logger.Info("would act, but acting is switched off", "repo", r.Path, "action", describe(a),
				"env", a.About().Env, "app", a.About().App, "reason", a.Because())
		})
	}
}

// grouped keeps the order within a target. Actions that concern no target,
// such as triggers, stand each alone; those on an issue belong together.
func grouped(actions []plan.Action) [][]plan.Action {
	var groups [][]plan.Action
	at := map[place]int{}
	for _, a := range actions {
		t := placeOf(a)
		if i, ok := at[t]; ok && t != (place{}) {
			groups[i] = append(groups[i], a)
			continue
		}
		at[t] = len(groups)
		groups = append(groups, []plan.Action{a})
	}
	return groups
}

// place is what the actions of one group have in common.
type place struct {
	core.Target
	core.IssueID
}

func placeOf(a plan.Action) place {
	p := place{Target: a.About()}
	switch a := a.(type) {
	case plan.WriteNote:
		p.IssueID = a.Issue
	case plan.DeleteNote:
		p.IssueID = a.Issue
	case plan.React:
		p.IssueID = a.Issue
	}
	return p
}

// turn does one target's actions. A trigger changes nothing that the next
// observation would see, so it does not count as done. A status that Sluice may
// not set keeps nothing back: it is for GitLab, and the gates were judged here.
func (r *repo) turn(ctx context.Context, o *observation, actions []plan.Action) (acted bool, err error) {
	var unset error
	for _, a := range actions {
		if err := ctx.Err(); err != nil {
			return acted, err
		}
		err := r.do(ctx, o, a)
		r.p.meter.action(r.Path, describe(a), err)
		r.log(a, err)
		r.remember(a.About(), err)
		if _, status := a.(plan.SetStatus); status && core.KindOf(err) == core.Denied {
			unset = err
			continue
		}
		if err != nil {
			return acted, err
		}
		_, trigger := a.(plan.Trigger)
		acted = acted || !trigger
	}
	return acted, unset
}

// remember keeps why an action was refused, so that the next plan can tell it
// to people. What will pass by itself is not worth telling.
func (r *repo) remember(t core.Target, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch kind := core.KindOf(err); {
	case t == (core.Target{}) || err != nil && (kind == core.Transient || kind == core.Conflict):
	case err != nil:
		r.refused[t] = err.Error()
	default:
		delete(r.refused, t)
	}
}

func (r *repo) log(a plan.Action, err error) {
	args := []any{"repo", r.Path, "action", describe(a), "env", a.About().Env, "app", a.About().App, "reason", a.Because()}
	if t, ok := a.(plan.Trigger); ok {
		args = append(args, "cluster", t.Cluster, "revision", t.Revision)
	}
	if err != nil {
		r.p.cfg.Logger.Warn("not done", append(args, "kind", core.KindOf(err), "error", err)...)
		return
	}
	r.p.cfg.Logger.Info("done", args...)
}

func (r *repo) do(ctx context.Context, o *observation, a plan.Action) error {
	switch a := a.(type) {
	case plan.PushBranch:
		defer r.heard(o, a.Branch)
		_, err := r.Mirror.Push(ctx, a)
		return err
	case plan.DeleteBranch:
		return r.Mirror.Delete(ctx, a)
	case plan.OpenMR:
		_, err := r.Desk.OpenMR(ctx, a)
		return err
	case plan.EditMR:
		return r.Desk.EditMR(ctx, a)
	case plan.WriteNote:
		return r.Desk.WriteNote(ctx, a)
	case plan.DeleteNote:
		return r.Desk.DeleteNote(ctx, a)
	case plan.React:
		return r.Desk.React(ctx, a)
	case plan.CloseMR:
		return r.Desk.CloseMR(ctx, a)
	case plan.SetStatus:
		return r.Desk.SetStatus(ctx, a)
	case plan.GuardThread:
		return r.Desk.GuardThread(ctx, a)
	case plan.LeaveTrain:
		return r.Desk.LeaveTrain(ctx, a)
	case plan.MergeMR:
		return r.merge(ctx, o, a)
	case plan.Trigger:
		return r.trigger(ctx, o, a)
	default:
		return core.Errorf(core.Internal, "no way to do a %T", a)
	}
}

// heard tells that the merge request of a branch has changed.
func (r *repo) heard(o *observation, branch string) {
	for _, mr := range o.state.Open {
		if mr.Source == branch {
			r.Forge.Heard(mr.ID, "")
		}
	}
}

// merge looks once more before it merges. Our own merges of other targets and
// other people's pushes have moved the default branch since the observation,
// and somebody may have written "hold", taken an approval back or lost a role. So the plan is
// computed anew from what is there now, and this merge must be in it unchanged.
func (r *repo) merge(ctx context.Context, o *observation, a plan.MergeMR) error {
	r.merging.Lock()
	defer r.merging.Unlock()
	again := *o.state
	if err := r.hearAgain(ctx, &again, a.MR); err != nil {
		return err
	}
	refs, err := r.Mirror.Fetch(ctx, o.state.Project.DefaultBranch)
	if err != nil {
		return err
	}
	again.Reports, again.Witnesses = r.p.clusterReports(), r.p.clusterWitnesses() // before Git, which is read at what they name
	fresh := &observation{state: &again}
	if err := r.readGit(fresh, refs); err != nil {
		return err
	}
	if err := r.readBranches(ctx, fresh, refs); err != nil {
		return err
	}
	if err := r.hearControl(ctx, fresh); err != nil {
		return err
	}
	if err := r.meetAgain(ctx, fresh, a.MR); err != nil {
		return err
	}
	for _, ask := range []func(context.Context, *observation) error{r.recall, r.askOrigins} {
		if err := ask(ctx, fresh); err != nil {
			return err
		}
	}
	if !slices.Contains(r.planner.Compute(fresh.policy, &again, r.p.cfg.Clock()).Actions, plan.Action(a)) {
		return core.Errorf(core.Conflict, "merge !%d: something moved since it was decided", a.MR)
	}
	err = r.Desk.Merge(ctx, a)
	r.attempted(a, err)
	return err
}

// attempted counts the refusals of a merge in a row, so that the next plan can
// give GitLab more and more time.
func (r *repo) attempted(a plan.MergeMR, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if core.KindOf(err) != core.Conflict {
		delete(r.attempts, a.Target)
		return
	}
	before := r.attempts[a.Target]
	if before.SHA != a.SHA {
		before.Count = 0
	}
	r.attempts[a.Target] = plan.Attempt{SHA: a.SHA, Count: before.Count + 1, At: r.p.cfg.Clock()}
}

// hearAgain replaces what was seen of one merge request. Whether it can be
// merged is left as it was seen: each merge makes GitLab check the others
// anew, and it refuses by itself what it has found to be in the way.
func (r *repo) hearAgain(ctx context.Context, s *plan.State, id core.MRID) error {
	mr, ok, err := r.Forge.MergeRequest(ctx, id)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(s.Open, func(seen plan.MergeRequest) bool { return seen.ID == id })
	if !ok || i < 0 {
		return core.Errorf(core.Conflict, "merge !%d: it is not open any more", id)
	}
	mr.MergeStatus, mr.MergeError = s.Open[i].MergeStatus, s.Open[i].MergeError
	s.Open = slices.Clone(s.Open)
	s.Open[i] = mr
	return nil
}

// meetAgain looks up once more who speaks on a merge request and on the issue
// for commands: whose approval counted a while ago may have lost the right to it.
func (r *repo) meetAgain(ctx context.Context, o *observation, id core.MRID) error {
	s := o.state
	here := plan.State{Project: s.Project, Control: s.Control}
	for _, mr := range s.Open {
		if mr.ID == id {
			here.Open = append(here.Open, mr)
		}
	}
	s.People = maps.Clone(s.People)
	for _, person := range plan.Commanders(o.policy, &here) {
		delete(s.People, person)
	}
	return r.askPeople(ctx, o)
}

// worst joins the errors of a pass so that its kind asks for the earliest new
// attempt that any of them deserves.
func worst(errs []error) error {
	joined := errors.Join(errs...)
	for _, kind := range []core.Kind{core.Conflict, core.Transient} {
		for _, err := range errs {
			if err != nil && core.KindOf(err) == kind {
				return core.Errorf(kind, "%w", joined)
			}
		}
	}
	return joined
}
