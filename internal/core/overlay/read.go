package overlay

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// Reader makes inventories and remembers what it has understood, by the names
// of Git's objects, so that an inventory costs what changed since the last one.
// What it returns depends on its arguments alone. It must not be used by two
// goroutines at once.
type Reader struct {
	manifests map[fileKey]*manifest // by path and name of the blob
	memos     map[string][]memo     // by the overlay's directory
	count     int
}

// fileKey names a file with its content: nodes know the file they stand in.
type fileKey struct {
	path string
	sha  core.SHA
}

// memo is a deployment together with the objects that it was made from: as
// long as these are the same, so is the deployment.
type memo struct {
	depends    map[string]core.SHA
	deployment *Deployment
}

// NewReader makes a reader that remembers nothing yet.
func NewReader() *Reader {
	return &Reader{manifests: map[fileKey]*manifest{}, memos: map[string][]memo{}}
}

// Read finds every overlay that the policy's layout describes. A file that can
// not be understood breaks the deployments that depend on it and nothing else;
// an error means that the tree itself could not be read.
func (r *Reader) Read(t Tree, p *policy.Policy) (*Inventory, error) {
	w := &walk{reader: r, tree: newLookup(t), policy: p, inventory: &Inventory{Deployments: map[core.Target][]*Deployment{}}}
	for _, pattern := range p.Layout {
		if err := w.descend("", pattern, pattern.Segments()); err != nil {
			return nil, err
		}
	}
	w.finish()
	return w.inventory, nil
}

// walk is one walk over one tree.
type walk struct {
	reader    *Reader
	tree      *lookup
	policy    *policy.Policy
	inventory *Inventory
}

func (w *walk) descend(dir string, pattern policy.Pattern, rest []policy.Segment) error {
	if len(rest) == 0 {
		return w.overlay(dir, pattern)
	}
	names, err := w.children(dir, rest[0])
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := w.descend(path.Join(dir, name), pattern, rest[1:]); err != nil {
			return err
		}
	}
	return nil
}

// children names the entries that a segment can stand for: sub-directories, or
// files if it has an extension.
func (w *walk) children(dir string, s policy.Segment) ([]string, error) {
	if s.Placeholder == "" {
		e, ok, err := w.tree.entry(path.Join(dir, s.Literal))
		if err != nil || !ok || e.Type != Directory {
			return nil, err
		}
		return []string{s.Literal}, nil
	}
	entries, err := w.tree.List(dir)
	if missing(err) {
		return nil, nil
	}
	var names []string
	for _, e := range entries {
		name, ok := s.Name(e.Name)
		if ok && overlayIn(e, s.Extension != "") && w.allowed(s.Placeholder, name, path.Join(dir, e.Name)) {
			names = append(names, e.Name)
		}
	}
	return names, err
}

// allowed skips the directories of clusters and environments that the policy
// does not name, and says so once.
func (w *walk) allowed(ph policy.Placeholder, name, at string) bool {
	ok := true
	switch ph {
	case policy.ClusterPlaceholder:
		_, ok = w.policy.EnvironmentOf(core.Cluster(name))
	case policy.EnvPlaceholder:
		_, ok = w.policy.Environment(core.Env(name))
	}
	if !ok && !isShared(name) {
		w.note(Problem{File: at, Message: "no environment of the policy names the " + string(ph) + " " + name})
	}
	return ok
}

func (w *walk) note(p Problem) {
	if !slices.Contains(w.inventory.Problems, p) {
		w.inventory.Problems = append(w.inventory.Problems, p)
	}
}

func (w *walk) overlay(dir string, pattern policy.Pattern) error {
	vars, ok := pattern.Match(dir)
	if !ok {
		return nil
	}
	env := vars.Env
	if e, ok := w.policy.EnvironmentOf(vars.Cluster); ok && vars.Cluster != "" {
		if env != "" && env != e.Name {
			w.note(Problem{File: dir, Message: "the policy puts the cluster " + string(vars.Cluster) + " into " + string(e.Name) + ", not into " + string(env)})
			return nil
		}
		env = e.Name
	}
	d, err := w.reader.deployment(w.tree, dir, clusterDir(dir, pattern), vars)
	if err != nil || d == nil {
		return err
	}
	target := core.Target{Env: env, App: vars.App}
	w.inventory.Deployments[target] = append(w.inventory.Deployments[target], d)
	return nil
}

