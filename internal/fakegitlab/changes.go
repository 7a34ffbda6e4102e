package fakegitlab

import (
	"fmt"
	"slices"
)

// labelChange and peopleChange are changes whose two sides are rendered only
// when a hook is sent.
type (
	labelChange  struct{ old, new []string }
	peopleChange struct{ old, new []*user }
)

// mrChanges is what a merge request hook says has changed, without updated_at.
func mrChanges(old, mr *mergeRequest) obj {
	out := obj{}
	put := func(key string, a, b any) {
		if a != b {
			out[key] = change(a, b)
		}
	}
	put("title", old.title, mr.title)
	put("description", old.description, mr.description)
	put("draft", old.draft(), mr.draft())
	put("target_branch", old.target, mr.target)
	put("state_id", stateID(old.state), stateID(mr.state))
	put("merge_commit_sha", orNull(old.mergeCommit), orNull(mr.mergeCommit))
	put("squash_commit_sha", orNull(old.squashCommit), orNull(mr.squashCommit))
	put("squash", old.squash, mr.squash)
	put("merge_error", orNull(old.mergeError), orNull(mr.mergeError))
	put("merge_when_pipeline_succeeds", old.auto != nil, mr.auto != nil)
	put("force_remove_source_branch", old.forceRemove, mr.forceRemove)
	if !slices.Equal(old.labels, mr.labels) {
		out["labels"] = labelChange{old.labels, mr.labels}
	}
	if !slices.Equal(old.assignees, mr.assignees) {
		out["assignees"] = peopleChange{old.assignees, mr.assignees}
	}
	if !slices.Equal(old.reviewers, mr.reviewers) {
		out["reviewers"] = peopleChange{old.reviewers, mr.reviewers}
	}
	return out
}

// pipelineBody is the pipeline hook. The merge request is there only for its own
// pipelines, not for those of its branch.
func (s *Server) pipelineBody(p *project, pl *pipeline) obj {
	o := obj{
		"id": pl.id, "iid": pl.iid, "name": nil, "ref": pl.ref, "tag": false, "sha": pl.sha, "before_sha": zero40, "source": pl.source,
		"status": pl.status, "detailed_status": pl.status, "stages": []string{"external"}, "created_at": hookStamp(pl.createdAt), "finished_at": nil,
		"duration": nil, "queued_duration": nil, "protected_ref": p.protection(pl.ref) != nil, "default_branch": pl.ref == p.opts.DefaultBranch,
		"variables": []obj{}, "url": fmt.Sprintf("%s/-/pipelines/%d", s.webURL(p), pl.id),
	}
	if pl.status == "success" {
		o["detailed_status"] = "passed"
	}
	if pl.finished() {
		o["finished_at"], o["duration"] = hookStamp(pl.updatedAt), seconds(pl.createdAt, pl.updatedAt)
	}
	body := obj{
		"object_kind": "pipeline", "object_attributes": o, "merge_request": nil, "user": s.hookUser(pl.user), "project": s.hookProject(p),
		"commit": s.hookCommit(p, pl.sha), "builds": render(pl.statuses, s.buildBody),
	}
	if mrs := p.openMRs(func(mr *mergeRequest) bool { return mr.sha == pl.head && pl.source == "merge_request_event" }); len(mrs) > 0 {
		mr := mrs[0]
		body["merge_request"] = obj{
			"id": mr.id, "iid": mr.iid, "title": mr.title, "source_branch": mr.source, "source_project_id": p.id, "target_branch": mr.target,
			"target_project_id": p.id, "state": mr.state, "merge_status": s.oldMergeStatus(mr), "detailed_merge_status": s.hookMergeStatus(mr), "url": s.mrURL(mr),
		}
	}
	return body
}

// buildBody shows a commit status as the job that GitLab takes it for.
func (s *Server) buildBody(st *commitStatus) obj {
	return obj{
		"id": st.id, "stage": "external", "name": st.name, "status": st.status, "created_at": hookStamp(st.createdAt), "started_at": hookStampOr(st.startedAt),
		"finished_at": hookStampOr(st.finishedAt), "duration": nil, "queued_duration": nil, "failure_reason": nil, "when": "on_success", "manual": false,
		"allow_failure": false, "user": s.hookUser(st.author), "runner": nil, "artifacts_file": obj{"filename": nil, "size": nil}, "environment": nil,
	}
}

// emojiBody is the emoji hook, with the note if it was put on one.
func (s *Server) emojiBody(on awardable, a *award, by *user, action string) obj {
	url := s.mrURL(on.mr)
	if on.note != nil {
		url += fmt.Sprintf("#note_%d", on.note.id)
	}
	body := obj{
		"object_kind": "emoji", "event_type": action, "user": s.hookUser(by), "project_id": on.mr.project.id, "project": s.hookProject(on.mr.project),
		"object_attributes": obj{
			"id": a.id, "user_id": a.user.id, "name": a.name, "awardable_type": on.kind, "awardable_id": on.id, "action": action,
			"created_at": hookStamp(a.at), "updated_at": hookStamp(a.at), "awarded_on_url": url,
		},
		"merge_request": s.mrAttributes(on.mr),
	}
	if on.note != nil {
		body["note"] = s.noteBody(on.mr, on.note, "create")["object_attributes"]
	}
	return body
}
