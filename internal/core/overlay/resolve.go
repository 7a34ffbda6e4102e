package overlay

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/pin"
)

// resolver works out one overlay. It follows a kustomization the way kustomize
// builds it: resources first, then this layer's patches, then its images.
type resolver struct {
	reader  *Reader
	tree    *lookup
	dir     string // the overlay's directory
	depends map[string]core.SHA
	files   map[string]core.SHA
	seen    []string // the directories being resolved, outermost first
}

// problemError carries a Problem up the recursion.
type problemError struct{ Problem }

func (e *problemError) Error() string { return e.Message }

func refuse(file string, line, column int, format string, args ...any) error {
	return &problemError{Problem{File: file, Line: line, Column: column, Message: fmt.Sprintf(format, args...)}}
}

type pins map[pin.Key]pin.Pin

// directory resolves the kustomization in dir.
func (r *resolver) directory(dir string) (pins, error) {
	if slices.Contains(r.seen, dir) {
		return nil, refuse(dir, 0, 0, "the kustomization refers to itself: %s", strings.Join(append(r.seen, dir), " → "))
	}
	if len(r.seen) == maxDepth {
		return nil, refuse(dir, 0, 0, "kustomizations refer to each other more than %d levels deep", maxDepth)
	}
	r.seen = append(r.seen, dir)
	defer func() { r.seen = r.seen[:len(r.seen)-1] }()
	file, m, err := r.kustomizationOf(dir)
	if err != nil {
		return nil, err
	}
	return r.apply(dir, file, m.kust)
}

func (r *resolver) apply(dir, file string, k *kustomization) (pins, error) {
	if len(k.odd) > 0 {
		return nil, at(file, k.odd[0])
	}
	out := pins{}
	for _, ref := range k.resources {
		if err := r.resource(out, dir, file, ref); err != nil {
			return nil, err
		}
	}
	for _, p := range k.patches {
		if err := r.patch(out, dir, file, p); err != nil {
			return nil, err
		}
	}
	for _, img := range k.images {
		r.put(out, img, file)
	}
	return out, nil
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
		switch {
		case err != nil:
			return "", nil, err
		case m.kust == nil:
			return "", nil, refuse(file, 1, 1, "want a kustomization (kustomize.config.k8s.io), found something else")
		}
		return file, m, nil
	}
	return "", nil, core.Errorf(core.NotFound, "%s holds no kustomization.yaml", dir)
}

func isKustomizationFile(name string) bool {
	return name == "kustomization.yaml" || name == "kustomization.yml" || name == "Kustomization"
}

func (r *resolver) resource(out pins, dir, file string, ref reference) error {
	if remote(ref.path) {
		return refuse(file, ref.line, ref.column, "the remote resource %q is never fetched, so its versions are not known", ref.path)
	}
	to, err := inside(dir, ref.path)
	if err != nil {
		return refuse(file, ref.line, ref.column, "%v", err)
	}
	found, ok, err := r.tree.entry(to)
	switch {
	case err != nil:
		return err
	case !ok:
		r.depends[to] = "" // its appearance would change the answer
		return refuse(file, ref.line, ref.column, "%s does not exist", to)
	case found.Type == Other:
		return refuse(file, ref.line, ref.column, "%s is a symbolic link or a submodule, which is never followed", to)
	case found.Type == Directory:
		sub, err := r.directory(to)
		if missing(err) {
			return refuse(file, ref.line, ref.column, "%v", err)
		}
		if err != nil {
			return err
		}
		return r.merge(out, slices.SortedFunc(maps.Values(sub), byKey))
	}
	m, err := r.readable(to, found.SHA)
	if err != nil {
		return err
	}
	for _, rel := range m.releases {
		if rel.odd != nil {
			return at(to, *rel.odd)
		}
		if err := r.merge(out, r.placed(rel.named(rel.name, to))); err != nil {
			return err
		}
	}
	return nil
}

// merge adds pins that must not be there yet: the same release twice among the
// resources would be refused by kustomize as well.
func (r *resolver) merge(out pins, more []pin.Pin) error {
	for _, p := range more {
		if old, ok := out[p.Key]; ok && old.At.File != p.At.File {
			return refuse(p.At.File, p.At.Line, p.At.Column, "%s is declared twice: also in %s:%d", p.Key, old.At.File, old.At.Line)
		}
		out[p.Key] = p
	}
	return nil
}

