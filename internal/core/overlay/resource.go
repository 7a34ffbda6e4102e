package overlay

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// resource is one object as it stands at some point of a build.
type resource struct {
	root *node
	ids  []id // the present one first, then those it had before it was renamed
	// images are what the images of kustomizations made of the object's containers,
	// by the scalar that holds the container's own image.
	images map[*node]imaged
}

// id is what an object is called.
type id struct{ name, space string }

func idOf(n *node) id {
	return id{n.str("metadata", "name"), cmp.Or(n.str("metadata", "namespace"), "default")}
}

// imaged is a container's image after the images of kustomizations.
type imaged struct {
	name    string     // as the resource itself wrote it, for matching and as key
	now     string     // the present name
	version string     // as the resource itself wrote it, ":" left out
	parts   []pin.Part // where the version is written; empty if the container's own scalar still counts
	by      pin.Place  // the last entry that met it
}

func newResource(n *node) resource {
	return resource{root: n, ids: []id{idOf(n)}}
}

// name is the present one.
func (r resource) name() string { return r.ids[0].name }

// original is what the object was called first.
func (r resource) original() id { return r.ids[len(r.ids)-1] }

func (r resource) kind() string { return r.root.str("kind") }

func (r resource) group() string {
	group, _, ok := strings.Cut(r.root.str("apiVersion"), "/")
	if !ok {
		return ""
	}
	return group
}

// builtin tells whether kustomize knows the object's schema and with it that
// containers are merged by name. It knows one release of Kubernetes; of older
// versions of an API, and of custom resources, it knows nothing.
func (r resource) builtin() bool {
	switch r.root.str("apiVersion") + " " + r.kind() {
	case "v1 Pod", "v1 PodTemplate", "v1 ReplicationController",
		"apps/v1 Deployment", "apps/v1 StatefulSet", "apps/v1 DaemonSet", "apps/v1 ReplicaSet",
		"batch/v1 Job", "batch/v1 CronJob", "batch/v1beta1 CronJob":
		return true
	default:
		return false
	}
}

// same tells whether two resources have one id, which kustomize refuses.
func (r resource) same(o resource) bool {
	return r.ids[0] == o.ids[0] && r.kind() == o.kind() && r.group() == o.group()
}

// is tells whether a patch that names its object means this one.
func (r resource) is(patch *node) bool {
	return patch.str("kind") == r.kind() && patch.str("apiVersion") == r.root.str("apiVersion") &&
		slices.Contains(r.ids, idOf(patch))
}

// selector is the target of a patch. Its texts are regular expressions that
// must match as a whole; an empty one matches everything.
type selector struct {
	group, version, kind, name, namespace *regexp.Regexp
	byLabels                              bool // it also selects by labels or annotations, which are not evaluated
}

func newSelector(n *node) (selector, error) {
	if n.kind != yamledit.Mapping {
		return selector{}, fmt.Errorf("a mapping must be here, not %s", cmp.Or(n.why, "this"))
	}
	s := selector{byLabels: n.get("labelSelector") != nil || n.get("annotationSelector") != nil}
	for key, to := range map[string]**regexp.Regexp{"group": &s.group, "version": &s.version, "kind": &s.kind, "name": &s.name, "namespace": &s.namespace} {
		if v := n.get(key); v != nil && v.kind != yamledit.Scalar {
			return s, fmt.Errorf("%s is not a single value", key)
		}
		if text := n.str(key); text != "" {
			re, err := compile(whole(text))
			if err != nil {
				return s, err
			}
			*to = re
		}
	}
	return s, nil
}

// compile bounds what a text of the monorepo can cost; matching is linear.
func compile(text string) (*regexp.Regexp, error) {
	if len(text) > maxPattern {
		return nil, fmt.Errorf("a regular expression of %d characters is longer than any that is used (%d)", len(text), maxPattern)
	}
	return regexp.Compile(text)
}

func (s selector) selects(r resource) bool {
	_, version, grouped := strings.Cut(r.root.str("apiVersion"), "/")
	if !grouped {
		version = r.root.str("apiVersion")
	}
	fits := func(re *regexp.Regexp, text string) bool { return re == nil || re.MatchString(text) }
	now, first := r.ids[0], r.original()
	return fits(s.group, r.group()) && fits(s.version, version) && fits(s.kind, r.kind()) &&
		(fits(s.name, now.name) || fits(s.name, first.name)) && (fits(s.namespace, now.space) || fits(s.namespace, first.space))
}

// names tells whether the target is just this object, by kind and name, whatever
// other objects may come.
func (s selector) names(r resource) bool {
	return !s.byLabels && s.selects(r) && isText(s.kind, r.kind()) && (isText(s.name, r.name()) || isText(s.name, r.original().name))
}

// isText tells whether a regular expression of a target matches one text alone.
func isText(re *regexp.Regexp, text string) bool {
	return re != nil && re.String() == whole(text) && regexp.QuoteMeta(text) == text
}

// whole is the expression that must match as a whole.
func whole(text string) string { return "^(?:" + text + ")$" }

// images goes over the image of every container and every volume of an object,
// wherever its pod template stands: Kubernetes's workloads and custom resources
// alike.
func images(w *work, n *node, found func(image *node)) {
	imagesOf(w, n, func(_, image *node) { found(image) })
}

// imagesOf tells the container or volume of each as well.
func imagesOf(w *work, n *node, found func(of, image *node)) {
	if !w.spend(1) {
		return
	}
	for _, item := range n.items {
		imagesOf(w, item, found)
	}
	for _, key := range n.keys {
		value := n.fields[key]
		if isNamed(key) {
			for _, item := range value.items {
				image := item.get("image")
				if key == "volumes" {
					image = image.get("reference")
				}
				if written(image) || image != nil && image.kind == yamledit.Unclear {
					found(item, image)
				}
			}
		}
		imagesOf(w, value, found)
	}
}
