package lint

import (
	"bytes"
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

const (
	fluxGroup = "kustomize.toolkit.fluxcd.io"
	helmGroup = "helm.toolkit.fluxcd.io"
	systemDir = "flux-system"
)

// cluster is one cluster's directory and what Flux makes of it.
type cluster struct {
	name     core.Cluster
	env      core.Env // "" if no environment names it
	last     bool     // no environment follows
	dir      string
	carriers []*carrier
	objects  []applied
}

// carrier is a Flux Kustomization.
type carrier struct {
	built
	path string
}

func (c *carrier) id() string { return spaced(c.namespace(), c.name()) }

func spaced(namespace, name string) string { return cmp.Or(namespace, systemDir) + "/" + name }

// applied is an object and who applies it.
type applied struct {
	built
	by *carrier // nil if that is not in sight
}

// space is the namespace in which an object ends.
func (a applied) space() string {
	if a.by != nil {
		if forced := text(a.by.node, "spec", "targetNamespace"); forced != "" {
			return forced
		}
	}
	return a.namespace()
}

// clusters are those of the policy and, where it is silent, those that lie
// beside them or hold what "flux bootstrap" writes.
func (l *linter) clusters() []*cluster {
	var out []*cluster
	taken := map[string]bool{}
	add := func(c *cluster) {
		if !taken[c.dir] {
			taken[c.dir] = true
			out = append(out, c)
		}
	}
	if l.policy != nil {
		for _, env := range l.policy.Environments {
			last := len(l.policy.Downstream(env.Name)) == 0
			for i, name := range env.Clusters {
				for _, dir := range l.rootsOf(env, i) {
					add(&cluster{name: name, env: env.Name, last: last, dir: dir})
				}
			}
		}
	}
	for _, name := range l.paths {
		if dir, ok := strings.CutSuffix(name, "/"+systemDir+"/gotk-sync.yaml"); ok && !taken[dir] {
			l.unnamed(dir)
			add(&cluster{name: core.Cluster(path.Base(dir)), dir: dir})
		}
	}
	l.strays(taken)
	return out
}

// rootsOf are the directories of a cluster that are there; it tells if none is.
func (l *linter) rootsOf(env policy.Environment, i int) []string {
	var out, tried []string
	for _, pattern := range l.policy.Layout {
		dir, ok := overlay.RootOf(pattern, env.Name, env.Clusters[i])
		if !ok || slices.Contains(tried, dir) {
			continue
		}
		tried = append(tried, dir)
		if _, isDir := l.exists(dir); isDir {
			out = append(out, dir)
		}
	}
	if len(out) == 0 && len(tried) > 0 && l.concerns(policy.FileName) {
		n := l.policyCluster(env.Name, env.Clusters[i])
		l.at(ruleCluster, policy.FileName, n, "environment "+string(env.Name)+" names cluster "+string(env.Clusters[i])+", which has no directory (looked for "+strings.Join(tried, ", ")+")",
			"correct the name, or make the directory: sluice cluster add")
	}
	return out
}

// policyCluster is where the policy names a cluster.
func (l *linter) policyCluster(env core.Env, name core.Cluster) yamledit.Node {
	for _, root := range l.documents(policy.FileName) {
		list, _ := root.Get("environments")
		for _, e := range list.Items() {
			if text(e, "name") != string(env) {
				continue
			}
			clusters, _ := e.Get("clusters")
			for _, n := range clusters.Items() {
				if n.Text() == string(name) {
					return n
				}
			}
			return e
		}
	}
	return yamledit.Node{}
}

func (l *linter) unnamed(dir string) {
	l.strange[dir] = true
	if l.policy != nil && (l.whole() || l.touched(dir)) {
		l.report(ruleCluster, dir+"/"+systemDir+"/gotk-sync.yaml", 0, 0, "no environment of "+policy.FileName+" names the cluster of "+dir+", so no version moves there",
			"add "+path.Base(dir)+" to the clusters of its environment")
	}
}

// strays finds overlays of clusters that the policy does not name and that do not
// look like one of Flux's either.
func (l *linter) strays(taken map[string]bool) {
	if l.policy == nil {
		return
	}
	for _, dir := range slices.Sorted(maps.Keys(l.kustomizations)) {
		for _, pattern := range l.policy.Layout {
			vars, ok := pattern.Match(dir)
			if _, known := l.policy.EnvironmentOf(vars.Cluster); !ok || vars.Cluster == "" || known {
				continue
			}
			root, ok := overlay.RootOf(pattern, vars.Env, vars.Cluster)
			if !ok || taken[root] || !l.touched(dir) {
				continue
			}
			taken[root], l.strange[root] = true, true
			l.report(ruleCluster, l.kustomizations[dir].file, 0, 0, "no environment of "+policy.FileName+" names the cluster "+string(vars.Cluster)+", so no version moves there",
				"add it to the clusters of its environment, or move what is no cluster out of "+path.Dir(root))
		}
	}
}

// cluster judges one cluster.
func (l *linter) cluster(c *cluster) {
	l.collect(c)
	l.flux(c)
	l.dependencies(c)
	l.named(c)
	l.duplicates(c)
	l.variables(c)
	for _, a := range c.objects {
		l.object(c, a)
	}
}

// collect builds all that the cluster's Kustomizations apply.
func (l *linter) collect(c *cluster) {
	known := map[string]bool{}
	queue := l.declared(c)
	for len(queue) > 0 {
		k := queue[0]
		queue = queue[1:]
		if known[k.id()] || !l.here(c, k) {
			continue
		}
		known[k.id()] = true
		c.carriers = append(c.carriers, k)
		if !l.carried(k) {
			continue
		}
		for _, o := range l.objects(k.path) {
			c.objects = append(c.objects, applied{o, k})
			if o.is(fluxGroup, "Kustomization") {
				queue = append(queue, newCarrier(o))
			}
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(l.kustomizations)) {
		if l.policy != nil && strings.HasPrefix(dir, c.dir+"/") && !l.reached[dir] && l.layout(dir, c) {
			for _, o := range l.objects(dir) {
				c.objects = append(c.objects, applied{o, nil})
			}
		}
	}
}

func (l *linter) layout(dir string, c *cluster) bool {
	return slices.ContainsFunc(l.policy.Layout, func(p policy.Pattern) bool {
		vars, ok := p.Match(dir)
		return ok && vars.Cluster == c.name
	})
}

func newCarrier(b built) *carrier {
	return &carrier{b, strings.TrimPrefix(path.Clean("/"+text(b.node, "spec", "path")), "/")}
}

// declared are the Flux Kustomizations that the cluster's own directories hold.
func (l *linter) declared(c *cluster) []*carrier {
	var out []*carrier
	for _, dir := range []string{path.Join(c.dir, systemDir), c.dir} {
		for _, name := range l.below(dir) {
			if path.Dir(name) != dir || !isYAML(name) || isKustomization(name) || path.Base(name) == "gotk-components.yaml" || !bytes.Contains(l.read(name).content, []byte(fluxGroup)) {
				continue
			}
			for _, root := range l.documents(name) {
				if b := (built{node: root, origin: name, dir: dir}); b.is(fluxGroup, "Kustomization") {
					out = append(out, newCarrier(b))
				}
			}
		}
	}
	return out
}

// here tells whether a Kustomization takes its path from this monorepo: from the
// source that the root has.
func (l *linter) here(c *cluster, k *carrier) bool {
	kind, name := text(k.node, "spec", "sourceRef", "kind"), text(k.node, "spec", "sourceRef", "name")
	if kind != "GitRepository" || strings.Contains(k.path, "${") {
		return false
	}
	return name == systemDir || len(c.carriers) > 0 && name == text(c.carriers[0].node, "spec", "sourceRef", "name") || len(c.carriers) == 0
}

// carried tells whether a Kustomization's path is there.
func (l *linter) carried(k *carrier) bool {
	if _, isDir := l.exists(k.path); isDir {
		return true
	}
	if l.whole() || l.concerns(k.origin) || slices.ContainsFunc(l.options.Changed, func(f string) bool { return strings.HasPrefix(f, k.path+"/") }) {
		l.tell(ruleFluxPath, k.built, keys("spec", "path"), "Kustomization "+k.name()+" applies "+k.path+", which is not there", "correct spec.path; it counts from the repository's root")
	}
	return false
}
