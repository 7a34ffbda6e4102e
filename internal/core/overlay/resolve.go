package overlay

import (
	"cmp"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// resolver works out one overlay. It follows a kustomization the way kustomize
// builds it: resources, components, patches, names, images.
type resolver struct {
	reader  *Reader
	tree    *lookup
	dir     string // the overlay's directory, or the overlay's one file
	cluster string // the directory of its cluster, "" if it has none of its own
	carrier string // the Flux Kustomization that applies it, once found
	depends map[string]core.SHA
	files   map[string]core.SHA
	work    *work
	seen    []string // the directories being resolved, outermost first
	maps    []*node  // the ConfigMaps in sight, which may hold variables
	notices notices
	reading policy.Reading // what the policy says of versions in this overlay
	met     map[int]bool   // the fields of the reading that the overlay has
	// unseenFields are those that the policy could name.
	unseenFields []policy.Field
	late         late
	again        late                 // what the overlay's own replacements bring, after all else that it says
	edited       map[string]*manifest // files that are other than in the tree, to try an edit out
	reads        []pin.Place          // the variables that what is built takes in
}

// built is what a kustomization makes: objects, and pins that stand in
// kustomizations themselves.
type built struct {
	resources []resource
	pins      []pin.Pin
	renamed   []string // the images without a container that an entry gives another name
	open      bool     // it takes in something that is not read: a remote resource, a chart
	partial   bool     // it is a part of what is patched now, so patches may be for other parts
}

// problemError carries a Problem up the recursion.
type problemError struct{ Problem }

func (e *problemError) Error() string { return e.Message }

func refuse(file string, line, column int, format string, args ...any) error {
	return &problemError{Problem{File: file, Line: line, Column: column, Message: fmt.Sprintf(format, args...)}}
}

func (r reference) refuse(format string, args ...any) error {
	return refuse(r.at.File, r.at.Line, r.at.Column, format, args...)
}

// outcome is what an overlay comes to.
type outcome struct {
	own   built // as its own kustomization makes it
	built built // with what its Flux Kustomization does to that
	pins  []pin.Pin
}

// pins resolves the overlay itself, and finds out how it can have versions of
// its own.
func (r *resolver) pins() ([]pin.Pin, error) {
	o, err := r.outcome()
	if err != nil {
		return nil, err
	}
	if err := r.overrides(o); err != nil {
		return nil, err
	}
	r.notices.unfixed(o.pins)
	return o.pins, nil
}

// outcome builds the overlay. Its pins are ordered by key.
func (r *resolver) outcome() (outcome, error) {
	var o outcome
	carriers, err := r.root(&o.built)
	if err != nil {
		return o, err
	}
	o.own = o.built
	o.own.resources = slices.Clone(o.built.resources)
	flux, err := r.flux()
	if err != nil {
		return o, err
	}
	if o.pins, err = r.applied(flux, &o.built); err != nil {
		return o, err
	}
	for _, k := range carriers {
		more, err := r.below(k)
		if err != nil {
			return o, err
		}
		o.pins = append(o.pins, more...)
	}
	if len(carriers) > 1 {
		r.carrier = "" // none of them applies all of it
	}
	for i := range o.pins {
		for j := range o.pins[i].Parts {
			o.pins[i].Parts[j].At.Layer = r.layer(o.pins[i].Parts[j].At.File)
		}
		o.pins[i].At = o.pins[i].Parts[0].At
	}
	slices.SortFunc(o.pins, byKey)
	return o, unclear(o.pins)
}

// applied is what a build deploys once its Flux Kustomization, if it has one,
// has applied it.
func (r *resolver) applied(flux *fluxKustomization, b *built) ([]pin.Pin, error) {
	if flux != nil {
		r.carrier = flux.name
		if err := r.applyFlux(flux, b); err != nil {
			return nil, err
		}
	}
	found, err := discover(r.work, b.resources, r.reading, r.met)
	if err != nil {
		return nil, err
	}
	if err := r.exhausted(); err != nil {
		return nil, err
	}
	r.reads = append(r.reads, flux.reads(r.work, b.resources, r.maps)...)
	r.notices.resources(r.work, b.resources)
	r.unnamed(b.resources, found)
	found = append(found, b.pins...)
	for i := range found {
		found[i].Parts = slices.Clone(found[i].Parts) // other overlays share what a manifest says
	}
	return found, flux.substitute(found, r.maps)
}

// unclear refuses pins that do not say what they mean: a variable, whose value
// stands elsewhere, and a key that two pins have, since it would not be known
// which of them another environment's is to be compared with.
func unclear(found []pin.Pin) error {
	for i, p := range found {
		for _, part := range p.Parts {
			if strings.Contains(part.Text, "${") {
				return refuse(part.At.File, part.At.Line, part.At.Column, "a version that Flux substitutes from a variable is not understood")
			}
			if strings.Contains(part.Text, "{{") {
				return refuse(part.At.File, part.At.Line, part.At.Column, "a version that a template would fill in is not understood: write it out")
			}
		}
		if i > 0 && found[i-1].Key == p.Key {
			return refuse(p.At.File, p.At.Line, p.At.Column, "%s is pinned twice: also in %s:%d", p.Key, found[i-1].At.File, found[i-1].At.Line)
		}
	}
	return nil
}

// directory builds the kustomization in dir on top of what is built already;
// only a component sees that.
func (r *resolver) directory(dir string, on *built) error {
	if slices.Contains(r.seen, dir) {
		return refuse(dir, 0, 0, "the kustomization refers to itself: %s", strings.Join(append(slices.Clone(r.seen), dir), " → "))
	}
	if len(r.seen) == maxDepth {
		return refuse(dir, 0, 0, "kustomizations refer to each other more than %d levels deep", maxDepth)
	}
	if !r.work.spend(1000) { // listing a directory and reading a file of it
		return r.exhausted()
	}
	r.seen = append(r.seen, dir)
	defer func() { r.seen = r.seen[:len(r.seen)-1] }()
	file, m, err := r.kustomizationOf(dir)
	if err != nil {
		return err
	}
	return r.build(dir, file, m.kust, on)
}

func (r *resolver) build(dir, file string, k *kustomization, on *built) error {
	if len(k.odd) > 0 {
		return at(file, k.odd[0])
	}
	if err := r.unseen(k); err != nil {
		return err
	}
	for _, ref := range k.resources {
		if err := r.resource(on, dir, ref); err != nil {
			return err
		}
	}
	for _, ref := range k.components {
		if err := r.component(on, dir, ref); err != nil {
			return err
		}
	}
	for _, ref := range k.configs {
		if err := r.configuration(dir, ref); err != nil {
			return err
		}
	}
	return r.transform(dir, k, on)
}

// transform changes what is built: patches, names, images.
func (r *resolver) transform(dir string, k *kustomization, on *built) error {
	if err := r.patchAll(on, dir, k.patches); err != nil {
		return err
	}
	k.rename(on)
	if err := r.patchAll(on, dir, k.late); err != nil {
		return err
	}
	on.pins = append(on.pins, k.charts...)
	on.open = on.open || len(k.charts)+len(k.floating) > 0
	r.notices.charts(k.floating)
	r.late.noteImages(k.images)
	matched := make([]bool, len(k.images))
	if len(k.images) > 0 {
		for i := range on.resources {
			on.resources[i].apply(r.work, k.images, matched)
		}
	}
	for i, e := range k.images {
		if !matched[i] && !on.image(e) && !on.partial && r.late == nil {
			r.notices.unmet(e)
		}
	}
	if err := r.replaceAll(dir, k, on); err != nil {
		return err
	}
	return r.exhausted()
}

// exhausted refuses to go on if the overlay has taken too much work.
func (r *resolver) exhausted() error {
	if r.work.spend(0) {
		return nil
	}
	return refuse(r.dir, 0, 0, "%v", errTooMuch)
}

// rename gives the objects the namespace, the prefix and the suffix.
func (k *kustomization) rename(on *built) {
	for i, o := range on.resources {
		now := o.ids[0]
		if k.namespace != "" {
			now.space = k.namespace
			o.ids = append([]id{now}, o.ids...)
		}
		if k.prefix != "" || k.suffix != "" {
			now.name = k.prefix + now.name + k.suffix
			o.ids = append([]id{now}, o.ids...)
		}
		on.resources[i] = o
	}
}

// image takes in an entry of images that meets no container. It counts as a pin
// by itself where no object is seen, or something that is not read may hold the
// container; else it changes nothing, and is no pin: it tells which of the two.
func (b *built) image(e imageEntry) bool {
	if !b.open && (b.partial || len(b.resources) > 0) || len(e.parts) == 0 {
		return b.open
	}
	if e.newName != "" {
		b.renamed = append(b.renamed, e.name)
	}
	p := pin.New(pin.Key{Kind: pin.Image, Name: e.name}, e.parts...)
	p.Origin = cmp.Or(e.newName, e.name)
	b.pins = slices.DeleteFunc(b.pins, func(below pin.Pin) bool { return below.Key == p.Key })
	b.pins = append(b.pins, p)
	return true
}

// kustomizationOf finds the directory's kustomization by the three names that
// kustomize accepts.
func (r *resolver) kustomizationOf(dir string) (string, *manifest, error) {
	sha, entries, err := r.tree.directory(dir)
	if err != nil {
		return "", nil, err
	}
	r.depends[dir] = sha
	for _, e := range entries {
		if e.Type != Regular || !isKustomizationFile(e.Name) {
			continue
		}
		file := path.Join(dir, e.Name)
		m, err := r.manifest(file, e.SHA)
		if err == nil && m.kust == nil {
			err = refuse(file, 1, 1, "the kustomization is empty")
		}
		return file, m, err
	}
	return "", nil, core.Errorf(core.NotFound, "%s holds no kustomization.yaml", dir)
}

func isKustomizationFile(name string) bool {
	return name == "kustomization.yaml" || name == "kustomization.yml" || name == "Kustomization"
}

func (r *resolver) patch(on *built, dir string, p patch) error {
	docs := p.docs
	switch {
	case p.broken != "":
		return p.refuse("the patch cannot be read: %s", p.broken)
	case p.path != "":
		to, found, err := r.entry(dir, p.reference)
		if err != nil {
			return err
		}
		if found.Type != Regular {
			return p.refuse("the patch %s is not a file", to)
		}
		m, err := r.manifest(to, found.SHA)
		if err != nil {
			return err
		}
		if m.loose {
			return refuse(to, 1, 1, "%s", reasonLoose)
		}
		docs = m.patches
	}
	r.work.spend(len(docs))
	operations := slices.ContainsFunc(docs, func(n *node) bool { return n.kind == yamledit.Sequence })
	if len(docs) > 1 && (p.target != nil || operations) {
		return p.refuse("a patch of several documents can neither have a target nor be a list of operations")
	}
	if err := r.vague(p, docs); err != nil {
		return err
	}
	r.notices.aimless(r.work, on, p, docs)
	r.late.note(r.work, docs)
	for _, doc := range docs {
		if err := on.patch(r.work, p, doc); err != nil {
			return err
		}
	}
	return nil
}

// manifest understands a file, and notes that the overlay depends on it.
func (r *resolver) manifest(file string, sha core.SHA) (*manifest, error) {
	if r.files[file] = sha; len(r.files) > maxFiles {
		return nil, refuse(r.dir, 0, 0, "the overlay reads more than %d files", maxFiles)
	}
	if !strings.HasPrefix(file, r.dir+"/") {
		r.depends[file] = sha
	}
	m, err := r.edited[file], error(nil)
	if m == nil {
		m, err = r.reader.manifest(r.tree.Tree, file, sha)
	}
	if err != nil && core.KindOf(err) == core.Invalid {
		return nil, refuse(file, 0, 0, "%v", err)
	}
	if err == nil && m.broken != nil {
		return nil, at(file, *m.broken)
	}
	return m, err
}

func (r *resolver) layer(file string) pin.Layer { return layerOf(r.dir, r.cluster, file) }

// layerOf also counts the cluster's Flux objects as the environment's own.
func layerOf(dir, cluster, file string) pin.Layer {
	switch {
	case holds(dir, file):
		return pin.Overlay
	case cluster != "" && (path.Dir(file) == cluster || strings.HasPrefix(file, path.Join(cluster, systemDir)+"/")):
		return pin.Overlay
	}
	return pin.Base
}

// holds tells whether a file is, or belongs to, the overlay.
func holds(dir, file string) bool { return file == dir || strings.HasPrefix(file, dir+"/") }

func at(file string, p Problem) error {
	p.File = file
	return &problemError{p}
}

func missing(err error) bool { return err != nil && core.KindOf(err) == core.NotFound }

func problemOf(err error) (*Problem, bool) {
	var p *problemError
	if errors.As(err, &p) {
		return &p.Problem, true
	}
	return nil, false
}
