package plan

import (
	"slices"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// Apps are the apps that a candidate is about: those of its group, or the one.
func (c Candidate) Apps() []core.App {
	if len(c.Members) == 0 {
		return []core.App{c.Target.App}
	}
	var out []core.App
	for _, m := range c.Members {
		out = append(out, m.Target.App)
	}
	return out
}

// deployments are the overlays in the target environment.
func (c Candidate) deployments(inv *overlay.Inventory) []*overlay.Deployment {
	var out []*overlay.Deployment
	for _, app := range c.Apps() {
		out = append(out, inv.Of(core.Target{Env: c.Target.Env, App: app})...)
	}
	return out
}

// combine makes one candidate of those of a group's apps, at least one, under
// the group's name. They move together or not at all: what stops one stops all.
func combine(name core.App, members []Candidate) Candidate {
	out := Candidate{Target: core.Target{Env: members[0].Target.Env, App: name}, From: members[0].From, Members: members, Ahead: true}
	for _, m := range members {
		for _, ch := range m.Changes {
			ch.App = m.Target.App
			out.Changes = append(out.Changes, ch)
		}
		out.Ahead = out.Ahead && (m.Ahead || m.idle())
		if m.Blocked != "" && out.Blocked == "" {
			out.block("%s is in the group %s and cannot go on: %s", m.Target.App, name, m.Blocked)
		}
	}
	out.Ahead = out.Ahead && out.Blocked != ""
	return out
}

// idle tells whether nothing is to be done: the target has what its source has.
func (c Candidate) idle() bool { return len(c.Changes) == 0 && c.Blocked == "" }

// gather notes which apps belong to which group, and which app has the name of
// a group that it does not belong to. It is called when apps have come or gone.
func (o *outlook) gather() {
	o.groups = map[core.App]*group{}
	for i, v := range o.views {
		if v.group == "" {
			continue
		}
		if o.groups[v.group] == nil {
			o.groups[v.group] = &group{}
		}
		o.groups[v.group].members = append(o.groups[v.group].members, i)
	}
	for i, app := range o.apps {
		g := o.groups[app]
		o.views[i].clash = g != nil && o.views[i].group != app
		if g != nil {
			g.clash = o.views[i].clash
		}
	}
}

// group is the apps of one environment that are promoted together.
type group struct {
	members []int // of the outlook's apps
	clash   bool  // another app has its name
	of      []*view
	view    *view
}

// look is the view of the group's edit, which is made anew when a member is.
func (g *group) look(o *outlook, candidate Candidate) *view {
	var of []*view
	for _, i := range g.members {
		of = append(of, o.views[i])
	}
	if g.view == nil || !slices.Equal(g.of, of) {
		g.of, g.view = of, &view{candidate: candidate, clash: g.clash}
	}
	return g.view
}

// together decides about a group, and where that leaves those of its apps that
// are due.
func (c *computation) together(env policy.Environment, o *outlook, name core.App, statuses []*Status) {
	l, members := c.lifeOfGroup(env, o, name)
	status := c.decided(l)
	c.soon(status.Next)
	for k, i := range o.groups[name].members {
		if o.quiet[i] == nil && statuses[i] == nil {
			own := *status
			own.Target, own.Candidate, own.Group = members[k].Target, members[k], name
			statuses[i] = &own
		}
	}
}

func (c *computation) lifeOfGroup(env policy.Environment, o *outlook, name core.App) (*life, []Candidate) {
	g := o.groups[name]
	var members []Candidate
	for _, i := range g.members {
		members = append(members, c.member(env, o.views[i].candidate))
	}
	candidate := combine(name, members)
	return c.lifeWith(env, g.look(o, candidate), candidate), members
}

// member is the candidate of a group's app. While a person wants something else
// of the app, the group does not move it.
func (c *computation) member(env policy.Environment, found Candidate) Candidate {
	if asked, ok := c.granted(env, found.Target); ok {
		found.Ahead = false
		found.block("%s, in a merge request of its own; the group goes on when that is merged or closed", asked.asked)
		return found
	}
	return c.recall(env, found)
}

// leave clears away the promotion of an app alone that its group has taken over.
func (c *computation) leave(env policy.Environment, v *view) {
	l := c.lifeWith(env, v, Candidate{Target: v.candidate.Target, From: v.candidate.From})
	l.clear("it is promoted together with the others of the group " + string(v.group))
}
