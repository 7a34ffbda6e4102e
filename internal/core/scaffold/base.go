package scaffold

import (
	"bytes"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// findBase finds the directory of the base by its name or its path.
func (w *drafting) findBase() (string, error) {
	if dir := path.Clean(w.Base); w.Base != "" && dir != "." {
		if _, ok := w.kustomization(dir); ok {
			return dir, nil
		}
	}
	bases := w.bases()
	var found []string
	for _, dir := range bases {
		if baseName(dir) == w.Base {
			found = append(found, dir)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		var names []string
		for _, dir := range bases {
			names = append(names, baseName(dir))
		}
		slices.Sort(names)
		return "", Unknown("base", w.Base, slices.Compact(names))
	}
	return "", core.Errorf(core.Invalid, "--base: %s may be %s; give its path", w.Base, strings.Join(found, " or "))
}

// baseName is how people call a base: the directory base of an app is called
// like the app.
func baseName(dir string) string {
	if path.Base(dir) == "base" {
		return path.Base(path.Dir(dir))
	}
	return path.Base(dir)
}

// bases are the directories that overlays are built on, and those that lie as
// such do, sorted.
func (w *drafting) bases() []string {
	shapes := map[string]bool{}
	for _, list := range w.inventory.All() {
		for _, d := range list {
			for _, in := range d.Inputs {
				if dir := path.Dir(in.Path); isKustomization(path.Base(in.Path)) && dir != d.Dir && !w.isOverlay(dir) {
					shapes[shapeOf(dir)] = true
				}
			}
		}
	}
	found := map[string]bool{}
	for file := range w.old {
		dir := path.Dir(file)
		if !isKustomization(path.Base(file)) || w.isOverlay(dir) {
			continue
		}
		parent := path.Base(path.Dir(dir))
		if shapes[shapeOf(dir)] || parent == "bases" || path.Base(dir) == "base" {
			found[dir] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// shapeOf is what bases have in common that lie side by side.
func shapeOf(dir string) string {
	if path.Base(dir) == "base" {
		return path.Dir(path.Dir(dir)) + "/*/base"
	}
	return path.Dir(dir) + "/*"
}

// isOverlay tells whether a directory is an overlay, or lies in a cluster's.
func (w *drafting) isOverlay(dir string) bool {
	for _, p := range w.policy.Layout {
		segments, parts := p.Segments(), strings.Split(dir, "/")
		if n := min(len(parts), len(segments)); n < 2 {
			continue
		}
		if v, ok := p.Match(dir); ok && (v.Cluster == "" || w.isCluster(v.Cluster)) && (v.Env == "" || w.isEnv(v.Env)) {
			return true
		}
		for _, env := range w.policy.Environments {
			for _, c := range env.Clusters {
				v := place{env: env.Name, cluster: c}
				if last, ok := has(segments, "cluster"); ok {
					root := v.fill(segments[:last+1])
					if _, app := has(segments[:last+1], "app"); !app && (dir == root || strings.HasPrefix(dir, root+"/")) {
						return true
					}
				}
			}
		}
	}
	return false
}

func (w *drafting) isCluster(c core.Cluster) bool {
	_, ok := w.policy.EnvironmentOf(c)
	return ok
}

func (w *drafting) isEnv(e core.Env) bool {
	_, ok := w.policy.Environment(e)
	return ok
}

// document is one object of a file.
type document struct {
	file           string
	text           []byte // of the document alone
	root           yamledit.Node
	kind, name     string
	namespace, api string
	spec           yamledit.Node
	alone          bool // there is nothing else in the file
}

// documents takes a text apart.
func documents(file string, src []byte) []document {
	var out []document
	for _, part := range split(src) {
		f, err := yamledit.Parse(part)
		if err != nil || f.Len() != 1 {
			continue
		}
		root, _ := f.Doc(0)
		if root.Kind() != yamledit.Mapping {
			continue
		}
		d := document{file: file, text: part, root: root}
		get := func(keys ...string) string { n, _ := root.Get(keys...); return n.Text() }
		d.kind, d.name, d.namespace, d.api = get("kind"), get("metadata", "name"), get("metadata", "namespace"), get("apiVersion")
		d.spec, _ = root.Get("spec")
		out = append(out, d)
	}
	if len(out) == 1 {
		out[0].alone = true
	}
	return out
}

// split cuts a text at the lines that separate documents.
func split(src []byte) [][]byte {
	at := regexp.MustCompile(`(?m)^---[ \t]*(#.*)?\r?$\n?`).FindAllIndex(src, -1)
	var out [][]byte
	start := 0
	for _, m := range append(at, []int{len(src), len(src)}) {
		if part := src[start:m[0]]; len(bytes.TrimSpace(part)) > 0 {
			out = append(out, part)
		}
		start = m[1]
	}
	return out
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// variables are the names of Flux's variables in the base that have no value of
// their own.
func (w *drafting) variables() []string {
	found := map[string]bool{}
	for _, m := range regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`).FindAllSubmatch(w.text, -1) {
		found[string(m[1])] = true
	}
	return sortedKeys(found)
}
