// Command schemas makes the bundle of internal/core/schema: what Kubernetes, Flux
// and the components of the reference monorepo take, without the words about it.
// It reads the modules named in sources, which Go's proxy serves; the bundle names
// them as well.
//
//	go run . ../../internal/core/schema/bundle.zip
package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// source is a module and where its schemas lie: OpenAPI of the API server, or
// files of CustomResourceDefinitions.
type source struct {
	module, version, files string
}

const kubernetes = "k8s.io/kubernetes"

func sources() []source {
	return []source{
		{kubernetes, "v1.36.3", "api/openapi-spec/swagger.json"},
		{"github.com/fluxcd/source-controller", "v1.9.2", "config/crd/bases/*.yaml"},
		{"github.com/fluxcd/kustomize-controller", "v1.9.5", "config/crd/bases/*.yaml"},
		{"github.com/fluxcd/helm-controller", "v1.6.3", "config/crd/bases/*.yaml"},
		{"github.com/fluxcd/notification-controller", "v1.9.3", "config/crd/bases/*.yaml"},
		{"github.com/cert-manager/cert-manager", "v1.21.2", "deploy/crds/*.yaml"},
		{"github.com/external-secrets/external-secrets", "v1.3.2", "config/crds/bases/*.yaml"},
		{"github.com/kyverno/kyverno", "v1.19.1", "config/crds/*/*.yaml"},
		{"github.com/bitnami-labs/sealed-secrets", "v0.40.0", "helm/sealed-secrets/crds/*.yaml"},
		{"sigs.k8s.io/gateway-api", "v1.6.3", "config/crd/standard/*.yaml"},
		{"github.com/prometheus-operator/prometheus-operator", "v0.85.0", "example/prometheus-operator-crd/*.yaml"},
	}
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("name the bundle to write")
	}
	if err := bundle(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func bundle(out string) error {
	entries, used := map[string]any{}, []string{}
	for _, s := range sources() {
		dir, err := download(s)
		if err != nil {
			return err
		}
		files, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(s.files)))
		if err != nil || len(files) == 0 {
			return fmt.Errorf("%s@%s has no %s", s.module, s.version, s.files)
		}
		for _, f := range files {
			if err := read(f, entries); err != nil {
				return fmt.Errorf("%s: %w", f, err)
			}
		}
		if s.module == kubernetes {
			if err := enums(filepath.Join(dir, "pkg/generated/openapi/zz_generated.openapi.go"), entries); err != nil {
				return err
			}
		}
		used = append(used, s.module+" "+s.version)
	}
	return write(out, entries, used)
}

func download(s source) (string, error) {
	out, err := exec.Command("go", "mod", "download", "-json", s.module+"@"+s.version).Output()
	if err != nil {
		return "", fmt.Errorf("download %s@%s: %w: %s", s.module, s.version, err, out)
	}
	var m struct{ Dir string }
	return m.Dir, errors.Join(json.Unmarshal(out, &m))
}

func read(file string, entries map[string]any) error {
	src, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if strings.HasSuffix(file, ".json") {
		return openAPI(src, entries)
	}
	for d := yaml.NewDecoder(bytes.NewReader(src)); ; {
		var crd map[string]any
		switch err := d.Decode(&crd); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case crd["kind"] == "CustomResourceDefinition":
			definition(crd, entries)
		}
	}
}

// openAPI takes the definitions of the API server, which name each other.
func openAPI(src []byte, entries map[string]any) error {
	var doc struct{ Definitions map[string]map[string]any }
	if err := json.Unmarshal(src, &doc); err != nil {
		return err
	}
	for name, def := range doc.Definitions {
		entries["d/"+name] = trim(name, def)
		kinds, _ := def["x-kubernetes-group-version-kind"].([]any)
		for _, k := range kinds {
			gvk := k.(map[string]any)
			kind := gvk["kind"].(string)
			if len(kinds) == 1 && !strings.HasSuffix(kind, "List") {
				unreported(entries["d/"+name].(map[string]any), true)
				entries[key(gvk["group"].(string), gvk["version"].(string), kind)] = map[string]any{"ref": name}
			}
		}
	}
	return nil
}

func key(group, version, kind string) string { return "k/" + group + "/" + version + "/" + kind }

