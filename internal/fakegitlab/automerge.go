package fakegitlab

import (
	"net/http"
)

// setAuto arms auto-merge.
func (s *Server) setAuto(mr *mergeRequest, by *user, o mergeOptions) {
	old := *mr
	mr.auto, mr.removeSource = &autoMerge{by: by, opts: o}, o.removeSource
	s.systemNote(mr, by, "enabled an automatic merge when all merge checks for "+mr.sha+" pass")
	s.touch(mr)
	s.emitMR(mr, by, "update", nil, mrChanges(&old, mr))
}

// tryAuto merges if auto-merge is armed and nothing stands in the way now.
func (s *Server) tryAuto(mr *mergeRequest) {
	if mr.auto == nil || mr.car != nil || !mr.open() {
		return
	}
	s.recheck(mr)
	if pl := s.headPipeline(mr); pl != nil && pl.active() {
		return
	}
	if s.detailedStatus(mr) != "mergeable" || !s.mayMerge(mr.project, mr.auto.by, mr.target) {
		return
	}
	if err := s.merge(mr, mr.auto.by, mr.auto.opts); err != nil {
		mr.mergeError = err.Error()
	}
}

// cancelAutoMerge keeps the name that its path has had since before auto-merge
// was called so. It answers 406 when nothing is armed.
func cancelAutoMerge(c *call) (reply, error) {
	mr, err := c.mrOfPath()
	if err != nil {
		return reply{}, err
	}
	if c.level(c.project, c.user) < Developer {
		return reply{}, unauthorized()
	}
	if mr.auto == nil {
		return reply{}, fail(http.StatusNotAcceptable, "Can't cancel the automatic merge")
	}
	old := *mr
	mr.auto, mr.car = nil, nil
	c.systemNote(mr, c.user, "canceled the automatic merge")
	c.touch(mr)
	c.emitMR(mr, c.user, "update", nil, mrChanges(&old, mr))
	return created(c.renderMR(c, mr))
}

// rebaseMergeRequest answers at once; the rebase itself comes after, and what
// became of it shows in merge_error.
func rebaseMergeRequest(c *call) (reply, error) {
	mr, err := c.mrOfPath()
	if err != nil {
		return reply{}, err
	}
	p := c.project
	rule := p.protection(mr.source)
	switch {
	case !c.mayPush(p, c.user, mr.source):
		return reply{}, fail(http.StatusForbidden, "Cannot push to source branch")
	case rule != nil && !rule.allowForce:
		return reply{}, fail(http.StatusForbidden, "Source branch is protected from force push")
	case p.repo.branch(mr.source) == "":
		return reply{}, fail(http.StatusForbidden, "Source branch does not exist")
	case mr.rebasing:
		return reply{}, fail(http.StatusConflict, "Failed to enqueue the rebase operation, possibly due to a long-lived transaction. Try again later.")
	case !mr.open():
		return reply{}, forbidden()
	}
	mr.rebasing, mr.mergeError = true, ""
	by := c.user
	c.after(c.faults.Plan().RebaseDelay, func() { c.finishRebase(mr, by) })
	return reply{status: http.StatusAccepted, body: obj{"rebase_in_progress": true}}, nil
}

// finishRebase moves the source branch, or leaves the reason in merge_error.
func (s *Server) finishRebase(mr *mergeRequest, by *user) {
	mr.rebasing = false
	r := mr.project.repo
	head := r.branch(mr.source)
	sha, err := r.replay(head, r.branch(mr.target))
	if err == nil && sha != head {
		err = s.update(mr.project, by, refUpdate{ref: "refs/heads/" + mr.source, before: head, after: sha})
	}
	if err != nil {
		mr.mergeError = "Rebase failed: Rebase locally, resolve all conflicts, then push the branch."
		s.touch(mr)
	}
}

// replay puts the commits of head that onto lacks on top of onto, one by one.
// Merge commits are left out, as git rebase does.
func (r *repo) replay(head, onto string) (string, error) {
	ids := r.between(onto, head)
	for i := len(ids) - 1; i >= 0; i-- {
		c, err := r.commit(ids[i])
		if err != nil {
			return "", err
		}
		if firstParent(c) == onto {
			onto = ids[i]
			continue
		}
		if len(c.ParentHashes) > 1 {
			continue
		}
		tree, err := r.pick(ids[i], firstParent(c), onto)
		if err != nil {
			return "", err
		}
		onto, err = r.writeCommit(newCommit{tree: tree, parents: []string{onto}, author: c.Author, by: c.Committer, message: c.Message})
		if err != nil {
			return "", err
		}
	}
	return onto, nil
}

// pick is the tree of a commit's change on top of another commit. The stand-in
// for onto, a child of the parent, makes that parent the merge base.
func (r *repo) pick(sha, parent, onto string) (string, error) {
	tree, err := r.tree(onto)
	if err != nil {
		return "", err
	}
	c, err := r.commit(sha)
	if err != nil {
		return "", err
	}
	standIn := onto
	if parent != onto {
		standIn, err = r.writeCommit(newCommit{tree: tree, parents: []string{parent}, author: c.Author, by: c.Committer, message: "onto"})
		if err != nil {
			return "", err
		}
	}
	merged, clean, err := r.mergeTree(standIn, sha)
	if err == nil && !clean {
		err = fail(http.StatusConflict, "conflict")
	}
	return merged, err
}
