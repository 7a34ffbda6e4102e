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
// of Git's objects, so that an inventory costs what has changed since one that
// it made before. What it returns depends on its arguments alone. It must not
// be used by two goroutines at once, and it may use the tree of an earlier call.
type Reader struct {
	manifests manifests
	memos     map[string][]memo // by the overlay's directory
	count     int               // of memos
	last      *survey           // of the tree that was read last; nil if there is none to start from
	made      []made            // the latest inventories, the newest last
}

// made is an inventory with all that it was made from.
type made struct {
	root      []Entry
	policy    *policy.Policy
	inventory *Inventory
}

// memo is a deployment together with the objects that it was made from: as
// long as these are the same, so is the deployment.
type memo struct {
	job
	depends    []dependency
	deployment *Deployment
	met        map[int]bool // the fields of the reading that it has
}

// dependency is what stood at a path: "" for nothing.
type dependency struct {
	path string
	was  core.SHA
}

// NewReader makes a reader that remembers nothing yet.
func NewReader() *Reader { return &Reader{memos: map[string][]memo{}} }

// Read finds every overlay that the policy's layout describes. A file that can
// not be understood breaks the deployments that depend on it and nothing else;
// an error means that the tree itself could not be read.
func (r *Reader) Read(t Tree, p *policy.Policy) (*Inventory, error) {
	root, err := t.List("")
	if err != nil {
		return nil, err
	}
	for _, m := range slices.Backward(r.made) {
		if slices.Equal(m.root, root) && sameLayout(m.policy, p) {
			return m.inventory, nil
		}
	}
	inv, err := r.read(t, p)
	if err != nil {
		return nil, err
	}
	if len(r.made) == maxMade {
		r.made = slices.Delete(r.made, 0, 1)
	}
	r.made = append(r.made, made{root: slices.Clone(root), policy: p, inventory: inv})
	return inv, nil
}

// read starts from what was read last, unless the policy says something else
// now, or that tree is no longer there to be compared with.
func (r *Reader) read(t Tree, p *policy.Policy) (*Inventory, error) {
	s := r.last
	r.last = nil // an error below leaves a survey that is of neither tree
	var changed map[string]change
	if s != nil && sameLayout(s.policy, p) {
		changed, _ = diff(s.tree, t)
	}
	if changed == nil {
		s = newSurvey(t, p)
		if err := r.walk(s); err != nil {
			return nil, err
		}
	} else if err := r.follow(s, t, changed); err != nil {
		return nil, err
	}
	r.last = s
	return s.inventory, nil
}

// sameLayout tells whether both policies find the same overlays, and the same
// versions in them.
func sameLayout(a, b *policy.Policy) bool {
	return a == b || slices.EqualFunc(a.Layout, b.Layout, policy.Pattern.Equal) &&
		slices.EqualFunc(a.Environments, b.Environments, func(x, y policy.Environment) bool {
			return x.Name == y.Name && slices.Equal(x.Clusters, y.Clusters)
		}) && a.SameReadings(b)
}

// job is one overlay that is to be understood.
type job struct {
	dir     string // its directory, or its file
	cluster string // the cluster's directory, "" if it has none of its own
	vars    policy.Vars
	reading policy.Reading // what the policy says of versions in it
}

func (j job) equal(o job) bool {
	return j.dir == o.dir && j.cluster == o.cluster && j.vars == o.vars && j.reading.Equal(o.reading)
}

// deployment understands one overlay, or returns the zero memo if there is a
// directory without a kustomization.
func (r *Reader) deployment(t *lookup, j job) (memo, error) {
	for _, m := range r.memos[j.dir] {
		if ok, err := m.holds(t, j); err != nil || ok {
			return m, err
		}
	}
	res := &resolver{reader: r, tree: t, dir: j.dir, cluster: j.cluster, depends: map[string]core.SHA{}, files: map[string]core.SHA{}, work: &work{left: maxWork}, reading: j.reading}
	if len(j.reading.Fields) > 0 {
		res.met = map[int]bool{}
	}
	found, err := res.pins()
	d := &Deployment{App: j.vars.App, Cluster: j.vars.Cluster, Dir: j.dir}
	problem, isProblem := problemOf(err)
	switch {
	case missing(err):
		return memo{}, nil
	case isProblem:
		d.Broken = problem
		if err := res.mayRead(); err != nil {
			return memo{}, err
		}
	case err != nil:
		return memo{}, err
	}
	d.Pins, d.Carrier, d.Reads = found, res.carrier, res.reads
	if d.Broken == nil {
		d.Notices, d.Unnamed = res.notices.said(d.Dir), res.unseenFields
	}
	if d.Inputs, err = res.inputs(d.Pins); err != nil {
		return memo{}, err
	}
	m := memo{job: j, depends: dependencies(res.depends), deployment: d, met: res.met}
	r.remember(m)
	return m, nil
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

// dependencies leaves out what stands below a directory that is listed itself:
// nothing can change there while the directory does not.
func dependencies(all map[string]core.SHA) []dependency {
	var out []dependency
	for p, sha := range all {
		if !below(p, all) {
			out = append(out, dependency{p, sha})
		}
	}
	slices.SortFunc(out, func(a, b dependency) int { return strings.Compare(a.path, b.path) })
	return slices.Clip(out)
}

func below(p string, all map[string]core.SHA) bool {
	for dir := path.Dir(p); dir != "."; dir = path.Dir(dir) {
		if all[dir] != "" {
			return true
		}
	}
	return false
}

func (m memo) holds(t *lookup, j job) (bool, error) {
	if !m.job.equal(j) {
		return false, nil
	}
	for _, d := range m.depends {
		e, ok, err := t.entry(d.path)
		if err != nil || e.identity() != d.was || ok != (d.was != "") {
			return false, err
		}
	}
	return true, nil
}

// identity is the entry's name, which a symbolic link never shares with a file
// of the same content.
func (e Entry) identity() core.SHA {
	if e.Type == Other {
		return "other " + e.SHA
	}
	return e.SHA
}

func (r *Reader) remember(m memo) {
	if r.count++; r.count > maxMemos {
		r.memos, r.count = map[string][]memo{}, 1
	}
	r.memos[m.dir] = append(r.memos[m.dir], m)
}

// manifests remembers files that were understood lately: an app's overlays are
// read one after the other, and share their base. What was not asked for during
// a generation is forgotten.
type manifests struct {
	young, old map[fileKey]*manifest
	size       int // of the young ones' files, in bytes
}

// fileKey names a file with its content: nodes know the file they stand in.
type fileKey struct {
	path string
	sha  core.SHA
}

func (m *manifests) get(key fileKey) (*manifest, bool) {
	found, ok := m.young[key]
	if !ok {
		found, ok = m.old[key]
	}
	return found, ok
}

func (m *manifests) put(key fileKey, made *manifest, size int) {
	if m.young == nil || m.size+size > maxManifestBytes {
		m.young, m.old, m.size = map[fileKey]*manifest{}, m.young, 0
	}
	m.young[key] = made
	m.size += size
}

// manifest understands a file once per content, as long as it is remembered.
func (r *Reader) manifest(t Tree, file string, sha core.SHA) (*manifest, error) {
	key := fileKey{file, sha}
	if m, ok := r.manifests.get(key); ok {
		return m, nil
	}
	src, err := t.Read(file)
	if err != nil {
		return nil, err
	}
	m := parseManifest(file, src, isKustomizationFile(path.Base(file)))
	r.manifests.put(key, m, len(src))
	return m, nil
}

// byPlace orders problems by file and line.
func byPlace(a, b Problem) int {
	return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column, strings.Compare(a.Message, b.Message))
}
