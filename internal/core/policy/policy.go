package policy

import (
	"slices"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/expression"
)

// FileName is where a monorepo keeps its policy: at its root, on the default
// branch. A merge request's own copy is never read, so nobody can change the
// rules in the change that they apply to.
const FileName = "sluice.yaml"

// Policy is a whole, checked policy. One that came from Parse has no cycle, no
// unknown or doubled name, and no two layout patterns that could mean the same
// directory. It is immutable once made.
type Policy struct {
	Layout       []Pattern
	Environments []Environment // in the file's order
	Fields       []Field       // in the file's order, none twice
	Apps         []AppRule     // in the file's order, which is their precedence
	Freezes      []Freeze      // for all environments; each environment's Gates hold them as well
	Guard        Guard
	Limits       Limits
	Commands     Commands
}

// Environment is one step of the way that versions take.
type Environment struct {
	Name     core.Env
	From     []core.Env     // where its versions come from, all of which must agree; empty for a root
	Clusters []core.Cluster // at least one, each in this environment only
	Merge    MergeMode
	Gates    Gates
	// Candidate protects what soaks for this environment from what comes after it.
	Candidate CandidateRule
}

// Root says whether nothing is promoted into the environment: its versions
// come from people and from other tools.
func (e Environment) Root() bool { return len(e.From) == 0 }

// MergeMode says who merges a promotion.
type MergeMode string

// The merge modes. Manual is the default.
const (
	Manual MergeMode = "manual" // a person merges
	Auto   MergeMode = "auto"   // Sluice merges once every gate is satisfied
)

// Gates is what must hold before a promotion into an environment may be
// merged by Sluice. In a root they are all zero.
type Gates struct {
	Healthy   bool          // the environments it comes from must be healthy; true unless switched off
	Soak      time.Duration // for how long they must have been so with this version
	Approvals Approvals
	Pipeline  bool     // the project's CI must have succeeded for exactly the branch's head
	Windows   []Window // it must be one of these times; none means any time
	Freezes   []Freeze // it must be none of these times; those for all environments come last

	Expressions []expression.Expression // all must be true
}

// Approvals says how many people must agree, and which people count.
type Approvals struct {
	Count  int         // 0 means that none is needed
	From   []Principal // a person counts if any of these matches; never empty when Count > 0
	Author AuthorRule  // about the merge request's author
	Bumper AuthorRule  // about who brought the version to where it comes from
}

// AuthorRule says whether one who made the change counts among those who
// approve it.
type AuthorRule string

// The author rules. AuthorDeny is the default.
const (
	AuthorDeny  AuthorRule = "deny"
	AuthorAllow AuthorRule = "allow"
)

// Environment returns the environment of that name.
func (p *Policy) Environment(name core.Env) (Environment, bool) {
	return p.find(func(e Environment) bool { return e.Name == name })
}

// EnvironmentOf returns the one environment that a cluster belongs to.
func (p *Policy) EnvironmentOf(cluster core.Cluster) (Environment, bool) {
	return p.find(func(e Environment) bool { return slices.Contains(e.Clusters, cluster) })
}

// find searches the list: there are few environments, and their order counts.
func (p *Policy) find(is func(Environment) bool) (Environment, bool) {
	i := slices.IndexFunc(p.Environments, is)
	if i < 0 {
		return Environment{}, false
	}
	return p.Environments[i], true
}

// Order returns every environment after all those that it comes from. Where
// that leaves a choice, the file's order decides.
func (p *Policy) Order() []core.Env {
	order := make([]core.Env, 0, len(p.Environments))
	for range p.Environments {
		i := slices.IndexFunc(p.Environments, func(e Environment) bool {
			return !slices.Contains(order, e.Name) && containsAll(order, e.From)
		})
		if i < 0 {
			break // a cycle, which Parse refuses
		}
		order = append(order, p.Environments[i].Name)
	}
	return order
}

// Downstream returns the environments whose versions come directly from env,
// in the file's order.
func (p *Policy) Downstream(env core.Env) []core.Env {
	var below []core.Env
	for _, e := range p.Environments {
		if slices.Contains(e.From, env) {
			below = append(below, e.Name)
		}
	}
	return below
}

// Groups returns every group that the policy names, sorted, each once: the
// groups whose members must be known before the gates can be judged.
func (p *Policy) Groups() []string {
	who := slices.Clone(p.Commands.Override)
	for _, e := range p.Environments {
		who = append(who, e.Gates.Approvals.From...)
	}
	var groups []string
	for _, w := range who {
		if w.Kind == Group {
			groups = append(groups, w.Name)
		}
	}
	slices.Sort(groups)
	return slices.Compact(groups)
}

func containsAll(have, want []core.Env) bool {
	return !slices.ContainsFunc(want, func(e core.Env) bool { return !slices.Contains(have, e) })
}
