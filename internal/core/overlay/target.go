package overlay

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// Target reads the overlays of one target alone, and leaves what the reader has
// last read as it is. The paths, of files and directories that need not exist,
// are all that the answer depends on: where none of them holds something else,
// it is the same. A slash behind one means the files directly in a directory.
func (r *Reader) Target(t Tree, p *policy.Policy, target core.Target) (list []*Deployment, paths []string, err error) {
	env, _ := p.Environment(target.Env)
	tree := newLookup(t)
	for _, at := range places(p, env, target.App) {
		paths = append(paths, at.dir)
		e, ok, err := tree.entry(at.dir)
		if err != nil {
			return nil, nil, err
		}
		if !ok || !overlayIn(e, at.file) {
			continue
		}
		m, err := r.deployment(tree, at.job)
		if err != nil {
			return nil, nil, err
		}
		if m.deployment != nil {
			list = append(list, m.deployment)
		}
		for _, d := range m.depends {
			paths = append(paths, d.path)
		}
	}
	slices.Sort(paths)
	return inOrder(list), slices.Compact(paths), nil
}

// places lists where an environment's overlays of an app would be.
func places(p *policy.Policy, env policy.Environment, app core.App) []site {
	var out []site
	for _, pattern := range p.Layout {
		segments := pattern.Segments()
		clusters := env.Clusters
		if !slices.ContainsFunc(segments, func(s policy.Segment) bool { return s.Placeholder == policy.ClusterPlaceholder }) {
			clusters = []core.Cluster{""}
		}
		for _, cluster := range clusters {
			vars := policy.Vars{App: app, Cluster: cluster}
			dir := filled(segments, env.Name, vars)
			if found, ok := pattern.Match(dir); ok {
				file := segments[len(segments)-1].Extension != ""
				out = append(out, site{target: core.Target{Env: env.Name, App: app}, file: file, job: job{dir: dir, cluster: clusterDir(dir, pattern), vars: found, reading: p.Reading(app)}})
			}
		}
	}
	return out
}

// filled is the path that a pattern gives for some names.
func filled(segments []policy.Segment, env core.Env, v policy.Vars) string {
	names := make([]string, len(segments))
	for i, s := range segments {
		switch s.Placeholder {
		case policy.EnvPlaceholder:
			names[i] = string(env) + s.Extension
		case policy.ClusterPlaceholder:
			names[i] = string(v.Cluster) + s.Extension
		case policy.AppPlaceholder:
			names[i] = string(v.App) + s.Extension
		default:
			names[i] = s.Literal
		}
	}
	return strings.Join(names, "/")
}

// inOrder orders the overlays of a target by cluster, and marks an app that
// stands twice in one; an overlay without a cluster stands in all of the
// environment. It changes the list.
func inOrder(list []*Deployment) []*Deployment {
	slices.SortFunc(list, func(a, b *Deployment) int {
		return cmp.Or(strings.Compare(string(a.Cluster), string(b.Cluster)), strings.Compare(a.Dir, b.Dir))
	})
	for i := 1; i < len(list); i++ {
		if list[i].Cluster == list[i-1].Cluster || list[i-1].Cluster == "" {
			list[i-1], list[i] = twice(list[i-1], list[i]), twice(list[i], list[i-1])
		}
	}
	return list
}
