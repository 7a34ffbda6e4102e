package fakegitlab

import (
	"slices"
	"time"
)

// prepare is the work GitLab does after a merge request was created: only then
// does it have a diff, and only then does its open hook go out.
func (s *Server) prepare(mr *mergeRequest) {
	now := s.now()
	mr.preparedAt = &now
	s.touch(mr)
	s.emitMR(mr, mr.author, "open", nil, obj{
		"merge_status": change("preparing", "checking"),
		"prepared_at":  change(nil, hookStamp(now)),
		"updated_at":   change(hookStamp(mr.createdAt), hookStamp(now)),
	})
}

// begun reports whether mergeability has been asked for with both heads as
// they are.
func (s *Server) begun(mr *mergeRequest) bool {
	k := mr.check
	return k.source != "" && k.source == mr.sha && k.target == mr.project.repo.branch(mr.target)
}

// checked reports whether mergeability is known for both heads as they are.
func (s *Server) checked(mr *mergeRequest) bool {
	return s.begun(mr) && !mr.check.done.After(s.now())
}

// recheck begins to work out mergeability where it is not known. GitLab does so
// when a single merge request is read, and not for lists.
func (s *Server) recheck(mr *mergeRequest) {
	if mr.preparedAt == nil || !mr.open() || s.begun(mr) {
		return
	}
	target, delay := mr.project.repo.branch(mr.target), s.faults.Plan().CheckDelay
	k := mergeCheck{source: mr.sha, target: target, done: s.now().Add(delay)}
	r := mr.project.repo
	k.base = r.mergeBase(mr.sha, target)
	if k.base == target {
		k.tree, _ = r.tree(mr.sha) // an unreadable head shows as a merge that fails
	} else {
		tree, clean, err := r.mergeTree(target, mr.sha)
		k.tree, k.conflict = tree, !clean || err != nil
	}
	mr.check = k
	if delay > 0 {
		s.after(delay, func() { s.tryAuto(mr) })
	}
}

// detailedStatus names the first reason against merging, in GitLab's order.
func (s *Server) detailedStatus(mr *mergeRequest) string {
	o := mr.project.opts
	switch {
	case !mr.open():
		return "not_open"
	case mr.preparedAt == nil:
		return "preparing"
	case !s.begun(mr):
		return "unchecked"
	case !s.checked(mr):
		return "checking"
	case mr.draft():
		return "draft_status"
	case mr.fork == 0 && mr.project.repo.branch(mr.source) == "" || mr.sha == mr.base:
		return "commits_status"
	case o.DiscussionsMustBeResolved && !mr.discussionsResolved():
		return "discussions_not_resolved"
	case len(mr.approvals) < o.ApprovalsRequired:
		return "not_approved"
	case mr.check.conflict:
		return "conflict"
	case o.MergeMethod != "merge" && mr.check.base != mr.check.target:
		return "need_rebase"
	}
	return s.pipelineStatus(mr)
}

// pipelineStatus is the last of the checks.
func (s *Server) pipelineStatus(mr *mergeRequest) string {
	o := mr.project.opts
	if !o.PipelineMustSucceed {
		return "mergeable"
	}
	pl := s.headPipeline(mr)
	switch {
	case pl == nil:
		return "ci_must_pass"
	case pl.status == "success", pl.status == "skipped" && o.AllowMergeOnSkipped:
		return "mergeable"
	case pl.active():
		return "ci_still_running"
	}
	return "ci_must_pass"
}

// discussionsResolved is true also when there is no thread at all.
func (mr *mergeRequest) discussionsResolved() bool {
	return !slices.ContainsFunc(mr.thread.notes, func(n *note) bool { return n.resolvable && n.resolvedAt == nil })
}

// change is one entry of a hook's `changes`.
func change(previous, current any) obj { return obj{"previous": previous, "current": current} }

// hookStamp is how hooks write times.
func hookStamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func hookStampOr(t *time.Time) any {
	if t == nil {
		return nil
	}
	return hookStamp(*t)
}
