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
	for t, n := range renamed(inv, all) {
		if keep(t) {
			add(t, []overlay.Notice{n})
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b Notice) int {
		return cmp.Or(cmp.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column, cmp.Compare(a.Message, b.Message))
	})
}

// renamed looks for apps that a target lacks and that stand there under a name
// which the source lacks: both fix versions of just the same things.
func renamed(inv *overlay.Inventory, all []*Status) map[core.Target]overlay.Notice {
	type place struct {
		env  core.Env
		keys string
	}
	old, out := map[place]core.App{}, map[core.Target]overlay.Notice{}
	for _, s := range all {
		here := inv.Of(s.Target)
		if len(here) > 0 && len(inv.Of(core.Target{Env: s.Candidate.From, App: s.Target.App})) == 0 {
			old[place{s.Target.Env, keysOf(here)}] = s.Target.App
		}
	}
	for _, s := range all {
		there := inv.Of(core.Target{Env: s.Candidate.From, App: s.Target.App})
		if len(inv.Of(s.Target)) > 0 || len(there) == 0 {
			continue
		}
		if app, ok := old[place{s.Target.Env, keysOf(there)}]; ok && len(there[0].Pins) > 0 {
			out[s.Target] = overlay.Notice{Severity: overlay.Note, Problem: overlay.Problem{File: there[0].Dir, Message: fmt.Sprintf(
				"%s has %s, which fixes the same (%s): if the app was renamed, rename its overlays there as well", s.Target.Env, app, there[0].Pins[0].Key)}}
		}
	}
	return out
}

func keysOf(list []*overlay.Deployment) string {
	keys := map[string]bool{}
	for _, d := range list {
		for _, p := range d.Pins {
			keys[p.Key.String()] = true
		}
	}
	return fmt.Sprintf("%q", slices.Sorted(maps.Keys(keys)))
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
