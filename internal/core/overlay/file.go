package overlay

import (
	"github.com/sluice-gitops/sluice/internal/core/pin"
)

// root builds the overlay itself: the kustomization of its directory, or the
// objects of its one file. Flux Kustomizations in that file are returned; what
// they apply is a part of the overlay.
func (r *resolver) root(b *built) ([]*fluxKustomization, error) {
	e, ok, err := r.tree.entry(r.dir)
	if err != nil {
		return nil, err
	}
	if !ok || e.Type != Regular {
		return nil, r.directory(r.dir, b)
	}
	m, err := r.manifest(r.dir, e.SHA)
	switch {
	case err != nil:
		return nil, err
	case m.kust != nil:
		return nil, refuse(r.dir, 1, 1, "a kustomization in a file of this name is not what an overlay of one file can be; name it kustomization.yaml in a directory, and the directory in the layout")
	case len(m.resources) == 0:
		return nil, refuse(r.dir, 0, 0, "the file holds no Kubernetes object, so what it deploys is not known; values that something else takes in are not understood")
	}
	for _, n := range m.resources {
		if err := b.take(built{resources: []resource{newResource(n)}}, reference{at: n.at}); err != nil {
			return nil, err
		}
	}
	r.maps = append(r.maps, configMaps(m)...)
	return m.fluxes, nil
}

// below is what a Flux Kustomization in the overlay's file applies. Paths in
// other sources than Git repositories are not looked at.
func (r *resolver) below(k *fluxKustomization) ([]pin.Pin, error) {
	if k.foreign || k.path == "" {
		r.notices.elsewhere(k)
		return nil, nil
	}
	var b built
	err := r.directory(k.path, &b)
	if missing(err) {
		if _, exists := r.depends[k.path]; !exists {
			r.depends[k.path] = "" // its appearance would change the answer
		}
		return nil, refuse(k.at.File, k.at.Line, k.at.Column, "the path of the Flux Kustomization is not understood: %v", err)
	}
	if err != nil {
		return nil, err
	}
	return r.applied(k, &b)
}

// overlayIn tells whether an entry of a directory can be an overlay or lead to
// one, as far as its type says.
func overlayIn(e Entry, file bool) bool {
	if !file {
		return e.Type == Directory
	}
	return e.Type == Regular && !isKustomizationFile(e.Name)
}

// isShared tells that a name is one that people give to what environments share:
// it needs no word that the policy does not know it.
func isShared(name string) bool {
	switch name {
	case "base", "bases", "common", "shared", "components":
		return true
	}
	return false
}
