package render

import (
	"bytes"
	"context"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
)

// Text is what a directory, or an overlay of one file, builds to: all objects,
// as documents of one YAML text. The directory may gather hundreds of overlays. Unlike a rendering it holds what is secret, so
// it is for whoever has the files anyway. The error is of kind core.Invalid if
// it does not build, and says why.
func (r *Renderer) Text(ctx context.Context, t overlay.Tree, dir string) ([]byte, error) {
	r.building.Lock()
	defer r.building.Unlock()
	ctx, cancel := context.WithTimeout(ctx, wholeScale*buildTimeout)
	defer cancel()
	built, err := build(&treeFS{ctx: ctx, tree: t, inputs: Inputs{}, scale: wholeScale}, dir)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for _, o := range built {
		text, err := yaml.Marshal(o.root)
		if err != nil {
			return nil, core.Errorf(core.Invalid, "an object of %s cannot be written as YAML", dir)
		}
		out.WriteString("---\n")
		out.Write(text)
	}
	return out.Bytes(), nil
}