// finish orders what was found and marks apps that stand twice in a cluster; an
// overlay without a cluster stands in all of the environment.
func (w *walk) finish() {
	for _, list := range w.inventory.Deployments {
		slices.SortFunc(list, func(a, b *Deployment) int {
			return cmp.Or(strings.Compare(string(a.Cluster), string(b.Cluster)), strings.Compare(a.Dir, b.Dir))
		})
		for i := 1; i < len(list); i++ {
			if list[i].Cluster == list[i-1].Cluster || list[i-1].Cluster == "" {
				list[i-1], list[i] = twice(list[i-1], list[i]), twice(list[i], list[i-1])
			}
		}
		for _, d := range list {
			if d.Broken != nil {
				w.note(*d.Broken)
			}
		}
	}
	slices.SortFunc(w.inventory.Problems, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column, strings.Compare(a.Message, b.Message))
	})
}

func twice(d, other *Deployment) *Deployment {
	out := *d
	out.Broken = &Problem{File: d.Dir, Message: "the app stands twice in this cluster: also in " + other.Dir}
	return &out
}

// deployment understands one overlay directory, or returns nil if the
// directory holds no kustomization.
func (r *Reader) deployment(t *lookup, dir, cluster string, vars policy.Vars) (*Deployment, error) {
	for _, m := range r.memos[dir] {
		if ok, err := m.holds(t); err != nil {
			return nil, err
		} else if ok {
			return m.deployment, nil
		}
	}
	res := &resolver{reader: r, tree: t, dir: dir, cluster: cluster, depends: map[string]core.SHA{}, files: map[string]core.SHA{}}
	found, err := res.pins()
	d := &Deployment{App: vars.App, Cluster: vars.Cluster, Dir: dir}
	problem, isProblem := problemOf(err)
	switch {
	case missing(err):
		return nil, nil
	case isProblem:
		d.Broken = problem
	case err != nil:
		return nil, err
	}
	d.Pins, d.Carrier = found, res.carrier
	if d.Inputs, err = res.inputs(d.Pins); err != nil {
		return nil, err
	}
	r.remember(dir, memo{depends: res.depends, deployment: d})
	return d, nil
}

// inputs lists the files that were read, with the content of those that hold
// one of the overlay's own pins.
func (r *resolver) inputs(found []pin.Pin) ([]Input, error) {
	inputs := make([]Input, 0, len(r.files))
	for _, file := range slices.Sorted(maps.Keys(r.files)) {
		in := Input{Path: file, SHA: r.files[file]}
		if slices.ContainsFunc(found, func(p pin.Pin) bool { return p.StandsIn(file) }) {
			content, err := r.tree.Read(file)
			if err != nil {
				return nil, err
			}
			in.Content = content
		}
		inputs = append(inputs, in)
	}
	return inputs, nil
}

func (m memo) holds(t *lookup) (bool, error) {
	for p, sha := range m.depends {
		e, ok, err := t.entry(p)
		if err != nil || e.SHA != sha || ok != (sha != "") {
			return false, err
		}
	}
	return true, nil
}

func (r *Reader) remember(dir string, m memo) {
	if r.count++; r.count > maxMemos {
		r.memos, r.count = map[string][]memo{}, 1
	}
	r.memos[dir] = append(r.memos[dir], m)
}

// manifest understands a file once per content.
func (r *Reader) manifest(t Tree, file string, sha core.SHA) (*manifest, error) {
	key := fileKey{file, sha}
	if m, ok := r.manifests[key]; ok {
		return m, nil
	}
	src, err := t.Read(file)
	if err != nil {
		return nil, err
	}
	if len(r.manifests) == maxManifests {
		r.manifests = map[fileKey]*manifest{}
	}
	m := parseManifest(file, src, isKustomizationFile(path.Base(file)))
	r.manifests[key] = m
	return m, nil
}

// Lookup returns the pin of a key.
func (d *Deployment) Lookup(k pin.Key) (pin.Pin, bool) {
	i, ok := slices.BinarySearchFunc(d.Pins, k, func(p pin.Pin, k pin.Key) int { return p.Compare(k) })
	if !ok {
		return pin.Pin{}, false
	}
	return d.Pins[i], true
}

// Input returns one of the files that the deployment depends on.
func (d *Deployment) Input(file string) (Input, bool) {
	i := slices.IndexFunc(d.Inputs, func(in Input) bool { return in.Path == file })
	if i < 0 {
		return Input{}, false
	}
	return d.Inputs[i], true
}

// Releases names the HelmReleases that the deployment's pins belong to.
func (d *Deployment) Releases() []string {
	var names []string
	for _, p := range d.Pins {
		if p.Kind == pin.Chart {
			names = append(names, p.Name)
		}
	}
	return names
}

// SameVersions tells whether both deploy the same version of everything that
// other has.
func (d *Deployment) SameVersions(other *Deployment) bool {
	for _, want := range other.Pins {
		if have, ok := d.Lookup(want.Key); !ok || have.Version != want.Version {
			return false
		}
	}
	return d.Broken == nil && other.Broken == nil
}
