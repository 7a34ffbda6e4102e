package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/history"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// Origin is how a commit came to the default branch.
type Origin struct {
	Carriers []Carrier // the merge requests that carried it there; none if it was pushed
	Emails   []string  // where there are none: of its author and its committer, as the commit says
}

// Carrier is a merge request that brought a commit, and its people. Their names
// are user names, without "@".
type Carrier struct {
	Author     core.UserID
	AuthorName string
	Robot      bool        // the author is no person, or not any more
	Merger     core.UserID // 0 if GitLab does not tell
	MergerName string
}

// Origins lists the commits of which a plan needs to know how they came to the
// default branch, each once and in order: those that brought what is waiting
// for approvals. Of the state, all but Origins must have been observed.
func (pl *Planner) Origins(p *policy.Policy, s *State) []core.SHA {
	pl.look(p, s.Inventory)
	c := &computation{policy: p, state: s, envs: pl.envs, plan: &Plan{}}
	need := map[core.SHA]bool{}
	for _, l := range c.minding() {
		brought, _ := l.brought()
		for _, b := range brought {
			need[b.step.Commit] = b.step.Commit != ""
		}
	}
	maps.DeleteFunc(need, func(_ core.SHA, ask bool) bool { return !ask })
	return slices.Sorted(maps.Keys(need))
}

// lifeOn is the way of the promotion that a branch is for, nil if there is none.
func (c *computation) lifeOn(t core.Target) *life {
	env, ok := c.policy.Environment(t.Env)
	o := c.envs[t.Env]
	if !ok || env.Root() || o == nil {
		return nil
	}
	if o.groups[t.App] != nil {
		l, _ := c.lifeOfGroup(env, o, t.App)
		return l
	}
	if i, ok := slices.BinarySearch(o.apps, t.App); ok {
		return c.lifeOf(env, o.views[i])
	}
	return nil
}

// pastOfBringers lists whose past tells who brought what is waiting for
// approvals.
func (c *computation) pastOfBringers() []core.Target {
	var out []core.Target
	for _, l := range c.minding() {
		for _, app := range l.candidate.Apps() {
			for _, env := range c.ancestors(l.env) {
				out = append(out, core.Target{Env: env, App: app})
			}
		}
	}
	return out
}

// minding lists the ways of the promotions that wait for approvals and for which
// it matters who brought the versions.
func (c *computation) minding() []*life {
	var out []*life
	for _, mr := range c.state.Open {
		t := targetOf(mr.Source)
		if env, ok := c.policy.Environment(t.Env); !ok || !minds(env) {
			continue
		}
		if l := c.lifeOn(t); l != nil && l.minds() {
			out = append(out, l)
		}
	}
	return out
}

// minds tells whether it matters who brought the versions. Those that go back to
// what the target had come from nowhere else.
func (l *life) minds() bool {
	return minds(l.env) && l.mr != nil && (l.candidate.asked == nil || !l.candidate.asked.back)
}

func minds(env policy.Environment) bool {
	rule := env.Gates.Approvals
	return rule.Count > 0 && rule.Bumper != policy.AuthorAllow
}

// ancestors are the environments that versions pass before they come to one,
// the nearest first.
func (c *computation) ancestors(env policy.Environment) []core.Env {
	var out []core.Env
	for next := []policy.Environment{env}; len(next) > 0; next = next[1:] {
		for _, from := range next[0].From {
			if source, ok := c.policy.Environment(from); ok && !slices.Contains(out, from) {
				out, next = append(out, from), append(next, source)
			}
		}
	}
	return out
}

// bringing is a step that brought a version to an environment.
type bringing struct {
	env  core.Env
	step history.Step
	deep bool // an environment before that one had the version as well
}

// brought lists what brought the candidate's versions to the environments that
// they passed, the nearest first. It also names an environment whose past is
// not known, "" if there is none.
func (l *life) brought() (out []bringing, missing core.Env) {
	envs := l.ancestors(l.env)
	for _, ch := range l.candidate.Changes {
		fit := fitted(ch.Pin)
		is := func(version string) bool { v, ok := fit(version); return ok && v == ch.New }
		by := map[core.Env][]history.Step{}
		for _, env := range envs {
			course, known := l.state.History[core.Target{Env: env, App: cmp.Or(ch.App, l.candidate.Target.App)}]
			if !known {
				return nil, env
			}
			by[env] = course.Brought(ch.Pin.Key, is)
		}
		for _, env := range envs {
			e, _ := l.policy.Environment(env)
			deep := slices.ContainsFunc(l.ancestors(e), func(before core.Env) bool { return len(by[before]) > 0 })
			for _, step := range by[env] {
				out = append(out, bringing{env, step, deep})
			}
		}
	}
	return out, ""
}

// bringers are the people behind what is promoted: who brought it to the
// environments that it passed. Sluice itself brings nothing new.
func (l *life) bringers() gate.Bringers {
	var found gate.Bringers
	if !l.minds() {
		return found
	}
	brought, missing := l.brought()
	if missing != "" {
		found.Unasked = fmt.Sprintf("what %s had before is not known in this pass, so neither is who brought it there", missing)
	}
	for _, b := range brought {
		origin, told := l.state.Origins[b.step.Commit]
		switch {
		case b.step.Commit == "" && b.deep:
		case b.step.Commit == "":
			found.Unknown = fmt.Sprintf("who brought it to %s is not known: that is longer ago than was looked back", b.env)
		case !told:
			found.Unasked = fmt.Sprintf("who brought it to %s (commit %s) is not known yet", b.env, b.step.Commit.Short())
		default:
			l.blame(&found, b, origin)
		}
	}
	return found
}

// blame adds who is behind one commit.
func (l *life) blame(found *gate.Bringers, b bringing, origin Origin) {
	for _, mr := range origin.Carriers {
		ours := mr.Author == l.state.Project.Bot
		if !ours {
			l.add(found, gate.Bringer{User: mr.Author, Name: mr.AuthorName, Into: b.env})
		}
		if ours && !b.deep || mr.Robot && !ours { // what Sluice did not find in the source was put on its branch
			l.add(found, gate.Bringer{User: mr.Merger, Name: mr.MergerName, Into: b.env})
		}
	}
	if len(origin.Carriers) > 0 {
		return
	}
	if !slices.ContainsFunc(origin.Emails, func(email string) bool { return gate.OfPrivate(email) != 0 }) {
		found.Unknown = fmt.Sprintf("who brought it to %s is not known: commit %s was pushed without a merge request", b.env, b.step.Commit.Short())
	}
	for _, email := range origin.Emails {
		l.add(found, gate.Bringer{Email: email, Into: b.env})
	}
}

func (l *life) add(found *gate.Bringers, by gate.Bringer) {
	same := func(o gate.Bringer) bool { return o.User == by.User && o.Email == by.Email }
	if (by.User != 0 || by.Email != "") && by.User != l.state.Project.Bot && !slices.ContainsFunc(found.Known, same) {
		found.Known = append(found.Known, by)
	}
}
