package scaffold

import (
	"bytes"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// Listed is a kustomization that has all of the entries under its resources,
// those that it lacks at the end; one that is empty or not there is written anew.
// The error is of kind core.Invalid if it has no list to add to, and begins with
// the place in the file, "line:column: ".
func Listed(old []byte, entries []string) ([]byte, error) {
	if len(bytes.TrimSpace(old)) == 0 {
		return fmt.Appendf(nil, "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - %s\n", strings.Join(entries, "\n  - ")), nil
	}
	f, err := yamledit.Parse(old)
	if err != nil {
		return nil, err
	}
	root, _ := f.Doc(0)
	list, ok := root.Get("resources")
	if !ok || list.Kind() != yamledit.Sequence {
		return nil, core.Errorf(core.Invalid, "%d:%d: found no list under resources; write one, if only an empty one, so that entries can be added", max(1, list.Line()), max(1, list.Column()))
	}
	var insertions []yamledit.Insertion
	for _, entry := range entries {
		if !lists(list, entry) {
			insertions = append(insertions, yamledit.Insertion{Path: Keys("resources"), Text: entry})
		}
	}
	return f.Update(nil, insertions)
}

// Keys is the path through mappings only.
func Keys(keys ...string) yamledit.Path {
	var path yamledit.Path
	for _, k := range keys {
		path = append(path, yamledit.Key(k))
	}
	return path
}

// lists tells whether a list has an entry, however it is spelt.
func lists(list yamledit.Node, entry string) bool {
	return slices.ContainsFunc(list.Items(), func(n yamledit.Node) bool { return path.Clean(n.Text()) == path.Clean(entry) })
}

// isKustomization tells by a file's name.
func isKustomization(name string) bool {
	return name == "kustomization.yaml" || name == "kustomization.yml" || name == "Kustomization"
}

// kustomization finds the one of a directory.
func (d *Draft) kustomization(dir string) (string, bool) {
	for _, name := range []string{"kustomization.yaml", "kustomization.yml", "Kustomization"} {
		file := path.Join(dir, name)
		if _, ok := d.Read(file); ok {
			return file, true
		}
	}
	return "", false
}

// builder is the nearest directory with a kustomization that a file can belong to.
func (d *Draft) builder(file string) (string, bool) {
	for dir := path.Dir(file); ; dir = path.Dir(dir) {
		if _, ok := d.kustomization(dir); ok {
			return strings.TrimPrefix(dir, "."), true
		}
		if dir == "." || dir == "/" {
			return "", false
		}
	}
}

// listIn adds an entry to a directory's kustomization, if it has one: Flux
// collects what lies in one without by itself.
func (d *Draft) listIn(dir, entry string) error {
	file, ok := d.kustomization(dir)
	if !ok {
		return nil
	}
	return d.extend(file, func(old []byte) ([]byte, error) { return Listed(old, []string{entry}) })
}
