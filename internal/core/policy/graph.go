package policy

import (
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// checkGraph looks at which environment follows which. Every environment has a
// name when it is called.
func (d *decoder) checkGraph(at place, envs []envSource) {
	rooted := slices.ContainsFunc(envs, func(e envSource) bool { return len(e.From) == 0 })
	if !rooted {
		d.report(at, "every environment has a from; leave it out in the one where new versions arrive first")
	}
	names := make([]string, len(envs))
	for i, e := range envs {
		names[i] = string(e.Name)
	}
	for _, e := range envs {
		for i, from := range e.From {
			switch {
			case from == e.Name:
				d.report(e.from[i], "%s comes from itself; name the environment before it", from)
			case !slices.Contains(names, string(from)):
				d.report(e.from[i], "unknown environment %s%s; the environments are %s",
					quote(string(from)), didYouMean(string(from), names), strings.Join(names, ", "))
			}
		}
	}
	c := circles{d, envs, map[core.Env]bool{}}
	for _, e := range envs {
		c.follow(e.Name, nil)
	}
}

// circles finds environments that come from themselves by way of others.
type circles struct {
	*decoder
	envs []envSource
	done map[core.Env]bool
}

// follow goes on from an environment to those that it comes from; way is how
// it got there.
func (c circles) follow(env core.Env, way []string) {
	i := slices.IndexFunc(c.envs, func(e envSource) bool { return e.Name == env })
	if i < 0 || c.done[env] {
		return
	}
	way = append(slices.Clip(way), string(env))
	for j, from := range c.envs[i].From {
		start := slices.Index(way, string(from))
		switch {
		case from == env: // reported already
		case start >= 0:
			circle := strings.Join(append(slices.Clone(way[start:]), string(from)), " from ")
			c.report(c.envs[i].from[j], "the environments go in a circle (%s); remove one from", circle)
		default:
			c.follow(from, way)
		}
	}
	c.done[env] = true
}
