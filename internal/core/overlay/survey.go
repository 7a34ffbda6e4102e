package overlay

import (
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// survey is all that is known of one tree, and what each part of it was made
// from. It can be taken on to another tree; the inventories that it made stay
// as they are.
type survey struct {
	tree      Tree
	policy    *policy.Policy
	rows      map[string]*row           // by the overlay's directory
	users     map[string][]*row         // who depends on what stands at a path
	targets   map[core.Target][]*row    // in no order
	notes     map[string][]Problem      // of directories that the policy does not cover
	broken    map[core.Target][]Problem // of deployments
	bare      map[string]Problem        // of directories that would be overlays if they had a kustomization.yaml
	met       []int                     // how many overlays have each of the policy's fields
	sharing   sharing
	inventory *Inventory
}

// row is one overlay of the survey.
type row struct {
	site
	depends    []dependency
	deployment *Deployment
	met        map[int]bool
	uses       []use
}

func newSurvey(t Tree, p *policy.Policy) *survey {
	return &survey{
		tree: t, policy: p, rows: map[string]*row{}, users: map[string][]*row{}, targets: map[core.Target][]*row{},
		notes: map[string][]Problem{}, broken: map[core.Target][]Problem{}, bare: map[string]Problem{}, inventory: &Inventory{},
		met: make([]int, len(p.Fields)), sharing: newSharing(),
	}
}

// walk surveys a whole tree. The overlays of one app come one after the other,
// since they share files.
func (r *Reader) walk(s *survey) error {
	w := &walk{survey: s, tree: newLookup(s.tree)}
	for _, pattern := range s.policy.Layout {
		if err := w.descend("", pattern.Segments()); err != nil {
			return err
		}
	}
	slices.SortStableFunc(w.found, func(a, b site) int { return strings.Compare(string(a.target.App), string(b.target.App)) })
	return r.renew(s, w.tree, w.found)
}

// walk looks for directories that the layout describes.
type walk struct {
	*survey
	tree  *lookup
	found []site
}

// site is a path that the layout makes an overlay.
type site struct {
	target core.Target
	file   bool // the layout wants a file there
	job
}

func (w *walk) descend(dir string, rest []policy.Segment) error {
	names, err := w.children(dir, rest[0])
	if err != nil {
		return err
	}
	for _, e := range names {
		p := under(dir, e.Name)
		w.note(p, e)
		switch name, _ := rest[0].Name(e.Name); {
		case !fits(e, rest[0]), !allowed(w.policy, rest[0], name):
		case len(rest) > 1:
			if err := w.descend(p, rest[1:]); err != nil {
				return err
			}
		default:
			if found, ok := w.site(p, e); ok {
				w.found = append(w.found, found)
			}
		}
	}
	return nil
}

// children finds the entries that a segment can stand for.
func (w *walk) children(dir string, s policy.Segment) ([]Entry, error) {
	if s.Placeholder == "" {
		e, _, err := w.tree.entry(under(dir, s.Literal))
		if err != nil || !called(e, s) {
			return nil, err
		}
		return []Entry{e}, nil
	}
	entries, err := w.tree.List(dir)
	if missing(err) {
		return nil, nil
	}
	return slices.DeleteFunc(slices.Clone(entries), func(e Entry) bool { return !called(e, s) }), err
}

// called tells whether a segment can stand for an entry, or could if that were
// no link.
func called(e Entry, s policy.Segment) bool {
	_, ok := s.Name(e.Name)
	return ok && (e.Type == Other || fits(e, s))
}

// fits tells whether a segment can stand for an entry, whatever its name means
// to the policy: sub-directories, or files if the segment has an extension.
func fits(e Entry, s policy.Segment) bool {
	_, ok := s.Name(e.Name)
	return ok && overlayIn(e, s.Extension != "")
}

// allowed tells whether a segment can stand for a name: clusters and
// environments that the policy does not name are skipped.
func allowed(p *policy.Policy, s policy.Segment, name string) bool {
	ok := true
	switch s.Placeholder {
	case policy.ClusterPlaceholder:
		_, ok = p.EnvironmentOf(core.Cluster(name))
	case policy.EnvPlaceholder:
		_, ok = p.Environment(core.Env(name))
	}
	return ok
}

// site tells what overlay an entry is, if the layout makes it one.
func (s *survey) site(p string, e Entry) (site, bool) {
	names := strings.Split(p, "/")
	for _, pattern := range s.policy.Layout {
		vars, ok := pattern.Match(p)
		segments := pattern.Segments()
		if !ok || !s.covers(names, segments) || !fits(e, segments[len(names)-1]) || misplaced(s.policy, vars) != "" {
			continue
		}
		env := vars.Env
		if e, ok := s.policy.EnvironmentOf(vars.Cluster); ok && vars.Cluster != "" {
			env = e.Name
		}
		return site{
			target: core.Target{Env: env, App: vars.App}, file: segments[len(names)-1].Extension != "",
			job: job{dir: p, cluster: clusterDir(p, pattern), vars: vars, reading: s.policy.Reading(vars.App)},
		}, true
	}
	return site{}, false
}

// covers tells whether the policy names the clusters and environments of a
// path that a pattern begins with.
func (s *survey) covers(names []string, segments []policy.Segment) bool {
	for i, part := range names {
		name, ok := segments[i].Name(part)
		if !ok || !allowed(s.policy, segments[i], name) {
			return false
		}
	}
	return true
}

// misplaced names the environment of a cluster that a path puts into another.
func misplaced(p *policy.Policy, v policy.Vars) core.Env {
	e, ok := p.EnvironmentOf(v.Cluster)
	if !ok || v.Cluster == "" || v.Env == "" || v.Env == e.Name {
		return ""
	}
	return e.Name
}

// note says of an entry, if so it is, that the policy does not cover it.
func (s *survey) note(p string, e Entry) {
	delete(s.notes, p)
	for _, pattern := range s.policy.Layout {
		said := s.remark(p, e, pattern)
		if n := (Problem{File: p, Message: said}); said != "" && !slices.Contains(s.notes[p], n) {
			s.notes[p] = append(s.notes[p], n)
		}
	}
}

func (s *survey) remark(p string, e Entry, pattern policy.Pattern) string {
	names, segments := strings.Split(p, "/"), pattern.Segments()
	last := len(names) - 1
	if last >= len(segments) || !called(e, segments[last]) || !s.covers(names[:last], segments) {
		return ""
	}
	seg := segments[last]
	switch name, _ := seg.Name(e.Name); {
	case e.Type == Other && allowed(s.policy, seg, name):
		return "it is a symbolic link or a submodule, which is never followed: no overlay is seen here"
	case e.Type == Other:
		return ""
	case allowed(s.policy, seg, name):
	case isShared(name):
		return ""
	default:
		return "no environment of the policy names the " + string(seg.Placeholder) + " " + name
	}
	vars, ok := pattern.Match(p)
	if env := misplaced(s.policy, vars); ok && env != "" {
		return "the policy puts the cluster " + string(vars.Cluster) + " into " + string(env) + ", not into " + string(vars.Env)
	}
	return ""
}
