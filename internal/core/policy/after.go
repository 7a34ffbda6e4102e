package policy

import (
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core"
)

// predecessor is an app that stands under after, and where.
type predecessor struct {
	app core.App
	at  place
}

// after reads the apps that a rule's apps wait for. They are named one by one: a
// pattern would mean other apps tomorrow.
func (d *decoder) after(at place) []predecessor {
	var out []predecessor
	d.scalarOrList(at, maxAfter, func(at place) {
		app, ok := read(d, at, parseApp)
		switch {
		case !ok:
		case slices.ContainsFunc(out, func(p predecessor) bool { return p.app == app }):
			d.report(at, "%s stands here twice; keep one", quote(string(app)))
		default:
			out = append(out, predecessor{app, at})
		}
	})
	return out
}

// parseApp takes an app's name, which is that of a directory or file.
func parseApp(text string) (core.App, error) {
	if len(text) > maxNameLength || !matches(`[A-Za-z0-9._+-]+`, text) {
		return "", core.Errorf(core.Invalid, "found %s; write an app's name, such as cert-manager", quote(text))
	}
	return core.App(text), nil
}

// parseGroupName takes a name under which apps are promoted: it stands in the
// branch's name where else an app's does.
func parseGroupName(text string) (core.App, error) {
	if len(text) > maxNameLength || !matches(`[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?`, text) {
		return "", core.Errorf(core.Invalid, "found %s; a group's name has up to %d letters, digits and inner - and _", quote(text), maxNameLength)
	}
	return core.App(text), nil
}

// checkGroups refuses a group that has the name of an app that does not belong
// to it, as far as the rules tell: both would have the same branch.
func (d *decoder) checkGroups(at place, rules []AppRule) {
	for i, r := range rules {
		if j := slices.IndexFunc(rules, func(g AppRule) bool { return g.Group != "" && string(g.Group) == r.Match }); j >= 0 && r.Group != rules[j].Group {
			d.report(at.item(i), "%s is the name of an app here and of a group at apps[%d], and their branches would be one; rename the group", quote(r.Match), j)
		}
	}
}

// waits is which rules' apps wait for which apps.
type waits struct {
	rules  []AppRule
	named  [][]predecessor  // of each rule
	ruleOf map[core.App]int // of each app that is named and has one
}

// checkAfter refuses rules whose apps would wait for themselves for ever, alone
// or by way of others. Every app on such a way is named by a rule, so following
// the names finds all.
func (d *decoder) checkAfter(rules []AppRule, named [][]predecessor) {
	w := waits{rules, named, map[core.App]int{}}
	for _, list := range named {
		for _, p := range list {
			if i := slices.IndexFunc(rules, func(r AppRule) bool { return r.matches(p.app) }); i >= 0 {
				w.ruleOf[p.app] = i
			}
		}
	}
	reported := map[*yaml.Node]bool{}
	for i := range rules {
		way := w.follow(i, i, nil, map[int]bool{})
		if way == nil || reported[way[0].at.Node] {
			continue
		}
		reported[way[0].at.Node] = true
		d.report(way[0].at, "the apps under %s would wait for themselves: they come after %s, which is one of them or moves with them; remove one after, or give that app a rule of its own above",
			quote(rules[i].Match), spell(way))
	}
}

// follow goes from the apps of a rule to those that they wait for, until it is
// back at those that move together with the rule goal. It returns the way.
func (w waits) follow(from, goal int, way []predecessor, seen map[int]bool) []predecessor {
	for k, list := range w.named {
		if !w.together(k, from) {
			continue
		}
		for _, p := range list {
			next, ok := w.ruleOf[p.app]
			further := append(slices.Clip(way), p)
			switch {
			case !ok || seen[next]:
			case w.together(next, goal):
				return further
			default:
				seen[next] = true
				if found := w.follow(next, goal, further, seen); found != nil {
					return found
				}
			}
		}
	}
	return nil
}

// together tells whether the apps of two rules are promoted together, or are
// the same.
func (w waits) together(i, j int) bool {
	return i == j || w.rules[i].Group != "" && w.rules[i].Group == w.rules[j].Group
}

func spell(way []predecessor) string {
	var names []string
	for _, p := range way {
		names = append(names, string(p.app))
	}
	return strings.Join(names, ", which comes after ")
}

func (r AppRule) matches(app core.App) bool {
	ok, err := path.Match(r.Match, string(app))
	return ok && err == nil
}
