package lint

import (
	"bytes"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
)

// Reached is one build of a cluster that a change makes different.
type Reached struct {
	Env                     core.Env // "" if no environment names the cluster
	Cluster                 core.Cluster
	Dir                     string   // whose build differs
	Changed, Added, Removed []string // objects, as kind and name; sorted
}

// Radius tells what a change makes different in the clusters, by building what it
// may have changed before and after, and finds what is shared and reaches later
// environments together with the first: that goes by all gates. The rules are
// those of the policy before the change. What does not build on both sides is
// left to Lint.
func Radius(was, is overlay.Tree, changed []string, build func(overlay.Tree, string) ([]Object, error)) ([]Reached, []Finding, error) {
	before, after := newRadius(was, changed, build), newRadius(is, changed, build)
	for _, l := range []*linter{before, after} {
		if err := l.survey(); err != nil {
			return nil, nil, err
		}
		l.references()
		l.affect()
	}
	before.rules()
	after.policy = before.policy
	if before.policy == nil {
		after.rules()
	}
	var out []Reached
	for _, c := range after.clusters() {
		for _, dir := range union(before.affected, after.affected) {
			if !strings.HasPrefix(dir, c.dir+"/") {
				continue
			}
			r := Reached{Env: c.env, Cluster: c.name, Dir: dir}
			if r.compare(before.own(dir), after.own(dir)); len(r.Changed)+len(r.Added)+len(r.Removed) > 0 {
				out = append(out, r)
			}
		}
	}
	for _, l := range []*linter{before, after} {
		if l.failed != nil {
			return nil, nil, l.failed
		}
	}
	return out, after.bypasses(before, out), nil
}

func newRadius(t overlay.Tree, changed []string, run func(overlay.Tree, string) ([]Object, error)) *linter {
	return &linter{tree: t, files: map[string]*file{}, kustomizations: map[string]*kustomization{}, built: map[string]*build{}, reached: map[string]bool{}, strange: map[string]bool{},
		options: Options{Changed: changed, Build: func(dir string) ([]Object, error) { return run(t, dir) }}}
}

func union(a, b map[string]bool) []string {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

// own are the objects of a directory without those of the directories that it
// only lists: these are compared by themselves.
func (l *linter) own(dir string) []built {
	k := l.load(dir)
	switch {
	case k == nil:
		return nil
	case !k.grouping:
		return l.render(k)
	}
	var out []built
	for _, r := range k.refs {
		if isFile, _ := l.exists(r.path); isFile {
			out = append(out, l.written(r.path)...)
		}
	}
	return out
}

func (r *Reached) compare(before, after []built) {
	old := map[string]built{}
	id := func(b built) string { return b.kind() + " " + strings.TrimPrefix(b.namespace()+"/"+b.name(), "/") }
	for _, b := range before {
		old[id(b)] = b
	}
	for _, b := range after {
		was, ok := old[id(b)]
		delete(old, id(b))
		switch {
		case !ok:
			r.Added = append(r.Added, id(b))
		case !bytes.Equal(was.text, b.text):
			r.Changed = append(r.Changed, id(b))
		}
	}
	r.Removed = slices.Sorted(maps.Keys(old))
	slices.Sort(r.Changed)
	slices.Sort(r.Added)
}

// bypasses finds changed files outside of all clusters by which several
// environments of one chain change at once.
func (l *linter) bypasses(before *linter, reached []Reached) []Finding {
	if l.policy == nil {
		return nil
	}
	for _, name := range l.options.Changed {
		later := l.later(name, before, reached)
		if len(later) == 0 {
			continue
		}
		line := firstDifference(before.read(name).content, l.read(name).content)
		l.report(ruleBypass, name, line, 0, "the change reaches "+strings.Join(later, ", ")+" together with the environment before, past the gates of the chain",
			"make it in the overlay of the first environment, and then in the next; or say in the file why it must reach all at once: # sluice:ignore "+ruleBypass)
	}
	return tidy(l.found)
}

// later are the clusters that a file outside of all clusters reaches at the same
// time as an environment that they come after.
func (l *linter) later(name string, before *linter, reached []Reached) []string {
	envs := map[core.Env]bool{}
	var mine []Reached
	for _, r := range reached {
		if r.Env != "" && !l.ofCluster(path.Dir(name), r.Cluster) && (l.holds(r.Dir, name, map[string]bool{}) || before.holds(r.Dir, name, map[string]bool{})) {
			mine, envs[r.Env] = append(mine, r), true
		}
	}
	var out []string
	for _, r := range mine {
		env, _ := l.policy.Environment(r.Env)
		if slices.ContainsFunc(env.From, func(e core.Env) bool { return envs[e] }) {
			out = append(out, string(r.Cluster))
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// holds tells whether the build of a directory reads a file.
func (l *linter) holds(dir, name string, seen map[string]bool) bool {
	k := l.load(dir)
	if k == nil || seen[dir] {
		return false
	}
	seen[dir] = true
	return k.file == name || slices.ContainsFunc(k.refs, func(r reference) bool { return r.path == name || l.holds(r.path, name, seen) })
}

// firstDifference is the first line, from 1, that is not the same.
func firstDifference(a, b []byte) int {
	was, is := bytes.Split(a, []byte("\n")), bytes.Split(b, []byte("\n"))
	for i := range is {
		if i >= len(was) || !bytes.Equal(was[i], is[i]) {
			return i + 1
		}
	}
	return max(1, len(is))
}
