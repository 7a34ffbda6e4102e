package overlay

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// kustomization is the part of a kustomization.yaml that matters for versions.
type kustomization struct {
	resources    []reference
	components   []reference
	configs      []reference // of transformers: which fields are names, images and so on
	patches      []patch     // in the order in which kustomize applies them
	late         []patch     // those that it applies after it has renamed the objects
	images       []imageEntry
	charts       []pin.Pin
	floating     []*node // the charts without a version
	namespace    string
	prefix       string
	suffix       string
	replacements []replacement
	targets      []*node   // of the replacements, as written
	replaced     []*node   // replacements and vars that set no version, as far as Sluice itself knows
	odd          []Problem // what may change versions and is not understood
	doc          int       // the document within its file
	listed       *node     // the images as they are written; nil if there are none
	patched      *node     // the patches, likewise
}

// reference is a path in a kustomization, with its place.
type reference struct {
	path string
	at   pin.Place
}

// patch is one patch of a kustomization: a file, or a text of its own.
type patch struct {
	reference
	docs   []*node   // the text's documents
	target *selector // nil: each patch names its object itself
	broken string    // why the text could not be read
}

func isKustomization(n yamledit.Node) bool {
	api, kind := scalar(n, "apiVersion"), scalar(n, "kind")
	if kind == "Kustomization" || kind == "Component" {
		return strings.HasPrefix(api, "kustomize.config.k8s.io/") || api == ""
	}
	return false
}

func scalar(n yamledit.Node, key string) string {
	v, ok := n.Get(key)
	if !ok {
		return ""
	}
	return v.Text()
}

// readKustomization reads the parts in the order in which they stand; the
// order in which they act is kustomize's and fixed.
func readKustomization(s source, doc yamledit.Node) *kustomization {
	k := &kustomization{doc: s.doc}
	root := s.read(doc, nil)
	if !k.clear(root) {
		return k
	}
	k.listed, k.patched = root.get("images"), root.get("patches")
	k.resources = append(references(root.get("resources")), references(root.get("bases"))...)
	k.components = references(root.get("components"))
	k.configs = references(root.get("configurations"))
	k.namespace, k.prefix, k.suffix = root.str("namespace"), root.str("namePrefix"), root.str("nameSuffix")
	k.readPatches(s, doc, root, nil)
	k.readImages(root.get("images"))
	k.readImages(root.get("imageTags"))
	k.readCharts(root.get("helmCharts"))
	k.refuseOthers(root)
	return k
}

// clear refuses what can not be followed at all: a field that says twice, or
// somewhere else, or in another shape than a list, what there is to build.
func (k *kustomization) clear(root *node) bool {
	if root.kind != yamledit.Mapping {
		k.refuse(root.at, "a kustomization must be a mapping, without merge keys")
		return false
	}
	for _, key := range []string{"resources", "bases", "components", "patches", "patchesStrategicMerge", "patchesJson6902", "images", "imageTags", "helmCharts", "configurations"} {
		switch n := root.get(key); {
		case n == nil || n.null || n.kind == yamledit.Sequence:
		case n.kind == yamledit.Unclear:
			k.refuse(n.at, key+" stand behind "+n.why+", which is not understood: write them out")
		default:
			k.refuse(n.at, key+" must be a list")
		}
	}
	return len(k.odd) == 0
}

func (k *kustomization) refuse(at pin.Place, why string) {
	k.odd = append(k.odd, Problem{Line: at.Line, Column: at.Column, Message: why})
}

func references(list *node) []reference {
	var out []reference
	if list != nil {
		for _, item := range list.items {
			out = append(out, reference{path: item.text, at: item.at})
		}
	}
	return out
}

// refuseOthers names what could change versions in ways that are not followed.
func (k *kustomization) refuseOthers(root *node) {
	for _, key := range []string{"transformers", "generators", "validators", "openapi", "helmChartInflationGenerator"} {
		if n := root.get(key); n != nil && len(n.items)+len(n.keys) > 0 || n != nil && n.kind == yamledit.Unclear {
			k.refuse(n.at, key+" may change versions and are not understood")
		}
	}
	for _, key := range []string{"replacements", "vars"} {
		n := root.get(key)
		if n == nil {
			continue
		}
		for _, item := range n.items {
			if r, ok := readReplacement(item); ok && key == "replacements" {
				k.replacements, k.targets = append(k.replacements, r), append(k.targets, item.get("targets"))
				continue
			}
			if item.get("path") != nil || speaksOfVersions(item.get("targets")) {
				k.refuse(item.at, key+" that may set a version are not understood")
			}
			k.replaced = append(k.replaced, item)
		}
	}
}

// speaksOfVersions looks for a field path that ends in a version.
func speaksOfVersions(n *node) bool {
	if n == nil {
		return false
	}
	switch n.kind {
	case yamledit.Scalar:
		last := strings.ToLower(n.text[strings.LastIndexAny(n.text, "./")+1:])
		return last == "version" || last == "tag" || last == "digest" || strings.HasSuffix(last, "image") || last == "semver" || last == "*"
	case yamledit.Sequence:
		for _, item := range n.items {
			if speaksOfVersions(item) {
				return true
			}
		}
	case yamledit.Mapping:
		for _, key := range n.keys {
			if key != "select" && speaksOfVersions(n.fields[key]) {
				return true
			}
		}
	}
	return false
}

// readPatches keeps kustomize's order: strategic merges, patches, JSON patches.
func (k *kustomization) readPatches(s source, doc yamledit.Node, root *node, at yamledit.Path) {
	k.patches = append(k.readList(s, doc, root, at, "patchesStrategicMerge"), k.readList(s, doc, root, at, "patches")...)
	k.late = k.readList(s, doc, root, at, "patchesJson6902")
}

