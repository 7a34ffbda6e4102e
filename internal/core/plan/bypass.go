package plan

import (
	"fmt"
	"slices"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// bypasses reports edits of shared files that give an environment another
// version than its clusters last reported: they reach it without a promotion,
// past every gate. Nothing can be done about it here, but somebody should know.
func (c *computation) bypasses(env policy.Environment) {
	for _, app := range c.moved(env) {
		t := core.Target{Env: env.Name, App: app}
		for _, d := range c.state.Inventory.Of(t) {
			for _, cluster := range c.clustersOf(env, d) {
				c.bypass(t, d, cluster)
			}
		}
	}
}

// moved lists the apps of an environment, sorted, that may differ from what
// its clusters last reported.
func (c *computation) moved(env policy.Environment) []core.App {
	seen := map[*overlay.Inventory]bool{nil: true, c.state.Inventory: true}
	var out []core.App
	for _, cluster := range env.Clusters {
		for _, r := range c.state.Reports[cluster] {
			now, ok := r.Now()
			if past := c.state.at(now.Revision); ok && !seen[past] {
				seen[past] = true
				out = append(out, c.state.Inventory.Changed(env.Name, past)...)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (c *computation) clustersOf(env policy.Environment, d *overlay.Deployment) []core.Cluster {
	if d.Cluster == "" {
		return env.Clusters
	}
	return []core.Cluster{d.Cluster}
}

func (c *computation) bypass(t core.Target, d *overlay.Deployment, cluster core.Cluster) {
	past := c.before(t, d, cluster)
	if past == nil {
		return
	}
	for _, p := range d.Pins {
		shared := p.Shared()
		was, ok := past.Lookup(p.Key)
		if shared == nil || !ok || was.Version == p.Version || was.Shared() == nil {
			continue
		}
		problem := overlay.Problem{File: shared.File, Line: shared.Line, Column: shared.Column, Message: bypassed(t, p, was)}
		if !slices.Contains(c.plan.Problems, problem) {
			c.plan.Problems = append(slices.Clone(c.plan.Problems), problem)
		}
	}
}

func bypassed(t core.Target, now, was pin.Pin) string {
	return fmt.Sprintf("this shared file gives %s %s %s instead of %s, past the gates of %s", t, now.Key, now.Version, was.Version, t.Env)
}

// before is the deployment at the revision that its cluster last reported, nil
// if that is not known or nothing lies between.
func (c *computation) before(t core.Target, d *overlay.Deployment, cluster core.Cluster) *overlay.Deployment {
	for _, r := range c.reports(cluster) {
		now, ok := r.Now()
		if !ok || r.Object.Kind != gate.Kustomization || d.Carrier != "" && d.Carrier != r.Object.Namespace+"/"+r.Object.Name {
			continue
		}
		past := c.state.at(now.Revision)
		if past == nil || past == c.state.Inventory {
			continue
		}
		if i := slices.IndexFunc(past.Of(t), func(o *overlay.Deployment) bool { return o.Dir == d.Dir }); i >= 0 {
			return past.Of(t)[i]
		}
	}
	return nil
}
