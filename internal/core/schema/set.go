package schema

import (
	"archive/zip"
	"bytes"
	_ "embed"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

//go:embed bundle.zip
var bundle []byte

// maxEntry bounds one entry of the bundle, in bytes; the largest, of Kyverno, has
// half a megabyte.
const maxEntry = 8 << 20

// schema is what one value may be. The names are those of test/schemas.
type schema struct {
	Type       string             `json:"t"`
	Properties map[string]*schema `json:"p"`
	Required   []string           `json:"r"`
	Items      *schema            `json:"i"`
	Values     *schema            `json:"a"` // of additional properties
	Enum       []string           `json:"e"`
	Ref        string             `json:"ref"`
	Any        bool               `json:"any"` // whatever it holds is kept
	IntOrText  bool               `json:"ios"`
	Quantity   bool               `json:"q"`
	Pattern    string             `json:"re"`
	Minimum    *float64           `json:"min"`
	Maximum    *float64           `json:"max"`
	MinLength  int                `json:"minl"`
	MaxLength  *int               `json:"maxl"`
	MinItems   int                `json:"mini"`
	MaxItems   *int               `json:"maxi"`
	Keys       []string           `json:"keys"` // by which the items of a list are told apart
	Set        bool               `json:"set"`  // no scalar is there twice
	Small      bool               `json:"i32"`  // a whole number of 32 bits
	Base64     bool               `json:"b64"`
	Time       bool               `json:"time"`
	MinFields  int                `json:"minp"`
	MaxFields  *int               `json:"maxp"`
	Nullable   bool               `json:"n"`

	compiled *regexp.Regexp // of Pattern, when it was first needed
}

// Set is all APIs that are known. It reads from its bundle what it is asked for,
// and remembers that; it must not be used by two goroutines at once.
type Set struct {
	entries  map[string]*zip.File
	read     map[string]*schema // by entry; nil if there is none
	versions map[string][]string
	kinds    map[string][]string // by group
}

// Load opens the bundle that comes with the program.
func Load() (*Set, error) {
	z, err := zip.NewReader(bytes.NewReader(bundle), int64(len(bundle)))
	if err != nil {
		return nil, core.Errorf(core.Internal, "open the bundle of schemas: %w", err)
	}
	s := &Set{entries: map[string]*zip.File{}, read: map[string]*schema{}, versions: map[string][]string{}, kinds: map[string][]string{}}
	for _, f := range z.File {
		s.entries[f.Name] = f
		if parts := strings.Split(f.Name, "/"); parts[0] == "k" {
			s.version(parts[1], parts[2], parts[3])
		}
	}
	return s, nil
}

// version notes a version of a kind. The last one is the one to use.
func (s *Set) version(group, version, kind string) {
	id := group + "/" + kind
	if !slices.Contains(s.kinds[group], kind) {
		s.kinds[group] = append(s.kinds[group], kind)
	}
	if !slices.Contains(s.versions[id], version) {
		s.versions[id] = append(s.versions[id], version)
		slices.SortStableFunc(s.versions[id], func(a, b string) int { return stability(a) - stability(b) })
	}
}

// stability orders alpha before beta before the rest.
func stability(version string) int {
	switch {
	case strings.Contains(version, "alpha"):
		return 0
	case strings.Contains(version, "beta"):
		return 1
	}
	return 2
}

// lookup reads an entry; nil if there is none that can be read.
func (s *Set) lookup(name string) *schema {
	if found, ok := s.read[name]; ok {
		return found
	}
	s.read[name] = nil
	f := s.entries[name]
	if f == nil {
		return nil
	}
	r, err := f.Open()
	if err != nil {
		return nil
	}
	defer r.Close() //nolint:errcheck // it was only read
	content, err := io.ReadAll(io.LimitReader(r, maxEntry))
	out := &schema{}
	if err != nil || json.Unmarshal(content, out) != nil {
		return nil
	}
	s.read[name] = out
	return out
}

// resolve follows a reference to a definition.
func (s *Set) resolve(of *schema) *schema {
	for depth := 0; of != nil && of.Ref != "" && depth < 10; depth++ {
		of = s.lookup("d/" + of.Ref)
	}
	return of
}

func gvk(apiVersion string) (group, version string) {
	group, version, ok := strings.Cut(apiVersion, "/")
	if !ok {
		return "", group
	}
	return group, version
}

// Learn makes the API of a CustomResourceDefinition known. What it says counts,
// also where the bundle says otherwise: it is what the cluster will have.
func (s *Set) Learn(crd yamledit.Node) {
	group, kind := text(crd, "spec", "group"), text(crd, "spec", "names", "kind")
	list, _ := crd.Get("spec", "versions")
	if group == "" || kind == "" || len(list.Items()) == 0 {
		return
	}
	s.versions[group+"/"+kind] = nil
	for _, v := range list.Items() {
		open, ok := v.Get("schema", "openAPIV3Schema")
		name := text(v, "name")
		if text(v, "served") != "true" || name == "" {
			continue
		}
		s.version(group, name, kind)
		of := &schema{Any: true}
		if ok {
			of = learnt(open, 0)
		}
		if of.Properties != nil {
			of.Properties["metadata"] = &schema{Ref: "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}
		}
		s.read["k/"+group+"/"+name+"/"+kind] = of
	}
}

// learnt reads the part of a schema that is judged by.
func learnt(n yamledit.Node, depth int) *schema {
	if depth > maxDepth {
		return &schema{Any: true}
	}
	out := &schema{
		Type: text(n, "type"), Pattern: text(n, "pattern"), IntOrText: text(n, "x-kubernetes-int-or-string") == "true",
		Any:      text(n, "x-kubernetes-preserve-unknown-fields") == "true" || text(n, "x-kubernetes-embedded-resource") == "true",
		Required: texts(n, "required"), Enum: texts(n, "enum"), Keys: texts(n, "x-kubernetes-list-map-keys"),
		Set: text(n, "x-kubernetes-list-type") == "set", Nullable: text(n, "nullable") == "true", Small: text(n, "format") == "int32", Base64: text(n, "format") == "byte", Time: text(n, "format") == "date-time",
	}
	out.bounded(n)
	properties, ok := n.Get("properties")
	if _, open := n.Get("additionalProperties"); ok || out.Type == "object" && !open {
		out.Properties = map[string]*schema{} // without any, an API server keeps none
		for pair := range properties.Pairs() {
			out.Properties[pair.Key] = learnt(pair.Value, depth+1)
			// The API server fills in what has a default before it looks for what is missing.
			if _, ok := pair.Value.Get("default"); ok {
				out.Required = slices.DeleteFunc(out.Required, func(key string) bool { return key == pair.Key })
			}
		}
	}
	if items, ok := n.Get("items"); ok {
		out.Items = learnt(items, depth+1)
	}
	switch more, ok := n.Get("additionalProperties"); {
	case ok && more.Kind() == yamledit.Mapping:
		out.Values = learnt(more, depth+1)
	case more.Text() == "true":
		out.Any = true
	}
	return out
}

func (of *schema) bounded(n yamledit.Node) {
	of.MinLength, of.MaxLength = count(n, "minLength"), limit(n, "maxLength")
	of.MinItems, of.MaxItems = count(n, "minItems"), limit(n, "maxItems")
	of.MinFields, of.MaxFields = count(n, "minProperties"), limit(n, "maxProperties")
	of.Minimum, of.Maximum = number(n, "minimum"), number(n, "maximum")
}

func number(n yamledit.Node, key string) *float64 {
	value, err := strconv.ParseFloat(text(n, key), 64)
	if err != nil {
		return nil
	}
	return &value
}

func limit(n yamledit.Node, key string) *int {
	value, err := strconv.Atoi(text(n, key))
	if err != nil {
		return nil
	}
	return &value
}

func count(n yamledit.Node, key string) int {
	if value := limit(n, key); value != nil {
		return *value
	}
	return 0
}

func text(n yamledit.Node, keys ...string) string {
	found, _ := n.Get(keys...)
	return found.Text()
}

func texts(n yamledit.Node, key string) []string {
	var out []string
	list, _ := n.Get(key)
	for _, item := range list.Items() {
		out = append(out, item.Text())
	}
	return out
}
