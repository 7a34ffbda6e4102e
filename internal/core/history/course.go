package history

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/version"
)

// Course is what a target deployed over time, as far back as was looked.
type Course struct {
	Steps   []Step    // newest first and at least one: the first is what it deploys at the head
	End     End       // why it goes no further back
	Commits int       // how many commits were looked at, the head included
	Since   time.Time // of the oldest of them
}

// End says why a past goes no further back.
type End string

// The ends. Only after Beginning nothing is missing.
const (
	Beginning End = "beginning" // the first commit of all
	Missing   End = "missing"   // the commits before are not here: the clone is shallow
	Limit     End = "limit"     // what lies before is too long ago, or too much
)

// Step is a run of commits in which a target deployed the same versions.
type Step struct {
	Commit core.SHA  // that brought the versions; "" if it lies further back than was looked
	At     time.Time // of that commit, as its committer said
	By     string    // its author's name, as the commit says: it proves nothing
	Behind int       // how many commits lie between it and the head: the larger, the older
	// Has is every version, without those of overlays that were not understood.
	Has map[Slot]string
}

// Slot is one pin of one overlay.
type Slot struct {
	Cluster core.Cluster
	Key     pin.Key
}

// versions are what overlays deploy.
func versions(list []*overlay.Deployment) map[Slot]string {
	has := map[Slot]string{}
	for _, d := range list {
		if d.Broken != nil {
			continue
		}
		for _, p := range d.Pins {
			has[Slot{d.Cluster, p.Key}] = p.Version
		}
	}
	return has
}

// turn is a version of one slot, and the step that brought it.
type turn struct {
	version string
	step    Step
}

// turns are the versions of one slot, oldest first. Where the slot was not there
// or not understood in between, that is passed over.
func (c Course) turns(slot Slot) []turn {
	var out []turn
	for _, s := range slices.Backward(c.Steps) {
		v, ok := s.Has[slot]
		if !ok || len(out) > 0 && out[len(out)-1].version == v {
			continue
		}
		out = append(out, turn{v, s})
	}
	return out
}

// Lowering is a version that a target gave up for an older one.
type Lowering struct {
	From, To string
	Step     Step // that lowered it
}

// Lowered lists the versions of a slot that were given up for older ones and
// that the target has not reached since, the newest first. Where the versions
// do not tell which is older, the target's own past does: what it had before is
// older than what it had later.
func (c Course) Lowered(slot Slot, read func(string) version.Version) []Lowering {
	born := map[string]int{}
	newer := func(a, b string) bool {
		switch version.Compare(read(a), read(b)) {
		case version.Newer:
			return true
		case version.Incomparable:
			return born[a] > born[b]
		}
		return false
	}
	var out []Lowering
	turns := c.turns(slot)
	for i, t := range turns {
		if _, known := born[t.version]; !known {
			born[t.version] = i
		}
		out = slices.DeleteFunc(out, func(l Lowering) bool { return !newer(l.From, t.version) })
		if i > 0 && newer(turns[i-1].version, t.version) {
			out = append(out, Lowering{From: turns[i-1].version, To: t.version, Step: t.step})
		}
	}
	slices.SortStableFunc(out, func(a, b Lowering) int {
		switch {
		case newer(a.From, b.From):
			return -1
		case newer(b.From, a.From):
			return 1
		}
		return 0
	})
	return out
}

// Births tells of every version of a key in which step it first appeared, in
// any cluster of any of the courses, which must be of the same head. The
// versions are as the function makes them; those that it refuses are left out.
func Births(courses []Course, key pin.Key, as func(string) (string, bool)) map[string]Step {
	born := map[string]Step{}
	for _, c := range courses {
		for _, s := range c.Steps {
			for slot, v := range s.Has {
				if slot.Key != key {
					continue
				}
				v, ok := as(v)
				if first, known := born[v]; ok && (!known || s.Behind > first.Behind) {
					born[v] = s
				}
			}
		}
	}
	return born
}

// Brought lists the steps that gave a key one of the versions that is accepts, in
// any cluster, newest first: before each of them it had none of these there. Of
// the oldest, the commit may be unknown.
func (c Course) Brought(key pin.Key, is func(version string) bool) []Step {
	slots, found := map[Slot]bool{}, map[int]Step{}
	for _, s := range c.Steps {
		for slot := range s.Has {
			if slot.Key == key {
				slots[slot] = true
			}
		}
	}
	for slot := range slots {
		before := false
		for _, t := range c.turns(slot) {
			now := is(t.version)
			if now && !before {
				found[t.step.Behind] = t.step
			}
			before = now
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b Step) int { return cmp.Compare(a.Behind, b.Behind) })
}

func same(a, b map[Slot]string) bool { return maps.Equal(a, b) }
