package schema

import (
	"fmt"
	"maps"
	"math"
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

// version tells of a version or a kind of Kubernetes and of Flux that does not
// exist. Those of others come and go with their releases.
func (w *walk) version(group, apiVersion, kind string) {
	known := w.set.versions[group+"/"+kind]
	ours := !strings.Contains(group, ".") || strings.HasSuffix(group, ".k8s.io") && group != "gateway.networking.k8s.io" || strings.HasSuffix(group, ".toolkit.fluxcd.io")
	if !ours {
		return
	}
	if len(known) == 0 {
		if near := policy.Nearest(kind, w.set.kinds[group]); near != "" && kind != near+"List" {
			w.tell(yamledit.Path{yamledit.Key("kind")}, "there is no kind "+kind+" in "+apiVersion, "did you mean "+near+"?")
		}
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
		seen[pair.Key] = !pair.Value.IsNull() || of.nullable(pair.Key)
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
	fields := 0
	for _, there := range seen {
		if there {
			fields++
		}
	}
	if !seen["<<"] && (fields < of.MinFields || of.MaxFields != nil && fields > *of.MaxFields) {
		w.tell(at, fmt.Sprintf("%s has %d fields, which is too few or too many", w.name(at), fields), "leave those that are meant")
	}
	for _, key := range of.Required {
		if !seen[key] && !seen["<<"] {
			w.tell(at, strings.TrimSuffix(w.name(at), ": ")+" has no "+key+", which is required", "add "+key)
		}
	}
}

// nullable tells whether null is a value of a field, and not the same as none.
func (of *schema) nullable(key string) bool {
	p := of.Properties[key]
	return p != nil && p.Nullable
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
	one := w.set.resolve(of.Items)
	for i, item := range items {
		here := append(at, yamledit.Index(i))
		if item.IsNull() && one != nil && !one.Nullable && (one.Type != "" || one.IntOrText) {
			w.tell(here, w.name(here)+" is empty; want "+one.wanted(), "write it, or remove the item")
		}
		w.value(item, one, here)
	}
	w.twice(items, of.Keys, at)
	if of.Set {
		w.repeated(items, at)
	}
}

// repeated finds scalars that a list has twice although it may not.
func (w *walk) repeated(items []yamledit.Node, at yamledit.Path) {
	seen := make(map[string]bool, len(items))
	for i, item := range items {
		text := item.Text()
		if text != "" && seen[text] && !strings.Contains(text, "${") {
			w.tell(append(at, yamledit.Index(i)), w.name(at)+" has the same item twice", "remove one of them")
		}
		seen[text] = true
	}
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
		w.tell(at, fmt.Sprintf("%s is %s; want one of %s", w.name(at), said(n), strings.TrimPrefix(strings.Join(of.Enum, ", "), ", ")), "write one of these")
	case n.IsString() && (len([]rune(value)) < of.MinLength || of.MaxLength != nil && len([]rune(value)) > *of.MaxLength):
		w.tell(at, fmt.Sprintf("%s has %d characters, which is too short or too long", w.name(at), len([]rune(value))), "correct it")
	case of.Quantity && n.IsString() && !isQuantity(value):
		w.tell(at, fmt.Sprintf("%s is %s, which is no quantity", w.name(at), said(n)), "write one such as 100m, 0.5 or 2Gi")
	case of.Time && !isTime(value):
		w.tell(at, fmt.Sprintf("%s is %s, which is no time", w.name(at), said(n)), "write one such as 2026-01-02T15:04:05Z")
	case of.Base64 && !isBase64(value):
		w.tell(at, w.name(at)+" is not base64", "encode it, or put it below stringData if this is a Secret")
	case of.Small && !n.IsString() && !isSmall(value):
		w.tell(at, w.name(at)+" does not fit into 32 bits", "correct it")
	case n.IsString() && !of.matches(value):
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

// matches tells whether a value has the shape that is wanted. A pattern that Go
// cannot read takes everything: no API server takes such a definition.
func (of *schema) matches(value string) bool {
	if of.Pattern == "" {
		return true
	}
	if of.compiled == nil {
		re, err := regexp.Compile(of.Pattern)
		if err != nil {
			of.Pattern = ""
			return true
		}
		of.compiled = re
	}
	return of.compiled.MatchString(value)
}

func (of *schema) within(value string) bool {
	number, err := strconv.ParseFloat(value, 64)
	return err != nil || (of.Minimum == nil || number >= *of.Minimum) && (of.Maximum == nil || number <= *of.Maximum)
}

// fits tells whether a scalar is of the type that is wanted.
func (of *schema) fits(n yamledit.Node) bool {
	number, notNumber := strconv.ParseFloat(n.Text(), 64)
	_, notInteger := strconv.ParseInt(n.Text(), 0, 64)
	if notNumber == nil && number == math.Trunc(number) && !math.IsInf(number, 0) {
		notInteger = nil // 2.0 is 2 once it is JSON
	}
	boolean := n.Text() == "true" || n.Text() == "false"
	isText := n.IsString() || !boolean && notInteger != nil && notNumber != nil // a date is a string once it is JSON
	switch {
	case of.IntOrText:
		return isText || notInteger == nil || of.Quantity && notNumber == nil
	case of.Any && of.Type == "":
		return true
	case of.Type == "string":
		return isText
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
