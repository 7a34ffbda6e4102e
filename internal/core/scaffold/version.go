package scaffold

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// want is a version that the overlay is to fix, and where.
type want struct {
	what    string   // in words: chart ai-gateway
	names   []string // by which a person may give its version
	chart   bool
	image   []yamledit.Field // of an entry under images, without the version
	object  pin.Object       // else what a patch is for
	parts   []wantPart       // of the patch
	tag     bool             // of an image's entry
	digest  bool
	version string // "" if it is not known
	from    string // who says so
	// variable leads to the variable of a Flux Kustomization, or of a ConfigMap, of
	// another cluster that has the version.
	variable *pin.Place
}

// wantPart is one scalar of a patch.
type wantPart struct {
	keys []string
	form pin.Form
	text string
}

// wants are the versions for a site: as they are where the base is deployed, or
// as the base and a person say.
func (w *drafting) wants(s site) ([]want, error) {
	donor := w.donor(s)
	var pins []pin.Pin
	from := w.base
	if donor != nil {
		pins, from = donor.Pins, donor.Dir
	} else {
		pins = w.trial(s)
	}
	var out []want
	for _, p := range pins {
		if p.Kind == pin.Setting {
			continue
		}
		one, err := w.wanted(p, donor)
		if err != nil && p.At.Layer == pin.Base {
			continue // it stays where it is
		}
		if err != nil {
			return nil, err
		}
		one.version, one.from = p.Version, from
		out = append(out, one)
	}
	if donor == nil {
		out = w.missing(out)
	}
	var unknown []string
	for i := range out {
		w.choose(&out[i])
		if out[i].version == "" {
			unknown = append(unknown, out[i].what+" ("+out[i].flag()+")")
		}
	}
	if len(unknown) > 0 {
		return nil, core.Errorf(core.Invalid, "no version is known of %s: the base fixes none, and it is deployed nowhere; give it", strings.Join(unknown, ", "))
	}
	return out, nil
}

func (n want) flag() string {
	if n.chart {
		return "--chart-version VERSION"
	}
	return "--version " + n.names[0] + "=VERSION"
}

// donor is the overlay that tells the versions: the site's own if it is there,
// else one of its environment, else that of the first environment.
func (w *drafting) donor(s site) *overlay.Deployment {
	var best *overlay.Deployment
	rank := func(d *overlay.Deployment, env core.Env) int {
		n := 10 * slices.Index(w.policy.Order(), env)
		switch {
		case d.Dir == s.path:
			return -20
		case env == s.env:
			n = -10
		}
		if d.App != w.Name {
			n++
		}
		return n
	}
	least := 0
	for t, list := range w.inventory.All() {
		for _, d := range list {
			if d.Broken != nil || !w.isOf(d) || len(d.Pins) == 0 {
				continue
			}
			if r := rank(d, t.Env); best == nil || r < least {
				best, least = d, r
			}
		}
	}
	return best
}

// trial reads the base's own pins, by an overlay that adds nothing to it.
func (w *drafting) trial(s site) []pin.Pin {
	files := w.All()
	dir := s.path
	if s.file {
		return nil
	}
	files[path.Join(dir, "kustomization.yaml")] = fmt.Appendf(nil, "resources:\n  - %s\n", relative(dir, w.base))
	list, _, err := overlay.NewReader().Target(memtree.New(files), w.policy, core.Target{Env: s.env, App: w.Name})
	if err != nil {
		return nil
	}
	for _, d := range list {
		if d.Dir == dir {
			return d.Pins
		}
	}
	return nil
}

// relative is the way from a directory to another one.
func relative(from, to string) string {
	a, b := strings.Split(from, "/"), strings.Split(to, "/")
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b = a[1:], b[1:]
	}
	return path.Join(strings.Repeat("../", len(a)), strings.Join(b, "/"))
}

// wanted is a pin as the new overlay has it.
func (w *drafting) wanted(p pin.Pin, donor *overlay.Deployment) (want, error) {
	n := want{what: p.String(), names: namesOf(p), chart: p.Kind == pin.Chart}
	if at := p.At; donor != nil && w.isVariable(at, donor) {
		n.variable = &at
		return n, nil
	}
	if p.Kind == pin.Image {
		n.image, n.tag, n.digest = w.entry(p)
		return n, nil
	}
	for _, part := range p.Parts {
		root, path, err := w.within(part.At)
		if err != nil {
			return want{}, err
		}
		keys, ok := plainKeys(path)
		if !ok {
			return want{}, core.Errorf(core.Invalid, "%s stands in a list, at %s of %s:%d, which cannot be written as a patch; copy the overlay by hand", p, path, part.At.File, part.At.Line)
		}
		get := func(keys ...string) string { n, _ := root.Get(keys...); return n.Text() }
		n.object = pin.Object{APIVersion: get("apiVersion"), Kind: get("kind"), Name: get("metadata", "name"), Namespace: get("metadata", "namespace")}
		n.parts = append(n.parts, wantPart{keys, part.Form, part.Text})
	}
	return n, nil
}

// isVariable tells whether a version stands beside the overlay and not in it or
// in what it is built on: in what Flux substitutes.
func (w *drafting) isVariable(at pin.Place, d *overlay.Deployment) bool {
	return at.Layer == pin.Overlay && at.File != d.Dir && !strings.HasPrefix(at.File, d.Dir+"/")
}

