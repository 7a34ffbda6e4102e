package schema

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/lint"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

const (
	// maxDepth bounds how deep a value, or a schema, is followed.
	maxDepth = 100
	// maxViolations bounds what is told of one object: nobody reads more.
	maxViolations = 20
	// maxNodes bounds what is looked at of one object: aliases of aliases can make
	// billions of a few lines.
	maxNodes = 200_000
)

// walk judges one object.
type walk struct {
	set   *Set
	title string
	found []lint.Violation
	nodes int
}

// Check tells what an API server would not take, at most twenty things.
func (s *Set) Check(object yamledit.Node) []lint.Violation {
	apiVersion, kind := text(object, "apiVersion"), text(object, "kind")
	w := &walk{set: s, title: kind}
	if apiVersion == "" || kind == "" {
		w.tell(nil, "an object without "+missing(apiVersion, "apiVersion", "kind"), "write apiVersion and kind")
		return w.found
	}
	if at, ok := removed(apiVersion, kind); ok {
		w.found = append(w.found, lint.Violation{Path: yamledit.Path{yamledit.Key("apiVersion")}, Removed: true,
			Reason: fmt.Sprintf("%s of %s is gone since %s", kind, apiVersion, at.since), Fix: "use " + at.instead})
		return w.found
	}
	group, version := gvk(apiVersion)
	of := s.lookup("k/" + group + "/" + version + "/" + kind)
	if of == nil {
		w.version(group, apiVersion, kind)
		return w.found
	}
	w.value(object, of, nil)
	return w.found
}

func missing(apiVersion, first, second string) string {
	if apiVersion == "" {
		return first
	}
	return second
}

// version tells of a version of a kind of Kubernetes and of Flux that does not
// exist. Those of others come and go with their releases.
func (w *walk) version(group, apiVersion, kind string) {
	known := w.set.versions[group+"/"+kind]
	ours := !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") && group != "gateway.networking.k8s.io" || strings.HasSuffix(group, ".toolkit.fluxcd.io")
	if len(known) == 0 || !ours {
		return
	}
	instead := known[len(known)-1]
	if group != "" {
		instead = group + "/" + instead
	}
	w.tell(yamledit.Path{yamledit.Key("apiVersion")}, "there is no "+kind+" of "+apiVersion, "use "+instead)
}

func (w *walk) tell(at yamledit.Path, reason, fix string) {
	if len(w.found) < maxViolations {
		w.found = append(w.found, lint.Violation{Path: slices.Clone(at), Reason: reason, Fix: fix})
	}
}

// name is a path as people write it.
func (w *walk) name(at yamledit.Path) string { return w.title + ": " + at.String() }

func (w *walk) value(n yamledit.Node, of *schema, at yamledit.Path) {
	of = w.set.resolve(of)
	if w.nodes++; w.nodes > maxNodes {
		return
	}
	if n.Kind() == yamledit.Alias {
		n = n.Target()
	}
	if of == nil || len(at) > maxDepth || n.Kind() == yamledit.Unclear || n.IsNull() || strings.Contains(n.Text(), "${") || strings.HasPrefix(n.Text(), "ENC[") {
		return
	}
	switch n.Kind() {
	case yamledit.Mapping:
		w.mapping(n, of, at)
	case yamledit.Sequence:
		w.sequence(n, of, at)
	case yamledit.Scalar:
		w.scalar(n, of, at)
	}
}

func (w *walk) mapping(n yamledit.Node, of *schema, at yamledit.Path) {
	if of.Type != "" && of.Type != "object" || of.IntOrText {
		w.tell(at, w.name(at)+" is a mapping; want "+of.wanted(), "write "+of.wanted())
		return
	}
	seen := map[string]bool{}
	for pair := range n.Pairs() {
		seen[pair.Key] = !pair.Value.IsNull()
		here := append(at, yamledit.Key(pair.Key))
		switch next, ok := of.Properties[pair.Key]; {
		case ok:
			w.value(pair.Value, next, here)
		case of.Values != nil:
			w.value(pair.Value, of.Values, here)
		case of.Any || of.Properties == nil || pair.Key == "<<", pair.Key == "sops" && len(at) == 0:
		default:
			w.unknown(pair.Key, of, at)
		}
	}
	for _, key := range of.Required {
		if !seen[key] {
			w.tell(at, strings.TrimSuffix(w.name(at), ": ")+" has no "+key+", which is required", "add "+key)
		}
	}
}

func (w *walk) unknown(key string, of *schema, at yamledit.Path) {
	known := slices.Sorted(maps.Keys(of.Properties))
	fix := "remove it, or move it to where it belongs"
	if near := policy.Nearest(key, known); near != "" {
		fix = "did you mean " + near + "?"
	}
	w.tell(append(at, yamledit.Key(key)), fmt.Sprintf("%s has no field %q", strings.TrimSuffix(w.name(at), ": "), key), fix)
}

