package seed

import (
	"bytes"
	"path"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core"
)

// editResources rewrites the list of resources in a directory's kustomization.
// It goes through YAML's nodes, so that comments and the order of keys survive.
// The files are ours: whatever goes wrong here is a defect, hence core.Internal.
func (f Files) editResources(dir string, edit func([]string) []string) error {
	name := path.Join(dir, "kustomization.yaml")
	var doc yaml.Node
	if err := yaml.Unmarshal(f[name], &doc); err != nil {
		return core.Errorf(core.Internal, "parse %s: %w", name, err)
	}
	list := resources(&doc)
	if list == nil {
		return core.Errorf(core.Internal, "%s: no list of resources", name)
	}
	var entries []string
	if err := list.Decode(&entries); err != nil {
		return core.Errorf(core.Internal, "decode the resources of %s: %w", name, err)
	}
	if err := list.Encode(edit(entries)); err != nil {
		return core.Errorf(core.Internal, "encode the resources of %s: %w", name, err)
	}
	content, err := encode(&doc)
	if err != nil {
		return core.Errorf(core.Internal, "encode %s: %w", name, err)
	}
	f[name] = content
	return nil
}

// resources finds the list, or nil in a file of another shape.
func resources(doc *yaml.Node) *yaml.Node {
	if len(doc.Content) == 0 {
		return nil
	}
	fields := doc.Content[0].Content
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i].Value == "resources" {
			return fields[i+1]
		}
	}
	return nil
}

// encode indents by two, as the rest of the monorepo does.
func encode(doc *yaml.Node) ([]byte, error) {
	var out bytes.Buffer
	enc := yaml.NewEncoder(&out)
	enc.SetIndent(2)
	if err := enc.Encode(doc); err != nil {
		return nil, err
	}
	return out.Bytes(), enc.Close()
}

// without removes an entry, and is content if there is none.
func without(entry string) func([]string) []string {
	return func(entries []string) []string {
		return slices.DeleteFunc(entries, func(e string) bool { return e == entry })
	}
}

// with adds entries and sorts the list, so that two branches which each add an
// app rarely touch the same line.
func with(added ...string) func([]string) []string {
	return func(entries []string) []string {
		return slices.Sorted(slices.Values(append(entries, added...)))
	}
}
