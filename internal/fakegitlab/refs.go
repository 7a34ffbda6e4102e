package fakegitlab

import (
	"slices"
	"strings"
)

// refUpdate is one ref that moves: created when before is empty, deleted when
// after is.
type refUpdate struct {
	ref, before, after string
}

// update moves a ref on behalf of a user and does everything that follows.
func (s *Server) update(p *project, by *user, u refUpdate) error {
	var err error
	if u.after == "" {
		err = p.repo.remove(u.ref)
	} else {
		err = p.repo.move(u.ref, u.before, u.after)
	}
	if err != nil {
		return err
	}
	s.pushed(p, by, []refUpdate{u})
	return nil
}

// pushed tells the world that refs have moved: hooks, then merge requests. A
// push of too many refs fires no push hooks at all.
func (s *Server) pushed(p *project, by *user, updates []refUpdate) {
	p.activeAt = s.now()
	for _, u := range updates {
		if len(updates) <= maxHookRefs {
			s.emitPush(p, by, u)
		}
		if branch, isBranch := strings.CutPrefix(u.ref, "refs/heads/"); isBranch {
			s.sourceMoved(p, by, branch, u)
			s.targetMoved(p, by, branch, u)
		}
	}
}

// sourceMoved gives open merge requests from a branch a new version.
func (s *Server) sourceMoved(p *project, by *user, branch string, u refUpdate) {
	for _, mr := range p.openMRs(func(mr *mergeRequest) bool { return mr.from(branch) }) {
		if u.after == "" || u.after == mr.sha {
			continue
		}
		old := *mr
		s.newVersion(mr, u.after)
		mr.auto, mr.car = nil, nil
		s.systemNote(mr, by, s.addedCommits(mr, old.sha))
		s.touch(mr)
		s.emitMR(mr, by, "update", obj{"oldrev": old.sha}, mrChanges(&old, mr))
		s.resetApprovals(mr, by)
	}
}

// newVersion records a head of the source branch.
func (s *Server) newVersion(mr *mergeRequest, sha string) {
	r := mr.project.repo
	mr.sha = sha
	mr.start = r.branch(mr.target)
	mr.base = r.mergeBase(sha, mr.start)
	mr.mergeError = ""
	v := version{id: s.next(), head: sha, base: mr.base, start: mr.start, at: s.now()}
	mr.versions = append(slices.Clone(mr.versions), v)
	name := mr.headRef()
	if err := r.move(name, r.ref(name), sha); err != nil {
		s.log.Warn("move head ref", "mr", mr.iid, "err", err)
	}
}

// targetMoved closes the circle for merge requests that arrived in their
// target by a push: GitLab marks them merged.
func (s *Server) targetMoved(p *project, by *user, branch string, u refUpdate) {
	if u.before == "" || u.after == "" {
		return
	}
	waiting := p.openMRs(func(mr *mergeRequest) bool { return mr.target == branch })
	if len(waiting) == 0 {
		return
	}
	arrived := map[string]bool{}
	for _, id := range p.repo.between(u.before, u.after) {
		arrived[id] = true
	}
	for _, mr := range waiting {
		if arrived[mr.sha] && mr.sha != mr.base {
			s.markMerged(mr, by)
		}
		if mr.auto != nil && p.opts.MergeMethod != "merge" {
			mr.auto, mr.car = nil, nil // semi-linear and fast-forward merges start over
		}
	}
}
