package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

const (
	// failureGrace is how long the failure of a Kustomization must have stood before
	// it is told: one that the next attempt mends is none. Helm's own failures are
	// told at once, since a Helm action waits and tries again by itself.
	failureGrace = 30 * time.Second
	// failureCalm is how long all must have been well before another failure is
	// told in a comment of its own: until then the last one is edited.
	failureCalm = time.Hour
	// clockSkew is how far a cluster's clock may be behind GitLab's.
	clockSkew = time.Minute
	// maxFollowed bounds the merge requests whose versions are looked for in what
	// fails, each at the price of a look into its target's past. The last merged
	// come first.
	maxFollowed = 50
	// maxEpisodes bounds the comments about failures on one merge request.
	maxEpisodes = 5
	// maxFailed bounds the objects in one of them.
	maxFailed = 20
)

// followed is a merged merge request of which must be known how Flux does with
// what it brought.
type followed struct {
	mr     *MergeRequest
	env    policy.Environment
	apps   []core.App
	last   bool // no later one was merged into its target
	newest bool // no later one was merged into its environment
	notes  []failureNote
}

// failureNote is a comment of Sluice's that tells of a failure.
type failureNote struct {
	Note
	message.Failure
}

// tellFailures tells, on the merge requests that brought versions, that Flux
// fails with them, and that it does not any more.
func (c *computation) tellFailures() {
	for _, f := range c.followed() {
		c.follow(f)
	}
}

// pastOfFailures lists whose past tellFailures looks into.
func (c *computation) pastOfFailures() []core.Target {
	var out []core.Target
	for _, f := range c.followed() {
		for _, app := range f.apps {
			out = append(out, core.Target{Env: f.env.Name, App: app})
		}
	}
	return out
}

// followed lists the merge requests whose comments tell of a failure that has
// not ended, and the last of each target in environments where something fails.
func (c *computation) followed() []followed {
	var out []followed
	last, ailing := map[string]bool{}, map[core.Env]bool{}
	newest := map[core.Env]bool{}
	for _, mr := range c.mergedLately() {
		t := targetOf(mr.Source)
		f := followed{mr: mr, last: !last[mr.Source], newest: !newest[t.Env], notes: c.failureNotes(mr.Notes)}
		last[mr.Source], newest[t.Env] = true, true
		env, ok := c.policy.Environment(t.Env)
		if f.env = env; !ok || mr.Landed == "" {
			continue
		}
		if _, asked := ailing[t.Env]; !asked {
			ailing[t.Env] = c.ailing(env)
		}
		unfinished := len(f.notes) > 0 && f.notes[len(f.notes)-1].Fails()
		if unfinished || f.last && ailing[t.Env] && len(out) < maxFollowed {
			f.apps = c.members(t)
			out = append(out, f)
		}
	}
	return out
}

// mergedLately are the merge requests that were merged, the last one first.
func (c *computation) mergedLately() []*MergeRequest {
	var out []*MergeRequest
	for i := range c.state.Recent {
		if mr := &c.state.Recent[i]; mr.State == Merged && BranchOf(targetOf(mr.Source)) == mr.Source {
			out = append(out, mr)
		}
	}
	slices.SortFunc(out, func(a, b *MergeRequest) int { return cmp.Or(b.Ended.Compare(a.Ended), cmp.Compare(b.ID, a.ID)) })
	return out
}

// ailing tells whether anything fails in an environment.
func (c *computation) ailing(env policy.Environment) bool {
	return slices.ContainsFunc(env.Clusters, func(cluster core.Cluster) bool {
		return slices.ContainsFunc(c.state.Reports[cluster], func(r gate.Report) bool {
			now, ok := r.Now()
			return ok && !now.Ready
		})
	})
}

// members are the apps of a group, or the app of that name.
func (c *computation) members(t core.Target) []core.App {
	var out []core.App
	for _, app := range c.state.Inventory.Apps(t.Env) {
		if group := c.policy.Rule(app).Group; group == t.App || group == "" && app == t.App {
			out = append(out, app)
		}
	}
	if len(out) == 0 {
		return []core.App{t.App}
	}
	return out
}

// failureNotes are Sluice's comments about failures, in their order; of two for
// the same one, the older counts.
func (c *computation) failureNotes(notes []Note) []failureNote {
	var out []failureNote
	for _, n := range notes {
		if f, ok := message.ReadFailure(n.Body); ok && n.Author == c.state.Project.Bot {
			out = append(out, failureNote{n, f})
		}
	}
	slices.SortFunc(out, func(a, b failureNote) int { return cmp.Or(cmp.Compare(a.Episode, b.Episode), cmp.Compare(a.ID, b.ID)) })
	return out
}

// follow brings the comments on one merge request to what the clusters report.
func (c *computation) follow(f followed) {
	f.notes = c.onePerEpisode(f)
	footings, served, known := c.footings(f)
	if !known && len(served) > 0 {
		return
	}
	if len(f.notes) > 0 {
		note := &f.notes[len(f.notes)-1]
		for i := range note.Failed {
			note.Failed[i] = c.overtaken(note.Failed[i], footings, served)
		}
	}
	if f.last {
		f.notes = c.begun(f, footings)
	}
	for _, note := range f.notes {
		c.writeFailure(f, note)
	}
}

// onePerEpisode deletes what two promoters that looked at the same time have
// written twice.
func (c *computation) onePerEpisode(f followed) []failureNote {
	var out []failureNote
	for _, n := range f.notes {
		if len(out) == 0 || out[len(out)-1].Episode != n.Episode {
			out = append(out, n)
			continue
		}
		c.act(DeleteNote{Cause: f.because("comment %d tells of the failure, and one is enough", out[len(out)-1].ID), MR: f.mr.ID, Note: n.ID})
	}
	return out
}

