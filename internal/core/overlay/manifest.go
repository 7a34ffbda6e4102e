package overlay

import (
	"errors"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// manifest is what one file says, independent of who refers to it.
type manifest struct {
	releases []release
	kust     *kustomization // set if the file is a kustomization
	foreign  []foreign      // parts that are no release and no kustomization
	broken   *Problem       // the file could not be understood at all; File is not set
}

// release is one HelmRelease document, whole or partial.
type release struct {
	name string
	pins []pin.Pin // Key.Name and At.File are filled in by whoever refers to the file
	odd  *Problem  // a version that is written in a way that is not understood
}

// foreign is a document that may change versions only if it is used as a patch.
type foreign struct {
	kind         string
	line, column int
	suspicious   bool
}

// kustomization is the part of a kustomization.yaml that matters for versions.
type kustomization struct {
	resources []reference
	patches   []patch
	images    []pin.Pin
	odd       []Problem // things that may change versions and are not understood
}

// reference is a path in a kustomization, with its place.
type reference struct {
	path         string
	line, column int
}

// patch is one patch of a kustomization.
type patch struct {
	reference
	inline bool   // the patch's text stands in the kustomization itself
	text   string // of an inline patch
	target string // the target's name, if the patch names one
}

// parseManifest never fails: a file that can not be understood says so in broken.
func parseManifest(src []byte) *manifest {
	f, err := yamledit.Parse(src)
	if err != nil {
		return &manifest{broken: problemFrom(err)}
	}
	m := &manifest{}
	for i := range f.Len() {
		if doc, ok := f.Doc(i); ok {
			m.add(i, doc)
		}
	}
	return m
}

func problemFrom(err error) *Problem {
	var at *yamledit.Error
	if errors.As(err, &at) {
		return &Problem{Line: at.Line, Column: at.Column, Message: at.Reason}
	}
	return &Problem{Message: err.Error()}
}

func (m *manifest) add(i int, doc yamledit.Node) {
	api, kind := text(doc, "apiVersion"), text(doc, "kind")
	switch {
	case kind == "HelmRelease" && strings.HasPrefix(api, "helm.toolkit.fluxcd.io/"):
		m.releases = append(m.releases, readRelease(i, doc))
	case isKustomization(api, kind, doc):
		m.kust = readKustomization(i, doc)
	default:
		m.foreign = append(m.foreign, foreign{kind: kind, line: doc.Line(), column: doc.Column(), suspicious: touchesVersion(doc)})
	}
}

// isKustomization also knows kustomizations that leave out apiVersion and kind,
// as kustomize allows.
func isKustomization(api, kind string, doc yamledit.Node) bool {
	if kind == "Kustomization" || kind == "Component" {
		return strings.HasPrefix(api, "kustomize.config.k8s.io/") || api == ""
	}
	known := []string{"resources", "bases", "components", "images", "patches", "patchesStrategicMerge", "patchesJson6902", "helmCharts", "replacements", "transformers", "generators"}
	return kind == "" && api == "" && slices.ContainsFunc(known, func(key string) bool {
		_, ok := doc.Get(key)
		return ok
	})
}

func readRelease(i int, doc yamledit.Node) release {
	r := release{}
	if name, ok := doc.Get("metadata", "name"); ok {
		r.name = name.Text()
	}
	spec, ok := doc.Get("spec")
	if !ok {
		return r
	}
	if chart, ok := spec.Get("chart", "spec", "version"); ok {
		r.take(i, pin.Chart, chart, yamledit.Path{yamledit.Key("spec"), yamledit.Key("chart"), yamledit.Key("spec"), yamledit.Key("version")})
	}
	if values, ok := spec.Get("values"); ok {
		r.values(i, values, yamledit.Path{yamledit.Key("spec"), yamledit.Key("values")}, "")
	}
	return r
}

// values looks for image blocks: a mapping with a tag that is called image, or
// that names a repository beside the tag.
func (r *release) values(i int, n yamledit.Node, at yamledit.Path, name string) {
	if n.Kind() == yamledit.Sequence {
		for k, item := range n.Items() {
			r.values(i, item, with(at, yamledit.Index(k)), "")
		}
		return
	}
	for p := range n.Pairs() {
		r.values(i, p.Value, with(at, yamledit.Key(p.Key)), p.Key)
	}
	tag, ok := n.Get("tag")
	if !ok || !isImageBlock(n, name) || tag.Kind() == yamledit.Scalar && tag.Text() == "" {
		return // without a tag the chart's own default counts, which goes with the chart's version
	}
	if digest, ok := n.Get("digest"); ok && digest.Text() != "" {
		r.refuse(digest, "an image with a tag and a digest is not understood: the digest wins, so changing the tag alone would have no effect")
		return
	}
	r.take(i, pin.Value, tag, with(at, yamledit.Key("tag")))
}

func isImageBlock(n yamledit.Node, name string) bool {
	_, repository := n.Get("repository")
	_, registry := n.Get("registry")
	return repository || registry || name == "image" || strings.HasSuffix(name, "Image")
}

// take records a version, or why it can not be one.
func (r *release) take(i int, kind pin.Kind, n yamledit.Node, at yamledit.Path) {
	switch v := n.Text(); {
	case n.Kind() != yamledit.Scalar:
		r.refuse(n, "a version must be a single value here")
	case strings.Contains(v, "${"):
		r.refuse(n, "a version that Flux substitutes from a variable is not understood")
	default:
		r.pins = append(r.pins, pin.Pin{
			Key:     pin.Key{Kind: kind},
			Version: v,
			At:      pin.Place{Line: n.Line(), Column: n.Column(), Doc: i, Path: at},
		})
	}
}

func (r *release) refuse(n yamledit.Node, why string) {
	if r.odd == nil {
		r.odd = &Problem{Line: n.Line(), Column: n.Column(), Message: why}
	}
}

// named returns the release's pins as they are known under a name and a file.
func (r *release) named(name, file string) []pin.Pin {
	pins := make([]pin.Pin, len(r.pins))
	for i, p := range r.pins {
		p.At.File = file
		p.Name = name
		if p.Kind == pin.Value {
			p.Name = name + ": " + p.At.Path[2:].String()
		}
		pins[i] = p
	}
	return pins
}

// touchesVersion tells whether a document could change a version if it were
// applied as a patch: any key or JSON pointer in it that speaks of one.
func touchesVersion(n yamledit.Node) bool {
	switch n.Kind() {
	case yamledit.Mapping:
		for p := range n.Pairs() {
			if speaksOfVersion(p.Key) || p.Key == "path" && speaksOfVersion(p.Value.Text()) || touchesVersion(p.Value) {
				return true
			}
		}
	case yamledit.Sequence:
		for _, item := range n.Items() {
			if touchesVersion(item) {
				return true
			}
		}
	}
	return false
}

func speaksOfVersion(key string) bool {
	last := strings.ToLower(key[strings.LastIndexByte(key, '/')+1:])
	switch last {
	case "version", "tag", "digest", "image", "images", "newtag", "chart", "values":
		return true
	}
	return false
}

func text(n yamledit.Node, key string) string {
	v, ok := n.Get(key)
	if !ok {
		return ""
	}
	return v.Text()
}

// with extends a path without sharing its backing array.
func with(p yamledit.Path, s yamledit.Step) yamledit.Path {
	return append(p[:len(p):len(p)], s)
}
