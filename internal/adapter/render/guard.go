package render

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core/message"
)

// kustomizationNames are the names that kustomize accepts.
func kustomizationNames() []string {
	return []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}
}

// reaches says what in a kustomization would have kustomize ask the network or
// start a program, or "". It errs on the safe side: what it does not know it
// takes for a path, and what could be an address for one. Keys count in any
// case, as in kustomize.
func reaches(content []byte) string {
	for d := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var doc yaml.Node
		err := d.Decode(&doc)
		switch {
		case errors.Is(err, io.EOF):
			return ""
		case err != nil:
			return "YAML that cannot be understood"
		case len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode:
			continue
		}
		if reason := reachesFrom(doc.Content[0]); reason != "" {
			return reason
		}
	}
}

func reachesFrom(top *yaml.Node) string {
	for i := 0; i+1 < len(top.Content); i += 2 {
		key, value := top.Content[i].Value, top.Content[i+1]
		switch {
		case slices.Contains(harmless(), key):
		case slices.Contains(programs(), strings.ToLower(key)):
			return key + ", which Sluice does not run"
		default:
			if reason := address(strings.ToLower(key), value, 0); reason != "" {
				return reason
			}
		}
	}
	return ""
}

// harmless are the keys that name no path.
func harmless() []string {
	return []string{
		"apiVersion", "kind", "metadata", "namespace", "namePrefix", "nameSuffix", "commonLabels", "commonAnnotations", "labels",
		"images", "replicas", "vars", "sortOptions", "buildMetadata", "generatorOptions",
	}
}

// programs are the keys, in lower case, under which kustomize runs functions
// or Helm, or reads what tells it to.
func programs() []string {
	return []string{"generators", "transformers", "validators", "helmcharts", "helmglobals", "helmchartinflationgenerator"}
}

// harmlessWithin are the keys of a patch, a generator or a replacement that
// name no path.
func harmlessWithin() []string {
	return []string{"patch", "target", "options", "literals", "name", "namespace", "behavior", "type", "source", "targets"}
}

// address finds a scalar below a key that kustomize could take for a place
// outside of the monorepo.
func address(key string, n *yaml.Node, depth int) string {
	switch {
	case depth > maxDepth:
		return "values that are nested too deep"
	case n.Kind == yaml.AliasNode:
		return address(key, n.Alias, depth+1)
	case n.Kind == yaml.ScalarNode:
		return scalarAddress(key, n)
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && (i%2 == 0 || slices.Contains(harmlessWithin(), n.Content[i-1].Value)) {
			continue
		}
		if reason := address(key, child, depth+1); reason != "" {
			return reason
		}
	}
	return ""
}

func scalarAddress(key string, n *yaml.Node) string {
	text := strings.ToLower(n.Value)
	directories := slices.Contains([]string{"resources", "bases", "components"}, key)
	switch {
	case n.Style&yaml.TaggedStyle != 0:
		return "a value with a tag of its own"
	case key == "patchesstrategicmerge" && (strings.Contains(text, "\n") || strings.HasPrefix(text, "{")):
		return "" // a patch, and not the path of one
	case strings.Contains(text, ":"), directories && (strings.Contains(text, "@") || strings.HasPrefix(text, "github.com") || strings.HasPrefix(text, "www.github.com")):
		return fmt.Sprintf("the remote resource %s", message.Plain(n.Value, 200))
	}
	return ""
}

// expandable tells whether a file stays of a sensible size once its aliases are
// written out. What is no YAML has none.
func expandable(content []byte) bool {
	if !bytes.ContainsRune(content, '&') || !bytes.ContainsRune(content, '*') {
		return true
	}
	for d := yaml.NewDecoder(bytes.NewReader(content)); ; {
		var doc yaml.Node
		if err := d.Decode(&doc); err != nil {
			return true
		}
		left := maxExpanded
		if !fits(&doc, &left, 0) {
			return false
		}
	}
}

func fits(n *yaml.Node, left *int, depth int) bool {
	if *left--; *left < 0 || depth > maxDepth {
		return false
	}
	if n.Kind == yaml.AliasNode {
		return fits(n.Alias, left, depth+1)
	}
	for _, child := range n.Content {
		if !fits(child, left, depth+1) {
			return false
		}
	}
	return true
}
