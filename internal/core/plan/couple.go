package plan

import (
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/version"
)

// belongs tells whether a pin is what a member of the policy's couple means.
func belongs(p pin.Pin, m policy.Member) bool {
	if m.Kind != "" {
		return string(p.Kind) == m.Kind
	}
	return slices.Contains(p.Couples, m.String())
}

// copied tells whether the change goes with another whatever it says: a setting
// that went back and forth with its chart was never lowered.
func (ch Change) copied() bool { return ch.Led && ch.Pin.Kind == pin.Setting }

// isCoupled tells whether the policy couples a pin with others.
func isCoupled(p pin.Pin, rule policy.AppRule) bool {
	return slices.ContainsFunc(rule.Couple, func(m policy.Member) bool { return belongs(p, m) })
}

// led tells whether a coupled version of an overlay gets a newer one: what is
// coupled with it and has no order then follows.
func led(d *overlay.Deployment, wanted map[pin.Key]pin.Pin, rule policy.AppRule) bool {
	return slices.ContainsFunc(d.Pins, func(have pin.Pin) bool {
		want, ok := wanted[have.Key]
		if !ok || have.Kind == pin.Setting || !isCoupled(have, rule) || isRange(have, want) {
			return false
		}
		read := reading(rule, have.Kind)
		return version.Compare(read(want.Version), read(have.Version)) == version.Newer
	})
}

// reading is how the versions of a kind are read. A setting has no age: its text
// is all that counts.
func reading(rule policy.AppRule, kind pin.Kind) func(string) version.Version {
	if kind == pin.Setting {
		return version.Plain
	}
	return func(text string) version.Version { return rule.Read(text, kind == pin.Chart) }
}

// unordered says why the head alone does not tell which of two is newer.
func unordered(kind pin.Kind, next, now version.Version) string {
	if kind == pin.Setting {
		return fmt.Sprintf("%s and %s are values without an age, and no version moves that the policy couples with them", next, now)
	}
	return version.Explain(next, now)
}

func isRange(have, want pin.Pin) bool {
	return have.Kind != pin.Setting && (version.IsRange(have.Version) || version.IsRange(want.Version))
}

// couple blocks where something that the policy couples is missing on one side,
// or cannot move while the rest would.
func (c *Candidate) couple(d *overlay.Deployment, wanted map[pin.Key]pin.Pin, rule policy.AppRule) {
	for _, m := range rule.Couple {
		if c.Blocked != "" {
			return
		}
		c.present(d, wanted, m)
	}
	moves := slices.ContainsFunc(c.Changes, func(ch Change) bool { return ch.Cluster == d.Cluster && isCoupled(ch.Pin, rule) })
	for _, have := range d.Pins {
		want, ok := wanted[have.Key]
		if ok && moves && c.Blocked == "" && isCoupled(have, rule) && isRange(have, want) {
			c.block("%s is a range (%s in %s, %s in %s), which is not promoted, so what the policy couples with it stays as well; write one version in both",
				have.Key, want.Version, c.From, have.Version, c.Target.Env)
		}
	}
}

// present requires that a member stands on both sides.
func (c *Candidate) present(d *overlay.Deployment, wanted map[pin.Key]pin.Pin, m policy.Member) {
	found := false
	for _, key := range slices.SortedFunc(maps.Keys(wanted), pin.Key.Compare) {
		if !belongs(wanted[key], m) {
			continue
		}
		found = true
		if have, ok := d.Lookup(key); !ok || !belongs(have, m) {
			c.block("%s has %s %s, which the policy couples with other versions, and %s has none; add it there to have them promoted", c.From, key, wanted[key].Version, d.Dir)
			return
		}
	}
	for _, have := range d.Pins {
		if !belongs(have, m) {
			continue
		}
		found = true
		if _, ok := wanted[have.Key]; !ok {
			c.block("%s has %s %s, which the policy couples with other versions, and %s has none; add it to %s, or remove it here, to have them promoted", d.Dir, have.Key, have.Version, c.From, c.From)
			return
		}
	}
	if !found {
		c.block("the policy couples %s, and neither %s nor %s has that; add it to both, or take it out of couple for this app", m, c.From, d.Dir)
	}
}
