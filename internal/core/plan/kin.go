package plan

import (
	"path"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/pin"
)

// kin blocks what an overlay says together and the changes would take apart: a
// version of an image that the target has exchanged for another one, and the tag
// of an image beside the remote resource of the same component.
func (c *Candidate) kin(d *overlay.Deployment, wanted map[pin.Key]pin.Pin) {
	for _, ch := range c.Changes {
		want := wanted[ch.Pin.Key]
		if c.Blocked == "" && ch.Cluster == d.Cluster && !sameImage(ch.Pin.Origin, want.Origin) {
			c.block("%s is %s in %s and %s in %s, and a version of one says nothing of the other; promote it by hand, or use the same image in both",
				ch.Pin.Key, want.Origin, c.From, ch.Pin.Origin, c.Target.Env)
		}
	}
	for _, remote := range d.Pins {
		for _, image := range d.Pins {
			if c.Blocked == "" && remote.Kind == pin.Remote && image.Kind == pin.Image && related(remote, image) {
				c.together(d, remote, image)
			}
		}
	}
}

// confused tells whether a number alone would say which of several versions of
// one thing in the source is meant.
func confused(d *overlay.Deployment, have, want pin.Pin) bool {
	return want.Of != "" && (want.Of != have.Of || alike(d, have))
}

// alike tells whether another version of the same is of an object and a container
// that are called just so, in another namespace.
func alike(d *overlay.Deployment, p pin.Pin) bool {
	return slices.ContainsFunc(d.Pins, func(o pin.Pin) bool {
		return o.Key != p.Key && o.Kind == p.Kind && o.Of == p.Of && p.Of != "" && unnumbered(o.Name) == unnumbered(p.Name)
	})
}

func unnumbered(name string) string {
	base, _, _ := strings.Cut(name, " (")
	return base
}

// sameImage tells whether two full names are of one image. Which registry it
// comes from, and under which path there, is the environment's own choice, as
// with a mirror. A name that is not in sight is not compared.
func sameImage(a, b string) bool {
	return a == "" || b == "" || component(a) == component(b)
}

// component is the last element of a name or of a URL.
func component(name string) string {
	return strings.TrimSuffix(path.Base(strings.TrimSuffix(name, "/")), ".git")
}

// related tells whether a remote resource and an image are of one component: they
// have one version now, and the image is called as the repository, as a directory
// of it, or as a part of what it is called.
func related(remote, image pin.Pin) bool {
	tag, _, _ := strings.Cut(image.Version, "@")
	if tag == "" || plainTag(tag) != plainTag(remote.Version) {
		return false
	}
	name := component(image.Name)
	return slices.ContainsFunc(strings.FieldsFunc(remote.Name, func(r rune) bool { return r == '/' || r == ':' }), func(element string) bool {
		element = strings.TrimSuffix(element, ".git")
		return bareName(element) == bareName(name) || strings.HasPrefix(name, element+"-")
	})
}

func plainTag(tag string) string { return strings.TrimPrefix(tag, "v") }

func bareName(name string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "", ".", "").Replace(name))
}

// together requires that both get one version, or none.
func (c *Candidate) together(d *overlay.Deployment, remote, image pin.Pin) {
	first, second := c.next(d, remote), c.next(d, image)
	tag, _, _ := strings.Cut(second, "@")
	if plainTag(first) != plainTag(tag) {
		c.block("%s and %s have one version in %s (%s) and would get two, %s and %s; bring both to one version in %s to have them promoted",
			remote.Key, image.Key, d.Dir, remote.Version, first, second, c.From)
	}
}

// next is the version that a pin has once the changes are made.
func (c *Candidate) next(d *overlay.Deployment, p pin.Pin) string {
	for _, ch := range c.Changes {
		if ch.Cluster == d.Cluster && ch.Pin.Key == p.Key {
			return ch.New
		}
	}
	return p.Version
}
