package fakegitlab

import (
	"cmp"
	"strconv"
	"strings"
)

// Tier is what a GitLab is licensed for.
type Tier string

// The tiers. Premium is that of the zero Edition.
const (
	Free     Tier = "free"
	Premium  Tier = "premium"
	Ultimate Tier = "ultimate"
)

// Edition says which GitLab the server stands in for. What merge requests can
// do does not depend on it, only what is shown of licences, webhooks and tokens.
type Edition struct {
	Version string // such as "18.4.0"; empty: Version
	Tier    Tier   // empty: Premium
	// Plan is what namespaces show of their subscription, as GitLab.com does;
	// empty: "default", as everywhere else.
	Plan string
	// Community is the edition without any paid code.
	Community bool
	// SigningOff is the feature flag of signing tokens turned off: they are taken
	// without a word and not kept.
	SigningOff bool
}

func (e Edition) version() string { return cmp.Or(e.Version, Version) }
func (e Edition) tier() Tier      { return cmp.Or(e.Tier, Premium) }

// paid says whether the features of Premium are there.
func (e Edition) paid() bool { return !e.Community && e.tier() != Free }

// knows tells whether the version is not older than one.
func (e Edition) knows(major, minor int) bool {
	parts := strings.SplitN(e.version(), ".", 3)
	m, _ := strconv.Atoi(parts[0])
	n := 0
	if len(parts) > 1 {
		n, _ = strconv.Atoi(parts[1])
	}
	return m > major || m == major && n >= minor
}

// signs tells whether signing tokens are kept.
func (e Edition) signs() bool { return e.knows(19, 0) && !e.SigningOff }

// getVersion says fake in the version itself, where every client that logs it
// shows it.
func getVersion(c *call) (reply, error) {
	return ok(obj{"version": c.cfg.Edition.version(), "revision": "fakegitlab"})
}

// getMetadata is there since 15.2.
func getMetadata(c *call) (reply, error) {
	e := c.cfg.Edition
	if !e.knows(15, 2) {
		return reply{}, failWith(404, "404 Not Found")
	}
	return ok(obj{
		"version": e.version(), "revision": "fakegitlab", "enterprise": !e.Community,
		"kas": obj{"enabled": false, "externalUrl": nil, "version": nil},
	})
}

// getNamespace shows the plan, to whoever may see the namespace.
func getNamespace(c *call) (reply, error) {
	g := find(c.groups, func(g *group) bool {
		return g.path == c.r.PathValue("ns") || strconv.FormatInt(g.id, 10) == c.r.PathValue("ns")
	})
	if g == nil {
		return reply{}, notFound("Namespace")
	}
	_, last := splitPath(g.path)
	o := obj{"id": g.id, "name": last, "path": last, "kind": "group", "full_path": g.path, "parent_id": nil, "web_url": c.url + "/groups/" + g.path}
	if c.grown(g.path, true)[c.user.id] >= Owner || c.user.admin || c.cfg.Edition.Plan != "" {
		o["plan"] = cmp.Or(c.cfg.Edition.Plan, "default")
	}
	return ok(o)
}

// getPushRule answers null where there is no rule, and is not there at all
// below Premium.
func getPushRule(c *call) (reply, error) {
	if !c.cfg.Edition.paid() {
		return reply{}, notFound("")
	}
	return reply{status: 200, raw: []byte("null")}, nil
}

// listStatusChecks is a feature of Ultimate.
func listStatusChecks(c *call) (reply, error) {
	if !c.cfg.Edition.paid() || c.cfg.Edition.tier() != Ultimate {
		return reply{}, notFound("")
	}
	return ok([]obj{})
}