func (w *walk) sequence(n yamledit.Node, of *schema, at yamledit.Path) {
	if of.Type != "" && of.Type != "array" || of.IntOrText {
		w.tell(at, w.name(at)+" is a list; want "+of.wanted(), "write "+of.wanted())
		return
	}
	items := n.Items()
	if len(items) < of.MinItems || of.MaxItems != nil && len(items) > *of.MaxItems {
		w.tell(at, fmt.Sprintf("%s has %d items, which is too few or too many", w.name(at), len(items)), "correct the list")
	}
	for i, item := range items {
		w.value(item, of.Items, append(at, yamledit.Index(i)))
	}
	w.twice(items, of.Keys, at)
}

// twice finds items that an API server takes for the same.
func (w *walk) twice(items []yamledit.Node, keys []string, at yamledit.Path) {
	seen := map[string]bool{}
	for i, item := range items {
		var id []string
		for _, key := range keys {
			if value, ok := item.Get(key); ok {
				id = append(id, key+" "+value.Text())
			}
		}
		joined := strings.Join(id, ", ")
		if len(keys) > 0 && len(id) == len(keys) && seen[joined] && !strings.Contains(joined, "${") {
			w.tell(append(at, yamledit.Index(i)), w.name(at)+" has two items with "+joined, "remove one of them")
		}
		seen[joined] = true
	}
}

func (w *walk) scalar(n yamledit.Node, of *schema, at yamledit.Path) {
	if !of.fits(n) {
		w.tell(at, fmt.Sprintf("%s is %s; want %s", w.name(at), kindOf(n), of.wanted()), "write "+of.wanted())
		return
	}
	switch value := n.Text(); {
	case len(of.Enum) > 0 && !slices.Contains(of.Enum, value):
		w.tell(at, fmt.Sprintf("%s is %s; want one of %s", w.name(at), said(n), strings.Join(of.Enum, ", ")), "write one of these")
	case n.IsString() && (len([]rune(value)) < of.MinLength || of.MaxLength != nil && len([]rune(value)) > *of.MaxLength):
		w.tell(at, fmt.Sprintf("%s has %d characters, which is too short or too long", w.name(at), len([]rune(value))), "correct it")
	case n.IsString() && !matches(of.Pattern, value):
		w.tell(at, fmt.Sprintf("%s is %s, which does not match %s", w.name(at), said(n), of.Pattern), "correct it")
	case !n.IsString() && !of.within(value):
		w.tell(at, w.name(at)+" is too small or too large", "correct it")
	}
}

// kindOf says what a scalar is without showing it: it may be a password that was
// meant to be a string.
func kindOf(n yamledit.Node) string {
	switch text := n.Text(); {
	case n.IsString():
		return "a string"
	case text == "true" || text == "false":
		return "a boolean"
	}
	return "a number"
}

// said shows a short value of those that an API lists or gives a shape, which no
// secret has.
func said(n yamledit.Node) string {
	if text := n.Text(); len(text) <= 60 && !strings.Contains(text, "\n") {
		if n.IsString() {
			return strconv.Quote(text)
		}
		return text
	}
	return "a text"
}

func matches(pattern, value string) bool {
	if pattern == "" {
		return true
	}
	re, err := regexp.Compile(pattern)
	return err != nil || re.MatchString(value)
}

func (of *schema) within(value string) bool {
	number, err := strconv.ParseFloat(value, 64)
	return err != nil || (of.Minimum == nil || number >= *of.Minimum) && (of.Maximum == nil || number <= *of.Maximum)
}

// fits tells whether a scalar is of the type that is wanted.
func (of *schema) fits(n yamledit.Node) bool {
	_, notInteger := strconv.ParseInt(n.Text(), 0, 64)
	_, notNumber := strconv.ParseFloat(n.Text(), 64)
	boolean := n.Text() == "true" || n.Text() == "false"
	switch {
	case of.IntOrText:
		return n.IsString() || notInteger == nil || of.Quantity && notNumber == nil
	case of.Any && of.Type == "":
		return true
	case of.Type == "string":
		return n.IsString()
	case of.Type == "integer":
		return !n.IsString() && notInteger == nil
	case of.Type == "number":
		return !n.IsString() && (notInteger == nil || notNumber == nil)
	case of.Type == "boolean":
		return !n.IsString() && boolean
	}
	return of.Type == "" && of.Properties == nil && of.Items == nil
}

// wanted is a type in words.
func (of *schema) wanted() string {
	switch {
	case of.Quantity:
		return "a quantity, such as 100m or 2Gi"
	case of.IntOrText:
		return "a number or a string"
	case of.Type == "object" || of.Properties != nil:
		return "a mapping"
	case of.Type == "array":
		return "a list"
	case of.Type == "integer":
		return "a whole number"
	case of.Type == "boolean":
		return "true or false"
	case of.Type == "string":
		return "a string: put it in quotes"
	}
	return "a " + of.Type
}

var _ lint.Checker = (*Set)(nil)
