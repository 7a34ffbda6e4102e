package overlay

import (
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// unnamed looks in custom resources for images that nobody looks at: a field
// that is called one and holds a reference with a version. Whether it deploys
// anything the policy alone can know.
func (r *resolver) unnamed(resources []resource, found []pin.Pin) {
	for _, o := range resources {
		if !strings.Contains(o.group(), ".") || o.kind() == "CustomResourceDefinition" || strings.HasSuffix(o.group(), ".fluxcd.io") {
			continue
		}
		known := map[*node]bool{}
		images(r.work, o.root, func(image *node) { known[image] = true })
		u := &unnamed{resolver: r, object: o, known: known, found: found}
		u.look(o.root, nil, "")
	}
}

// unnamed goes through one object.
type unnamed struct {
	*resolver
	object resource
	known  map[*node]bool // the images that are found without the policy
	found  []pin.Pin
}

func (u *unnamed) look(n *node, at policy.FieldPath, key string) {
	switch {
	case n == nil || len(at) > maxDepth || !u.work.spend(1):
	case n.kind == yamledit.Sequence:
		for _, item := range n.items {
			u.look(item, append(slices.Clip(at), policy.FieldStep{Each: policy.EachItem}), key)
		}
	case n.kind == yamledit.Mapping:
		for _, k := range n.keys {
			u.look(n.fields[k], append(slices.Clip(at), policy.FieldStep{Key: k}), k)
		}
	case isImageKey(key) && written(n) && len(pin.ImageName(n.text)) < len(n.text) && !u.known[n] && !u.pinned(n):
		f := policy.Field{Kind: u.object.kind(), Group: u.object.group(), Path: at, Is: policy.ImageField}
		if !slices.ContainsFunc(u.unseenFields, f.Equal) {
			u.unseenFields = append(u.unseenFields, f)
		}
		u.notices.add(Note, n.at, "%s %s has an image at %s that is not looked at, since what this field means is not known; name it under fields in the policy to have it promoted",
			f.Kind, u.object.original().name, f.Path)
	}
}

func (u *unnamed) pinned(n *node) bool {
	return slices.ContainsFunc(u.found, func(p pin.Pin) bool {
		return slices.ContainsFunc(p.Parts, func(part pin.Part) bool { return same(part.At, n.at) })
	})
}
