package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

const (
	// maxSharers bounds how many others that use a place are asked whether they
	// need the same: a place of more than these is one of the whole cluster.
	maxSharers = 50
	// maxSharersNamed bounds how many of them a reason names.
	maxSharersNamed = 3
)

// spot is a place that two readings of a file have in common.
type spot struct {
	file         string
	line, column int
}

func spotOf(at pin.Place) spot { return spot{at.File, at.Line, at.Column} }

// texts are the scalars that a candidate gives new texts, with those that it
// overrides.
func (c Candidate) texts() map[spot]string {
	out := map[spot]string{}
	for _, ch := range c.Changes {
		for _, s := range ch.Pin.Set(ch.New) {
			out[spotOf(s.At)] = s.New
		}
	}
	return out
}

// share blocks what would move others as well, who have gates of their own: a
// place that others use may be written if each of them needs just that now, or
// is promoted together with this target anyway.
func (c *Candidate) share(p *policy.Policy, inv *overlay.Inventory) {
	shared := inv.Shared(c.Target)
	if c.Blocked != "" || len(c.Changes) == 0 || len(shared) == 0 {
		return
	}
	texts := c.texts()
	for _, ch := range c.Changes {
		for _, use := range shared {
			moved := ch.writes(use)
			if len(moved) == 0 {
				continue
			}
			if others := c.others(p, inv, use, moved, texts); len(others) > 0 {
				c.block("%s", c.entangled(ch, use, moved, others))
				return
			}
		}
	}
}

// writes lists the pin's places that change for all who use a place: itself, or
// what the change overrides in a file that others build on.
func (ch Change) writes(use *overlay.Use) []spot {
	var out []spot
	scalars := ch.Pin.Set(ch.New)
	override := ch.Pin.Override
	for _, s := range scalars {
		at := use.Holds(s.At) && s.At.Layer == pin.Overlay
		beside := use.Line == 0 && use.File == s.At.File && s.At.Layer == pin.Overlay
		if at || beside || override != nil && use.Line == 0 && use.File == override.At.File {
			out = append(out, spotOf(s.At))
		}
	}
	return out
}

// others are targets that would be moved without having asked for it: one more
// than are named is enough.
func (c *Candidate) others(p *policy.Policy, inv *overlay.Inventory, use *overlay.Use, moved []spot, texts map[spot]string) []core.Target {
	var out []core.Target
	for _, t := range use.By {
		if t == c.Target {
			continue
		}
		if use.Line == 0 && !slices.ContainsFunc(inv.Of(t), func(d *overlay.Deployment) bool { return d.Broken != nil || hasAny(d, moved) }) {
			continue // it builds on the file, and has a version of its own
		}
		if len(use.By) > maxSharers || !c.agrees(p, inv, t, moved, texts) {
			out = append(out, t)
		}
		if len(out) > maxSharersNamed {
			break
		}
	}
	return out
}

func hasAny(d *overlay.Deployment, at []spot) bool {
	return slices.ContainsFunc(d.Pins, func(p pin.Pin) bool {
		return slices.ContainsFunc(p.Parts, func(part pin.Part) bool { return slices.Contains(at, spotOf(part.At)) })
	})
}

// agrees tells whether another target is to get the same at these places now,
// and nothing else besides; or with this one, as a member of its group.
func (c *Candidate) agrees(p *policy.Policy, inv *overlay.Inventory, t core.Target, moved []spot, texts map[spot]string) bool {
	env, _ := p.Environment(t.Env)
	if t.Env != c.Target.Env {
		return false
	}
	other := draw(p, inv, env, t.App)
	needs := other.texts()
	group := p.Rule(t.App).Group
	if group != "" && group == p.Rule(c.Target.App).Group && c.asked == nil {
		return !slices.ContainsFunc(moved, func(at spot) bool {
			has := slices.ContainsFunc(inv.Of(t), func(d *overlay.Deployment) bool { return hasAny(d, []spot{at}) })
			return has && needs[at] != texts[at]
		})
	}
	for at, text := range needs {
		if now, ok := texts[at]; !ok || now != text {
			return false
		}
	}
	return other.Blocked == "" && !slices.ContainsFunc(moved, func(at spot) bool { _, ok := needs[at]; return !ok })
}

// entangled says who else would be moved.
func (c *Candidate) entangled(ch Change, use *overlay.Use, moved []spot, others []core.Target) string {
	var names []string
	for _, t := range others[:min(len(others), maxSharersNamed)] {
		names = append(names, t.String())
	}
	if len(others) > len(names) {
		names = append(names, "others")
	}
	list := names[0]
	if last := len(names) - 1; last > 0 {
		list = strings.Join(names[:last], ", ") + " and " + names[last]
	}
	at := use.File
	if moved[0].file == at {
		at += fmt.Sprintf(":%d", moved[0].line)
	}
	way := "give each a version of its own, bring both to the same version in their sources, or put them into one group, to have it promoted"
	if c.asked != nil || slices.ContainsFunc(others, func(t core.Target) bool { return t.Env != c.Target.Env }) {
		way = "give each a version of its own to have it promoted"
	}
	return fmt.Sprintf("%s would be written to %s, which serves %s as well and would move what is there past its gates; %s", ch.Pin.Key, at, list, way)
}

// reached lists, for each environment, the apps, sorted, whose targets may look
// different.
func reached(p *policy.Policy, inv, since *overlay.Inventory) map[core.Env][]core.App {
	own, out := map[core.Env][]core.App{}, map[core.Env][]core.App{}
	for _, env := range p.Environments {
		own[env.Name] = inv.Changed(env.Name, since)
	}
	for _, env := range p.Environments {
		out[env.Name] = slices.Clone(own[env.Name])
		for _, from := range env.From {
			out[env.Name] = append(out[env.Name], own[from]...)
		}
	}
	with := map[core.Env][]core.App{}
	for _, env := range p.Environments {
		seen := map[*overlay.Use]bool{}
		for _, app := range out[env.Name] {
			t := core.Target{Env: env.Name, App: app}
			for _, use := range unsettled(inv.Shared(t), since.Shared(t)) {
				if seen[use] {
					continue
				}
				seen[use] = true
				for _, other := range use.By {
					with[other.Env] = append(with[other.Env], other.App)
				}
			}
		}
	}
	for env := range out {
		out[env] = append(out[env], with[env]...)
		slices.Sort(out[env])
		out[env] = slices.Compact(out[env])
	}
	return out
}

// unsettled lists the uses, of now and then, whose other targets may have to be
// looked at. What so many use that nobody is asked stays as it is while they
// are the same.
func unsettled(now, then []*overlay.Use) []*overlay.Use {
	var out []*overlay.Use
	for _, use := range slices.Concat(now, then) {
		if len(use.By) <= maxSharers || !slices.Contains(now, use) || !slices.Contains(then, use) {
			out = append(out, use)
		}
	}
	return out
}
