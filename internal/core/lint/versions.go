package lint

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/version"
)

// leftovers builds what no cluster has, and tells of what nobody uses.
func (l *linter) leftovers() {
	named := map[string]bool{}
	for _, k := range l.kustomizations {
		for _, r := range k.refs {
			named[r.path] = true
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(l.kustomizations)) {
		if l.reached[dir] || !l.touched(dir) || named[dir] && !l.whole() {
			continue
		}
		if named[dir] {
			continue // its users are built
		}
		l.objects(dir)
		if k := l.kustomizations[dir]; l.whole() && l.policy != nil && !k.odd && !l.within(dir) {
			l.report(ruleUnused, k.file, 0, 0, "nothing builds on "+dir, "remove it, or name it where it is meant to be used")
		}
	}
	if l.whole() {
		l.orphans(named)
	}
}

// within tells whether a directory is an overlay by the policy's layout.
func (l *linter) within(dir string) bool {
	return slices.ContainsFunc(l.policy.Layout, func(p policy.Pattern) bool { _, ok := p.Match(dir); return ok })
}

// orphans finds manifests beside a kustomization that does not list them.
func (l *linter) orphans(named map[string]bool) {
	for _, name := range l.paths {
		dir := path.Dir(name)
		k := l.kustomizations[dir]
		if k == nil || !isYAML(name) || isKustomization(name) || named[name] || k.odd || !l.manifest(name) {
			continue
		}
		l.report(ruleUnused, name, 0, 0, k.file+" does not list it, and nothing else does, so it is not applied", "list it under resources or patches, or remove it")
	}
}

func (l *linter) manifest(name string) bool {
	for _, root := range l.documents(name) {
		if text(root, "kind") != "" && text(root, "apiVersion") != "" {
			return true
		}
	}
	return false
}

// versions tells what Sluice does not understand, what moves, and overlays that
// drift apart.
func (l *linter) versions() {
	if l.policy == nil || l.failed != nil {
		return
	}
	reader := overlay.NewReader()
	if l.whole() {
		inventory, err := reader.Read(l.tree, l.policy)
		if err != nil {
			l.failed = err
			return
		}
		for _, p := range inventory.Problems {
			l.problem(p)
		}
		for target, list := range inventory.All() {
			l.target(target, list, inventory.Of)
		}
		return
	}
	read := func(t core.Target) []*overlay.Deployment {
		list, _, err := reader.Target(l.tree, l.policy, t)
		if err != nil && l.failed == nil {
			l.failed = err
		}
		return list
	}
	for _, t := range l.targets() {
		l.target(t, read(t), read)
	}
}

// targets are those whose overlays may have changed.
func (l *linter) targets() []core.Target {
	found := map[core.Target]bool{}
	look := func(at string) {
		for _, pattern := range l.policy.Layout {
			vars, ok := pattern.Match(at)
			if !ok {
				continue
			}
			env, named := l.policy.EnvironmentOf(vars.Cluster)
			if named {
				vars.Env = env.Name
			}
			if _, known := l.policy.Environment(vars.Env); known && vars.App != "" {
				found[core.Target{Env: vars.Env, App: vars.App}] = true
			}
		}
	}
	for dir := range l.affected {
		look(dir)
	}
	for _, name := range l.options.Changed {
		look(name)
	}
	return slices.SortedFunc(maps.Keys(found), core.Target.Compare)
}

func (l *linter) problem(p overlay.Problem) {
	told := func(f Finding) bool { return f.File == p.File && f.Line == p.Line && f.Column == p.Column }
	if l.strange[p.File] || slices.ContainsFunc(l.found, told) {
		return
	}
	l.report(rulePin, p.File, p.Line, p.Column, p.Message, "write it so that its version can be found, or say promote: never for the app in "+policy.FileName)
}

func (l *linter) target(t core.Target, list []*overlay.Deployment, of func(core.Target) []*overlay.Deployment) {
	last := len(l.policy.Downstream(t.Env)) == 0
	for _, d := range list {
		if d.Broken != nil {
			l.problem(*d.Broken)
			continue
		}
		moving := map[place]bool{}
		for _, p := range d.Pins {
			if last && moves(p) {
				moving[place{p.At.File, p.At.Line, p.At.Column}] = true
				l.report(ruleMutable, p.At.File, p.At.Line, p.At.Column, string(t.App)+" has "+p.Name+" at "+p.Version+", which moves", "write a version, and its digest")
			}
		}
		for _, n := range d.Notices {
			if !moving[place{n.File, n.Line, n.Column}] {
				l.found = append(l.found, Finding{File: n.File, Line: n.Line, Column: n.Column, Rule: rulePin, Severity: Severity(n.Severity), Reason: n.Message, Fix: "sluice explain " + string(t.App) + " tells how it is understood"})
			}
		}
		l.drift(t, d, of)
	}
}

func moves(p pin.Pin) bool {
	_, digest := p.Holds()
	return p.Kind == pin.Image && !digest && version.Parse(p.Version).Mutable()
}

// drift compares what an overlay builds on with its like in the environments
// that its versions come from.
func (l *linter) drift(t core.Target, d *overlay.Deployment, of func(core.Target) []*overlay.Deployment) {
	env, _ := l.policy.Environment(t.Env)
	for _, from := range env.From {
		for _, other := range of(core.Target{Env: from, App: t.App}) {
			mine, theirs := l.bases(d), l.bases(other)
			if other.Broken != nil || slices.Equal(mine, theirs) {
				continue
			}
			l.report(ruleDrift, d.Dir+"/kustomization.yaml", 0, 0, "in "+string(t.Env)+" "+string(t.App)+" builds on "+words(mine)+", in "+string(from)+" on "+words(theirs), "let both build on the same, and keep what differs in patches")
			return
		}
	}
}

// bases are the directories outside of its own cluster that an overlay builds on.
func (l *linter) bases(d *overlay.Deployment) []string {
	var out []string
	for _, in := range d.Inputs {
		dir := path.Dir(in.Path)
		if isKustomization(in.Path) && dir != d.Dir && !strings.HasPrefix(dir, d.Dir+"/") && !l.ofCluster(dir, d.Cluster) {
			out = append(out, dir)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func (l *linter) ofCluster(dir string, cluster core.Cluster) bool {
	return cluster != "" && slices.Contains(strings.Split(dir, "/"), string(cluster))
}

func words(list []string) string {
	if len(list) == 0 {
		return "nothing shared"
	}
	return strings.Join(list, ", ")
}

// place is where something stands.
type place struct {
	file         string
	line, column int
}
