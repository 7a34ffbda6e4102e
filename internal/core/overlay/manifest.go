package overlay

import (
	"errors"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// manifest is what one file says, independent of who refers to it.
type manifest struct {
	kust      *kustomization // set if the file is a kustomization
	resources []*node        // the objects in the file, those in lists included
	patches   []*node        // the file's documents, for whoever uses it as a patch
	loose     bool           // the file begins like JSON and is none, so kustomize takes it for no patch
	fluxes    []*fluxKustomization
	broken    *Problem // the file could not be read; File is not set
}

// parseManifest never fails: a file that can not be read says so in broken.
// kust tells that the file's name makes it a kustomization.
func parseManifest(file string, src []byte, kust bool) *manifest {
	f, err := yamledit.Parse(src)
	if err != nil {
		return &manifest{broken: problemFrom(err)}
	}
	m := &manifest{loose: !strictJSON(src)}
	for i := range f.Len() {
		doc, ok := f.Doc(i)
		if !ok || doc.IsNull() {
			continue
		}
		s := newSource(file, i)
		if isKustomization(doc) || kust {
			m.kust = readKustomization(s, doc)
			return m
		}
		root := s.read(doc, yamledit.Path{})
		m.patches = append(m.patches, root)
		if k := readFlux(s, doc, root); k != nil {
			m.fluxes = append(m.fluxes, k)
		}
		m.resources = append(m.resources, unlist(root)...)
	}
	return m
}

// unlist takes the objects out of lists of them, as kustomize does.
func unlist(n *node) []*node {
	items := n.get("items")
	switch {
	case n.kind == yamledit.Mapping && n.str("kind") == "":
		return nil // values for a generator, or a patch
	case items == nil || !strings.HasSuffix(n.str("kind"), "List"):
		return []*node{n}
	}
	var out []*node
	for _, item := range items.items {
		out = append(out, unlist(item)...)
	}
	return out
}

func problemFrom(err error) *Problem {
	var at *yamledit.Error
	if errors.As(err, &at) {
		return &Problem{Line: at.Line, Column: at.Column, Message: at.Reason}
	}
	return &Problem{Message: err.Error()}
}
