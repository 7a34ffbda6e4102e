package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/pin"
)

// Notice is what a person should know of some targets and what stops none of
// them.
type Notice struct {
	overlay.Notice
	App core.App // "" if it concerns several
	Env core.Env // "" if it concerns several
}

// Notices lists what the overlays of some targets give to say, and what the
// comparison with their sources left aside, ordered by place. What several of
// them share is said once.
func Notices(inv *overlay.Inventory, all []*Status, keep func(core.Target) bool) []Notice {
	found := map[overlay.Notice]Notice{}
	add := func(t core.Target, list []overlay.Notice) {
		for _, n := range list {
			was, known := found[n]
			switch {
			case !known:
				was = Notice{n, t.App, t.Env}
			case was.App != t.App:
				was.App = ""
			}
			if was.Env != t.Env {
				was.Env = ""
			}
			found[n] = was
		}
	}
	for t, deployments := range inv.All() {
		for _, d := range deployments {
			if keep(t) {
				add(t, d.Notices)
			}
		}
	}
	for _, s := range all {
		if keep(s.Target) {
			add(s.Target, s.Candidate.Notices)
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b Notice) int {
		return cmp.Or(cmp.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column, cmp.Compare(a.Message, b.Message))
	})
}

// aside notes which pins of a target and of its source have no counterpart: a
// new one does not reach the target by itself, and an old one stays.
func (c *Candidate) aside(d *overlay.Deployment, wanted map[pin.Key]pin.Pin) {
	for _, key := range slices.SortedFunc(maps.Keys(wanted), pin.Key.Compare) {
		if _, ok := d.Lookup(key); !ok {
			c.note(wanted[key].At, "%s is at %s in %s, and %s has no such version: nothing is promoted there; add it to the overlay to have it promoted",
				key, wanted[key].Version, c.From, d.Dir)
		}
	}
	for _, p := range d.Pins {
		if _, ok := wanted[p.Key]; !ok {
			c.note(p.At, "%s is at %s here, and %s has no such version, so nothing is ever promoted to it; remove it if it is a remnant", p.Key, p.Version, c.From)
		}
	}
}

func (c *Candidate) note(at pin.Place, format string, args ...any) {
	c.Notices = append(c.Notices, overlay.Notice{
		Severity: overlay.Note,
		Problem:  overlay.Problem{File: at.File, Line: at.Line, Column: at.Column, Message: fmt.Sprintf(format, args...)},
	})
}
