package overlay

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// finder collects the pins of built resources.
type finder struct {
	work    *work
	reading policy.Reading
	pins    []pin.Pin
	met     map[int]bool // the fields of the reading that hold something
	of      string       // what is looked at now
	err     error
}

// discover finds every version that the built resources carry, and notes in met
// which fields of the policy they have.
func discover(w *work, resources []resource, reading policy.Reading, met map[int]bool) ([]pin.Pin, error) {
	f := &finder{work: w, reading: reading, met: met}
	for _, r := range resources {
		known := len(f.pins)
		f.of = r.kind() + " " + r.original().name
		f.resource(r)
		f.named(r, known)
		f.coupled(r, known)
	}
	return f.distinct(), f.err
}

func (f *finder) refuse(at pin.Place, format string, args ...any) {
	if f.err == nil {
		f.err = refuse(at.File, at.Line, at.Column, format, args...)
	}
}

func (f *finder) add(k pin.Key, origin string, parts ...pin.Part) {
	if len(parts) > 0 {
		p := pin.New(k, parts...)
		p.Origin, p.Of = origin, f.of
		f.pins = append(f.pins, p)
	}
}

func (f *finder) resource(r resource) {
	if r.kind() == "CustomResourceDefinition" {
		return
	}
	f.clear(r.root)
	name, spec := r.original().name, r.root.get("spec")
	switch group := r.group(); {
	case r.kind() == "HelmRelease" && group == "helm.toolkit.fluxcd.io":
		f.scalar(pin.Key{Kind: pin.Chart, Name: name}, "", spec.get("chart", "spec", "version"))
		f.values(name, spec.get("values"), r.images, nil, "")
		return
	case group == "source.toolkit.fluxcd.io":
		f.source(r.kind(), name, spec)
		return
	}
	f.containers(r)
}

// clear refuses what may hide a version.
func (f *finder) clear(n *node) {
	if !f.work.spend(1) {
		return
	}
	if n.hides {
		f.refuse(n.at, "%s may hold a version here, which is not understood: write it out", n.why)
	}
	for _, item := range n.items {
		f.clear(item)
	}
	for _, key := range n.keys {
		f.clear(n.fields[key])
	}
}

// scalar is a version that stands alone.
func (f *finder) scalar(k pin.Key, origin string, n *node) {
	switch {
	case n == nil || n.null:
	case n.kind != yamledit.Scalar:
		f.refuse(n.at, "a version must be a single value here")
	case n.number:
		f.refuse(n.at, "the version %s is a number to YAML, which Flux does not take here: quote it", n.text)
	default:
		f.add(k, origin, pin.Part{Form: pin.Plain, Text: n.text, At: n.at})
	}
}

// source follows the precedence in which Flux reads a ref.
func (f *finder) source(kind, name string, spec *node) {
	ref := spec.get("ref")
	switch kind {
	case "HelmChart":
		f.scalar(pin.Key{Kind: pin.Chart, Name: name}, "", spec.get("version"))
	case "OCIRepository":
		k := pin.Key{Kind: pin.Source, Name: name}
		if written(ref.get("semver")) && !written(ref.get("digest")) {
			f.scalar(k, spec.str("url"), ref.get("semver"))
			return
		}
		for _, n := range []*node{ref.get("tag"), ref.get("digest")} {
			if odd(n) {
				f.refuse(n.at, "a version must be a single string here: quote what YAML reads as a number")
				return
			}
		}
		f.add(k, spec.str("url"), tagAndDigest(ref.get("tag"), ref.get("digest"))...)
	case "GitRepository":
		for _, field := range []string{"commit", "name", "semver", "tag"} {
			if n := ref.get(field); written(n) {
				f.scalar(pin.Key{Kind: pin.Source, Name: name}, spec.str("url"), n)
				return
			}
		}
	}
}

// values looks for image blocks: a mapping with a tag or a digest that is
// called image or names a repository, and whole references.
func (f *finder) values(release string, n *node, images map[*node]imaged, at yamledit.Path, key string) {
	switch {
	case n == nil || !f.work.spend(1):
	case n.kind == yamledit.Unclear && isImageKey(key):
		f.refuse(n.at, "an image behind %s is not understood", n.why)
	case n.kind == yamledit.Sequence:
		for i, step := range steps(n.items) {
			f.values(release, n.items[i], images, with(at, step), "")
		}
	case n.kind == yamledit.Mapping:
		f.block(release, n, at, key)
		for _, k := range n.keys {
			f.values(release, n.fields[k], images, with(at, yamledit.Key(k)), k)
		}
	case len(images[n].parts) > 0:
		f.add(valueKey(release, at), images[n].now, images[n].parts...)
	case isImageKey(key) && written(n) && len(pin.ImageName(n.text)) < len(n.text):
		f.add(valueKey(release, at), pin.ImageName(n.text), pin.Part{Form: pin.ImageRef, Text: n.text, At: n.at})
	}
}

