package scaffold

import (
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// Build renders a directory of a tree: all objects, as documents of one YAML text.
type Build func(t overlay.Tree, dir string) ([]byte, error)

// App asks for an app in some clusters.
type App struct {
	Name      core.App
	Base      string // its name, or its path from the root
	Clusters  []core.Cluster
	Component bool // it is a piece of infrastructure, where the layout tells them apart
	// Versions are what a person wants, by the name of an image, a chart's release,
	// a source or a variable.
	Versions map[string]string
	Chart    string // the version of the base's only chart, "" if nobody says
}

// site is one overlay that is to be.
type site struct {
	place
	pattern policy.Pattern
	path    string // its directory or, where the layout says so, its file
	root    string // the cluster's directory; "" if it has none
	file    bool
}

// drafting is the making of one app's draft.
type drafting struct {
	App
	*Draft
	policy    *policy.Policy
	inventory *overlay.Inventory
	build     Build
	base      string // its directory
	text      []byte // what it builds to
	used      map[string]bool
	objects   []document
}

// Draft works out the app's overlays. Its errors are Invalid if a version is not
// known or something is not understood, NotFound for names that are none, and
// Conflict if something else is there already.
func (a App) Draft(files Files, p *policy.Policy, build Build) (*Draft, error) {
	if err := checkName("app", string(a.Name)); err != nil {
		return nil, err
	}
	w := &drafting{App: a, Draft: newDraft(files), policy: p, build: build, used: map[string]bool{}}
	var err error
	if w.inventory, err = overlay.NewReader().Read(w.Tree(), p); err != nil {
		return nil, err
	}
	sites, err := w.sites()
	if err != nil {
		return nil, err
	}
	if err := w.ground(sites[0]); err != nil {
		return nil, err
	}
	for _, s := range sites {
		if err := w.add(s); err != nil {
			return nil, core.Errorf(core.KindOf(err), "%s: %w", s.path, err)
		}
	}
	if err := w.unused(); err != nil {
		return nil, err
	}
	return w.Draft, w.settle()
}

// ground finds what the overlays are built on: a base or, where overlays are
// files that hold the objects themselves, the app's own file of another cluster.
func (w *drafting) ground(s site) (err error) {
	if w.base, err = w.findBase(); err != nil {
		if donor := w.donor(s); s.file && donor != nil && w.Base == string(w.Name) {
			w.objects = documents(donor.Dir, w.content(donor.Dir))
			return nil
		}
		return err
	}
	if w.text, err = w.build(w.Tree(), w.base); err != nil {
		return core.Errorf(core.KindOf(err), "the base %s: %w", w.base, err)
	}
	w.objects = documents(w.base, w.text)
	return nil
}

// unused refuses versions that nothing has asked for: a name was misspelt.
func (w *drafting) unused() error {
	for _, name := range sortedKeys(w.Versions) {
		if !w.used[name] {
			return core.Errorf(core.Invalid, "--version: the base %s has no %q; it has %s", w.base, name, strings.Join(w.versioned(), ", "))
		}
	}
	if w.Chart != "" && !w.used["chart"] {
		return core.Errorf(core.Invalid, "--chart-version: the base %s has no chart", w.base)
	}
	return nil
}

// add makes everything for one overlay.
func (w *drafting) add(s site) error {
	if err := w.alone(s); err != nil {
		return err
	}
	made := w.overlay
	if s.file {
		made = w.single
	}
	if err := made(s); err != nil {
		return err
	}
	if err := w.group(s); err != nil {
		return err
	}
	if err := w.apply(s); err != nil {
		return err
	}
	return w.declare(s)
}

// alone refuses a second overlay of one base in a cluster: both would apply the
// same objects.
func (w *drafting) alone(s site) error {
	for t, list := range w.inventory.All() {
		for _, d := range list {
			if t.App != w.Name && d.Cluster == s.cluster && t.Env == s.env && w.isOf(d) {
				return core.Errorf(core.Conflict, "%s deploys the base %s already, as %s in %s; twice, both would apply the same objects", s.cluster, w.base, t.App, d.Dir)
			}
		}
	}
	return nil
}

// isOf tells whether a deployment is built on the base or, if there is none, is
// the app's own.
func (w *drafting) isOf(d *overlay.Deployment) bool {
	if w.base == "" {
		return d.App == w.Name
	}
	return slices.ContainsFunc(d.Inputs, func(in overlay.Input) bool { return strings.HasPrefix(in.Path, w.base+"/") })
}

// sites are the overlays that are asked for, each once: where clusters of an
// environment share theirs there is one.
func (w *drafting) sites() ([]site, error) {
	pattern, err := w.pattern()
	if err != nil {
		return nil, err
	}
	var out []site
	for _, c := range w.Clusters {
		env, ok := w.policy.EnvironmentOf(c)
		if !ok {
			return nil, Unknown("cluster", string(c), Clusters(w.policy))
		}
		segments := pattern.Segments()
		s := site{place: place{env.Name, c, w.Name}, pattern: pattern, file: segments[len(segments)-1].Extension != ""}
		if _, own := has(segments, policy.ClusterPlaceholder); !own {
			s.cluster = ""
		}
		s.path = s.fill(segments)
		s.root, _ = overlay.RootOf(pattern, env.Name, c)
		if !slices.ContainsFunc(out, func(o site) bool { return o.path == s.path }) {
			out = append(out, s)
		}
	}
	return out, nil
}

// pattern is the part of the layout in which the app is to lie.
func (w *drafting) pattern() (policy.Pattern, error) {
	var apps, components []policy.Pattern
	var texts []string
	for _, p := range w.policy.Layout {
		texts = append(texts, p.String())
		if ofComponents(p) {
			components = append(components, p)
		} else {
			apps = append(apps, p)
		}
	}
	from, what := apps, "is for apps; infrastructure is added with --component"
	if w.Component {
		from, what = components, "is for infrastructure (a directory infrastructure, infra, components or controllers); leave --component out"
	}
	if len(from) == 0 {
		return policy.Pattern{}, core.Errorf(core.NotFound, "no layout of %s %s; it has %s", policy.FileName, what, strings.Join(texts, ", "))
	}
	for _, p := range from { // the one in which the base's siblings lie
		if slices.ContainsFunc(w.deployments(p), func(d *overlay.Deployment) bool { return d.App == w.Name }) {
			return p, nil
		}
	}
	return from[0], nil
}

func ofComponents(p policy.Pattern) bool {
	return slices.ContainsFunc(p.Segments(), func(s policy.Segment) bool {
		return slices.Contains([]string{"infrastructure", "infra", "components", "controllers"}, s.Literal)
	})
}

// deployments are the overlays of a pattern, those of first environments first.
func (w *drafting) deployments(p policy.Pattern) []*overlay.Deployment {
	var out []*overlay.Deployment
	for _, env := range w.policy.Order() {
		for _, app := range w.inventory.Apps(env) {
			for _, d := range w.inventory.Of(core.Target{Env: env, App: app}) {
				if _, ok := p.Match(d.Dir); ok {
					out = append(out, d)
				}
			}
		}
	}
	return out
}

// siblings are the overlays beside a site, those in its own cluster first.
func (w *drafting) siblings(s site) []*overlay.Deployment {
	all := slices.DeleteFunc(w.deployments(s.pattern), func(d *overlay.Deployment) bool { return d.Dir == s.path })
	near := func(d *overlay.Deployment) int {
		v, _ := s.pattern.Match(d.Dir)
		switch {
		case v.Cluster == s.cluster && (v.Env == "" || v.Env == s.env):
			return 0
		case v.App == s.app:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(all, func(a, b *overlay.Deployment) int { return near(a) - near(b) })
	return all
}

// group adds the overlay to the kustomization that gathers its neighbours.
func (w *drafting) group(s site) error {
	for dir := path.Dir(s.path); dir != "."; dir = path.Dir(dir) {
		file, ok := w.kustomization(dir)
		rel := strings.TrimPrefix(s.path, dir+"/")
		if ok && (dir == path.Dir(s.path) || w.listsOne(file, dir, s)) {
			return w.listIn(dir, rel)
		}
		if ok || dir == s.root {
			return nil
		}
	}
	return nil
}

// listsOne tells whether a kustomization names a sibling by its whole way.
func (w *drafting) listsOne(file, dir string, s site) bool {
	src, _ := w.Read(file)
	return slices.ContainsFunc(w.siblings(s), func(d *overlay.Deployment) bool {
		rel, ok := strings.CutPrefix(d.Dir, dir+"/")
		return ok && slices.ContainsFunc(scalars(src), func(sc scalar) bool { return sc.below("resources") && path.Clean(sc.node.Text()) == rel })
	})
}
