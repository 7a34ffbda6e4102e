package overlay

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// systemDir is the directory of a cluster in which its Flux objects stand.
const systemDir = "flux-system"

// fluxKustomization is the Flux object that applies an overlay: what it adds
// to the build, and the variables that it substitutes afterwards.
type fluxKustomization struct {
	file       string
	name       string // namespace/name
	path       string
	kust       *kustomization
	components []reference
	variables  map[string]*node
	from       *node // substituteFrom, whose values are not in sight
}

// clusterDir is the directory of an overlay's cluster, "" if the layout has
// none of its own.
func clusterDir(dir string, pattern policy.Pattern) string {
	segments := pattern.Segments()
	i := slices.IndexFunc(segments, func(s policy.Segment) bool { return s.Placeholder == policy.ClusterPlaceholder })
	if i < 0 || i == len(segments)-1 {
		return ""
	}
	return path.Join(strings.Split(dir, "/")[:i+1]...)
}

// flux finds the Flux Kustomization with the longest path that holds the
// overlay; nil if the cluster's own directory says nothing of it.
func (r *resolver) flux() (*fluxKustomization, error) {
	if r.cluster == "" {
		return nil, nil
	}
	dir := path.Join(r.cluster, systemDir)
	sha, entries, err := r.tree.directory(dir)
	if missing(err) {
		r.depends[dir] = ""
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r.depends[dir] = sha
	var found *fluxKustomization
	for _, e := range entries {
		if e.Type != Regular || !isYAML(e.Name) || isKustomizationFile(e.Name) || strings.HasPrefix(e.Name, "gotk-") {
			continue
		}
		m, err := r.manifest(path.Join(dir, e.Name), e.SHA)
		if err != nil {
			return nil, err
		}
		for _, k := range m.fluxes {
			if k.holds(r.dir) && (found == nil || len(k.path) > len(found.path)) {
				found = k
			}
		}
	}
	return found, nil
}

func isYAML(name string) bool {
	return strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")
}

func (k *fluxKustomization) holds(dir string) bool {
	return dir == k.path || strings.HasPrefix(dir, k.path+"/")
}

// readFlux reads a document if it is a Flux Kustomization.
func readFlux(s source, doc yamledit.Node, root *node) *fluxKustomization {
	if root.str("kind") != "Kustomization" || !strings.HasPrefix(root.str("apiVersion"), "kustomize.toolkit.fluxcd.io/") {
		return nil
	}
	spec := root.get("spec")
	k := &fluxKustomization{file: s.file, name: root.str("metadata", "namespace") + "/" + root.str("metadata", "name"), path: path.Clean("/" + spec.str("path"))[1:], variables: map[string]*node{}, from: spec.get("postBuild", "substituteFrom")}
	if sub := spec.get("postBuild", "substitute"); sub != nil {
		k.variables = sub.fields
	}
	inner, _ := doc.Get("spec")
	k.kust = &kustomization{namespace: spec.str("targetNamespace"), prefix: spec.str("namePrefix"), suffix: spec.str("nameSuffix")}
	if spec != nil {
		k.kust.readPatches(s, inner, spec, yamledit.Path{yamledit.Key("spec")})
		k.kust.readImages(spec.get("images"))
		k.components = references(spec.get("components"))
	}
	return k
}

// applyFlux does to a built overlay what its Flux Kustomization does. Patches
// for objects of other overlays are none of this one's business.
func (r *resolver) applyFlux(k *fluxKustomization, b *built) error {
	if len(k.kust.odd) > 0 {
		return at(k.file, k.kust.odd[0])
	}
	for _, ref := range k.components {
		if err := r.component(b, k.path, ref); err != nil {
			return err
		}
	}
	b.partial = true
	return r.transform(k.path, k.kust, b)
}

// variable is the text ${NAME}, with or without a default.
const variable = `^\$\{([_A-Za-z][_A-Za-z0-9]*)(:?[-=][^}]*)?\}$`

// substitute puts the places of variables in for those where they are used: a
// version that is a variable is written where the variable is.
func (k *fluxKustomization) substitute(found []pin.Pin) error {
	if k == nil {
		return nil
	}
	for i := range found {
		for j, part := range found[i].Parts {
			name, ok := usesVariable(part)
			if !ok {
				continue
			}
			value := k.variables[name]
			if !written(value) {
				return refuse(part.At.File, part.At.Line, part.At.Column, "the variable %s has no value in the postBuild.substitute of its Flux Kustomization%s", name, k.elsewhere())
			}
			found[i].Parts[j] = pin.Part{Form: pin.Plain, Text: value.text, At: value.at}
		}
		found[i] = pin.New(found[i].Key, found[i].Parts...)
	}
	return nil
}

func (k *fluxKustomization) elsewhere() string {
	if k.from == nil {
		return ""
	}
	return "; what substituteFrom brings is not in sight"
}

// usesVariable tells which variable a part's version is, if it is one.
func usesVariable(p pin.Part) (string, bool) {
	m := regexp.MustCompile(variable).FindStringSubmatch(p.Version())
	if m == nil {
		return "", false
	}
	return m[1], true
}
