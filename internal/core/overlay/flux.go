package overlay

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// systemDir is the directory of a cluster in which its Flux objects stand, as
// far as they do not stand in the cluster's directory itself.
const systemDir = "flux-system"

// fluxKustomization is the Flux object that applies an overlay: what it adds
// to the build, and the variables that it substitutes afterwards.
type fluxKustomization struct {
	file       string
	name       string // namespace/name; "" if it does not tell its namespace
	path       string
	kust       *kustomization
	components []reference
	variables  map[string]*node
	from       *node // substituteFrom
	space      string
	foreign    bool // its source is no GitRepository
	at         pin.Place
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
	var found *fluxKustomization
	for _, dir := range []string{r.cluster, path.Join(r.cluster, systemDir)} {
		if path.Dir(r.dir) == dir && isYAML(r.dir) {
			continue // its files are overlays themselves
		}
		list, err := r.tree.manifests(dir)
		if err != nil {
			return nil, err
		}
		r.depends[dir+"/"] = list.sha
		for _, e := range list.files {
			if found, err = r.fluxIn(path.Join(dir, e.Name), e.SHA, found); err != nil {
				return nil, err
			}
		}
	}
	return found, nil
}

// fluxIn looks through one file of a cluster for a Flux Kustomization that says
// more of the overlay than best, and for ConfigMaps.
func (r *resolver) fluxIn(file string, sha core.SHA, best *fluxKustomization) (*fluxKustomization, error) {
	m, err := r.manifest(file, sha)
	if err != nil {
		return nil, err
	}
	delete(r.depends, file) // the list of the directory's files holds it
	for _, k := range m.fluxes {
		if k.holds(r.dir) && (best == nil || len(k.path) > len(best.path)) {
			best = k
		}
	}
	r.maps = append(r.maps, configMaps(m)...)
	return best, nil
}

func configMaps(m *manifest) []*node {
	var out []*node
	for _, n := range m.resources {
		if n.str("kind") == "ConfigMap" {
			out = append(out, n)
		}
	}
	return out
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
	space := root.str("metadata", "namespace")
	k := &fluxKustomization{file: s.file, path: path.Clean("/" + spec.str("path"))[1:], variables: map[string]*node{},
		from: spec.get("postBuild", "substituteFrom"), space: space, at: root.at}
	if space != "" {
		k.name = space + "/" + root.str("metadata", "name")
	}
	source := spec.str("sourceRef", "kind")
	k.foreign = source != "" && source != "GitRepository"
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
	r.late = late{}
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
func (k *fluxKustomization) substitute(found []pin.Pin, maps []*node) error {
	if k == nil {
		return nil
	}
	for i := range found {
		for j, part := range found[i].Parts {
			name, ok := usesVariable(part)
			if !ok {
				continue
			}
			value, unseen := k.value(name, maps)
			if value == nil {
				return refuse(part.At.File, part.At.Line, part.At.Column, "the variable %s has no value in the postBuild.substitute of its Flux Kustomization%s", name, unseen)
			}
			found[i].Parts[j] = pin.Part{Form: pin.Plain, Text: value.text, At: value.at}
		}
		known := found[i]
		found[i] = pin.New(known.Key, known.Parts...)
		found[i].Origin, found[i].Couples, found[i].Of = known.Origin, known.Couples, known.Of
	}
	return nil
}

// value is where a variable gets its value, in Flux's order: substitute, then
// the last of substituteFrom that has it. One that is not in sight might have
// it, so nothing before it counts; unseen then says so.
func (k *fluxKustomization) value(name string, maps []*node) (value *node, unseen string) {
	if v := k.variables[name]; written(v) {
		return v, ""
	}
	if k.from == nil {
		return nil, ""
	}
	for _, ref := range slices.Backward(k.from.items) {
		i := slices.IndexFunc(maps, func(m *node) bool { return k.takesFrom(ref, m) })
		if i < 0 {
			return nil, "; what substituteFrom brings of the " + ref.str("kind") + " " + ref.str("name") + " is not in sight"
		}
		if v := maps[i].get("data", name); written(v) {
			return v, ""
		}
	}
	return nil, ""
}

func (k *fluxKustomization) takesFrom(ref, m *node) bool {
	space := m.str("metadata", "namespace")
	return ref.str("kind") == "ConfigMap" && ref.str("name") == m.str("metadata", "name") && (space == "" || k.space == "" || space == k.space)
}

// usesVariable tells which variable a part's version is, if it is one.
func usesVariable(p pin.Part) (string, bool) {
	if !strings.Contains(p.Text, "${") {
		return "", false // most are none
	}
	m := regexp.MustCompile(variable).FindStringSubmatch(p.Version())
	if m == nil {
		return "", false
	}
	return m[1], true
}
