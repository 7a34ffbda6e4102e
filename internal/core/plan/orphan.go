package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// orphans clears away what was made for targets that do not exist any more. Of
// what is under BranchPrefix, it concerns what Sluice opened or sealed itself.
func (c *computation) orphans() {
	for _, name := range c.branches() {
		t := targetOf(name)
		if BranchOf(t) != name || c.knows(t) {
			continue
		}
		l := c.orphan(t)
		if l.branch.ours() || l.mr != nil && l.mr.Author == c.state.Project.Bot {
			l.bury()
			c.soon(l.status.Next)
		}
	}
}

// branches are the names of those that exist or have an open merge request.
func (c *computation) branches() []string {
	names := slices.Collect(maps.Keys(c.state.Branches))
	for _, mr := range c.state.Open {
		names = append(names, mr.Source)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// knows tells whether something could be promoted into a target.
func (c *computation) knows(t core.Target) bool {
	o := c.envs[t.Env]
	if env, ok := c.policy.Environment(t.Env); !ok || env.Root() || o == nil {
		return false
	}
	_, app := slices.BinarySearch(o.apps, t.App)
	return app || o.groups[t.App] != nil
}

func (c *computation) orphan(t core.Target) *life {
	env, ok := c.policy.Environment(t.Env)
	if !ok {
		env.Name = t.Env
	}
	candidate := Candidate{Target: t}
	l := c.lifeWith(env, &view{candidate: candidate}, candidate)
	l.status = Status{Target: t, Candidate: candidate}
	return l
}

// bury clears the promotion into a target that does not exist away.
func (l *life) bury() {
	_, ok := l.policy.Environment(l.env.Name)
	switch {
	case !ok:
		l.abandon(fmt.Sprintf("the policy has no environment %s any more", l.env.Name))
	case l.env.Root():
		l.abandon(fmt.Sprintf("the policy has nothing promoted into %s any more", l.env.Name))
	case !l.peopled(l.env.From...) && !l.peopled(l.env.Name):
		l.stop(Blocked, fmt.Sprintf("no overlay at all is found for %s or what it is promoted from; correct the layout in the policy, or close this", l.env.Name))
	default:
		l.abandon(fmt.Sprintf("neither %s nor %s has an app or a group %s any more", l.env.Name, list(l.env), l.candidate.Target.App))
	}
}

func list(env policy.Environment) string {
	names := make([]string, len(env.From))
	for i, from := range env.From {
		names[i] = string(from)
	}
	return strings.Join(names, " nor ")
}

// peopled tells whether some environments deploy anything. One that seems to
// deploy nothing is rather a mistake in the layout than an environment from
// which everything was removed.
func (c *computation) peopled(envs ...core.Env) bool {
	for t, deployments := range c.state.Inventory.All() {
		if len(deployments) > 0 && slices.Contains(envs, t.Env) {
			return true
		}
	}
	return false
}

// removed tells whether the target's environment deploys other apps, and this
// one not any more.
func (l *life) removed() bool {
	return (l.mr != nil || l.branched) && len(l.candidate.Members) == 0 &&
		len(l.state.Inventory.Of(l.candidate.Target)) == 0 && l.peopled(l.env.Name)
}

// abandon clears away a promotion for which there is no target. A branch that
// carries somebody else's work is that person's to close or to merge.
func (l *life) abandon(reason string) {
	switch {
	case l.mr != nil && !l.branched:
		l.stop(HandsOff, reason+", and the branch is gone; close this merge request")
	case l.branched && !l.branch.ours():
		l.stop(HandsOff, fmt.Sprintf("%s, and the branch %s carries work that is not Sluice's; merge or close this by hand", reason, l.branch.Name))
	case l.mr != nil && l.mr.Head != l.branch.Head:
		l.set(Waiting, "GitLab has not taken in the last push yet")
		l.lookAgain(l.now.Add(settle))
	default:
		l.set(Blocked, reason)
		l.clear(reason)
	}
}
