package overlay

import (
	"maps"

	"github.com/sluice-gitops/sluice/internal/core/pin"
)

// imageEntry is one entry of a kustomization's images.
type imageEntry struct {
	name    string
	newName string
	parts   []pin.Part // newTag, digest or both; none if the entry only renames
	line    int
	column  int
}

// apply changes the images of a resource's containers. Later entries see what
// earlier ones made of a name, as in kustomize.
func (e imageEntry) apply(r resource) (resource, bool) {
	matched := false
	images := maps.Clone(r.images)
	if images == nil {
		images = map[*node]imaged{}
	}
	containers(r.root, func(c *node) {
		image := c.get("image")
		now, ok := images[image]
		if !ok {
			now = imaged{name: pin.ImageName(image.text), now: pin.ImageName(image.text)}
		}
		if now.now != e.name {
			return
		}
		matched = true
		if e.newName != "" {
			now.now = e.newName
		}
		if len(e.parts) > 0 {
			now.parts = e.parts
		}
		images[image] = now
	})
	r.images = images
	return r, matched
}
