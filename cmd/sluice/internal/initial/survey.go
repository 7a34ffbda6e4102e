package initial

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
)

// survey is what a walk saw: the places that can be overlays.
type survey struct {
	tree    overlay.Tree
	entries int
	leaves  []string            // directories with a kustomization and none below
	files   []string            // YAML files in directories without a kustomization
	named   map[string][]string // of each directory that is called so: clusters, environments, envs, overlays
	clipped bool                // the monorepo is larger than what was looked at
}

func look(tree overlay.Tree) (*survey, error) {
	s := &survey{tree: tree, named: map[string][]string{}}
	_, err := s.walk("", 0)
	return s, err
}

// walk tells whether there is a kustomization in the directory or below it.
func (s *survey) walk(dir string, depth int) (bool, error) {
	entries, err := s.tree.List(dir)
	if err != nil {
		return false, err
	}
	if s.entries += len(entries); s.entries > maxEntries || depth > maxDepth {
		s.clipped = true
		return false, nil
	}
	var files, dirs []string
	own, below := false, false
	for _, e := range entries {
		switch {
		case !plain(e.Name) || e.Name == "flux-system":
		case e.Type == overlay.Directory:
			dirs = append(dirs, e.Name)
			deeper, err := s.walk(path.Join(dir, e.Name), depth+1)
			if err != nil {
				return false, err
			}
			below = below || deeper
		case e.Type == overlay.Regular && isKustomization(e.Name):
			own = true
		case e.Type == overlay.Regular && (path.Ext(e.Name) == ".yaml" || path.Ext(e.Name) == ".yml"):
			files = append(files, path.Join(dir, e.Name))
		}
	}
	switch path.Base(dir) {
	case "clusters", "environments", "envs", "overlays":
		s.named[dir] = dirs
	}
	if own && !below {
		s.leaves = append(s.leaves, dir)
	}
	if !own {
		s.files = append(s.files, files...)
	}
	return own || below, nil
}

func isKustomization(name string) bool {
	return name == "kustomization.yaml" || name == "kustomization.yml" || name == "Kustomization"
}

// plain tells that a name can stand in a layout, and on a terminal.
func plain(name string) bool {
	return regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._+@-]*$`).MatchString(name)
}

// clusters lists what stands in directories called clusters, by stage.
func (s *survey) clusters() []string {
	var out []string
	for dir, names := range s.named {
		if path.Base(dir) == "clusters" {
			out = append(out, names...)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// shape is a layout that would explain some of what was seen.
type shape struct {
	text  string              // the layout
	names map[string]bool     // what stands for the environment or the cluster
	apps  map[string][]string // the apps, with the names under which they stand
	score int                 // the apps that have versions in more than one of them
}

func (s *shape) add(app, name string) {
	s.names[name] = true
	if !slices.Contains(s.apps[app], name) {
		s.apps[app] = append(s.apps[app], name)
	}
}

// shapes collects what paths suggest: one segment is a stage, another one the
// app. The likeliest come first.
func (s *survey) shapes() []*shape {
	found := map[string]*shape{}
	for _, p := range s.leaves {
		suggest(found, strings.Split(p, "/"), "")
	}
	for _, p := range s.files {
		ext := path.Ext(p)
		suggest(found, strings.Split(strings.TrimSuffix(p, ext), "/"), ext)
	}
	var out []*shape
	for _, sh := range found {
		if len(sh.names) > 1 {
			out = append(out, sh)
		}
	}
	slices.SortFunc(out, func(a, b *shape) int {
		if d := len(b.apps) - len(a.apps); d != 0 {
			return d
		}
		return strings.Compare(a.text, b.text)
	})
	return out
}

// suggest takes the first segment that names a stage. The app is then the last
// segment or, if the stage is last, any before it.
func suggest(found map[string]*shape, parts []string, ext string) {
	at := slices.IndexFunc(parts, func(p string) bool { _, _, ok := stageOf(p); return ok })
	last := len(parts) - 1
	if at < 0 || last == 0 {
		return
	}
	apps := []int{last}
	if at == last {
		apps = apps[:0]
		for i := range last {
			apps = append(apps, i)
		}
	}
	for _, app := range apps {
		text := slices.Clone(parts)
		text[at], text[app] = "{stage}", "{app}"
		key := strings.Join(text, "/") + ext
		if found[key] == nil {
			found[key] = &shape{text: key, names: map[string]bool{}, apps: map[string][]string{}}
		}
		found[key].add(parts[app], parts[at])
	}
}

// layout spells the shape with the placeholder that fits its names: a cluster's
// where they stand in a directory called clusters, or say more than the stage.
func (s *shape) layout() (text string, byCluster bool) {
	before, _, _ := strings.Cut(s.text, "{stage}")
	byCluster = path.Base(before) == "clusters"
	for name := range s.names {
		if _, exact, _ := stageOf(name); !exact {
			byCluster = true
		}
	}
	if byCluster {
		return strings.Replace(s.text, "{stage}", "{cluster}", 1), true
	}
	return strings.Replace(s.text, "{stage}", "{env}", 1), false
}

// versions counts the apps with versions in more than one environment.
func versions(inv *overlay.Inventory) int {
	seen := map[core.App]map[core.Env]bool{}
	for t, list := range inv.All() {
		if slices.ContainsFunc(list, func(d *overlay.Deployment) bool { return d.Broken == nil && len(d.Pins) > 0 }) {
			if seen[t.App] == nil {
				seen[t.App] = map[core.Env]bool{}
			}
			seen[t.App][t.Env] = true
		}
	}
	n := 0
	for _, envs := range seen {
		if len(envs) > 1 {
			n++
		}
	}
	return n
}
