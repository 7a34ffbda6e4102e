package render

import (
	"bytes"
	"context"
	"path"
	"regexp"

	"sigs.k8s.io/kustomize/api/resmap"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/lint"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
)

// Build builds the kustomization of a directory as Flux would: one that Flux
// makes up where the directory has none. The error is of kind core.Invalid if it
// does not build, and says why.
func (r *Renderer) Build(ctx context.Context, t overlay.Tree, dir string) ([]lint.Object, error) {
	r.building.Lock()
	defer r.building.Unlock()
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	fs := &treeFS{ctx: ctx, tree: t, inputs: Inputs{}}
	if err := fs.complete(dir); err != nil {
		return nil, err
	}
	if err := fs.traced(dir); err != nil {
		return nil, err
	}
	built, err := fs.kustomize(dir)
	if err != nil {
		return nil, err
	}
	return withOrigins(built, dir)
}

// traced has kustomize tell which file each object began in, unless the
// kustomization says itself what is to be told.
func (fs *treeFS) traced(dir string) error {
	for _, name := range kustomizationNames() {
		file := path.Join(dir, name)
		if _, ok := fs.entry(file); !ok && fs.made[file] == nil {
			continue
		}
		content, err := fs.ReadFile(file)
		if err != nil {
			return core.Errorf(core.Invalid, "read %s: %w", file, err)
		}
		if regexp.MustCompile(`(?m)^(buildMetadata:|---|\.\.\.|\{)`).Match(bytes.TrimPrefix(content, []byte("---\n"))) {
			return nil
		}
		fs.made = map[string][]byte{file: append(content, "\nbuildMetadata: [originAnnotations]\n"...)}
		return nil
	}
	return nil
}

// withOrigins takes the origins out of the objects again.
func withOrigins(built resmap.ResMap, dir string) ([]lint.Object, error) {
	var out []lint.Object
	for _, res := range built.Resources() {
		o := lint.Object{}
		if origin, err := res.GetOrigin(); err == nil && origin != nil && origin.Repo == "" && origin.Path != "" {
			o.Origin = path.Join(dir, origin.Path)
		}
		if err := res.SetOrigin(nil); err != nil {
			return nil, core.Errorf(core.Internal, "an object keeps its origin: %w", err)
		}
		text, err := res.AsYAML()
		if err != nil {
			return nil, core.Errorf(core.Invalid, "an object cannot be written as YAML")
		}
		o.Text = text
		out = append(out, o)
	}
	return out, nil
}
