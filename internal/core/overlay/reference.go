package overlay

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/pin"
)

// entry finds what a reference leads to.
func (r *resolver) entry(dir string, ref reference) (string, Entry, error) {
	to, err := inside(dir, ref.path)
	if err != nil {
		return "", Entry{}, ref.refuse("%v", err)
	}
	found, ok, err := r.tree.entry(to)
	r.depends[to] = found.identity() // "" for nothing: its appearance would change the answer
	switch {
	case err != nil:
		return "", Entry{}, err
	case !ok:
		return "", Entry{}, ref.refuse("%s does not exist", to)
	case found.Type == Other:
		return "", Entry{}, ref.refuse("%s is a symbolic link or a submodule, which is never followed", to)
	}
	return to, found, nil
}

func (r *resolver) resource(on *built, dir string, ref reference) error {
	if remote(ref.path) {
		return r.remote(on, ref)
	}
	to, found, err := r.entry(dir, ref)
	if err != nil {
		return err
	}
	var more built
	if found.Type == Directory {
		if err := r.directory(to, &more); missing(err) {
			return ref.refuse("%v", err)
		} else if err != nil {
			return err
		}
	} else {
		m, err := r.manifest(to, found.SHA)
		if err != nil {
			return err
		}
		if m.kust != nil {
			return ref.refuse("%s is a kustomization: kustomize takes its directory, not the file", to)
		}
		for _, n := range m.resources {
			more.resources = append(more.resources, newResource(n))
		}
	}
	if r.work.spend((len(on.resources)+len(more.resources))/10*len(more.resources) + len(more.resources)); r.exhausted() != nil {
		return r.exhausted()
	}
	return on.take(more, ref)
}

// take adds what a reference brought. An object that is there already would be
// refused by kustomize as well.
func (b *built) take(more built, ref reference) error {
	for _, o := range more.resources {
		if i := slices.IndexFunc(b.resources, o.same); i >= 0 {
			return ref.refuse("%s %s stands twice: also in %s:%d", o.kind(), o.name(), b.resources[i].root.at.File, b.resources[i].root.at.Line)
		}
		b.resources = append(b.resources, o)
	}
	b.pins = append(b.pins, more.pins...)
	b.renamed = append(b.renamed, more.renamed...)
	b.open = b.open || more.open
	return nil
}

// remote notes which version of a remote resource is taken. It is never
// fetched, so what is in it is not known.
func (r *resolver) remote(on *built, ref reference) error {
	on.open = true
	if name, version := pin.RemoteRef(ref.path); version != "" {
		p := pin.New(pin.Key{Kind: pin.Remote, Name: name}, pin.Part{Form: pin.URLRef, Text: ref.path, At: ref.at})
		p.Origin = name
		on.pins = append(on.pins, p)
	} else {
		r.notices.floating(ref)
	}
	return nil
}

// configuration accepts what most of them are for, which is references by name,
// and refuses to follow one that says where images stand.
func (r *resolver) configuration(dir string, ref reference) error {
	to, found, err := r.entry(dir, ref)
	if err != nil {
		return err
	}
	m, err := r.manifest(to, found.SHA)
	if err != nil {
		return err
	}
	for _, doc := range m.patches {
		if images := doc.get("images"); images != nil {
			return refuse(to, images.at.Line, images.at.Column, "a configuration that says where images stand is not understood")
		}
	}
	return nil
}

// component applies one to all that stands before it. A remote one is a version
// of its own, as long as there is nothing in sight that it could change.
func (r *resolver) component(on *built, dir string, ref reference) error {
	switch {
	case !remote(ref.path):
	case len(on.resources) == 0:
		return r.remote(on, ref)
	default:
		return ref.refuse("the remote component %q is never fetched, so what it does to versions is not known; write its content into the monorepo, or promote this app by hand", ref.path)
	}
	to, found, err := r.entry(dir, ref)
	if err != nil {
		return err
	}
	if found.Type != Directory {
		return ref.refuse("the component %s is not a directory", to)
	}
	if err := r.directory(to, on); missing(err) {
		return ref.refuse("%v", err)
	} else if err != nil {
		return err
	}
	return nil
}

func (r *resolver) patchAll(on *built, dir string, patches []patch) error {
	for _, p := range patches {
		if err := r.patch(on, dir, p); err != nil {
			return err
		}
	}
	return nil
}

// remote tells a URL from a path the way kustomize does.
func remote(ref string) bool {
	return strings.Contains(ref, "://") || strings.Contains(ref, "?") || strings.HasPrefix(ref, "git@") || strings.HasPrefix(ref, "github.com/")
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
