package policy_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"

	"github.com/sluice-gitops/sluice/internal/core/policy"
)

const schemaFile = "../../../docs/sluice.schema.json"

// schema is the part of JSON Schema that the policy's own uses.
type schema struct {
	Ref         string             `json:"$ref"`
	Type        string             `json:"type"`
	Description string             `json:"description"`
	Closed      *bool              `json:"additionalProperties"`
	Required    []string           `json:"required"`
	Properties  map[string]*schema `json:"properties"`
	Items       *schema            `json:"items"`
	AnyOf       []*schema          `json:"anyOf"`
	Enum        []any              `json:"enum"`
	MinItems    int                `json:"minItems"`
	MaxItems    int                `json:"maxItems"`
	Minimum     *int               `json:"minimum"`
	Maximum     *int               `json:"maximum"`
	Definitions map[string]*schema `json:"definitions"`
}

func readSchema(t *testing.T) *schema {
	t.Helper()
	src, err := os.ReadFile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	s := &schema{}
	if err := json.Unmarshal(src, s); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestSchemaSaysWhatIsRead asks the decoder, by what it says of wrong values,
// which keys, words, numbers and lengths it takes, and compares the schema for
// editors with that. Whoever adds a key to the policy adds it to the schema.
func TestSchemaSaysWhatIsRead(t *testing.T) {
	root := readSchema(t)
	p := &prober{t: t, root: root}
	p.object(root, nil)
	if p.objects < 10 {
		t.Errorf("only %d mappings were compared", p.objects)
	}
}

type prober struct {
	t       *testing.T
	root    *schema
	objects int
}

// resolve follows a reference into the definitions.
func (p *prober) resolve(s *schema) *schema {
	if name, ok := strings.CutPrefix(s.Ref, "#/definitions/"); ok {
		return p.root.Definitions[name]
	}
	return s
}

// say is what the decoder says of a value in some place; "[]" steps into a list.
func (p *prober) say(path []string, value any) (at string, said []string) {
	p.t.Helper()
	for _, step := range slices.Backward(path) {
		if step == "[]" {
			value = []any{value}
		} else {
			value = map[string]any{step: value}
		}
	}
	for _, step := range path {
		switch {
		case step == "[]":
			at += "[0]"
		case at == "":
			at = step
		default:
			at += "." + step
		}
	}
	src, err := yaml.Marshal(value)
	if err != nil {
		p.t.Fatal(err)
	}
	_, err = policy.Parse(policy.FileName, src)
	var problems policy.Problems
	errors.As(err, &problems)
	for _, found := range problems {
		if found.Path == at {
			said = append(said, found.Message)
		}
	}
	return at, said
}

// find is the first group of the first message that matches.
func find(said []string, pattern string) (string, bool) {
	for _, s := range said {
		if m := regexp.MustCompile(pattern).FindStringSubmatch(s); m != nil {
			return m[len(m)-1], true
		}
	}
	return "", false
}

func (p *prober) object(s *schema, path []string) {
	p.objects++
	at, said := p.say(path, map[string]any{"zz": 1})
	keys, _ := find(said, `unknown key "zz".*; the keys here are (.*)`)
	want := strings.Split(keys, ", ")
	var have, missing []string
	for key, property := range s.Properties {
		have = append(have, key)
		if property.Description == "" && p.resolve(property).Description == "" {
			p.t.Errorf("%s.%s has no description", at, key)
		}
		p.value(p.resolve(property), append(slices.Clip(path), key))
	}
	for _, m := range said {
		if key, ok := find([]string{m}, `^the key (\w+) is missing`); ok {
			missing = append(missing, key)
		}
	}
	for _, list := range [][]string{want, have, missing} {
		slices.Sort(list)
	}
	required := slices.Sorted(slices.Values(s.Required))
	if !slices.Equal(want, have) || !slices.Equal(missing, required) || s.Closed == nil || *s.Closed {
		p.t.Errorf("%s: the policy reads the keys %v, of which %v are required; %s has %v, requires %v, or allows others: correct it there",
			at, want, missing, schemaFile, have, required)
	}
}

func (p *prober) value(s *schema, path []string) {
	switch {
	case len(s.AnyOf) > 0:
		for _, one := range s.AnyOf {
			p.value(p.resolve(one), path)
		}
	case s.Type == "object":
		p.object(s, path)
	case s.Type == "array":
		p.list(s, path)
	default:
		p.scalar(s, path)
	}
}

func (p *prober) list(s *schema, path []string) {
	at, said := p.say(path, make([]int, 5000))
	if limit, ok := find(said, `at most (\d+) are allowed`); !ok || limit != fmt.Sprint(s.MaxItems) || s.MinItems < 1 {
		p.t.Errorf("%s: the policy reads a list of at most %s items (%v), the schema says %d to %d", at, limit, said, s.MinItems, s.MaxItems)
	}
	p.value(p.resolve(s.Items), append(slices.Clip(path), "[]"))
}

func (p *prober) scalar(s *schema, path []string) {
	at, said := p.say(path, map[string]any{"zz": 1})
	if keys, ok := find(said, `the keys here are (.*)`); ok {
		p.t.Errorf("%s: the policy reads a mapping with the keys %s, the schema says %q", at, keys, s.Type)
	}
	_, said = p.say(path, "zz")
	words, isEnum := find(said, `^found "zz".*; write ((?:\S+)(?: or \S+)+)$`)
	switch {
	case s.Type == "boolean":
		if _, ok := find(said, `write true or false`); !ok {
			p.t.Errorf("%s: the schema says that it is true or false, the policy does not: %v", at, said)
		}
	case s.Type == "integer" && len(s.Enum) == 0:
		if bounds, ok := find(said, `write a whole number from (\d+ to \d+)`); !ok || s.Minimum == nil || s.Maximum == nil || bounds != fmt.Sprintf("%d to %d", *s.Minimum, *s.Maximum) {
			p.t.Errorf("%s: the policy reads a number from %s (%v), the schema says otherwise", at, bounds, said)
		}
	case s.Type == "string" && slices.ContainsFunc(said, func(m string) bool {
		return strings.Contains(m, "write true or false") || strings.Contains(m, "whole number")
	}):
		p.t.Errorf("%s: the schema says that it is a text, the policy does not: %v", at, said)
	case s.Type == "string" && (isEnum || len(s.Enum) > 0):
		var have []string
		for _, e := range s.Enum {
			have = append(have, fmt.Sprint(e))
		}
		if got := strings.Join(have, " or "); got != words {
			p.t.Errorf("%s: the policy reads %q, the schema says %q", at, words, got)
		}
	}
}

// TestSchemaTakesWhatIsRead checks every policy of testdata that can be read,
// and the examples of the documentation, against the schema.
func TestSchemaTakesWhatIsRead(t *testing.T) {
	p := &prober{t: t, root: readSchema(t)}
	checked := 0
	check := func(name string, src []byte) {
		if _, err := policy.Parse(policy.FileName, src); err != nil {
			return
		}
		var doc any
		if err := yaml.Unmarshal(src, &doc); err != nil {
			t.Fatal(err)
		}
		checked++
		for _, why := range p.refuses(p.root, doc, "") {
			t.Errorf("%s: the schema refuses what is read: %s", name, why)
		}
	}
	files, _ := filepath.Glob("testdata/*.txtar")
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range archive.Files {
			check(file+" "+f.Name, f.Data)
		}
	}
	docs, err := os.ReadFile("../../../docs/policy.md")
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(docs, -1) {
		check(fmt.Sprintf("docs/policy.md, example %d", i+1), m[1])
	}
	if checked < 10 {
		t.Errorf("only %d policies were checked", checked)
	}
}

