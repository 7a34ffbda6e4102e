package scaffold

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// components is the file of Flux's own manifests, which flux bootstrap writes.
const components = "gotk-components.yaml"

// placeholder stands in its place until then: the cluster's directory has to
// build before, and the manifests of another cluster may be of another version.
const placeholder = `# PLACEHOLDER. ` + "`flux bootstrap gitlab`" + ` replaces this file with the manifests of the Flux controllers; it is never
# edited by hand. Only the namespace stands here, so that the directory builds before the first bootstrap.
---
apiVersion: v1
kind: Namespace
metadata:
  name: flux-system
  labels:
    app.kubernetes.io/instance: flux-system
    app.kubernetes.io/part-of: flux
    pod-security.kubernetes.io/warn: restricted
    pod-security.kubernetes.io/warn-version: latest
`

// Cluster asks for a cluster made like another one.
type Cluster struct {
	Name core.Cluster
	Env  core.Env
	Like core.Cluster
	// Whole is set if Flux's own manifests are to be copied instead of standing in
	// for them: a cluster that patches them does not build without.
	Whole bool
}

// Draft works out the new cluster. Its errors are Invalid for names that cannot
// be, NotFound for names that the policy does not know, and Conflict if
// something else is there already.
func (c Cluster) Draft(files Files, p *policy.Policy) (*Draft, error) {
	n, err := c.naming(files, p)
	if err != nil {
		return nil, err
	}
	d := newDraft(files)
	from := c.sources(files, p, n)
	if len(from) == 0 {
		return nil, core.Errorf(core.NotFound, "cluster %s has no files of its own: the layout has no {cluster}, and no directory %s/flux-system is there; "+
			"what clusters of %s run is shared by all of them, so add %s to its clusters in %s, and make what Flux needs by hand", c.Like, c.Like, c.Env, c.Name, policy.FileName)
	}
	for _, file := range slices.Sorted(maps.Keys(from)) {
		n.roots[from[file].old] = from[file].new
	}
	made := newDraft(files)
	for _, file := range slices.Sorted(maps.Keys(from)) {
		made.now[from[file].of(file)] = c.copied(d, n, file, from[file].of(file))
	}
	for _, target := range slices.Sorted(maps.Keys(made.now)) {
		content := n.swapped(made, target, made.now[target])
		if _, there := d.old[target]; !there { // else somebody has looked at it
			n.look(d, target, content)
			c.compare(d, p, target, content)
		}
		d.create(target, content)
	}
	if err := c.register(d, p); err != nil {
		return nil, err
	}
	d.Dir = c.dir(d, p, from)
	return d, d.settle()
}

// move is where the files of a directory, or a file, go.
type move struct{ old, new string }

func (m move) of(file string) string { return m.new + strings.TrimPrefix(file, m.old) }

func (c Cluster) naming(files Files, p *policy.Policy) (naming, error) {
	if err := checkName("cluster", string(c.Name)); err != nil {
		return naming{}, err
	}
	if _, ok := p.Environment(c.Env); !ok {
		return naming{}, Unknown("environment", string(c.Env), Environments(p))
	}
	like, ok := p.EnvironmentOf(c.Like)
	if !ok {
		return naming{}, Unknown("cluster", string(c.Like), Clusters(p))
	}
	if is, ok := p.EnvironmentOf(c.Name); ok && is.Name != c.Env {
		return naming{}, core.Errorf(core.Conflict, "%s has the cluster %s in %s already, and a cluster is in one environment; choose another name", policy.FileName, c.Name, is.Name)
	}
	if c.Name == c.Like {
		return naming{}, core.Errorf(core.Invalid, "%s is to be made like itself; name another cluster with --like", c.Name)
	}
	n := naming{oldCluster: string(c.Like), newCluster: string(c.Name), oldEnv: string(like.Name), newEnv: string(c.Env), roots: map[string]string{}}
	_, n.shy = p.Environment(core.Env(c.Like))
	n.others = neighbours(files, p, n)
	return n, nil
}

// neighbours are the names of clusters that hold the old one's name within
// their own, as far as the policy or the directories tell.
func neighbours(files Files, p *policy.Policy, n naming) []string {
	found := map[string]bool{n.newCluster: true}
	for _, name := range Clusters(p) {
		found[name] = true
	}
	for file := range files {
		for _, part := range strings.Split(path.Dir(file), "/") {
			if part != n.oldCluster && strings.Contains(part, n.oldCluster) {
				found[part] = true
			}
		}
	}
	delete(found, n.oldCluster)
	return slices.Sorted(maps.Keys(found))
}

// sources finds the files of the old cluster: by the layout, and by the name of
// a directory in which its Flux lies.
func (c Cluster) sources(files Files, p *policy.Policy, n naming) map[string]move {
	out := map[string]move{}
	for file := range files {
		for _, pattern := range p.Layout {
			if m, ok := c.within(pattern.Segments(), strings.Split(file, "/"), n); ok {
				out[file] = m
			}
		}
	}
	for file := range files {
		before, _, ok := strings.Cut("/"+file, "/"+n.oldCluster+"/flux-system/")
		if !ok {
			continue
		}
		root := strings.TrimPrefix(before+"/"+n.oldCluster, "/")
		m := move{root, strings.TrimPrefix(before+"/"+n.newCluster, "/")}
		for other := range files {
			if _, known := out[other]; !known && strings.HasPrefix(other, root+"/") {
				out[other] = m
			}
		}
	}
	return out
}

