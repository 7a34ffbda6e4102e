package policy

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decoder turns YAML nodes into values and collects what is wrong with them.
// It never stops at the first problem; what it could not read is left zero.
type decoder struct {
	file     string
	problems Problems
}

// place is a node and the way to it.
type place struct {
	*yaml.Node
	path string
}

// key is the way to the value of a key.
func (p place) key(k string) string {
	if p.path == "" {
		return k
	}
	return p.path + "." + k
}

// item is an item of a list, counted from 0 as in the messages of other tools.
func (p place) item(i int) place {
	return place{p.Content[i], p.path + "[" + strconv.Itoa(i) + "]"}
}

// report collects a problem. The format ends with what to do about it; foreign
// text goes into it through quote alone.
func (d *decoder) report(at place, format string, args ...any) {
	d.problems = append(d.problems, Problem{
		File: d.file, Line: max(1, at.Line), Column: max(1, at.Column), Path: at.path,
		Message: fmt.Sprintf(format, args...),
	})
}

// field is a key that a mapping may have. Adding one here is all it takes to
// teach the policy a new key; what is not listed is an error.
type field struct {
	key      string
	required bool
	read     func(place)
}

// mapping reads a mapping whose only keys are those of the fields. It returns
// the keys that were there.
func (d *decoder) mapping(at place, fields ...field) []string {
	known := make([]string, len(fields))
	for i, f := range fields {
		known[i] = f.key
	}
	if !d.is(at, yaml.MappingNode, "a mapping with the keys "+strings.Join(known, ", ")) {
		return nil
	}
	var seen []string
	for i := 0; i+1 < len(at.Content); i += 2 {
		name := place{at.Content[i], at.path}
		if d.checkKey(name, known, seen) {
			seen = append(seen, name.Value)
			fields[slices.Index(known, name.Value)].read(place{at.Content[i+1], at.key(name.Value)})
		}
	}
	for _, f := range fields {
		if f.required && !slices.Contains(seen, f.key) {
			d.report(at, "the key %s is missing; add it", f.key)
		}
	}
	return seen
}

// checkKey compares keys by their text, whatever its type: YAML 1.1 would read
// an unquoted key such as "on" as a boolean.
func (d *decoder) checkKey(name place, known, seen []string) bool {
	switch {
	case name.Kind == yaml.AliasNode:
		return false // reported already
	case name.Kind != yaml.ScalarNode:
		d.report(name, "%s stands where a key is expected; the keys are %s", describe(name.Node), strings.Join(known, ", "))
	case !slices.Contains(known, name.Value):
		d.report(name, "unknown key %s%s; the keys here are %s",
			quote(name.Value), didYouMean(name.Value, known), strings.Join(known, ", "))
	case slices.Contains(seen, name.Value):
		d.report(name, "the key %s stands here twice; keep one", name.Value)
	default:
		return true
	}
	return false
}

// list reads each item of a list that has at least one and at most limit.
func (d *decoder) list(at place, limit int, read func(place)) {
	if !d.is(at, yaml.SequenceNode, "a list") {
		return
	}
	if len(at.Content) == 0 {
		d.report(at, "found an empty list; fill it or leave the key out")
	}
	if len(at.Content) > limit {
		d.report(at, "found %d items; at most %d are allowed", len(at.Content), limit)
		return
	}
	for i := range at.Content {
		read(at.item(i))
	}
}

// scalarOrList reads one item or a list of items.
func (d *decoder) scalarOrList(at place, limit int, read func(place)) {
	if at.Kind == yaml.ScalarNode {
		read(at)
		return
	}
	d.list(at, limit, read)
}

// text reads a string that is not empty.
func (d *decoder) text(at place) (string, bool) {
	if !d.scalar(at, "!!str", "text") {
		return "", false
	}
	if at.Value == "" {
		d.report(at, "found an empty text; write a value or leave the key out")
		return "", false
	}
	return at.Value, true
}

// oneOf reads a text that must be one of the values, the first of which is
// returned where it is not.
func oneOf[T ~string](d *decoder, at place, values ...T) T {
	names := make([]string, len(values))
	for i, v := range values {
		names[i] = string(v)
	}
	text, ok := d.text(at)
	if ok && !slices.Contains(names, text) {
		d.report(at, "found %s%s; write %s", quote(text), didYouMean(text, names), strings.Join(names, " or "))
		ok = false
	}
	if !ok {
		return values[0]
	}
	return T(text)
}

// boolean reads true or false; where it is neither, it returns the safe value.
func (d *decoder) boolean(at place, safe bool) bool {
	if !d.scalar(at, "!!bool", "true or false") {
		return safe
	}
	return strings.EqualFold(at.Value, "true")
}

// integer reads a whole number from low to high.
func (d *decoder) integer(at place, low, high int) (int, bool) {
	if !d.scalar(at, "!!int", fmt.Sprintf("a whole number from %d to %d", low, high)) {
		return 0, false
	}
	n, err := strconv.Atoi(at.Value)
	if err != nil || n < low || n > high {
		d.report(at, "found %s; write a whole number from %d to %d", quote(at.Value), low, high)
		return 0, false
	}
	return n, true
}

// scalar insists on the type as written. Nothing is converted: a version 1.10
// that YAML reads as the number 1.1 must be quoted, not guessed.
func (d *decoder) scalar(at place, tag, want string) bool {
	if !d.is(at, yaml.ScalarNode, want) {
		return false
	}
	if at.ShortTag() == tag {
		return true
	}
	if tag == "!!str" && at.ShortTag() != "!!null" {
		want += ", in quotes"
	}
	d.report(at, "found %s; write %s", describe(at.Node), want)
	return false
}

// is keeps silent about aliases: they are reported before the decoding.
func (d *decoder) is(at place, kind yaml.Kind, want string) bool {
	if at.Kind != kind && at.Kind != yaml.AliasNode {
		d.report(at, "found %s; write %s", describe(at.Node), want)
	}
	return at.Kind == kind
}

// describe names what stands in the file.
func describe(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	kinds := map[string]string{"!!int": "the number ", "!!float": "the number ", "!!bool": "the value ", "!!timestamp": "the date "}
	if n.ShortTag() == "!!null" {
		return "nothing"
	}
	if kind, ok := kinds[n.ShortTag()]; ok {
		return kind + strings.Trim(quote(n.Value), `"`)
	}
	return "the text " + quote(n.Value)
}
