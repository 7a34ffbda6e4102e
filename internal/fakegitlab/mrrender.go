package fakegitlab

import (
	"fmt"
	"regexp"
	"strconv"
)

// draftTitle is how GitLab knows a draft.
var draftTitle = regexp.MustCompile(`(?i)^\s*(\[draft\]|\(draft\)|draft:)\s*`)

func (mr *mergeRequest) draft() bool { return draftTitle.MatchString(mr.title) }

// headRef is the ref under which GitLab keeps the head for ever.
func (mr *mergeRequest) headRef() string { return fmt.Sprintf("refs/merge-requests/%d/head", mr.iid) }

// mergeRef is the ref of the commit that GitLab makes to try the merge out.
func (mr *mergeRequest) mergeRef() string {
	return fmt.Sprintf("refs/merge-requests/%d/merge", mr.iid)
}

// ref is how people write the merge request.
func (mr *mergeRequest) ref() string { return fmt.Sprintf("!%d", mr.iid) }

func (s *Server) mrURL(mr *mergeRequest) string {
	return fmt.Sprintf("%s/-/merge_requests/%d", s.webURL(mr.project), mr.iid)
}

// oldMergeStatus is the coarse status that detailed_merge_status replaced.
func (s *Server) oldMergeStatus(mr *mergeRequest) string {
	switch {
	case mr.preparedAt == nil:
		return "checking" // GitLab keeps `preparing` to itself here
	case !s.begun(mr):
		return "unchecked"
	case !s.checked(mr):
		return "checking"
	case mr.check.conflict:
		return "cannot_be_merged"
	}
	return "can_be_merged"
}

// renderBasicMR is a merge request as lists show it.
func (s *Server) renderBasicMR(mr *mergeRequest) obj {
	users := func(all []*user) []obj { return render(all, s.basicUser) }
	var assignee *user
	if len(mr.assignees) > 0 {
		assignee = mr.assignees[0]
	}
	squash := mr.squash || mr.project.opts.SquashOption == "always"
	o := obj{
		"id": mr.id, "iid": mr.iid, "project_id": mr.project.id, "title": mr.title, "description": mr.description, "state": mr.state,
		"created_at": stamp(mr.createdAt), "updated_at": stamp(mr.updatedAt), "merged_by": s.nullUser(mr.mergedBy), "merge_user": s.nullUser(s.mergeUser(mr)),
		"merged_at": stampOr(mr.mergedAt), "closed_by": s.nullUser(mr.closedBy), "closed_at": stampOr(mr.closedAt),
		"target_branch": mr.target, "source_branch": mr.source, "user_notes_count": mr.userNotes(), "upvotes": mr.votes("thumbsup"), "downvotes": mr.votes("thumbsdown"),
		"author": s.nullUser(mr.author), "assignees": users(mr.assignees), "assignee": s.nullUser(assignee), "reviewers": users(mr.reviewers),
		"source_project_id": mr.sourceProject(), "target_project_id": mr.project.id, "labels": append([]string{}, mr.labels...),
		"draft": mr.draft(), "work_in_progress": mr.draft(), "imported": false, "imported_from": "none", "milestone": nil,
		"merge_when_pipeline_succeeds": mr.auto != nil, "merge_status": s.oldMergeStatus(mr), "detailed_merge_status": s.detailedStatus(mr),
		"merge_after": nil, "sha": orNull(mr.sha), "merge_commit_sha": orNull(mr.mergeCommit), "squash_commit_sha": orNull(mr.squashCommit),
		"discussion_locked": nil, "should_remove_source_branch": nil, "force_remove_source_branch": mr.forceRemove,
		"prepared_at": stampOr(mr.preparedAt), "allow_collaboration": false, "reference": mr.ref(),
		"references": obj{"short": mr.ref(), "relative": mr.ref(), "full": mr.project.path + mr.ref()},
		"web_url":    s.mrURL(mr), "squash": mr.squash, "squash_on_merge": squash, "has_conflicts": s.checked(mr) && mr.check.conflict,
		"blocking_discussions_resolved": mr.discussionsResolved(), "approvals_before_merge": nil,
		"task_completion_status": obj{"count": 0, "completed_count": 0},
		"time_stats":             obj{"time_estimate": 0, "total_time_spent": 0, "human_time_estimate": nil, "human_total_time_spent": nil},
	}
	if mr.removeSource != nil {
		o["should_remove_source_branch"] = *mr.removeSource
	}
	return o
}

// mergeUser is who merged, or who asked for the merge to happen later.
func (s *Server) mergeUser(mr *mergeRequest) *user {
	if mr.auto != nil {
		return mr.auto.by
	}
	return mr.mergedBy
}

// renderMR is a merge request as its own page of the API shows it.
func (s *Server) renderMR(c *call, mr *mergeRequest) obj {
	o := s.renderBasicMR(mr)
	o["subscribed"] = false
	o["changes_count"] = nil
	o["diff_refs"] = nil
	if mr.preparedAt != nil && mr.sha != "" {
		o["changes_count"] = strconv.Itoa(len(mr.project.repo.names(mr.base, mr.sha)))
		o["diff_refs"] = obj{"base_sha": mr.base, "head_sha": mr.sha, "start_sha": mr.start}
	}
	o["latest_build_started_at"], o["latest_build_finished_at"], o["first_deployed_to_production_at"] = nil, nil, nil
	o["pipeline"], o["head_pipeline"] = nil, nil
	if pl := s.headPipeline(mr); pl != nil {
		o["pipeline"], o["head_pipeline"] = s.renderPipelineInfo(mr.project, pl), s.renderPipeline(mr.project, pl)
		o["latest_build_started_at"] = stamp(pl.createdAt)
	}
	o["merge_error"] = orNull(mr.mergeError)
	o["first_contribution"] = false
	o["user"] = obj{"can_merge": s.mayMerge(mr.project, c.user, mr.target)}
	if c.params.boolean("include_rebase_in_progress", false) {
		o["rebase_in_progress"] = mr.rebasing
	}
	if c.params.boolean("include_diverged_commits_count", false) {
		o["diverged_commits_count"] = len(mr.project.repo.between(mr.sha, mr.project.repo.branch(mr.target)))
	}
	return o
}

func (mr *mergeRequest) votes(name string) int {
	n := 0
	for _, a := range mr.thread.awards {
		if a.name == name {
			n++
		}
	}
	return n
}

// touch marks a change: the new state is what stale reads lag behind of.
func (s *Server) touch(mr *mergeRequest) {
	mr.updatedAt = s.now()
	t := mr.thread
	if len(t.past) >= maxHistory {
		t.past = append(t.past[:0], t.past[1:]...)
	}
	t.past = append(t.past, past{at: mr.updatedAt, mr: *mr})
}

// asRead is what a reader gets to see of a merge request: itself, a past state
// while reads are stale, or nil for one that is not visible yet.
func (s *Server) asRead(mr *mergeRequest, oneStep bool) *mergeRequest {
	t := mr.thread
	if oneStep {
		if len(t.past) < 2 {
			return nil
		}
		old := t.past[len(t.past)-2].mr
		return &old
	}
	lag := s.faults.Plan().StaleFor
	if lag <= 0 {
		return mr
	}
	then := s.now().Add(-lag)
	for i := len(t.past) - 1; i >= 0; i-- {
		if !t.past[i].at.After(then) {
			old := t.past[i].mr
			return &old
		}
	}
	return nil
}
