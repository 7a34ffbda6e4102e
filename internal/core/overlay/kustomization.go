package overlay

import (
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

func readKustomization(i int, doc yamledit.Node) *kustomization {
	k := &kustomization{}
	for p := range doc.Pairs() {
		switch p.Key {
		case "resources", "bases":
			k.readResources(p.Value)
		case "patches":
			k.readPatches(p.Value)
		case "patchesStrategicMerge":
			k.readStrategicMerges(p.Value)
		case "images":
			k.readImages(i, p.Value)
		case "components", "replacements", "transformers", "helmCharts", "patchesJson6902", "vars", "generators":
			k.refuse(p.Value, p.Key+" may set versions and are not understood")
		}
	}
	return k
}

func (k *kustomization) refuse(n yamledit.Node, why string) {
	k.odd = append(k.odd, Problem{Line: n.Line(), Column: n.Column(), Message: why})
}

func (k *kustomization) readResources(list yamledit.Node) {
	for _, item := range list.Items() {
		k.resources = append(k.resources, refer(item))
	}
}

func refer(n yamledit.Node) reference {
	return reference{path: n.Text(), line: n.Line(), column: n.Column()}
}

func (k *kustomization) readPatches(list yamledit.Node) {
	for _, item := range list.Items() {
		p := patch{reference: reference{line: item.Line(), column: item.Column()}}
		if target, ok := item.Get("target"); ok {
			p.target = text(target, "name")
		}
		if path, ok := item.Get("path"); ok {
			p.reference = refer(path)
		} else if inline, ok := item.Get("patch"); ok {
			p.inline, p.text = true, inline.Text()
			p.line, p.column = inline.Line(), inline.Column()
		}
		k.patches = append(k.patches, p)
	}
}

func (k *kustomization) readStrategicMerges(list yamledit.Node) {
	for _, item := range list.Items() {
		p := patch{reference: refer(item)}
		if strings.ContainsRune(p.path, '\n') {
			p.inline, p.text = true, p.path
		}
		k.patches = append(k.patches, p)
	}
}

func (k *kustomization) readImages(i int, list yamledit.Node) {
	for at, item := range list.Items() {
		k.readImage(i, at, item)
	}
}

// readImage reads one entry of images. An entry that pins a digest is refused:
// kustomize lets the digest win over the tag, so that changing newTag alone
// would look like a promotion and be none.
func (k *kustomization) readImage(i, at int, item yamledit.Node) {
	name, hasName := item.Get("name")
	tag, hasTag := item.Get("newTag")
	digest, hasDigest := item.Get("digest")
	switch {
	case !hasName || name.Text() == "":
		k.refuse(item, "an entry of images without a name")
	case hasDigest && digest.Text() != "":
		k.refuse(digest, "an image pinned by digest is not understood")
	case hasTag && strings.Contains(tag.Text(), "@"):
		k.refuse(tag, "a newTag that carries a digest is not understood")
	case hasTag && strings.Contains(tag.Text(), "${"):
		k.refuse(tag, "a version that Flux substitutes from a variable is not understood")
	case hasTag && tag.Text() != "":
		k.images = append(k.images, pin.Pin{
			Key:     pin.Key{Kind: pin.Image, Name: name.Text()},
			Version: tag.Text(),
			At: pin.Place{
				Line: tag.Line(), Column: tag.Column(), Doc: i,
				Path: yamledit.Path{yamledit.Key("images"), yamledit.Index(at), yamledit.Key("newTag")},
			},
		})
	}
}