// refuses lists what the schema finds wrong with a value.
func (p *prober) refuses(s *schema, v any, at string) []string {
	s = p.resolve(s)
	if len(s.AnyOf) > 0 {
		var all []string
		for _, one := range s.AnyOf {
			why := p.refuses(one, v, at)
			if len(why) == 0 {
				return nil
			}
			all = append(all, why...)
		}
		return all
	}
	var out []string
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			if s.Properties[key] == nil {
				out = append(out, at+"."+key+" is unknown")
				continue
			}
			out = append(out, p.refuses(s.Properties[key], inner, at+"."+key)...)
		}
	case []any:
		if s.Type != "array" || len(v) < s.MinItems || len(v) > s.MaxItems {
			return []string{at + " is a list"}
		}
		for i, inner := range v {
			out = append(out, p.refuses(s.Items, inner, fmt.Sprintf("%s[%d]", at, i))...)
		}
	default:
		types := map[string]string{"string": "string", "bool": "boolean", "int": "integer"}
		if _, ok := v.(time.Time); !ok && types[fmt.Sprintf("%T", v)] != s.Type {
			return []string{fmt.Sprintf("%s is a %T", at, v)}
		}
		if len(s.Enum) > 0 && !slices.ContainsFunc(s.Enum, func(e any) bool { return fmt.Sprint(e) == fmt.Sprint(v) }) {
			out = append(out, fmt.Sprintf("%s is %v", at, v))
		}
	}
	return out
}