// steps names the items of a list by what they call themselves, so that they
// are found again in an environment that has them in another order; by their
// number where they say nothing, or the same.
func steps(items []*node) []yamledit.Step {
	seen := map[string]bool{}
	named, numbered := make([]yamledit.Step, len(items)), make([]yamledit.Step, len(items))
	distinct := true
	for i, item := range items {
		name := cmp.Or(item.str("name"), item.str("repository"), pin.ImageName(item.str("image")), item.str("image", "repository"))
		distinct = distinct && name != "" && !seen[name]
		seen[name] = true
		named[i], numbered[i] = yamledit.Key(name), yamledit.Index(i)
	}
	if distinct {
		return named
	}
	return numbered
}

func (f *finder) block(release string, n *node, at yamledit.Path, key string) {
	tag, digest := n.get("tag"), n.get("digest")
	if !namesAnImage(n) && !isImageKey(key) {
		return
	}
	for _, part := range []*node{tag, digest} {
		switch {
		case part == nil:
		case part.kind != yamledit.Scalar:
			f.refuse(part.at, "a version must be a single value here")
			return
		case part.number && !keepsItsText(part.text):
			f.refuse(part.at, "the version %s is a number to YAML, and Helm would print it differently: quote it", part.text)
			return
		}
	}
	if sha := n.get("sha"); written(sha) {
		f.refuse(sha.at, "an image that is pinned by a field sha is not understood")
		return
	}
	field := "tag"
	if !written(tag) {
		field = "digest"
	}
	f.add(valueKey(release, with(at, yamledit.Key(field))), blockOrigin(n), tagAndDigest(tag, digest)...)
}

// blockOrigin is the image's full name, if its block spells it: a chart may
// have its own idea of a registry.
func blockOrigin(n *node) string {
	repository := n.str("repository")
	switch registry := n.str("registry"); {
	case repository == "":
		return ""
	case registry != "":
		return registry + "/" + repository
	}
	return repository
}

// namesAnImage tells whether the fields beside a tag say what it is the tag of.
func namesAnImage(n *node) bool {
	image := n.get("image")
	return n.get("repository") != nil || n.get("registry") != nil || n.get("hub") != nil ||
		written(image) && pin.ImageName(image.text) == image.text
}

// keepsItsText tells whether Helm prints a number as it is written: it holds
// numbers as floating point, so 1.10 becomes 1.1 and 20240101 2.0240101e+07.
func keepsItsText(text string) bool {
	n, err := strconv.ParseFloat(text, 64)
	return err == nil && fmt.Sprint(n) == text
}

func valueKey(release string, at yamledit.Path) pin.Key {
	return pin.Key{Kind: pin.Value, Name: release + ": " + at.String()}
}

func isImageKey(key string) bool { return key == "image" || strings.HasSuffix(key, "Image") }

// containers finds the images of a workload. What the images of a
// kustomization say of one counts instead of the container's own text.
func (f *finder) containers(r resource) {
	defer func(object string) { f.of = object }(f.of)
	object := f.of
	imagesOf(f.work, r.root, func(container, image *node) {
		f.of = object + ": " + container.str("name")
		if image.kind != yamledit.Scalar {
			f.refuse(image.at, "an image behind %s is not understood", image.why)
			return
		}
		now, ok := r.images[image]
		if ok && len(now.parts) > 0 {
			f.add(pin.Key{Kind: pin.Image, Name: now.name}, now.now, now.parts...)
			return
		}
		name := pin.ImageName(image.text)
		if len(name) < len(image.text) {
			f.add(pin.Key{Kind: pin.Image, Name: name}, cmp.Or(now.now, name), pin.Part{Form: pin.ImageRef, Text: image.text, At: image.at})
		}
	})
}

// distinct leaves one pin per key. Places that say the same of the same thing
// are one pin and change together. Where they differ, as with an old image in
// a migration job, each is a pin of its own, told apart by a number.
func (f *finder) distinct() []pin.Pin {
	type place struct {
		pin          int
		file         string
		line, column int
		form         pin.Form
	}
	type version struct {
		pin.Key
		version string
	}
	var out []pin.Pin
	var all []pin.Key        // before they were numbered
	of := map[int][]string{} // of each pin
	count, known, seen := map[pin.Key]int{}, map[version]int{}, map[place]bool{}
	for _, p := range f.pins {
		v := version{p.Key, p.Version}
		i, ok := known[v]
		if !ok {
			i, known[v] = len(out), len(out)
			if count[v.Key]++; count[v.Key] > 1 {
				p.Name = fmt.Sprintf("%s (%d)", p.Name, count[v.Key])
			}
			out = append(out, pin.Pin{Key: p.Key, Version: p.Version, At: p.At, Origin: p.Origin, Couples: p.Couples})
			all = append(all, v.Key)
		}
		of[i] = append(of[i], p.Of)
		if out[i].Origin != p.Origin {
			out[i].Origin = "" // one place is not the whole truth
		}
		for _, part := range p.Parts {
			at := place{i, part.At.File, part.At.Line, part.At.Column, part.Form}
			if !seen[at] {
				out[i].Parts = append(out[i].Parts, part)
			}
			seen[at] = true
		}
	}
	for i := range out {
		if count[all[i]] > 1 {
			slices.Sort(of[i])
			out[i].Of = strings.Join(slices.Compact(of[i]), ", ")
		}
	}
	slices.SortFunc(out, byKey)
	return out
}

func byKey(a, b pin.Pin) int { return a.Compare(b.Key) }
