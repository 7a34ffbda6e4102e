package overlay

import (
	"maps"
	"path"
	"slices"

	"github.com/sluice-gitops/sluice/internal/core"
)

// follow takes a survey on to another tree. Only the overlays that depend on
// one of the changed paths are looked at.
func (r *Reader) follow(s *survey, t Tree, changed map[string]change) error {
	sites := map[string]site{}
	for p, c := range changed {
		s.dependents(p, sites)
		if !c.was.isDirectory() || !c.is.isDirectory() {
			s.dependents(path.Dir(p)+"/", sites) // the manifests directly in a directory
		}
		s.note(p, c.is)
		delete(s.bare, p)
		if found, ok := s.site(p, c.is); ok {
			sites[p] = found
		}
	}
	s.tree = t
	return r.renew(s, newLookup(t), slices.Collect(maps.Values(sites)))
}

// dependents adds the overlays that depend on what stands at a path.
func (s *survey) dependents(p string, sites map[string]site) {
	for _, u := range s.users[p] {
		sites[u.dir] = u.site
	}
}

// renew looks at some overlays and makes the inventory in which they are as
// they are now.
func (r *Reader) renew(s *survey, t *lookup, sites []site) error {
	touched := map[core.Target]bool{}
	for _, at := range sites {
		var m memo
		e, ok, err := t.entry(at.dir)
		if err == nil && ok && overlayIn(e, at.file) {
			m, err = r.deployment(t, at.job)
		}
		if err != nil {
			return err
		}
		if err := s.expect(t, at, ok && m.deployment == nil); err != nil {
			return err
		}
		touched[at.target] = true
		s.set(at, m)
	}
	s.publish(touched)
	return nil
}

// expect remembers a directory that has manifests and no kustomization.yaml:
// Flux would make one up, and kustomize refuse it.
func (s *survey) expect(t *lookup, at site, none bool) error {
	delete(s.bare, at.dir)
	if !none || at.file {
		return nil
	}
	list, err := t.manifests(at.dir)
	if len(list.files) > 0 {
		s.bare[at.dir] = Problem{File: at.dir, Message: "the directory has no kustomization.yaml, so no overlay is seen here; add one that lists what to deploy"}
	}
	return err
}

// set replaces, adds or, for the zero memo, removes an overlay.
func (s *survey) set(at site, m memo) {
	u, ok := s.rows[at.dir]
	if ok {
		s.count(u.met, -1)
	}
	s.count(m.met, 1)
	switch {
	case m.deployment == nil && !ok:
		return
	case m.deployment == nil:
		s.link(u, nil)
		u.deployment = nil
		s.share(u)
		delete(s.rows, at.dir)
		s.targets[at.target] = slices.DeleteFunc(s.targets[at.target], func(other *row) bool { return other == u })
		return
	case !ok:
		u = &row{site: at}
		s.rows[at.dir] = u
		s.targets[at.target] = append(s.targets[at.target], u)
	}
	s.link(u, m.depends)
	u.depends, u.deployment, u.met = m.depends, m.deployment, m.met
	s.share(u)
}

// link makes a row known to what it depends on from now on. Mostly that is
// what it depended on before.
func (s *survey) link(u *row, depends []dependency) {
	old := u.depends
	if slices.EqualFunc(old, depends, func(a, b dependency) bool { return a.path == b.path }) {
		return
	}
	for _, d := range old {
		rest := slices.DeleteFunc(s.users[d.path], func(other *row) bool { return other == u })
		if s.users[d.path] = rest; len(rest) == 0 {
			delete(s.users, d.path)
		}
	}
	for _, d := range depends {
		s.users[d.path] = append(s.users[d.path], u)
	}
}

// publish makes an inventory that shares with the last one all but the
// targets that were touched.
func (s *survey) publish(touched map[core.Target]bool) {
	changed := map[core.Env]map[core.App][]*Deployment{}
	for target := range touched {
		list := s.list(target)
		if slices.Equal(list, s.inventory.Of(target)) {
			continue
		}
		if changed[target.Env] == nil {
			changed[target.Env] = map[core.App][]*Deployment{}
		}
		changed[target.Env][target.App] = list
		s.breaks(target, list)
	}
	next := &Inventory{envs: maps.Clone(s.inventory.envs)}
	if next.envs == nil {
		next.envs = map[core.Env]*catalog{}
	}
	for env, lists := range changed {
		next.envs[env] = next.catalog(env).with(lists)
	}
	next.Problems, next.shared = s.problems(), s.shared()
	s.inventory = next
}

func (s *survey) list(target core.Target) []*Deployment {
	var list []*Deployment
	for _, u := range s.targets[target] {
		list = append(list, u.deployment)
	}
	return inOrder(list)
}

func twice(d, other *Deployment) *Deployment {
	out := *d
	out.Broken = &Problem{File: d.Dir, Message: "the app stands twice in this cluster: also in " + other.Dir}
	return &out
}

func (s *survey) breaks(target core.Target, list []*Deployment) {
	delete(s.broken, target)
	for _, d := range list {
		if d.Broken != nil {
			s.broken[target] = append(s.broken[target], *d.Broken)
		}
	}
}

// problems lists everything that was not understood, each once.
func (s *survey) problems() []Problem {
	var all []Problem
	for _, list := range s.notes {
		all = append(all, list...)
	}
	for _, list := range s.broken {
		all = append(all, list...)
	}
	all = append(slices.AppendSeq(all, maps.Values(s.bare)), s.absent()...)
	slices.SortFunc(all, byPlace)
	return slices.Compact(all)
}
