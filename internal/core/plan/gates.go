package plan

import (
	"cmp"
	"slices"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/expression"
	"github.com/sluice-gitops/sluice/internal/core/gate"
)

func (l *life) verdicts(heard talk) []gate.Verdict {
	out := l.holdsOf(heard)
	g := l.env.Gates
	health := gate.HealthOf(l.allSources())
	if g.Healthy {
		out = append(out, l.ofSource("healthy", gate.Healthy(health)))
	}
	if g.Soak > 0 {
		out = append(out, l.ofSource("soak", gate.Soak(health, g.Soak, l.now)))
	}
	if after := l.predecessors(); len(after) > 0 {
		out = append(out, gate.After(l.env.Name, after))
	}
	if g.Pipeline {
		out = append(out, gate.Pipeline(l.branch.Head, l.checks()))
	}
	if v, asked := l.finishing(); asked {
		out = append(out, v)
	}
	if len(g.Expressions) > 0 {
		out = append(out, gate.Expressions(g.Expressions, l.facts(health)))
	}
	if len(g.Windows) > 0 {
		out = append(out, gate.Windows(g.Windows, g.Freezes, l.now))
	}
	if len(g.Freezes) > 0 {
		out = append(out, gate.Freezes(g.Freezes, l.now))
	}
	if g.Approvals.Count > 0 {
		out = append(out, gate.Approvals(g.Approvals, heard.approvers, l.authors(), l.bringers()))
	}
	return heard.overridden(out)
}

// predecessors are the apps that the policy has come before this one.
func (l *life) predecessors() []gate.Predecessor {
	var out []gate.Predecessor
	for _, member := range l.candidate.Apps() {
		for _, app := range l.policy.Rule(member).After {
			out = append(out, l.predecessor(app))
		}
	}
	return out
}

// allSources are the clusters that the versions come from, of each app.
func (l *life) allSources() []gate.Source {
	var out []gate.Source
	for _, app := range l.candidate.Apps() {
		out = append(out, l.sources(l.env, app)...)
	}
	return out
}

func (l *life) predecessor(app core.App) gate.Predecessor {
	p := gate.Predecessor{App: app, Absent: len(l.state.Inventory.Of(core.Target{Env: l.env.Name, App: app})) == 0}
	if o := l.envs[l.env.Name]; o != nil {
		if i, ok := slices.BinarySearch(o.apps, app); ok {
			found := l.recall(l.env, o.views[i].candidate)
			p.Blocked, p.Pending = found.Blocked, len(found.Changes) > 0
		}
	}
	if l.env.Gates.Healthy && !p.Absent {
		health := gate.HealthOf(l.running(app, l.env.Name))
		p.Health = &health
	}
	return p
}

// checks is what the project's CI says, as far as GitLab shows it by now.
func (l *life) checks() gate.Checks {
	if l.mr == nil || l.mr.Pipeline == nil {
		return gate.Checks{}
	}
	return gate.Checks{Exist: true, Head: l.mr.Pipeline.Head, Status: l.state.Checks(l.mr), URL: l.mr.Pipeline.URL}
}

// authors are those whose own approval does not count.
func (l *life) authors() []core.UserID {
	if l.mr == nil {
		return []core.UserID{l.state.Project.Bot}
	}
	return []core.UserID{l.state.Project.Bot, l.mr.Author}
}

// facts is what the policy's expressions are asked about.
func (l *life) facts(health gate.Health) expression.Facts {
	f := expression.Facts{
		Target: l.candidate.Target, From: l.env.From, Now: l.now,
		Healthy: health.Healthy, Soaked: l.now.Sub(health.Since),
	}
	for _, ch := range l.candidate.Changes {
		read := reading(l.policy.Rule(cmp.Or(ch.App, l.candidate.Target.App)), ch.Pin.Kind)
		f.Changes = append(f.Changes, expression.Change{
			Cluster: ch.Cluster, Kind: string(ch.Pin.Kind), Name: ch.Pin.Name,
			Old: read(ch.Pin.Version), New: read(ch.New),
		})
		if !slices.Contains(f.Clusters, ch.Cluster) {
			f.Clusters = append(f.Clusters, ch.Cluster)
		}
	}
	if l.mr != nil {
		f.MergeRequest = &expression.MergeRequest{
			ID: l.mr.ID, Title: l.mr.Title, Author: l.mr.AuthorName, Draft: l.mr.Draft, Labels: l.mr.Labels,
		}
	}
	return f
}
