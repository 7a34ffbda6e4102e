package history

import (
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// Tracer tells the courses of targets and remembers them, so that asking again
// at a newer head costs what has changed in between. What it returns depends on
// Git and the policy alone. It must not be used by two goroutines at once. The
// zero value remembers nothing yet.
type Tracer struct {
	Trail
	policy  *policy.Policy
	records map[core.Target]record
}

// record is what was found of a target at the head that was asked about last.
type record struct {
	head  core.SHA
	last  core.SHA // the oldest commit of the past
	paths []string // what the target depends on at head
	steps []found
}

// found is a step, and how many looks at the target's overlays it took to find
// the commit that brought it. That one's position is -1 if it was not found.
type found struct {
	has    map[Slot]string
	commit int
	sha    core.SHA // of commit, which has another position in another trail
	looks  int
}

// Trees gives the content of a commit, as a mirror does.
type Trees func(core.SHA) (overlay.Tree, error)

// Trace tells the course of a target up to a commit that the trail knows. Past
// commits whose content is not there count as missing. The error is of kind
// core.NotFound if the trail does not know the commit.
func (t *Tracer) Trace(trees Trees, p *policy.Policy, head core.SHA, target core.Target) (Course, error) {
	w, ok := t.window(head)
	if !ok {
		return Course{}, core.Errorf(core.NotFound, "commit %s is not on the trail", head.Short())
	}
	if t.policy != p || len(t.records) >= maxRecords || t.records == nil {
		t.policy, t.records = p, map[core.Target]record{}
	}
	s := &search{window: w, trees: trees, policy: p, target: target, reader: overlay.NewReader(), join: -1}
	s.remember(t.records[target])
	if err := s.run(); err != nil {
		return Course{}, core.Errorf(core.KindOf(err), "trace %s: %w", target, err)
	}
	delete(t.records, target)
	if s.end != Missing {
		t.records[target] = record{head: head, last: w.commits[w.last].SHA, paths: s.paths, steps: s.steps}
	}
	return s.course(), nil
}

// search goes back from one commit that touched the target to the next.
type search struct {
	window
	trees  Trees
	policy *policy.Policy
	target core.Target
	reader *overlay.Reader
	paths  []string // what the target depends on at the head
	steps  []found
	// old is what was found before about the commits from join on back; join is -1
	// if nothing was.
	old  []found
	join int
}

// remember takes over what was found at an earlier head. It can be used if the
// window now begins no earlier than it did then.
func (s *search) remember(r record) {
	head, here := s.at[r.head]
	last, there := s.at[r.last]
	if !here || !there || head > s.head || head < s.last || last > s.last {
		return
	}
	s.join, s.paths, s.old = head, r.paths, make([]found, len(r.steps))
	for i, f := range r.steps {
		if f.commit >= 0 {
			f.commit = s.at[f.sha]
		}
		s.old[i] = f
	}
}

// look tells what the target deploys at one commit, and what it depends on.
func (s *search) look(at int) (map[Slot]string, []string, error) {
	tree, err := s.trees(s.commits[at].SHA)
	if err != nil {
		return nil, nil, err
	}
	list, paths, err := s.reader.Target(tree, s.policy, s.target)
	return versions(list), paths, err
}

func (s *search) run() (err error) {
	step := found{commit: -1}
	if s.join >= 0 {
		if touch, _ := s.touch(s.paths, s.head); touch <= s.join {
			step.has = s.old[0].has
			s.splice(step)
			return nil
		}
	}
	if step.has, s.paths, err = s.look(s.head); err != nil {
		return err
	}
	return s.back(step)
}

// back completes a step that begins at the head, and finds those before it.
func (s *search) back(step found) error {
	paths := s.paths
	for at := s.head; len(s.steps) < maxSteps; at-- {
		touch, ok := s.touch(paths, at)
		if s.join >= 0 && touch <= s.join { // from here on it is as it was found before
			s.splice(step)
			return nil
		}
		at = touch
		step.looks++
		if ok {
			step.commit, step.sha = at, s.commits[at].SHA
		}
		if !s.reached(step) {
			return nil
		}
		has, depends, err := s.look(at - 1)
		if kind := core.KindOf(err); err != nil && (kind == core.Internal || kind == core.NotFound) {
			s.stop(step, Missing)
			return nil
		}
		if err != nil {
			return err
		}
		if !same(has, step.has) {
			s.steps = append(s.steps, step)
			step = found{has: has}
		}
		step.commit, step.sha, paths = -1, "", depends
	}
	return nil
}

// reached ends the search, and tells so, if what lies before a step's commit
// does not count any more.
func (s *search) reached(step found) bool {
	switch {
	case s.looks()+step.looks > maxLooks:
		s.stop(step, Limit)
	case step.commit < s.last, step.commit == s.last && s.end != Beginning:
		step.commit, step.sha = -1, ""
		s.steps = append(s.steps, step)
	case step.commit == s.last:
		s.steps = append(s.steps, step)
	default:
		return true
	}
	return false
}

// stop ends the search before the window does: what brought the step is not known.
func (s *search) stop(step found, end End) {
	at := s.head
	if n := len(s.steps); n > 0 {
		at = s.steps[n-1].commit
	}
	step.commit, step.sha = -1, ""
	s.steps, s.last, s.end = append(s.steps, step), at, end
}

// splice adds what was found before. The first of it is the same step as the
// one at hand.
func (s *search) splice(step found) {
	for i, f := range s.old {
		if i == 0 {
			f.looks += step.looks
		}
		if len(s.steps) == maxSteps || !s.reached(f) {
			return
		}
		s.steps = append(s.steps, f)
	}
}

// looks is how many looks the finished steps took.
func (s *search) looks() int {
	n := 0
	for _, f := range s.steps {
		n += f.looks
	}
	return n
}

// course tells what was found.
func (s *search) course() Course {
	if oldest := s.steps[len(s.steps)-1]; oldest.commit > s.last {
		s.last, s.end = oldest.commit, Limit
	}
	c := Course{Commits: s.head - s.last + 1, Since: s.commits[s.last].At, End: s.end}
	for _, f := range s.steps {
		step := Step{Has: f.has, Behind: c.Commits}
		if f.commit >= 0 {
			by := s.commits[f.commit]
			step.Commit, step.At, step.By, step.Behind = by.SHA, by.At, by.By, s.head-f.commit
		}
		c.Steps = append(c.Steps, step)
	}
	return c
}