// within tells whether a file belongs to the old cluster by a pattern that
// names the cluster.
func (c Cluster) within(segments []policy.Segment, parts []string, n naming) (move, bool) {
	last, _ := has(segments, policy.ClusterPlaceholder, policy.EnvPlaceholder)
	if _, ok := has(segments, policy.ClusterPlaceholder); !ok || len(parts) <= last {
		return move{}, false
	}
	v := place{env: core.Env(n.oldEnv), cluster: c.Like}
	for i, s := range segments[:last+1] {
		name, ok := s.Name(parts[i])
		switch {
		case !ok:
			return move{}, false
		case s.Placeholder == policy.AppPlaceholder:
			v.app = core.App(name)
		case s.Placeholder == policy.EnvPlaceholder && name != n.oldEnv, s.Placeholder == policy.ClusterPlaceholder && name != n.oldCluster:
			return move{}, false
		}
	}
	old := v.fill(segments[:last+1])
	v.env, v.cluster = c.Env, c.Name
	return move{old, v.fill(segments[:last+1])}, true
}

// copied is one file of the old cluster as the new one has it.
func (c Cluster) copied(d *Draft, n naming, from, to string) []byte {
	content := d.old[from]
	switch {
	case path.Base(from) == components && !c.Whole:
		if there, ok := d.old[to]; ok {
			return there // flux bootstrap has been there
		}
		return []byte(placeholder)
	case isText(content) && !encrypted(content):
		return n.relabelled([]byte(n.text(string(content))))
	}
	return content
}

// compare lists the lines of a file from another environment that no line of the
// same file is like in the cluster's own one.
func (c Cluster) compare(d *Draft, p *policy.Policy, file string, content []byte) {
	like, _ := p.EnvironmentOf(c.Like)
	env, _ := p.Environment(c.Env)
	at := slices.IndexFunc(env.Clusters, func(o core.Cluster) bool { return o != c.Name })
	if like.Name == c.Env || at < 0 || strings.HasPrefix(path.Base(file), "gotk-") {
		return
	}
	peer := string(env.Clusters[at])
	theirs, ok := d.old[strings.ReplaceAll(file, string(c.Name), peer)]
	if !ok {
		return
	}
	known := map[string]bool{}
	for line := range strings.Lines(string(theirs)) {
		known[strings.TrimSpace(line)] = true
	}
	lines, odd := strings.Split(string(content), "\n"), 0
	for i := 0; i < len(lines); i++ {
		start, line := i, strings.TrimSpace(lines[i])
		for odd = 0; i < len(lines) && !known[strings.ReplaceAll(strings.TrimSpace(lines[i]), string(c.Name), peer)]; i++ {
			if text := strings.TrimSpace(lines[i]); text != "" && !strings.HasPrefix(text, "#") {
				if odd++; odd == 1 {
					start, line = i, text
				}
			}
		}
		if odd > 1 {
			d.note(file, start+1, "is so in %s and not in %s of %s, %d lines from: %s", like.Name, peer, c.Env, odd, shown(line))
			d.Notes[len(d.Notes)-1].Lines = odd
		} else if odd == 1 {
			d.note(file, start+1, "is so in %s and not in %s of %s: %s", like.Name, peer, c.Env, shown(line))
		}
	}
}

// register adds the cluster to its environment in the policy.
func (c Cluster) register(d *Draft, p *policy.Policy) error {
	if _, ok := p.EnvironmentOf(c.Name); ok {
		return nil
	}
	at := slices.IndexFunc(p.Environments, func(e policy.Environment) bool { return e.Name == c.Env })
	return d.extend(policy.FileName, func(old []byte) ([]byte, error) {
		f, err := yamledit.Parse(old)
		if err != nil {
			return nil, err
		}
		list := yamledit.Path{yamledit.Key("environments"), yamledit.Index(at), yamledit.Key("clusters")}
		return f.Update(nil, []yamledit.Insertion{{Path: list, Text: string(c.Name)}})
	})
}

// dir is the directory that flux bootstrap gets as its path.
func (c Cluster) dir(d *Draft, p *policy.Policy, from map[string]move) string {
	var dirs []string
	for _, m := range from {
		if _, file := d.Read(m.new); !file {
			dirs = append(dirs, m.new)
		}
	}
	slices.Sort(dirs)
	for _, dir := range dirs {
		if d.exists(path.Join(dir, "flux-system")) {
			return dir
		}
	}
	for _, pattern := range p.Layout {
		if root, ok := overlay.RootOf(pattern, c.Env, c.Name); ok && slices.Contains(dirs, root) {
			return root
		}
	}
	return ""
}
