package overlay

import (
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// kustomization is the part of a kustomization.yaml that matters for versions.
type kustomization struct {
	resources  []reference
	components []reference
	configs    []reference // of transformers: which fields are names, images and so on
	patches    []patch     // in the order in which kustomize applies them
	images     []imageEntry
	charts     []pin.Pin
	namespace  string
	prefix     string
	suffix     string
	odd        []Problem // what may change versions and is not understood
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
	k := &kustomization{}
	root := s.read(doc, nil)
	k.resources = append(references(root.get("resources")), references(root.get("bases"))...)
	k.components = references(root.get("components"))
	k.configs = references(root.get("configurations"))
	k.namespace, k.prefix, k.suffix = root.str("namespace"), root.str("namePrefix"), root.str("nameSuffix")
	k.readPatches(s, doc, root, nil)
	k.readImages(root.get("images"))
	k.readCharts(root.get("helmCharts"))
	k.refuseOthers(root)
	return k
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
	for _, key := range []string{"transformers", "generators"} {
		if n := root.get(key); n != nil && len(n.items) > 0 {
			k.refuse(n.at, key+" may change versions and are not understood")
		}
	}
	for _, key := range []string{"replacements", "vars"} {
		n := root.get(key)
		if n == nil {
			continue
		}
		for _, item := range n.items {
			if item.get("path") != nil || speaksOfVersions(item.get("targets")) {
				k.refuse(item.at, key+" that may set a version are not understood")
			}
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
	for _, key := range []string{"patchesStrategicMerge", "patches", "patchesJson6902"} {
		list, _ := doc.Get(key)
		for i, item := range list.Items() {
			n := root.get(key).items[i]
			path := with(with(at, yamledit.Key(key)), yamledit.Index(i))
			if item.Kind() == yamledit.Scalar {
				k.patches = append(k.patches, readPatch(s, item, n, path, nil))
				continue
			}
			k.readPatch(s, item, n, path)
		}
	}
}

func (k *kustomization) readPatch(s source, item yamledit.Node, n *node, path yamledit.Path) {
	var target *selector
	if t := n.get("target"); t != nil {
		sel, err := newSelector(t)
		if err != nil {
			k.refuse(t.at, "the target is no regular expression: "+err.Error())
			return
		}
		target = &sel
	}
	if file := n.get("path"); file != nil {
		k.patches = append(k.patches, patch{reference: reference{path: file.text, at: file.at}, target: target})
		return
	}
	if text, ok := item.Get("patch"); ok {
		k.patches = append(k.patches, readPatch(s, text, n.get("patch"), with(path, yamledit.Key("patch")), target))
	}
}

// readPatch reads a scalar that is a path or, if it has several lines or looks
// like YAML itself, a patch.
func readPatch(s source, item yamledit.Node, n *node, path yamledit.Path, target *selector) patch {
	p := patch{reference: reference{path: n.text, at: n.at}, target: target}
	if !strings.ContainsAny(n.text, "\n{[") {
		return p
	}
	p.path = ""
	f, err := item.Embedded()
	inner := source{file: s.file, doc: s.doc, outer: path}
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
	out.at = pin.Place{File: at.File, Line: at.Line, Column: at.Column, Doc: at.Doc}
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
		e := imageEntry{name: item.str("name"), newName: item.str("newName"), line: item.at.Line, column: item.at.Column}
		e.parts = tagAndDigest(item.get("newTag"), item.get("digest"))
		switch {
		case odd(item.get("newTag")) || odd(item.get("digest")):
			k.refuse(item.at, "newTag and digest must be single values")
		case e.name == "":
			k.refuse(item.at, "an entry of images without a name")
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

// odd tells that something stands where a single value should.
func odd(n *node) bool { return n != nil && n.kind != yamledit.Scalar }

func written(n *node) bool {
	return n != nil && n.kind == yamledit.Scalar && !n.null && n.text != ""
}

func (k *kustomization) readCharts(list *node) {
	if list == nil {
		return
	}
	for _, item := range list.items {
		if v := item.get("version"); written(v) {
			name := item.str("releaseName")
			if name == "" {
				name = item.str("name")
			}
			k.charts = append(k.charts, pin.New(pin.Key{Kind: pin.Chart, Name: name}, pin.Part{Form: pin.Plain, Text: v.text, At: v.at}))
		}
	}
}
