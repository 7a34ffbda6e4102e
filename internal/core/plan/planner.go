package plan

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/history"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// Planner computes plans and remembers what Git alone says of each target, so
// that a plan costs what has changed since its last one. What it returns depends
// on its arguments alone, and shares with earlier plans what is the same: nobody
// may change it. It must not be used by two goroutines at once. The zero value
// remembers nothing yet.
type Planner struct {
	policy    *policy.Policy
	inventory *overlay.Inventory
	envs      map[core.Env]*outlook
}

// outlook is what Git says of the targets of one environment.
type outlook struct {
	apps  []core.App // that the environment or its sources deploy, sorted
	views []*view    // of each app
	// quiet is where each app's target stands if GitLab knows nothing of it; nil if
	// it is due. It stands apart from the views to be gone through quickly.
	quiet  []*Status
	groups map[core.App]*group // by name
}

// view is what Git says of one target.
type view struct {
	candidate Candidate
	twin      core.App // another app whose name differs in case only; "" if there is none
	group     core.App // the group that it is promoted with, or ""
	clash     bool     // its name is that of a group of others, or of an app that is no member
	edited    bool     // the next two are known
	files     []File
	refusal   error
}

// Compute decides what is due. It is total and deterministic: it returns for
// every state, does not depend on the order of the state's lists, and plans
// nothing for a world that is as the policy wants it.
func (pl *Planner) Compute(p *policy.Policy, s *State, now time.Time) *Plan {
	pl.look(p, s.Inventory)
	c := &computation{policy: p, state: s, now: now, envs: pl.envs, plan: &Plan{Problems: s.Inventory.Problems}}
	c.hearControl()
	c.plan.Targets = make([]*Status, 0, pl.targets())
	for _, name := range p.Order() {
		env, _ := p.Environment(name)
		if env.Root() {
			continue
		}
		c.targets(env, pl.envs[name])
		c.bypasses(env)
	}
	c.orphans()
	c.answerDone()
	c.answerControl()
	c.tellFailures()
	c.triggers()
	c.plan.Clusters = c.clusters()
	return c.plan
}

// Candidates lists what could be promoted, judged from Git alone: the targets
// about which GitLab needs to be asked more. Of the state, what comes from Git
// and Resumed count.
func (pl *Planner) Candidates(p *policy.Policy, s *State) []Candidate {
	var out []Candidate
	c := &computation{policy: p, state: s}
	pl.open(p, s.Inventory, func(env policy.Environment, found Candidate) {
		if found = c.recall(env, found); found.Blocked != "" {
			return
		}
		group := p.Rule(found.Target.App).Group
		if i := slices.IndexFunc(out, func(o Candidate) bool { return group != "" && o.Target == core.Target{Env: env.Name, App: group} }); i >= 0 {
			out[i] = combine(group, append(out[i].Members, found))
			return
		}
		if group != "" {
			found = combine(group, []Candidate{found})
		}
		out = append(out, found)
	})
	return out
}

// Recall fills the state's History: trace tells the past of each target of which
// a plan needs it, or that it is unknown. What is needed may depend on what was
// told: first what was lowered, then what its sources had. The error is trace's.
func (pl *Planner) Recall(p *policy.Policy, s *State, trace func(core.Target) (history.Course, bool, error)) error {
	s.History = map[core.Target]history.Course{}
	for told := map[core.Target]bool{}; ; {
		asked := slices.DeleteFunc(pl.asked(p, s), func(t core.Target) bool { return told[t] })
		if len(asked) == 0 {
			return nil
		}
		for _, t := range asked {
			course, known, err := trace(t)
			if err != nil {
				return err
			}
			if known {
				s.History[t] = course
			}
			told[t] = true
		}
	}
}

// asked lists the targets whose past a plan needs, as far as the state tells.
func (pl *Planner) asked(p *policy.Policy, s *State) []core.Target {
	need := map[core.Target]bool{}
	pl.look(p, s.Inventory)
	c := &computation{policy: p, state: s, envs: pl.envs, plan: &Plan{}}
	for _, t := range slices.Concat(c.pastOfWishes(), c.pastOfBringers(), c.pastOfFailures()) {
		need[t] = true
	}
	pl.open(p, s.Inventory, func(env policy.Environment, found Candidate) {
		for _, t := range c.needs(env, found) {
			need[t] = true
		}
	})
	return slices.SortedFunc(maps.Keys(need), core.Target.Compare)
}

// open visits the candidates that nothing at the head itself stops.
func (pl *Planner) open(p *policy.Policy, inv *overlay.Inventory, visit func(policy.Environment, Candidate)) {
	pl.look(p, inv)
	for _, env := range p.Environments {
		if env.Root() {
			continue
		}
		o := pl.envs[env.Name]
		for i, status := range o.quiet {
			if status == nil {
				visit(env, o.views[i].candidate)
			}
		}
	}
}

// look brings what is remembered to an inventory.
func (pl *Planner) look(p *policy.Policy, inv *overlay.Inventory) {
	if pl.policy != p || pl.inventory == nil {
		*pl = Planner{policy: p, inventory: &overlay.Inventory{}, envs: map[core.Env]*outlook{}}
	}
	changed := reached(p, inv, pl.inventory)
	for _, env := range p.Environments {
		if pl.envs[env.Name] == nil {
			pl.envs[env.Name] = &outlook{}
		}
		if !env.Root() {
			pl.envs[env.Name].update(p, inv, env, changed[env.Name])
		}
	}
	pl.inventory = inv
}