func (r *resolver) patch(out pins, dir, file string, p patch) error {
	if p.inline {
		return r.inlinePatch(file, p)
	}
	to, err := inside(dir, p.path)
	if err != nil {
		return refuse(file, p.line, p.column, "%v", err)
	}
	found, ok, err := r.tree.entry(to)
	switch {
	case err != nil:
		return err
	case !ok || found.Type != Regular:
		r.depends[to] = found.SHA
		return refuse(file, p.line, p.column, "the patch %s is not a file", to)
	}
	m, err := r.readable(to, found.SHA)
	if err != nil {
		return err
	}
	return r.patchFile(out, to, m, p)
}

func (r *resolver) patchFile(out pins, to string, m *manifest, p patch) error {
	for _, f := range m.foreign {
		if f.suspicious && f.kind == "" {
			return refuse(to, f.line, f.column, "a JSON 6902 patch that touches a version is not understood")
		}
	}
	for _, rel := range m.releases {
		name := cmp.Or(p.target, rel.name)
		switch {
		case rel.odd != nil:
			return at(to, *rel.odd)
		case strings.ContainsAny(name, ".*|^$()[]+?\\"):
			return refuse(to, 1, 1, "the patch's target %q is a pattern, which is not understood where versions are patched", name)
		}
		for _, found := range r.placed(rel.named(name, to)) {
			out[found.Key] = found
		}
	}
	return nil
}

// inlinePatch accepts patches that stand in the kustomization only if they can
// not touch a version.
func (r *resolver) inlinePatch(file string, p patch) error {
	m := parseManifest([]byte(p.text))
	odd := m.broken != nil || m.kust != nil
	for _, rel := range m.releases {
		odd = odd || rel.odd != nil || len(rel.pins) > 0
	}
	for _, f := range m.foreign {
		odd = odd || f.suspicious && f.kind == ""
	}
	if odd {
		return refuse(file, p.line, p.column, "an inline patch that touches a version is not understood: move it to a file of its own")
	}
	return nil
}

// placed marks the pins with the layer that their file belongs to.
func (r *resolver) placed(found []pin.Pin) []pin.Pin {
	for i := range found {
		found[i].At.Layer = r.layer(found[i].At.File)
	}
	return found
}

func (r *resolver) put(out pins, p pin.Pin, file string) {
	p.At.File, p.At.Layer = file, r.layer(file)
	out[p.Key] = p
}

func (r *resolver) layer(file string) pin.Layer {
	if strings.HasPrefix(file, r.dir+"/") {
		return pin.Overlay
	}
	return pin.Base
}

// readable is a manifest that must be understood for the overlay to be.
func (r *resolver) readable(file string, sha core.SHA) (*manifest, error) {
	m, err := r.manifest(file, sha)
	if err == nil && m.broken != nil {
		return nil, at(file, *m.broken)
	}
	return m, err
}

func (r *resolver) manifest(file string, sha core.SHA) (*manifest, error) {
	if r.files[file] = sha; len(r.files) > maxFiles {
		return nil, refuse(r.dir, 0, 0, "the overlay reads more than %d files", maxFiles)
	}
	if !strings.HasPrefix(file, r.dir+"/") {
		r.depends[file] = sha
	}
	m, err := r.reader.manifest(r.tree.Tree, file, sha)
	if core.KindOf(err) == core.Invalid && err != nil {
		return nil, refuse(file, 0, 0, "%v", err)
	}
	if err == nil && m.broken != nil && isKustomizationFile(path.Base(file)) {
		return nil, at(file, *m.broken)
	}
	return m, err
}

func at(file string, p Problem) error {
	p.File = file
	return &problemError{p}
}

func byKey(a, b pin.Pin) int { return a.Compare(b.Key) }

func missing(err error) bool { return err != nil && core.KindOf(err) == core.NotFound }

func problemOf(err error) (*Problem, bool) {
	var p *problemError
	if errors.As(err, &p) {
		return &p.Problem, true
	}
	return nil, false
}

func remote(ref string) bool {
	return strings.Contains(ref, "://") || strings.Contains(ref, "?ref=") || strings.HasPrefix(ref, "git@") || strings.HasPrefix(ref, "github.com/")
}

// inside joins a reference to its directory and refuses to leave the monorepo.
func inside(dir, ref string) (string, error) {
	to := path.Join(dir, ref)
	switch {
	case ref == "":
		return "", errors.New("an empty path")
	case path.IsAbs(ref):
		return "", fmt.Errorf("the absolute path %q is never read", ref)
	case to == ".." || strings.HasPrefix(to, "../"):
		return "", fmt.Errorf("the path %q leads out of the monorepo", ref)
	}
	return to, nil
}
