package plan

import (
	"fmt"
	"slices"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/history"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/version"
)

// maxName bounds the name of a commit's author in a reason, in characters.
const maxName = 60

// recall judges what the head alone leaves open about a candidate: which of two
// versions without an order is the newer one, and whether somebody has lowered
// the target on purpose. Without the pasts that this needs it is blocked.
func (c *computation) recall(env policy.Environment, found Candidate) Candidate {
	if found.Blocked != "" || len(found.Changes) == 0 {
		return found
	}
	found.Changes = slices.Clone(found.Changes)
	course, known := c.state.History[found.Target]
	if !known {
		found.block("what %s had before is not known in this pass", env.Name)
		return found
	}
	for i := range found.Changes {
		if ch := &found.Changes[i]; ch.Unordered != "" && found.Blocked == "" {
			c.order(env, &found, ch)
		}
	}
	for _, ch := range found.Changes {
		if found.Blocked == "" && !ch.copied() {
			c.abandoned(env, &found, ch, course)
		}
	}
	return found
}

// needs lists whose past recall looks at.
func (c *computation) needs(env policy.Environment, found Candidate) []core.Target {
	out := []core.Target{found.Target}
	course := c.state.History[found.Target]
	if !slices.ContainsFunc(found.Changes, func(ch Change) bool { return ch.Unordered != "" || c.unordered(found.Target.App, ch, course) }) {
		return out
	}
	for _, from := range env.From {
		out = append(out, core.Target{Env: from, App: found.Target.App})
	}
	return out
}

// unordered tells whether a version that was given up cannot be compared with
// the one that is to come.
func (c *computation) unordered(app core.App, ch Change, course history.Course) bool {
	read := c.reading(app, ch)
	return !ch.copied() && slices.ContainsFunc(course.Lowered(slotOf(ch), read), func(l history.Lowering) bool {
		return version.Compare(read(ch.New), read(l.From)) == version.Incomparable
	})
}

// reading is how the policy has the versions of a pin read.
func (c *computation) reading(app core.App, ch Change) func(string) version.Version {
	return reading(c.policy.Rule(app), ch.Pin.Kind)
}

func slotOf(ch Change) history.Slot { return history.Slot{Cluster: ch.Cluster, Key: ch.Pin.Key} }

// order looks in the source's past for which of two versions came later there.
func (c *computation) order(env policy.Environment, found *Candidate, ch *Change) {
	r := c.relate(env, found.Target.App, ch, ch.Pin.Version)
	switch {
	case r.order == version.Newer:
		ch.Proof = fmt.Sprintf("not comparable; newer in %s's history (%s)", found.From, commitOf(r.newer))
	case r.order == version.Older:
		found.Ahead = true
		found.block("%s went back to %s %s, which it had before the %s that %s has (%s), and versions are never lowered unasked",
			found.From, ch.Pin.Key, ch.New, ch.Pin.Version, found.Target.Env, commitOf(r.older))
	default:
		found.block("%s: %s; %s, so nobody knows which is newer; raise it by hand", ch.Pin.Key, ch.Unordered, r.why)
	}
}

// abandoned stops what is not newer than a version that the target gave up.
func (c *computation) abandoned(env policy.Environment, found *Candidate, ch Change, course history.Course) {
	resumed, read := c.resumedAt(found.Target), c.reading(found.Target.App, ch)
	for _, l := range course.Lowered(slotOf(ch), read) {
		if !resumed.IsZero() && !resumed.Before(l.Step.At) {
			continue
		}
		order, upTo := version.Compare(read(ch.New), read(l.From)), "nothing up to "+l.From
		if order == version.Incomparable {
			order, upTo = c.relate(env, found.Target.App, &ch, l.From).order, "nothing that is not known to be newer than "+l.From
		}
		if order != version.Newer {
			found.block("%s was lowered from %s %s to %s in %s: %s is promoted again until a newer version or /sluice resume",
				found.Target.Env, ch.Pin.Key, l.From, l.To, commitBy(l.Step), upTo)
			return
		}
	}
}

// relation is which of two versions came later in the sources.
type relation struct {
	order        version.Order // of the version to come, in relation to the other; Incomparable if that is not known
	newer, older history.Step  // in which the version to come, and the other, first appeared
	why          string        // it is not known
}

// relate asks the pasts of a target's sources in which order a version that is
// to come and another appeared there. A version that came back counts from when
// it first came.
func (c *computation) relate(env policy.Environment, app core.App, ch *Change, other string) relation {
	var courses []history.Course
	for _, from := range env.From {
		course, known := c.state.History[core.Target{Env: from, App: app}]
		if !known {
			return relation{why: fmt.Sprintf("what %s had before is not known in this pass", from)}
		}
		courses = append(courses, course)
	}
	born := history.Births(courses, ch.Pin.Key, fitted(ch.Pin))
	came, ok := born[ch.New]
	was, had := born[other]
	from := env.From[0]
	missing := slices.ContainsFunc(courses, func(c history.Course) bool { return c.End == history.Missing })
	switch {
	case missing && (!had || came.Behind < was.Behind):
		return relation{why: fmt.Sprintf("this clone lacks what %s had before %s", from, day(courses[0].Since))}
	case !had || !ok:
		return relation{why: fmt.Sprintf("%s never had %s in %s", from, other, looked(courses[0]))}
	case came.Behind > was.Behind:
		return relation{order: version.Older, newer: came, older: was}
	case came.Behind == was.Behind:
		return relation{why: fmt.Sprintf("%s got both at the same time, as far as %s tells", from, looked(courses[0]))}
	}
	return relation{order: version.Newer, newer: came, older: was}
}

// fitted makes a version of the source what a pin would carry of it.
func fitted(p pin.Pin) func(string) (string, bool) {
	return func(v string) (string, bool) {
		fit, err := p.Fit(v)
		return fit, err == nil
	}
}

// looked says how far back a past goes.
func looked(c history.Course) string {
	commits := fmt.Sprintf("%d commits", c.Commits)
	if c.Commits == 1 {
		commits = "one commit"
	}
	if c.End == history.Beginning {
		return "its whole history of " + commits
	}
	return fmt.Sprintf("what was looked at of its history (%s, back to %s)", commits, day(c.Since))
}

func commitOf(s history.Step) string {
	if s.Commit == "" {
		return "longer than was looked back"
	}
	return fmt.Sprintf("commit %s, %s", s.Commit.Short(), day(s.At))
}

func commitBy(s history.Step) string {
	return fmt.Sprintf("commit %s by %s on %s", s.Commit.Short(), message.Plain(s.By, maxName), day(s.At))
}

func day(t time.Time) string { return t.UTC().Format(time.DateOnly) }
