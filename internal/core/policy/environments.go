package policy

import (
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// envSource is an environment with the places that messages point to.
type envSource struct {
	Environment
	name     place
	from     []place // beside Environment.From
	clusters []place // beside Environment.Clusters
}

// environments leaves the graph alone while a name is unreadable: every from
// that means it would be reported as unknown.
func (d *decoder) environments(at place) []envSource {
	var envs []envSource
	named := true
	d.list(at, maxEnvironments, func(at place) {
		e := d.environment(at)
		d.checkNames(e, envs)
		named = named && e.Name != ""
		envs = append(envs, e)
	})
	if named && len(envs) > 0 {
		d.checkGraph(at, envs)
	}
	return envs
}

// environment starts from the safe values; a gate that cannot be read keeps
// its own.
func (d *decoder) environment(at place) envSource {
	e := envSource{Environment: Environment{Merge: Manual, Candidate: Newest, Gates: Gates{Approvals: Approvals{Author: AuthorDeny, Bumper: AuthorDeny}}}}
	var merge, gates, candidate place
	keys := d.mapping(at,
		field{"name", true, func(at place) { e.name = at; e.Name, _ = read(d, at, parseEnv) }},
		field{"from", false, func(at place) { d.from(at, &e) }},
		field{"clusters", true, func(at place) { d.clusters(at, &e) }},
		field{"merge", false, func(at place) { merge = at; e.Merge = oneOf(d, at, Manual, Auto) }},
		field{"gates", false, func(at place) { gates = at; e.Gates = d.gates(at) }},
		field{"candidate", false, func(at place) { candidate = at; e.Candidate = oneOf(d, at, Newest, FinishCurrent) }},
	)
	if !slices.Contains(keys, "from") {
		d.refuseGatesOfRoot(merge, gates, candidate)
		e.Gates = Gates{Approvals: Approvals{Author: AuthorDeny, Bumper: AuthorDeny}}
	} else if !slices.Contains(keys, "gates") {
		e.Gates.Healthy = true
	}
	if e.Candidate == FinishCurrent && e.Gates.Soak == 0 && !e.Root() {
		d.report(candidate, "finish-current protects a soak, and there is none; set gates.soak or remove this")
	}
	return e
}

// refuseGatesOfRoot keeps people from trusting a gate that nothing passes.
func (d *decoder) refuseGatesOfRoot(settings ...place) {
	for _, at := range settings {
		if at.Node != nil {
			d.report(at, "the environment has no from, so nothing is promoted into it and this has no effect; add from or remove this")
		}
	}
}

func (d *decoder) from(at place, e *envSource) {
	d.scalarOrList(at, maxSources, func(at place) {
		env, ok := read(d, at, parseEnv)
		switch {
		case !ok:
		case slices.Contains(e.From, env):
			d.report(at, "%s stands here twice; keep one", env)
		default:
			e.From, e.from = append(e.From, env), append(e.from, at)
		}
	})
}

func (d *decoder) clusters(at place, e *envSource) {
	d.list(at, maxClusters, func(at place) {
		c, ok := read(d, at, parseCluster)
		switch {
		case !ok:
		case slices.Contains(e.Clusters, c):
			d.report(at, "%s stands here twice; keep one", c)
		default:
			e.Clusters, e.clusters = append(e.Clusters, c), append(e.clusters, at)
		}
	})
}

// checkNames compares one environment with those above it.
func (d *decoder) checkNames(e envSource, above []envSource) {
	for _, other := range above {
		if e.Name != "" && e.Name == other.Name {
			d.report(e.name, "%s is the name of an environment above already; choose another", e.Name)
		}
		for i, c := range e.Clusters {
			if slices.Contains(other.Clusters, c) {
				d.report(e.clusters[i], "the cluster %s belongs to %s already; a cluster belongs to one environment", c, other.Name)
			}
		}
	}
}

// parseEnv allows what fits into branch names, labels and subjects alike, on
// systems that tell upper from lower case and on those that do not.
func parseEnv(text string) (core.Env, error) {
	if len(text) > maxNameLength || !matches(`[a-z0-9](?:[a-z0-9-]*[a-z0-9])?`, text) {
		return "", core.Errorf(core.Invalid, "found %s; an environment's name has up to %d lower-case letters, digits and inner hyphens", quote(text), maxNameLength)
	}
	return core.Env(text), nil
}

// parseCluster allows what a directory, a DNS label and a key of a KV store can
// be called.
func parseCluster(text string) (core.Cluster, error) {
	if len(text) > maxNameLength || !matches(`[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?`, text) {
		return "", core.Errorf(core.Invalid, `found %s; a cluster's name has up to %d letters, digits and inner ".", "_" and "-"`, quote(text), maxNameLength)
	}
	return core.Cluster(text), nil
}

// gates reads what is written; Healthy is on unless it is switched off in so
// many words.
func (d *decoder) gates(at place) Gates {
	g := Gates{Healthy: true, Approvals: Approvals{Author: AuthorDeny, Bumper: AuthorDeny}}
	var soak place
	d.mapping(at,
		field{"healthy", false, func(at place) { g.Healthy = d.boolean(at, true) }},
		field{"soak", false, func(at place) { soak = at; g.Soak, _ = read(d, at, parseDuration) }},
		field{"approvals", false, func(at place) { g.Approvals = d.approvals(at) }},
		field{"pipeline", false, func(at place) { g.Pipeline = d.boolean(at, true) }},
		field{"windows", false, func(at place) { g.Windows = d.windows(at) }},
		field{"freezes", false, func(at place) { g.Freezes = d.freezes(at) }},
		field{"expressions", false, func(at place) { g.Expressions = d.expressions(at) }},
	)
	if g.Soak > 0 && !g.Healthy {
		d.report(soak, "a soak counts the time in good health, but healthy is false; remove one of the two")
	}
	return g
}

// approvals needs a count as soon as it is there: who writes a list of people
// and no count expects their approval to be needed.
func (d *decoder) approvals(at place) Approvals {
	a := Approvals{Author: AuthorDeny, Bumper: AuthorDeny}
	keys := d.mapping(at,
		field{"count", true, func(at place) { a.Count, _ = d.integer(at, 0, maxApprovals) }},
		field{"from", false, func(at place) { a.From = d.principals(at) }},
		field{"author", false, func(at place) { a.Author = oneOf(d, at, AuthorDeny, AuthorAllow) }},
		field{"bumper", false, func(at place) { a.Bumper = oneOf(d, at, AuthorDeny, AuthorAllow) }},
	)
	if a.Count == 0 && len(keys) > 1 && slices.Contains(keys, "count") {
		d.report(at, "the count is 0, so %s has no effect; raise the count or remove the rest", strings.Join(without(keys, "count"), " and "))
	}
	if a.Count > 0 && !slices.Contains(keys, "from") {
		a.From = []Principal{Maintainer()}
	}
	return a
}

func (d *decoder) principals(at place) []Principal {
	var who []Principal
	d.scalarOrList(at, maxPrincipals, func(at place) {
		p, ok := read(d, at, ParsePrincipal)
		if ok && slices.Contains(who, p) {
			d.report(at, "%s stands here twice; keep one", p)
			ok = false
		}
		if ok {
			who = append(who, p)
		}
	})
	return who
}

func without(all []string, one string) []string {
	return slices.DeleteFunc(slices.Clone(all), func(s string) bool { return s == one })
}