func (k *kustomization) readList(s source, doc yamledit.Node, root *node, at yamledit.Path, key string) []patch {
	var out []patch
	list, _ := doc.Get(key)
	for i, item := range list.Items() {
		n := root.get(key).items[i]
		path := with(with(at, yamledit.Key(key)), yamledit.Index(i))
		if item.Kind() == yamledit.Scalar {
			out = append(out, readPatch(s, item, n, path, nil))
			continue
		}
		p, err := readEntry(s, item, n, path)
		if err != nil {
			k.refuse(n.at, err.Error())
			continue
		}
		out = append(out, p)
	}
	return out
}

// readEntry reads an entry of patches that is a mapping.
func readEntry(s source, item yamledit.Node, n *node, path yamledit.Path) (patch, error) {
	var target *selector
	if t := n.get("target"); t != nil {
		sel, err := newSelector(t)
		if err != nil {
			return patch{}, fmt.Errorf("the target is not understood: %w", err)
		}
		target = &sel
	}
	if file := n.get("path"); file != nil && file.kind == yamledit.Scalar {
		return patch{reference: reference{path: file.text, at: file.at}, target: target}, nil
	}
	text, _ := item.Get("patch")
	if text.Kind() != yamledit.Scalar {
		return patch{}, errors.New("an entry of patches needs a path or a patch, as a single value")
	}
	return readPatch(s, text, n.get("patch"), with(path, yamledit.Key("patch")), target), nil
}

// readPatch reads a scalar that is a path or, if it has several lines or looks
// like YAML itself, a patch.
func readPatch(s source, item yamledit.Node, n *node, path yamledit.Path, target *selector) patch {
	p := patch{reference: reference{path: n.text, at: n.at}, target: target}
	if !strings.ContainsAny(n.text, "\n{[") {
		return p
	}
	p.path = ""
	if !strictJSON([]byte(n.text)) {
		p.broken = reasonLoose
		return p
	}
	f, err := item.Embedded()
	inner := source{file: s.file, doc: s.doc, outer: path, hiding: s.hiding}
	if err != nil {
		// What stands in other than a literal block can be read and not written.
		if f, err = yamledit.Parse([]byte(n.text)); err != nil {
			p.broken = err.Error()
			return p
		}
		inner.outer = nil
	}
	for i := range f.Len() {
		if d, ok := f.Doc(i); ok {
			root := inner.read(d, yamledit.Path{})
			if inner.outer == nil || f.Len() > 1 {
				root = unwritable(root, n.at)
			}
			p.docs = append(p.docs, root)
		}
	}
	return p
}

// unwritable is a copy whose scalars all stand at one place that no edit can
// change.
func unwritable(n *node, at pin.Place) *node {
	out := *n
	out.at = pin.Place{File: at.File, Line: at.Line, Column: at.Column, Doc: at.Doc, Owner: n.at.Owner}
	out.items, out.fields = nil, nil
	for _, item := range n.items {
		out.items = append(out.items, unwritable(item, at))
	}
	if n.fields != nil {
		out.fields = make(map[string]*node, len(n.fields))
		for key, value := range n.fields {
			out.fields[key] = unwritable(value, at)
		}
	}
	return &out
}

func (k *kustomization) readImages(list *node) {
	if list == nil {
		return
	}
	for _, item := range list.items {
		e := imageEntry{name: item.str("name"), newName: item.str("newName"), at: item.at}
		e.parts = tagAndDigest(item.get("newTag"), item.get("digest"))
		var err error
		e.pattern, err = newImagePattern(e.name)
		e.empty = item.get("newTag") == nil && item.get("digest") == nil
		switch {
		case item.kind != yamledit.Mapping:
			k.refuse(item.at, "an entry of images must be a mapping, without aliases and merge keys")
		case odd(item.get("newTag")) || odd(item.get("digest")) || odd(item.get("name")) || odd(item.get("newName")):
			k.refuse(item.at, "what an entry of images says must be single values, and strings: quote what YAML reads as a number")
		case e.name == "":
			k.refuse(item.at, "an entry of images without a name")
		case err != nil:
			k.refuse(item.at, "the name of an entry of images is a regular expression to kustomize, and this is none: "+err.Error())
		case item.str("tagSuffix") != "":
			k.refuse(item.at, "an entry of images with a tagSuffix is not understood")
		default:
			k.images = append(k.images, e)
		}
	}
}

// tagAndDigest are the parts of a version that is written in one or two
// scalars.
func tagAndDigest(tag, digest *node) []pin.Part {
	var parts []pin.Part
	hasTag, hasDigest := written(tag), written(digest)
	if hasTag {
		form := pin.Plain
		if hasDigest {
			form = pin.Tag
		}
		parts = append(parts, pin.Part{Form: form, Text: tag.text, At: tag.at})
	}
	if hasDigest {
		parts = append(parts, pin.Part{Form: pin.Digest, Text: digest.text, At: digest.at})
	}
	return parts
}

// odd tells that something stands where a single string should.
func odd(n *node) bool { return n != nil && (n.kind != yamledit.Scalar || n.number) }

func written(n *node) bool {
	return n != nil && n.kind == yamledit.Scalar && !n.null && n.text != ""
}

func (k *kustomization) readCharts(list *node) {
	if list == nil {
		return
	}
	for _, item := range list.items {
		v := item.get("version")
		if !written(v) {
			k.floating = append(k.floating, item)
			continue
		}
		name := cmp.Or(item.str("releaseName"), item.str("name"))
		k.charts = append(k.charts, pin.New(pin.Key{Kind: pin.Chart, Name: name}, pin.Part{Form: pin.Plain, Text: v.text, At: v.at}))
	}
}
