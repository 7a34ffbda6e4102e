package overlay

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/version"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// Severity says how much a notice matters.
type Severity string

// The severities.
const (
	Note    Severity = "note"    // something is as it is written, and no promotion will ever touch it
	Warning Severity = "warning" // what is deployed may differ from what was understood
)

// Notice is something that a person should know of an overlay and that stops
// nothing: a version that nobody fixes, or a text that changes nothing.
type Notice struct {
	Severity Severity
	Problem
}

func byNotice(a, b Notice) int { return byPlace(a.Problem, b.Problem) }

// notices collects what one overlay gives to say.
type notices struct {
	list []Notice
	more int // that were not kept
}

func (n *notices) add(s Severity, at pin.Place, format string, args ...any) {
	if len(n.list) == maxNotices {
		n.more++
		return
	}
	n.list = append(n.list, Notice{s, Problem{File: at.File, Line: at.Line, Column: at.Column, Message: fmt.Sprintf(format, args...)}})
}

// said are all notices, ordered by place, each once; the last one tells of an
// overlay that there are more.
func (n *notices) said(dir string) []Notice {
	slices.SortFunc(n.list, byNotice)
	list := slices.Clip(slices.Compact(n.list))
	if n.more > 0 {
		list = append(list, Notice{Note, Problem{File: dir, Message: fmt.Sprintf("%d more notices like these are left out", n.more)}})
	}
	return list
}

// unfixed says which of the effective versions are none that stay.
func (n *notices) unfixed(found []pin.Pin) {
	for _, p := range found {
		switch _, digest := p.Holds(); {
		case p.Kind == pin.Setting:
		case version.IsRange(p.Version):
			n.add(Note, p.At, "%s is the range %s: the cluster decides which version it comes to, so it is never promoted; write one version to have it promoted", p.Key, p.Version)
		case !digest && version.Parse(p.Version).Mutable():
			n.add(Note, p.At, "%s has %s, which can mean something else tomorrow without a promotion; write a version that stays, or add a digest", p.Key, p.Version)
		}
	}
}

// resources says which objects take a version that nobody fixes.
func (n *notices) resources(w *work, all []resource) {
	for _, r := range all {
		name, spec := r.original().name, r.root.get("spec")
		switch group := r.group(); {
		case r.kind() == "CustomResourceDefinition":
		case r.kind() == "HelmRelease" && group == "helm.toolkit.fluxcd.io":
			n.release(name, spec, all)
		case group == "source.toolkit.fluxcd.io":
			n.source(r, name, spec)
		default:
			n.containers(w, r)
		}
	}
}

func (n *notices) release(name string, spec *node, all []resource) {
	chart, ref := spec.get("chart", "spec"), spec.get("chartRef")
	switch source := chart.get("sourceRef"); {
	case ref != nil:
		n.chartFrom(name, ref, all)
	case source.str("kind") == "GitRepository" || source.str("kind") == "Bucket":
		n.chartFrom(name, source, all)
	case chart != nil && !written(chart.get("version")):
		n.add(Note, chart.at, "chart %s has no version, so the newest is deployed without a promotion; write one to have it promoted", name)
	}
	if from := spec.get("valuesFrom"); from != nil && len(from.items) > 0 {
		n.add(Note, from.at, "HelmRelease %s takes values from elsewhere as well, and versions there are not seen; write them into spec.values to have them promoted", name)
	}
	for _, renderer := range items(spec.get("postRenderers")) {
		if images := renderer.get("kustomize", "images"); images != nil {
			n.add(Warning, images.at, "the postRenderers of HelmRelease %s set images, which is not understood: they are not compared and not promoted; set them in spec.values", name)
		}
	}
}

func items(list *node) []*node {
	if list == nil {
		return nil
	}
	return list.items
}

// chartFrom looks for the object that a chart is taken from.
func (n *notices) chartFrom(name string, ref *node, all []resource) {
	kind, source := ref.str("kind"), ref.str("name")
	if kind == "Bucket" || !slices.ContainsFunc(all, func(r resource) bool { return r.kind() == kind && (r.name() == source || r.original().name == source) }) {
		n.add(Note, ref.at, "chart %s comes from the %s %s, which fixes its version elsewhere, so it is not promoted with this overlay; have that object in the overlay to have it promoted", name, kind, source)
	}
}

func (n *notices) source(r resource, name string, spec *node) {
	ref := spec.get("ref")
	switch r.kind() {
	case "GitRepository":
		if written(ref.get("commit")) || written(ref.get("name")) || written(ref.get("semver")) || written(ref.get("tag")) {
			return
		}
		at, branch := r.root.at, "its default branch"
		if b := ref.get("branch"); written(b) {
			at, branch = b.at, "the branch "+b.text
		}
		n.add(Note, at, "GitRepository %s follows %s, so what it brings changes without a promotion; write a tag or a commit to have it promoted", name, branch)
	case "OCIRepository":
		if !written(ref.get("digest")) && !written(ref.get("semver")) && !written(ref.get("tag")) {
			n.add(Note, r.root.at, "OCIRepository %s has no ref, so it follows latest without a promotion; write a tag to have it promoted", name)
		}
	case "HelmChart":
		if !written(spec.get("version")) {
			n.add(Note, r.root.at, "HelmChart %s has no version, so the newest is deployed without a promotion; write one to have it promoted", name)
		}
	}
}

func (n *notices) containers(w *work, r resource) {
	images(w, r.root, func(image *node) {
		now, met := r.images[image]
		switch name := pin.ImageName(image.text); {
		case image.kind != yamledit.Scalar || met && len(now.parts) > 0 || len(name) < len(image.text):
		case strings.Contains(name, "${"):
			n.add(Warning, image.at, "the image %s is a variable as a whole, which is not understood; write its name here and the tag alone as a variable", name)
		default:
			n.add(Note, image.at, "image %s has neither tag nor digest, so latest is deployed without a promotion; write a tag to have it promoted", name)
		}
	})
}

// unmet is for an entry of images that no container bears.
func (n *notices) unmet(e imageEntry) {
	n.add(Note, e.at, "the entry of images for %s meets no container here, so it changes nothing; correct the name or remove the entry", e.name)
}

// charts are those that a kustomization renders without saying which version.
func (n *notices) charts(all []*node) {
	for _, item := range all {
		n.add(Note, item.at, "the chart %s has no version, so the newest is deployed without a promotion; write one to have it promoted", item.str("name"))
	}
}

// elsewhere is for a Flux Kustomization whose files are not in sight.
func (n *notices) elsewhere(k *fluxKustomization) {
	n.add(Note, k.at, "the Flux Kustomization names no directory below the root of this monorepo, so no version that it applies is seen; give it a path, or a layout to what it takes from elsewhere")
}

// floating is for a remote resource that takes what is newest.
func (n *notices) floating(ref reference) {
	n.add(Note, ref.at, "the remote resource %s has no ref, so it can change without a promotion; add ?ref= with a tag to have it promoted", ref.path)
}

// aimless says of a patch for some objects that none of them was read.
func (n *notices) aimless(w *work, on *built, p patch, docs []*node) {
	if p.target == nil || on.partial || slices.ContainsFunc(on.resources, p.target.selects) {
		return
	}
	switch {
	case !on.open:
		n.add(Note, p.at, "the target of the patch selects no object, so it changes nothing; correct the target or remove the patch")
	case slices.ContainsFunc(docs, func(doc *node) bool { return speaksOfPinned(w, doc) }):
		n.add(Warning, p.at, "the patch may set a version of what a remote resource or a chart brings, which is never fetched: it is not compared and not promoted")
	}
}
