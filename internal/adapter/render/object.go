package render

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core"
)

// object is one manifest of a build.
type object struct {
	id   string // kind, namespace and name
	root *yaml.Node
}

// parseObjects reads the objects of a text.
func parseObjects(text []byte) ([]object, error) {
	var out []object
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var doc yaml.Node
		err := d.Decode(&doc)
		switch {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, core.Errorf(core.Invalid, "a manifest is no YAML")
		case len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode:
			continue
		case len(out) == maxObjects:
			return nil, core.Errorf(core.Invalid, "it has more than %d objects", maxObjects)
		}
		root := doc.Content[0]
		metadata := field(root, "metadata")
		name := scalar(field(metadata, "namespace")) + "/" + scalar(field(metadata, "name"))
		out = append(out, object{id: scalar(field(root, "kind")) + " " + strings.TrimPrefix(name, "/"), root: root})
	}
}

// field is a value of a mapping, nil if it has none of that name.
func field(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

func scalar(n *yaml.Node) string {
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

// pair is an object before and after; nil where it is not.
type pair struct{ before, after *object }

// pairs finds the objects that belong together: by what they are called and,
// where the hash at the end of a name has changed, by what comes before it.
func pairs(before, after []object) []pair {
	var out []pair
	taken := make([]bool, len(before))
	find := func(is func(object) bool) *object {
		for i := range before {
			if !taken[i] && is(before[i]) {
				taken[i] = true
				return &before[i]
			}
		}
		return nil
	}
	for i := range after {
		out = append(out, pair{find(func(o object) bool { return o.id == after[i].id }), &after[i]})
	}
	for i := range out {
		if out[i].before == nil {
			out[i].before = find(func(o object) bool { return o.generated() != "" && o.generated() == out[i].after.generated() })
		}
	}
	for i := range before {
		if !taken[i] {
			out = append(out, pair{&before[i], nil})
		}
	}
	return out
}

// generated is the object's id without the hash that kustomize puts at the end
// of a generated name, "" if there is none.
func (o object) generated() string {
	m := regexp.MustCompile(`\A((?:ConfigMap|Secret) .+)-[bcdfghkmt2456789]{10}\z`).FindStringSubmatch(o.id)
	if m == nil {
		return ""
	}
	return m[1]
}

// header names a pair of objects.
func (p pair) header() string {
	switch {
	case p.before == nil:
		return p.after.id + ": added"
	case p.after == nil:
		return p.before.id + ": removed"
	case p.before.id != p.after.id:
		return p.before.id + ": now " + p.after.id
	}
	return p.after.id
}

// lines are the object's, once what is secret in it is hidden.
func (o *object) lines() []string {
	if o == nil {
		return nil
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(o.root); err != nil {
		return []string{"(cannot be written as YAML)"}
	}
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}