func (f followed) because(format string, args ...any) Cause {
	return Cause{Target: targetOf(f.mr.Source), Reason: fmt.Sprintf(format, args...)}
}

// overtaken is what a comment says of an object, brought to where it is now. What
// nothing is known of stays as it was, unless its cluster has lost the app.
func (c *computation) overtaken(f message.Failed, footings []footing, served map[core.Cluster]bool) message.Failed {
	i := slices.IndexFunc(footings, func(s footing) bool { return s.cluster == f.Cluster && s.Object == f.Object })
	switch {
	case f.Outcome != gate.Failing || i >= 0 && footings[i].Outcome == gate.Failing:
	case i >= 0:
		f.Outcome, f.Until = footings[i].Outcome, latest(footings[i].Since.Truncate(time.Second), f.Since)
	case !served[f.Cluster]:
		f.Outcome, f.Until = gate.Replaced, c.now.Truncate(time.Second)
	}
	return f
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// begun adds what has begun to fail: to the last comment, or to a new one if all
// was well for long enough before.
func (c *computation) begun(f followed, footings []footing) []failureNote {
	notes := f.notes
	for _, s := range footings {
		if !c.worthTelling(f, s) {
			continue
		}
		if len(notes) == 0 || len(notes) < maxEpisodes && notes[len(notes)-1].calmBefore(s.Since) {
			notes = append(notes, failureNote{Failure: message.Failure{Episode: len(notes) + 1}})
		}
		notes[len(notes)-1].add(s)
	}
	return notes
}

// worthTelling tells whether a failure is one of what the merge request brought,
// and has stood for long enough.
func (c *computation) worthTelling(f followed, s footing) bool {
	ours := s.Cause == gate.Likely || s.Cause == gate.Unclear && f.newest
	if s.Outcome != gate.Failing || !ours || s.Since.Before(f.mr.Ended.Add(-clockSkew)) {
		return false
	}
	if due := s.Since.Add(failureGrace); s.Object.Kind == gate.Kustomization && c.now.Before(due) {
		c.soon(due)
		return false
	}
	return true
}

// calmBefore tells whether all that a comment tells of had ended long before.
func (n failureNote) calmBefore(at time.Time) bool {
	return !slices.ContainsFunc(n.Failed, func(f message.Failed) bool {
		return f.Outcome == gate.Failing || at.Sub(f.Until) < failureCalm
	})
}

// add notes that an object fails. What is told of it already stays as it is.
func (n *failureNote) add(s footing) {
	since := s.Since.Truncate(time.Second)
	i := slices.IndexFunc(n.Failed, func(f message.Failed) bool { return f.Cluster == s.cluster && f.Object == s.Object })
	switch {
	case i < 0 && len(n.Failed) < maxFailed:
		n.Failed = append(n.Failed, message.Failed{Cluster: s.cluster, Object: s.Object, First: since})
		i = len(n.Failed) - 1
	case i < 0 || n.Failed[i].Outcome == gate.Failing:
		return
	}
	f := &n.Failed[i]
	f.Outcome, f.Since, f.Until, f.Times = gate.Failing, since, time.Time{}, f.Times+1
	f.Revision, f.Shared, f.Before, f.Said = s.Revision, s.Shared, s.Before, message.Said(s.Reason)
}

// writeFailure writes a comment that has changed. One that is over says nothing
// of what can be done, so it stays as it is whatever the policy becomes.
func (c *computation) writeFailure(f followed, n failureNote) {
	n.Meanwhile, n.Rollback = c.meanwhile(f.env), f.rollback()
	was, known := message.ReadFailure(n.Body)
	if known && !was.Fails() && !n.Fails() {
		return
	}
	body := n.String()
	if body == n.Body {
		return
	}
	why := f.because("Flux reports that what it brought does not fail any more")
	if n.Fails() {
		first := n.Failed[slices.IndexFunc(n.Failed, func(f message.Failed) bool { return f.Outcome == gate.Failing })]
		why = f.because("Flux reports that %s of %s fails with what it brought", first.Object, first.Cluster)
	}
	c.act(WriteNote{Cause: why, MR: f.mr.ID, Note: n.ID, Body: body})
}

// rollback is the command that takes a merge request back where it stands, "" if
// it would not be heard there.
func (f followed) rollback() string {
	t := targetOf(f.mr.Source)
	switch {
	case !f.last:
		return ""
	case len(f.apps) != 1 || f.apps[0] != t.App:
		return "/sluice rollback APP " + string(t.Env)
	}
	return "/sluice rollback"
}

// meanwhile says what becomes of the next environments while this one fails.
func (c *computation) meanwhile(env policy.Environment) string {
	var waits, goes []string
	for _, name := range c.policy.Downstream(env.Name) {
		if next, _ := c.policy.Environment(name); next.Gates.Healthy {
			waits = append(waits, message.Inline(string(name), 63))
		} else {
			goes = append(goes, message.Inline(string(name), 63))
		}
	}
	var out []string
	if len(waits) > 0 {
		out = append(out, fmt.Sprintf("Until it is well, Sluice merges nothing of this into %s.", strings.Join(waits, ", ")))
	}
	if len(goes) > 0 {
		out = append(out, fmt.Sprintf("Sluice does not wait with %s: the policy asks for no health there.", strings.Join(goes, ", ")))
	}
	if len(out) == 0 {
		return "Nothing is promoted from here, so Sluice has nothing to hold back."
	}
	return strings.Join(out, " ")
}
