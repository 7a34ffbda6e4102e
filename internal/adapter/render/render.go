package render

import (
	"context"
	"fmt"
	"path"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// Renderer builds one overlay at a time: kustomize keeps the schema that it
// goes by in a variable of the whole process, so there should be one Renderer in
// a process. It can be used by several goroutines.
type Renderer struct {
	building sync.Mutex
}

// Render compares an overlay as it stands in the tree with the same after the
// files have been replaced. It always answers: what could not be rendered has a
// Problem. The answer is the same for as long as the inputs hold; nil inputs
// never do.
func (r *Renderer) Render(ctx context.Context, t overlay.Tree, o plan.Overlay, files []plan.File) (message.Difference, Inputs) {
	r.building.Lock()
	defer r.building.Unlock()
	ctx, cancel := context.WithTimeout(ctx, buildTimeout)
	defer cancel()
	d := message.Difference{Clusters: o.Clusters, Dir: o.Dir}
	inputs := Inputs{}
	before, err := build(&treeFS{ctx: ctx, tree: t, inputs: inputs}, o.Dir)
	if err != nil {
		d.Problem = err.Error()
		return d, inputs.unless(err)
	}
	replaced := make(map[string][]byte, len(files))
	for _, f := range files {
		replaced[f.Path] = f.Content
	}
	after, err := build(&treeFS{ctx: ctx, tree: t, inputs: inputs, replaced: replaced}, o.Dir)
	if err != nil {
		d.Problem = "with the new versions, " + err.Error()
		return d, inputs.unless(err)
	}
	d.Text, d.Left = compare(before, after)
	return d, inputs
}

// unless gives no inputs for what would not come out again.
func (in Inputs) unless(err error) Inputs {
	if core.KindOf(err) == core.Transient {
		return nil
	}
	return in
}

// build renders one overlay into its objects.
func build(fs *treeFS, dir string) ([]object, error) {
	if at := "/" + dir; !fs.IsDir(at) {
		return fs.plain(dir)
	}
	if err := fs.complete(dir); err != nil {
		return nil, err
	}
	built, err := fs.kustomize(dir)
	if err != nil {
		return nil, err
	}
	return objects(built)
}

// kustomize builds a directory with a kustomization.
func (fs *treeFS) kustomize(dir string) (built resmap.ResMap, err error) {
	defer func() {
		if p := recover(); p != nil {
			built, err = nil, core.Errorf(core.Internal, "kustomize gave up on %s", dir)
		}
	}()
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = types.LoadRestrictionsNone // as Flux does; there is only the monorepo to read
	built, err = krusty.MakeKustomizer(options).Run(fs, "/"+dir)
	switch {
	case fs.stopped != nil:
		return nil, fs.stopped
	case err != nil:
		return nil, core.Errorf(core.Invalid, "kustomize cannot build %s: %s", dir, complaint(err))
	case built.Size() > fs.times(maxObjects):
		return nil, core.Errorf(core.Invalid, "%s has %d objects; at most %d are looked at", dir, built.Size(), fs.times(maxObjects))
	}
	return built, nil
}

func objects(built resmap.ResMap) ([]object, error) {
	var out []object
	for _, res := range built.Resources() {
		text, err := res.AsYAML()
		if err != nil {
			return nil, core.Errorf(core.Invalid, "an object cannot be written as YAML")
		}
		found, err := parseObjects(text)
		if err != nil {
			return nil, err
		}
		out = append(out, found...)
	}
	return out, nil
}

// plain reads an overlay that is one file.
func (fs *treeFS) plain(file string) ([]object, error) {
	content, err := fs.ReadFile("/" + file)
	if fs.stopped != nil {
		return nil, fs.stopped
	}
	if err != nil {
		return nil, core.Errorf(core.NotFound, "%s is not in the monorepo", file)
	}
	return parseObjects(content)
}

// complete writes the kustomization that Flux makes up for a directory without
// one: all manifests in it, in all directories below.
func (fs *treeFS) complete(dir string) error {
	for _, name := range kustomizationNames() {
		if _, ok := fs.entry(path.Join(dir, name)); ok {
			return nil
		}
	}
	resources, err := fs.manifests(dir, "", 0)
	if err != nil {
		return err
	}
	if len(resources) == 0 {
		return core.Errorf(core.Invalid, "%s has no manifests", dir)
	}
	var b strings.Builder
	b.WriteString("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n")
	for _, name := range resources {
		fmt.Fprintf(&b, "  - %q\n", name)
	}
	fs.made = map[string][]byte{path.Join(dir, kustomizationNames()[0]): []byte(b.String())}
	return nil
}

// complaint is the part of an error that quotes no manifest: those hold what
// not everybody may read who gets mail about a merge request.
func complaint(err error) string {
	text, _, _ := strings.Cut(err.Error(), "\n")
	if i := strings.IndexAny(text, "`\"{|["); i >= 0 {
		text = text[:i]
	}
	text = strings.TrimRight(strings.TrimSpace(text), ":,;. ")
	if text == "" {
		return "it does not say why"
	}
	return message.Plain(text, 200)
}
