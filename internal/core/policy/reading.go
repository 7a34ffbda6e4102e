package policy

import (
	"slices"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Reading is what the policy says of where versions stand in the overlays of
// one app, beyond the places that are known without it.
type Reading struct {
	Fields []Field
	Couple []Member
}

// Equal says whether both find the same versions.
func (r Reading) Equal(o Reading) bool {
	return slices.EqualFunc(r.Fields, o.Fields, Field.Equal) && slices.EqualFunc(r.Couple, o.Couple, Member.Equal)
}

// Reading returns what the policy says of an app's overlays.
func (p *Policy) Reading(app core.App) Reading {
	r := Reading{Fields: p.Fields}
	if p.couples() { // most policies do not, and there are many overlays
		r.Couple = p.Rule(app).Couple
	}
	return r
}

func (p *Policy) couples() bool {
	return slices.ContainsFunc(p.Apps, func(r AppRule) bool { return len(r.Couple) > 0 })
}

// SameReadings says whether both policies find the same versions in every
// overlay, and say so in the same places.
func (p *Policy) SameReadings(o *Policy) bool {
	same := func(a, b AppRule) bool {
		return a.Match == b.Match && slices.EqualFunc(a.Couple, b.Couple, Member.Equal)
	}
	return slices.EqualFunc(p.Fields, o.Fields, func(a, b Field) bool { return a.At == b.At && a.Equal(b) }) &&
		(!p.couples() && !o.couples() || slices.EqualFunc(p.Apps, o.Apps, same))
}
