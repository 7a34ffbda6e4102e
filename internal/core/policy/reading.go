package policy

import (
	"slices"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Reading is what the policy says of where versions stand in the overlays of
// one app, beyond the places that are known without it.
type Reading struct {
	Fields []Field
}

// Equal says whether both find the same versions.
func (r Reading) Equal(o Reading) bool {
	return slices.EqualFunc(r.Fields, o.Fields, Field.Equal)
}

// Reading returns what the policy says of an app's overlays.
func (p *Policy) Reading(core.App) Reading { return Reading{Fields: p.Fields} }

// SameReadings says whether both policies find the same versions in every
// overlay, and say so in the same places.
func (p *Policy) SameReadings(o *Policy) bool {
	return slices.EqualFunc(p.Fields, o.Fields, func(a, b Field) bool { return a.At == b.At && a.Equal(b) })
}
