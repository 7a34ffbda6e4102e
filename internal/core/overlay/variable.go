package overlay

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// substitutes tells whether the Flux Kustomization substitutes anything.
func (k *fluxKustomization) substitutes() bool {
	return k != nil && (len(k.variables) > 0 || k.from != nil)
}

// reads lists where the variables stand that the objects take in, be it for a
// version or for anything else.
func (k *fluxKustomization) reads(w *work, resources []resource, maps []*node) []pin.Place {
	if !k.substitutes() {
		return nil
	}
	names := map[string]bool{}
	for _, r := range resources {
		gather(w, r.root, names)
	}
	return k.stand(names, maps)
}

// stand lists where variables get their values.
func (k *fluxKustomization) stand(names map[string]bool, configMaps []*node) []pin.Place {
	var out []pin.Place
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if value, _ := k.value(name, configMaps); value != nil {
			out = append(out, value.at)
		}
	}
	return out
}

func gather(w *work, n *node, names map[string]bool) {
	if !w.spend(1) {
		return
	}
	if n.kind == yamledit.Scalar {
		variablesIn(n.text, names)
	}
	for _, item := range n.items {
		gather(w, item, names)
	}
	for _, key := range n.keys {
		gather(w, n.fields[key], names)
	}
}

// variablesIn adds the names of the variables that a text takes in.
func variablesIn(text string, names map[string]bool) {
	for {
		_, rest, found := strings.Cut(text, "${")
		if !found {
			return
		}
		end := strings.IndexFunc(rest, func(r rune) bool {
			return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
		})
		if end > 0 {
			names[rest[:end]] = true
		}
		text = rest
	}
}

// mayRead is for an overlay that could not be understood: it takes in every
// variable that a file of it names, as far as its files are known.
func (r *resolver) mayRead() error {
	known := maps.Clone(r.files)
	defer func() { r.files = known }()
	k, err := r.flux()
	if _, odd := problemOf(err); odd || err == nil && !k.substitutes() {
		return nil
	}
	if err != nil {
		return err
	}
	list, err := r.tree.manifests(r.dir)
	if err != nil {
		return err
	}
	files := slices.Sorted(maps.Keys(known))
	for _, e := range list.files {
		files = append(files, path.Join(r.dir, e.Name))
	}
	names := map[string]bool{}
	for _, file := range files {
		src, err := r.tree.Read(file)
		if err != nil && !missing(err) && core.KindOf(err) != core.Invalid {
			return err
		}
		variablesIn(string(src), names)
	}
	r.reads = k.stand(names, r.maps)
	return nil
}
