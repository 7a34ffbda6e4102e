package history

import (
	"slices"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Commit is one commit of the default branch, and what it changed.
type Commit struct {
	SHA core.SHA
	At  time.Time // the committer's
	By  string    // the author's name
	// Changed is every path, of files and directories alike, at which it differs
	// from its first parent; all its paths if it has none. With a slash behind it
	// stands every directory in which a file differs that lies directly in it.
	Changed []string
	// Everything is set instead where there are too many of them to be listed.
	Everything bool
}

// Trail knows a stretch of the default branch along the first parents and who
// of its commits touched what. It must not be used by two goroutines at once.
// The zero value knows nothing yet.
type Trail struct {
	commits []Commit // oldest first, without Changed
	end     End      // why it begins where it begins
	at      map[core.SHA]int
	touched map[string][]int // by path, ascending
	all     []int            // the commits that changed everything
}

// Head is the newest commit that the trail knows: what the next extension must
// lead back to. It is "" if the trail wants to be made anew.
func (t *Trail) Head() core.SHA {
	if len(t.commits) == 0 || len(t.commits) > 2*MaxCommits {
		return ""
	}
	return t.commits[len(t.commits)-1].SHA
}

// Knows tells whether a commit is on the trail.
func (t *Trail) Knows(commit core.SHA) bool {
	_, ok := t.at[commit]
	return ok
}

// Extend adds newer commits, newest first, the oldest of which has the trail's
// Head for its first parent.
func (t *Trail) Extend(newer []Commit) {
	for i := len(newer) - 1; i >= 0; i-- {
		t.add(newer[i])
	}
}

// Renew makes the trail consist of these commits, newest first. The end says why
// there are no more.
func (t *Trail) Renew(commits []Commit, end End) {
	*t = Trail{end: end, at: make(map[core.SHA]int, len(commits)), touched: map[string][]int{}}
	t.Extend(commits)
}

func (t *Trail) add(c Commit) {
	i := len(t.commits)
	if c.Everything {
		t.all = append(t.all, i)
	}
	for _, path := range c.Changed {
		t.touched[path] = append(t.touched[path], i)
	}
	c.Changed = nil
	t.commits, t.at[c.SHA] = append(t.commits, c), i
}

// window is a part of a trail: what counts as the past of one commit.
type window struct {
	*Trail
	head, last int // positions of the newest and of the oldest commit
	end        End // why it goes no further back than last
}

// window is the past of a commit; false if the trail does not lead there.
func (t *Trail) window(head core.SHA) (window, bool) {
	h, ok := t.at[head]
	if !ok {
		return window{}, false
	}
	w := window{Trail: t, head: h, last: h, end: Limit}
	for oldest := t.commits[h].At.Add(-MaxAge); h-w.last+1 < MaxCommits; w.last-- {
		if w.last == 0 {
			w.end = t.end
			break
		}
		if t.commits[w.last-1].At.Before(oldest) {
			break
		}
	}
	return w, true
}

// touch is the newest commit at a position or before it that touched one of
// the paths; false if there is none within the window.
func (w window) touch(paths []string, from int) (int, bool) {
	found := latest(w.all, from)
	for _, path := range paths {
		found = max(found, latest(w.touched[path], from))
	}
	return found, found >= w.last
}

// latest is the largest of some ascending numbers that is not above a limit, or -1.
func latest(list []int, limit int) int {
	i, ok := slices.BinarySearch(list, limit)
	switch {
	case ok:
		return limit
	case i == 0:
		return -1
	default:
		return list[i-1]
	}
}
