// Package pin names the places that fix a version: an image's tag, a chart's
// version, an image's tag inside a HelmRelease's values. It says what is
// versioned, so that the same thing can be found again in another environment,
// and where it is written, so that it can be changed there.
//
// It does not resolve overlays and it does not compare versions.
package pin

import (
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// Kind says what sort of place a pin is.
type Kind string

// The kinds of pin that are understood.
const (
	Image Kind = "image" // newTag of an entry of a kustomization's images
	Chart Kind = "chart" // spec.chart.spec.version of a HelmRelease
	Value Kind = "value" // an image's tag inside spec.values of a HelmRelease
)

// Key identifies what is versioned, independent of environment and place. Two
// overlays that deploy the same app have the same keys.
type Key struct {
	Kind Kind
	Name string // the image's name, the release's name, or "release: path.to.tag"
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

// Pin is one place that fixes a version.
type Pin struct {
	Key
	Version string // as written, unquoted
	At      Place
}

// Place is where a pin is written.
type Place struct {
	File   string
	Line   int // 1-based
	Column int // 1-based, in characters
	Doc    int // the YAML document within the file, from 0
	Path   yamledit.Path
	Layer  Layer
}

// Layer says who shares the place.
type Layer string

// The layers. Only Overlay belongs to one environment alone.
const (
	Overlay Layer = "overlay"
	Base    Layer = "base"
)