// within finds the object that a place is in, and the way from it.
func (w *drafting) within(at pin.Place) (yamledit.Node, yamledit.Path, error) {
	src, _ := w.Read(at.File)
	f, err := yamledit.Parse(src)
	if err != nil {
		return yamledit.Node{}, nil, core.Errorf(core.Invalid, "%s:%w", at.File, err)
	}
	root, _ := f.Doc(at.Doc)
	if at.Inner == nil {
		return root, at.Path, nil
	}
	text, err := root.At(at.Path)
	if err != nil {
		return yamledit.Node{}, nil, core.Errorf(core.Invalid, "%s:%w", at.File, err)
	}
	inner, err := text.Embedded()
	if err != nil {
		return yamledit.Node{}, nil, core.Errorf(core.Invalid, "%s:%w", at.File, err)
	}
	root, _ = inner.Doc(0)
	return root, at.Inner, nil
}

func plainKeys(path yamledit.Path) ([]string, bool) {
	var keys []string
	for _, s := range path {
		if s.IsIndex {
			return nil, false
		}
		keys = append(keys, s.Key)
	}
	return keys, len(keys) > 0
}

// namesOf are the names by which a person may mean a pin.
func namesOf(p pin.Pin) []string {
	names := []string{p.Name}
	if p.Origin != "" && p.Kind != pin.Chart {
		names = append(names, pin.ImageName(p.Origin))
	}
	return append(names, path.Base(names[len(names)-1]))
}

// entry is the head of an image's entry under images, as the donor has it.
func (w *drafting) entry(p pin.Pin) (fields []yamledit.Field, tag, digest bool) {
	tag, digest = p.Holds()
	root, at, err := w.within(p.At)
	if err == nil && len(at) == 3 && at[0].Key == "images" {
		item, _ := root.At(at[:2])
		for pair := range item.Pairs() {
			if pair.Key == "name" || pair.Key == "newName" {
				fields = append(fields, yamledit.Field{Key: pair.Key, Text: pair.Value.Text()})
			}
		}
		return fields, tag, digest
	}
	name := p.Name
	if p.Origin != "" {
		name = pin.ImageName(p.Origin)
	}
	return []yamledit.Field{{Key: "name", Text: name}}, tag, digest
}

// choose takes what a person says for a want.
func (w *drafting) choose(n *want) {
	take := func(flag, version string) {
		n.version, n.from = version, "as you say"
		w.used[flag] = true
		if n.image != nil {
			tag, digest, _ := strings.Cut(version, "@")
			n.tag, n.digest = tag != "", digest != ""
		}
	}
	if n.chart && w.Chart != "" {
		take("chart", w.Chart)
	}
	for _, name := range n.names {
		if version, ok := w.Versions[name]; ok {
			take(name, version)
			return
		}
	}
}

// missing adds what the base leaves open and nobody has a version for.
func (w *drafting) missing(known []want) []want {
	for _, d := range w.objects {
		switch d.kind {
		case "HelmRelease":
			known = w.missingOf(known, d)
			continue
		}
		for _, s := range scalars(d.text) {
			if s.key() != "image" || !s.below("containers") && !s.below("initContainers") || pin.ImageName(s.node.Text()) != s.node.Text() || s.node.Text() == "" {
				continue
			}
			name := s.node.Text()
			n := want{what: "image " + name, names: []string{name, path.Base(name)}, image: []yamledit.Field{{Key: "name", Text: name}}}
			if !slices.ContainsFunc(known, func(o want) bool { return o.image != nil && o.image[0].Text == name }) {
				known = append(known, n)
			}
		}
	}
	return known
}

// missingOf is about a HelmRelease: its chart, and the images in its values for
// which a person gives a tag.
func (w *drafting) missingOf(known []want, d document) []want {
	object := pin.Object{APIVersion: d.api, Kind: d.kind, Name: d.name, Namespace: d.namespace}
	add := func(n want) {
		same := func(o want) bool {
			return o.what == n.what || slices.Contains(o.names, n.names[0]) && o.chart == n.chart
		}
		if !slices.ContainsFunc(known, same) {
			known = append(known, n)
		}
	}
	if chart, ok := d.spec.Get("chart", "spec"); ok {
		if v, ok := chart.Get("version"); !ok || v.Text() == "" {
			add(want{what: "chart " + d.name, names: []string{d.name}, chart: true, object: object, parts: []wantPart{{keys: []string{"spec", "chart", "spec", "version"}, form: pin.Plain}}})
		}
	}
	for _, s := range scalars(d.text) {
		keys, ok := plainKeys(s.path)
		if !ok || s.key() != "repository" || !s.below("values") {
			continue
		}
		name, said := s.node.Text(), false
		for _, alias := range []string{name, path.Base(name)} {
			_, given := w.Versions[alias]
			said = said || given
		}
		if said {
			way := append(slices.Clone(keys[:len(keys)-1]), "tag")
			add(want{what: "value " + d.name + ": " + strings.Join(way[2:], "."), names: []string{name, path.Base(name)}, object: object, parts: []wantPart{{keys: way, form: pin.Plain}}})
		}
	}
	return known
}

// versioned names what versions can be given for.
func (w *drafting) versioned() []string {
	found := map[string]bool{}
	for _, n := range w.missing(nil) {
		found[n.names[0]] = true
	}
	for _, list := range w.inventory.All() {
		for _, d := range list {
			if w.isOf(d) {
				for _, p := range d.Pins {
					found[p.Name] = true
				}
			}
		}
	}
	for _, v := range w.variables() {
		found[v] = true
	}
	if len(found) == 0 {
		return []string{"no versions"}
	}
	return sortedKeys(found)
}

// of is the text of the scalar that holds a version.
func (p wantPart) of(version string) string {
	changes := pin.New(pin.Key{Kind: pin.Source}, pin.Part{Form: p.form, Text: p.text}).Set(version)
	if len(changes) == 0 {
		return p.text
	}
	return changes[0].New
}