func definition(crd map[string]any, entries map[string]any) {
	spec := crd["spec"].(map[string]any)
	kind := spec["names"].(map[string]any)["kind"].(string)
	for _, v := range spec["versions"].([]any) {
		version := v.(map[string]any)
		schema, ok := version["schema"].(map[string]any)
		if version["served"] != true || !ok {
			continue
		}
		s := trim("", schema["openAPIV3Schema"].(map[string]any))
		closed(s)
		properties, _ := s["p"].(map[string]any)
		if properties == nil {
			continue
		}
		subresources, _ := version["subresources"].(map[string]any)
		unreported(s, subresources["status"] != nil)
		properties["metadata"] = map[string]any{"ref": "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
		entries[key(spec["group"].(string), version["name"].(string), kind)] = s
	}
}

// closed marks objects of custom resources that name no field: an API server keeps
// none of what stands there.
func closed(s map[string]any) {
	if s["t"] == "object" && s["p"] == nil && s["a"] == nil && s["any"] == nil {
		s["p"] = map[string]any{}
	}
	properties, _ := s["p"].(map[string]any)
	for _, p := range properties {
		closed(p.(map[string]any))
	}
	for _, below := range []any{s["i"], s["a"]} {
		if below, ok := below.(map[string]any); ok {
			closed(below)
		}
	}
}

// unreported takes out what a controller reports in an object: an API server drops
// it from what is applied.
func unreported(s map[string]any, subresource bool) {
	properties, _ := s["p"].(map[string]any)
	if status, ok := properties["status"].(map[string]any); ok && subresource && status["t"] != "string" {
		properties["status"] = map[string]any{"any": true}
		s["r"] = without(s["r"], "status")
	}
}

func without(required any, key string) []any {
	list, _ := required.([]any)
	return slices.DeleteFunc(slices.Clone(list), func(one any) bool { return one == key })
}

// renamed are the keywords that the bundle keeps, and its names for them.
func renamed() map[string]string {
	return map[string]string{
		"type": "t", "required": "r", "pattern": "re", "minimum": "min", "maximum": "max", "minLength": "minl", "maxLength": "maxl",
		"minItems": "mini", "maxItems": "maxi", "x-kubernetes-int-or-string": "ios", "x-kubernetes-preserve-unknown-fields": "any",
		"x-kubernetes-embedded-resource": "any", "x-kubernetes-list-map-keys": "keys",
		"minProperties": "minp", "maxProperties": "maxp", "nullable": "n",
	}
}

// trim keeps what decides whether an object is taken. name is that of a
// definition, some of which mean more than they say.
func trim(name string, s map[string]any) map[string]any {
	out := map[string]any{}
	switch {
	case strings.HasSuffix(name, ".IntOrString"):
		return map[string]any{"ios": true, "i32": true}
	case strings.HasSuffix(name, ".Quantity"):
		return map[string]any{"ios": true, "q": true}
	case strings.HasSuffix(name, ".RawExtension"), strings.HasSuffix(name, ".FieldsV1"), strings.HasSuffix(name, ".JSON"), strings.HasSuffix(name, ".JSONSchemaProps"):
		return map[string]any{"any": true}
	}
	for from, to := range renamed() {
		if v, ok := s[from]; ok && v != false {
			out[to] = v
		}
	}
	if s["x-kubernetes-list-type"] == "set" {
		out["set"] = true
	}
	switch s["format"] {
	case "int32":
		out["i32"] = true
	case "byte":
		out["b64"] = true
	case "date-time":
		out["time"] = true
	}
	if enum, ok := s["enum"].([]any); ok {
		var texts []string
		for _, e := range enum {
			texts = append(texts, fmt.Sprint(e))
		}
		out["e"] = texts
	}
	if ref, ok := s["$ref"].(string); ok {
		out["ref"] = strings.TrimPrefix(ref, "#/definitions/")
	}
	if properties, ok := s["properties"].(map[string]any); ok {
		kept := map[string]any{}
		for k, v := range properties {
			kept[k] = trim("", v.(map[string]any))
			// The API server fills in what has a default before it looks for what is missing.
			if _, ok := v.(map[string]any)["default"]; ok && out["r"] != nil {
				out["r"] = without(out["r"], k)
			}
		}
		out["p"] = kept
	}
	if items, ok := s["items"].(map[string]any); ok {
		out["i"] = trim("", items)
	}
	switch more := s["additionalProperties"].(type) {
	case map[string]any:
		out["a"] = trim("", more)
	case bool:
		if more {
			out["any"] = true
		}
	}
	return out
}

func write(out string, entries map[string]any, used []string) error {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	put := func(name string, content []byte) error {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
		if err == nil {
			_, err = w.Write(content)
		}
		return err
	}
	if err := put("sources", []byte(strings.Join(used, "\n")+"\n")); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(entries)) {
		content, err := json.Marshal(entries[name])
		if err == nil {
			err = put(name, content)
		}
		if err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	fmt.Printf("%d entries, %d bytes\n", len(entries), b.Len())
	return os.WriteFile(out, b.Bytes(), 0o644)
}
