package overlay

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// Inventory is what the overlays of a monorepo deploy at one commit. It is
// immutable once made, and shares what is the same with those made before it by
// the same Reader.
type Inventory struct {
	Problems []Problem // ordered by file and line
	envs     map[core.Env]*catalog
	shared   map[core.Target][]*Use
}

// catalog is what one environment deploys.
type catalog struct {
	apps  []core.App      // sorted
	lists [][]*Deployment // of each app, ordered by cluster and directory
}

// Of returns the clusters' overlays of a target, ordered by cluster; none if
// it is not deployed. The caller must not change the list.
func (inv *Inventory) Of(t core.Target) []*Deployment {
	c := inv.catalog(t.Env)
	i, ok := slices.BinarySearch(c.apps, t.App)
	if !ok {
		return nil
	}
	return c.lists[i]
}

// Apps returns the apps that an environment deploys, sorted. The caller must
// not change the list.
func (inv *Inventory) Apps(env core.Env) []core.App { return inv.catalog(env).apps }

// All goes over every target that is deployed, ordered by environment and app.
func (inv *Inventory) All() iter.Seq2[core.Target, []*Deployment] {
	return func(yield func(core.Target, []*Deployment) bool) {
		for _, env := range slices.Sorted(maps.Keys(inv.envs)) {
			c := inv.envs[env]
			for i, app := range c.apps {
				if !yield(core.Target{Env: env, App: app}, c.lists[i]) {
					return
				}
			}
		}
	}
}

// Changed lists the apps of an environment, sorted, whose overlays may not be
// the same in both inventories. It costs next to nothing where one Reader made
// both: what is shared is the same.
func (inv *Inventory) Changed(env core.Env, since *Inventory) []core.App {
	now, then := inv.catalog(env), since.catalog(env)
	if now == then {
		return nil
	}
	var out []core.App
	for i, j := 0, 0; i < len(now.apps) || j < len(then.apps); {
		switch order := now.compare(i, then, j); {
		case order < 0:
			out = append(out, now.apps[i])
			i++
		case order > 0:
			out = append(out, then.apps[j])
			j++
		default:
			if !sameList(now.lists[i], then.lists[j]) {
				out = append(out, now.apps[i])
			}
			i, j = i+1, j+1
		}
	}
	return out
}

// compare orders two places of two catalogs by app; the end comes last.
func (c *catalog) compare(i int, o *catalog, j int) int {
	switch {
	case i == len(c.apps):
		return 1
	case j == len(o.apps):
		return -1
	default:
		return strings.Compare(string(c.apps[i]), string(o.apps[j]))
	}
}

func sameList(a, b []*Deployment) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0] || slices.Equal(a, b))
}

// catalog never returns nil.
func (inv *Inventory) catalog(env core.Env) *catalog {
	if c, ok := inv.envs[env]; ok {
		return c
	}
	return &catalog{}
}

// with returns a catalog in which some apps have other lists; an empty one
// removes the app. What is as before is shared.
func (c *catalog) with(changed map[core.App][]*Deployment) *catalog {
	out := &catalog{apps: c.apps, lists: slices.Clone(c.lists)}
	for _, app := range slices.Sorted(maps.Keys(changed)) {
		list := changed[app]
		i, ok := slices.BinarySearch(out.apps, app)
		switch {
		case ok && len(list) > 0:
			out.lists[i] = list
		case !ok && len(list) == 0:
		default:
			return c.rebuilt(changed)
		}
	}
	return out
}

// rebuilt is with where apps come or go.
func (c *catalog) rebuilt(changed map[core.App][]*Deployment) *catalog {
	all := make(map[core.App][]*Deployment, len(c.apps)+len(changed))
	for i, app := range c.apps {
		all[app] = c.lists[i]
	}
	maps.Copy(all, changed)
	maps.DeleteFunc(all, func(_ core.App, list []*Deployment) bool { return len(list) == 0 })
	out := &catalog{apps: slices.Sorted(maps.Keys(all))}
	out.lists = make([][]*Deployment, len(out.apps))
	for i, app := range out.apps {
		out.lists[i] = all[app]
	}
	return out
}

// Deployment is one overlay: one app in one cluster.
type Deployment struct {
	App     core.App
	Cluster core.Cluster
	Dir     string         // the overlay's directory, or its file where the layout names files
	Carrier string         // the Flux Kustomization that applies it, as namespace/name; "" if it is not in sight
	Pins    []pin.Pin      // the effective ones, ordered by key; at most one per key
	Inputs  []Input        // every file that was read for it, ordered by path
	Notices []Notice       // what a person should know of it, ordered by place; none if it is Broken
	Unnamed []policy.Field // of custom resources that hold images, and that the policy could name
	Reads   []pin.Place    // where the variables stand that anything in it takes in
	Broken  *Problem       // set if the overlay could not be understood; Pins is then incomplete
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

// Input is a file that a deployment depends on.
type Input struct {
	Path    string
	SHA     core.SHA
	Content []byte // shared between deployments; never changed
}

// Problem is something in the monorepo that could not be understood.
type Problem struct {
	File    string
	Line    int // 1-based; 0 if the whole file is meant
	Column  int // 1-based; 0 if the whole line is meant
	Message string
}
