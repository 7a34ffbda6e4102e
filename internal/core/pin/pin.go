// Package pin names the places that fix a version: an image's tag, a chart's
// version, the ref of a source. It says what is versioned, so that the same
// thing can be found again in another environment, and in which scalars the
// version is written, so that it can be changed there.
//
// It does not resolve overlays and it does not compare versions.
package pin

import (
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// Kind says what sort of thing is versioned.
type Kind string

// The kinds.
const (
	Image  Kind = "image"  // a container's image, wherever its tag is written
	Chart  Kind = "chart"  // a Helm chart
	Value  Kind = "value"  // an image inside the values of a HelmRelease
	Source Kind = "source" // what an OCIRepository or GitRepository of Flux takes
	Remote Kind = "remote" // a remote resource of a kustomization
	Field  Kind = "field"  // a field of a custom resource that the policy names
	// Setting is a value of a HelmRelease that is no version and that the policy
	// couples with some: its Version is the whole text, of whatever type.
	Setting Kind = "setting"
)

// Key identifies what is versioned, independent of environment and place. Two
// overlays that deploy the same app have the same keys.
type Key struct {
	Kind Kind
	Name string
}

// String is the key as people read it.
func (k Key) String() string { return string(k.Kind) + " " + k.Name }

// Compare orders keys by kind, then by name.
func (k Key) Compare(o Key) int {
	if c := strings.Compare(string(k.Kind), string(o.Kind)); c != 0 {
		return c
	}
	return strings.Compare(k.Name, o.Name)
}

// Pin is one versioned thing and the scalars that fix its version together.
type Pin struct {
	Key
	Version string // "tag", "tag@digest", "@digest" or a chart's version, as the parts together say
	At      Place  // of the first part: the place to show
	Parts   []Part // at least one
	// Origin is where the cluster fetches it from: an image's full name, or a
	// repository's URL; "" if that is not in sight.
	Origin string
	// Of says which objects and containers have it, where others of the overlay have
	// another version of the same: a number in the name alone tells them apart.
	Of string
	// Couples are the members, as the policy spells them, by which it couples this
	// value of a HelmRelease with versions.
	Couples []string
	// Override is set if a part belongs to a base and the overlay can be given an
	// entry of its own instead. Else Bound says why it can not.
	Override *Override
	Bound    string
}

// New makes a pin of parts; the version is what they say together.
func New(k Key, parts ...Part) Pin {
	p := Pin{Key: k, Parts: parts, At: parts[0].At}
	if k.Kind == Setting {
		p.Version = parts[0].Text
		return p
	}
	tag, digest := "", ""
	for _, part := range parts {
		t, d := part.Form.read(part.Text)
		if t != "" {
			tag = t
		}
		if d != "" {
			digest = d
		}
	}
	p.Version = join(tag, digest)
	return p
}

// Place is where a scalar is written.
type Place struct {
	File   string
	Line   int // 1-based
	Column int // 1-based, in characters
	Doc    int // the YAML document within the file, from 0
	Path   yamledit.Path
	Inner  yamledit.Path // set if the scalar stands in YAML inside the text at Path
	Layer  Layer
	Owner  string // the policy, namespace:name, by which Flux's image automation writes here; "" if it does not
}

// Layer says who shares the place.
type Layer string

// The layers. Only Overlay belongs to one environment alone.
const (
	Overlay Layer = "overlay"
	Base    Layer = "base"
)

// Form says what of a version a scalar holds, and how.
type Form string

// The forms.
const (
	Plain    Form = "version"   // the version itself: 1.2.3, or tag@digest
	Tag      Form = "tag"       // the tag, beside a scalar that holds the digest
	Digest   Form = "digest"    // the digest
	ImageRef Form = "image"     // a whole image reference: registry/name:tag@digest
	URLRef   Form = "reference" // a URL with a parameter ref, or version
)

// Part is one scalar that holds a version, or a portion of one.
type Part struct {
	Form Form
	Text string // the scalar's whole text
	At   Place
}

// Version is what the part says: a tag, a digest after "@", or both.
func (p Part) Version() string { return join(p.Form.read(p.Text)) }

// read takes a tag and a digest out of a scalar's text.
func (f Form) read(text string) (tag, digest string) {
	switch f {
	case Digest:
		return "", text
	case ImageRef:
		rest := text[imageName(text):]
		tag, digest, _ = strings.Cut(rest, "@")
		return strings.TrimPrefix(tag, ":"), digest
	case URLRef:
		start, end := urlRef(text)
		return text[start:end], ""
	default:
		tag, digest, _ = strings.Cut(text, "@")
		return tag, digest
	}
}

// urlRef is where in a URL its ref is written; both are the URL's length if
// there is none.
func urlRef(url string) (start, end int) {
	for start = strings.IndexByte(url, '?') + 1; start > 0 && start < len(url); start = end + 1 {
		parameter, _, _ := strings.Cut(url[start:], "&")
		end = start + len(parameter)
		if name, value, _ := strings.Cut(parameter, "="); name == "ref" || name == "version" {
			return end - len(value), end
		}
	}
	return len(url), len(url)
}

// RemoteRef takes a URL apart, such as https://example.com/repo//dir?ref=v1:
// what comes before the parameters, and the ref, "" if there is none.
func RemoteRef(url string) (name, ref string) {
	name, _, _ = strings.Cut(url, "?")
	start, end := urlRef(url)
	return name, url[start:end]
}

// imageName is the length of an image reference's name: a colon after the last
// slash begins the tag, one before it a registry's port.
func imageName(ref string) int {
	end := len(ref)
	if i := strings.IndexByte(ref, '@'); i >= 0 {
		end = i
	}
	last := strings.LastIndexByte(ref[:end], '/') + 1
	if i := strings.IndexByte(ref[last:end], ':'); i >= 0 {
		return last + i
	}
	return end
}

// ImageName is the name of an image reference, without tag and digest.
func ImageName(ref string) string { return ref[:imageName(ref)] }

// StandsIn tells whether the file holds a scalar of the pin that belongs to the
// overlay, or would hold its override.
func (p Pin) StandsIn(file string) bool {
	return p.Override != nil && p.Override.At.File == file || slices.ContainsFunc(p.Parts, func(part Part) bool { return part.At.File == file && part.At.Layer == Overlay })
}

// Shared is a place of the pin that does not belong to the overlay alone, nil
// if there is none.
func (p Pin) Shared() *Place { return p.find(func(at Place) bool { return at.Layer != Overlay }) }

// Owned is a place of the pin that Flux's image automation writes, nil if there
// is none.
func (p Pin) Owned() *Place { return p.find(func(at Place) bool { return at.Owner != "" }) }

// Fixed is a place of the pin that no edit can reach, nil if there is none.
func (p Pin) Fixed() *Place { return p.find(func(at Place) bool { return at.Path == nil }) }

func (p Pin) find(is func(Place) bool) *Place {
	i := slices.IndexFunc(p.Parts, func(part Part) bool { return is(part.At) })
	if i < 0 {
		return nil
	}
	return &p.Parts[i].At
}

// Change is a scalar's new text.
type Change struct {
	At   Place
	Old  string
	New  string
	Keep bool // the scalar keeps its type, be it a number or a boolean
}

// Fit is a version as this pin would carry it. A pin without a digest takes
// the tag of a version that has one; a pin with a digest takes only versions
// that have one, since a new tag beside an old digest changes nothing: the
// error, of kind core.Invalid, says so.
func (p Pin) Fit(version string) (string, error) {
	tag, digest, _ := strings.Cut(version, "@")
	holdsTag, holdsDigest := p.Holds()
	switch {
	case p.Kind == Setting:
		return version, nil
	case holdsDigest && digest == "":
		return "", core.Errorf(core.Invalid, "%s is pinned by digest here, and %s comes without one; write its digest in the source too, or pin it by tag alone here", p.Key, version)
	case holdsTag && tag == "":
		return "", core.Errorf(core.Invalid, "%s is pinned by tag here, and %s comes without one; write its tag in the source too, or pin it by digest alone here", p.Key, version)
	case !holdsDigest:
		return tag, nil
	case !holdsTag:
		return "@" + digest, nil
	}
	return version, nil
}

// Holds tells of what the pin's version consists.
func (p Pin) Holds() (tag, digest bool) {
	t, d, _ := strings.Cut(p.Version, "@")
	return t != "", d != ""
}

// Set lists the changes that make the pin carry a version that fits.
func (p Pin) Set(version string) []Change { return changes(p.Kind, p.Parts, version) }

func changes(k Kind, parts []Part, version string) []Change {
	tag, digest := cut(version)
	var out []Change
	for _, part := range parts {
		text := part.write(tag, digest)
		if k == Setting {
			text = version
		}
		if text != part.Text {
			out = append(out, Change{At: part.At, Old: part.Text, New: text, Keep: k == Setting})
		}
	}
	return out
}

func (p Part) write(tag, digest string) string {
	switch p.Form {
	case Digest:
		return digest
	case Tag:
		return tag
	case ImageRef:
		text := ImageName(p.Text)
		if tag != "" {
			text += ":" + tag
		}
		return join(text, digest)
	case URLRef:
		start, end := urlRef(p.Text)
		return p.Text[:start] + tag + p.Text[end:]
	default:
		return join(tag, digest)
	}
}

func cut(version string) (tag, digest string) {
	tag, digest, _ = strings.Cut(version, "@")
	return tag, digest
}

func join(tag, digest string) string {
	if digest == "" {
		return tag
	}
	return tag + "@" + digest
}
