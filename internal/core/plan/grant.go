package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/history"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/version"
)

// grant is the candidate that makes a wish come true. It may lower versions,
// since a person asked; all else that stops a promotion stops it too.
func (c *computation) grant(env policy.Environment, w wish) Candidate {
	out := Candidate{Target: w.target, From: env.From[0], asked: &w}
	rule, target := c.policy.Rule(w.target.App), c.state.Inventory.Of(w.target)
	if rule.Promote == policy.Never {
		out.Blocked = "the policy never promotes it"
		return out
	}
	for _, d := range target {
		if d.Broken != nil {
			out.block("%s", locate(*d.Broken))
			return out
		}
	}
	wanted, why := c.wanted(env, &out)
	if why != "" {
		out.Blocked = why
		return out
	}
	for _, d := range target {
		for _, p := range d.Pins {
			if v, ok := wanted(history.Slot{Cluster: d.Cluster, Key: p.Key}); ok {
				want := p
				want.Version = v
				out.weigh(d, p, want, rule, false)
			}
		}
	}
	if why := c.stale(env, w, out.Changes); why != "" && out.Blocked == "" {
		out.Blocked = why
	}
	out.share(c.policy, c.state.Inventory)
	return out
}

// wanted gives the versions that a wish asks for.
func (c *computation) wanted(env policy.Environment, of *Candidate) (func(history.Slot) (string, bool), string) {
	w := of.asked
	if w.back {
		step, why := c.formerly(*w)
		return func(s history.Slot) (string, bool) { v, ok := step.Has[s]; return v, ok }, why
	}
	present, why := sourceVersions(c.state.Inventory, env, w.target.App)
	inAll := func(has map[pin.Key]string) func(history.Slot) (string, bool) {
		return func(s history.Slot) (string, bool) { v, ok := has[s.Key]; return v, ok }
	}
	now := map[pin.Key]string{}
	for key, p := range present {
		now[key] = p.Version
	}
	if w.version == "" || why == "" && names(now, w.version) {
		return inAll(now), why
	}
	of.former = true
	has, why := c.stood(env, *w)
	return inAll(has), why
}

// names tells whether one of the versions is the one that somebody names, by
// its tag or whole.
func names(has map[pin.Key]string, version string) bool {
	for _, v := range has {
		tag, _, _ := strings.Cut(v, "@")
		if v == version || tag == version {
			return true
		}
	}
	return false
}

// stood finds the versions that stood in the source together with one that
// somebody names, the last time that it stood there.
func (c *computation) stood(env policy.Environment, w wish) (map[pin.Key]string, string) {
	course, known := c.state.History[core.Target{Env: env.From[0], App: w.target.App}]
	if !known {
		return nil, fmt.Sprintf("what %s had before is not known in this pass", env.From[0])
	}
	for _, step := range course.Steps {
		if has := byKey(step); names(has, w.version) {
			return has, ""
		}
	}
	return nil, fmt.Sprintf("%s never had %s of it in %s", env.From[0], w.version, looked(course))
}

// byKey is what a target or a source had. Where its clusters disagreed, it is
// any of their versions, but always the same.
func byKey(step history.Step) map[pin.Key]string {
	has := map[pin.Key]string{}
	for slot, v := range step.Has {
		if old, ok := has[slot.Key]; !ok || v < old {
			has[slot.Key] = v
		}
	}
	return has
}

// stale says why a wish for a version does not mean any more what it meant when
// it was written, or "": it has come true since, by whatever way, or the source
// that it speaks of has something else, which nobody asked to go back to.
func (c *computation) stale(env policy.Environment, w wish, changes []Change) string {
	if w.back {
		return "" // formerly has seen to that
	}
	for _, step := range c.state.History[w.target].Steps {
		if w.version != "" && step.At.After(w.at) && names(byKey(step), w.version) {
			return fmt.Sprintf("%s has had %s since %s asked (%s); ask again", w.target.Env, w.version, w.by, commitOf(step))
		}
	}
	if w.version != "" || !slices.ContainsFunc(changes, func(ch Change) bool { return c.notNewer(w.target.App, ch) }) {
		return ""
	}
	for _, from := range env.From {
		course, known := c.state.History[core.Target{Env: from, App: w.target.App}]
		if !known || len(course.Steps) > 0 && course.Steps[0].At.After(w.at) {
			return fmt.Sprintf("%s has changed since %s asked, and what it has now is not known to be newer; ask again, and name the version", from, w.by)
		}
	}
	return ""
}

func (c *computation) notNewer(app core.App, ch Change) bool {
	read := c.reading(app, ch)
	return version.Compare(read(ch.New), read(ch.Pin.Version)) != version.Newer
}

// formerly is what a target had before it got what it had when somebody asked.
func (c *computation) formerly(w wish) (history.Step, string) {
	course, known := c.state.History[w.target]
	switch {
	case !known:
		return history.Step{}, fmt.Sprintf("what %s had before is not known in this pass", w.target.Env)
	case len(course.Steps) < 2:
		return history.Step{}, fmt.Sprintf("%s had nothing else in %s", w.target.Env, looked(course))
	case course.Steps[0].At.After(w.at):
		return history.Step{}, fmt.Sprintf("%s has changed since %s asked (%s); ask again", w.target.Env, w.by, commitOf(course.Steps[0]))
	}
	return course.Steps[1], ""
}

// granted is the wish for a target, with the candidate for it, if it can come
// true now and has not.
func (c *computation) granted(env policy.Environment, t core.Target) (Candidate, bool) {
	w := c.wishOf(t)
	if w == nil {
		return Candidate{}, false
	}
	found := c.grant(env, *w)
	return found, found.Blocked == "" && len(found.Changes) > 0
}

// requested tells whether the branch names the request that it is for: its
// commit is how the request is known to have come true.
func (l *life) requested() bool {
	want := ""
	if l.candidate.asked != nil {
		want = l.candidate.asked.trailer()
	}
	return trailer(l.branch.Message, trailerRequest) == want
}

// pastOfWishes lists whose past the wishes are about.
func (c *computation) pastOfWishes() []core.Target {
	var out []core.Target
	for _, t := range c.wished() {
		out = append(out, t)
		env, _ := c.policy.Environment(t.Env)
		for _, from := range env.From {
			out = append(out, core.Target{Env: from, App: t.App})
		}
	}
	return out
}

// ofSource is what a gate about the source says of a version that somebody asked
// for and that the source does not have.
func (l *life) ofSource(name string, v gate.Verdict) gate.Verdict {
	w := l.candidate.asked
	switch {
	case w != nil && w.back:
		return gate.NotAsked(name, fmt.Sprintf("not looked at: %s, which does not come from %s", w, l.candidate.From))
	case w != nil && l.candidate.former:
		return gate.Elsewhere(name, fmt.Sprintf("%s has another version now, so nobody knows how %s does there", l.candidate.From, w.version))
	}
	return v
}