// update looks at some apps anew.
func (o *outlook) update(p *policy.Policy, inv *overlay.Inventory, env policy.Environment, changed []core.App) {
	come, gone := map[core.App]*view{}, map[core.App]bool{}
	for _, app := range changed {
		i, known := slices.BinarySearch(o.apps, app)
		if !deployed(inv, env, app) {
			gone[app] = known
			continue
		}
		v := &view{candidate: propose(p, inv, env, app), group: p.Rule(app).Group}
		if !known {
			come[app] = v
			continue
		}
		v.twin, v.clash = o.views[i].twin, o.views[i].clash
		o.views[i], o.quiet[i] = v, quiet(p, inv, env, v)
	}
	if len(come)+len(gone) == 0 {
		return
	}
	next := &outlook{}
	for _, app := range slices.Sorted(maps.Keys(come)) {
		next.add(app, come[app], quiet(p, inv, env, come[app]))
	}
	*o = *o.without(gone).merged(next)
	o.pairUp()
	o.gather()
}

func (o *outlook) add(app core.App, v *view, quiet *Status) {
	o.apps, o.views, o.quiet = append(o.apps, app), append(o.views, v), append(o.quiet, quiet)
}

func (o *outlook) without(gone map[core.App]bool) *outlook {
	out := &outlook{}
	for i, app := range o.apps {
		if !gone[app] {
			out.add(app, o.views[i], o.quiet[i])
		}
	}
	return out
}

// merged joins two outlooks that have no app in common.
func (o *outlook) merged(other *outlook) *outlook {
	out := &outlook{}
	for i, j := 0, 0; i < len(o.apps) || j < len(other.apps); {
		if j == len(other.apps) || i < len(o.apps) && o.apps[i] < other.apps[j] {
			out.add(o.apps[i], o.views[i], o.quiet[i])
			i++
			continue
		}
		out.add(other.apps[j], other.views[j], other.quiet[j])
		j++
	}
	return out
}

// deployed tells whether an environment or one of its sources deploys an app.
func deployed(inv *overlay.Inventory, env policy.Environment, app core.App) bool {
	for _, name := range append([]core.Env{env.Name}, env.From...) {
		if len(inv.Of(core.Target{Env: name, App: app})) > 0 {
			return true
		}
	}
	return false
}

// quiet is where a target stands if GitLab knows nothing of it, or nil if that
// depends on more than Git.
func quiet(p *policy.Policy, inv *overlay.Inventory, env policy.Environment, v *view) *Status {
	if v.candidate.Blocked == "" && len(v.candidate.Changes) > 0 {
		return nil
	}
	nobody := &computation{policy: p, state: &State{Inventory: inv}, plan: &Plan{}}
	return nobody.target(env, v)
}

// edit is the candidate's edit at the inventory from which the view was made,
// or another with the same overlays of the target.
func (v *view) edit(inv *overlay.Inventory) ([]File, error) {
	if !v.edited {
		v.files, v.refusal = v.candidate.edit(inv)
		v.edited = true
	}
	return v.files, v.refusal
}

// targets decides about all targets of an environment. Those that are not due
// and of which GitLab knows nothing are as Git says.
func (c *computation) targets(env policy.Environment, o *outlook) {
	first := len(c.plan.Targets)
	c.plan.Targets = append(c.plan.Targets, o.quiet...)
	alone, groups := c.lively(env, o)
	for _, i := range alone {
		if _, asked := c.granted(env, o.views[i].candidate.Target); o.views[i].group != "" && !asked {
			c.leave(env, o.views[i])
			continue
		}
		status := c.target(env, o.views[i])
		c.plan.Targets[first+i] = status
		c.soon(status.Next)
	}
	for _, name := range groups {
		c.together(env, o, name, c.plan.Targets[first:])
	}
}

// lively lists the targets that are due, or have a branch or a merge request:
// apps, and groups of them. An app that belongs to a group is among them where
// it has one of its own.
func (c *computation) lively(env policy.Environment, o *outlook) (alone []int, groups []core.App) {
	for i, status := range o.quiet {
		switch group := o.views[i].group; {
		case status == nil && group == "":
			alone = append(alone, i)
		case status == nil:
			groups = append(groups, group)
		}
	}
	add := func(branch string) {
		if app, ok := strings.CutPrefix(branch, BranchPrefix+string(env.Name)+"/"); ok {
			if o.groups[core.App(app)] != nil {
				groups = append(groups, core.App(app))
			} else if i, ok := slices.BinarySearch(o.apps, core.App(app)); ok {
				alone = append(alone, i)
			}
		}
	}
	for i := range c.state.Open {
		add(c.state.Open[i].Source)
	}
	for branch := range c.state.Branches {
		add(branch)
	}
	for _, t := range c.wished() {
		if t.Env == env.Name {
			add(BranchOf(t))
		}
	}
	slices.Sort(alone)
	slices.Sort(groups)
	return slices.Compact(alone), slices.Compact(groups)
}

// targets is how many targets there are.
func (pl *Planner) targets() int {
	n := 0
	for _, o := range pl.envs {
		n += len(o.views)
	}
	return n
}
