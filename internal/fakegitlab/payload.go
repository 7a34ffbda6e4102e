package fakegitlab

import (
	"cmp"
	"fmt"
	"time"

	"github.com/go-git/go-git/v5/plumbing/object"
)

// hookUser hides the address, as GitLab does unless a user made it public.
func (s *Server) hookUser(u *user) any {
	if u == nil {
		return nil
	}
	return obj{"id": u.id, "name": u.name, "username": u.username, "avatar_url": nil, "email": "[REDACTED]"}
}

// hookProject is `project` of every hook.
func (s *Server) hookProject(p *project) obj {
	ns, _ := splitPath(p.path)
	level := 0
	if p.opts.Public {
		level = 20
	}
	web := s.webURL(p)
	return obj{
		"id": p.id, "name": p.opts.Name, "description": p.description, "web_url": web, "avatar_url": nil,
		"git_ssh_url": s.sshURL(p), "git_http_url": web + ".git", "namespace": ns, "visibility_level": level,
		"path_with_namespace": p.path, "default_branch": p.opts.DefaultBranch, "ci_config_path": nil,
		"homepage": web, "url": s.sshURL(p), "ssh_url": s.sshURL(p), "http_url": web + ".git",
	}
}

func (s *Server) hookRepository(p *project) obj {
	return obj{"name": p.opts.Name, "url": s.sshURL(p), "description": p.description, "homepage": s.webURL(p)}
}

func (s *Server) hookCommit(p *project, sha string) any {
	c, err := p.repo.commit(sha)
	if err != nil {
		return nil
	}
	return s.commitBody(p, c)
}

func (s *Server) commitBody(p *project, c *object.Commit) obj {
	return obj{
		"id": c.Hash.String(), "message": c.Message, "title": title(c.Message), "timestamp": c.Committer.When.Format(time.RFC3339),
		"url":    s.webURL(p) + "/-/commit/" + c.Hash.String(),
		"author": obj{"name": c.Author.Name, "email": c.Author.Email},
	}
}

// pushBody is the push hook and the tag push hook. A deletion has a null
// checkout_sha, a creation 40 zeros in before; a new branch lists what the
// default branch lacks.
func (s *Server) pushBody(p *project, by *user, u refUpdate, kind string) obj {
	before, after := cmp.Or(u.before, zero40), cmp.Or(u.after, zero40)
	o := obj{
		"object_kind": kind, "event_name": kind, "before": before, "after": after, "ref": u.ref, "ref_protected": false,
		"checkout_sha": orNull(u.after), "message": nil, "user_id": by.id, "user_name": by.name, "user_username": by.username, "user_email": "",
		"user_avatar": nil, "project_id": p.id, "project": s.hookProject(p), "push_options": obj{}, "repository": s.hookRepository(p),
		"commits": []obj{}, "total_commits_count": 0,
	}
	if kind != "push" {
		return o
	}
	o["ref_protected"] = p.protection(u.ref[len("refs/heads/"):]) != nil
	if u.after == "" {
		return o
	}
	ids := p.repo.between(cmp.Or(u.before, p.repo.branch(p.opts.DefaultBranch)), u.after)
	o["total_commits_count"] = len(ids)
	o["commits"] = s.pushedCommits(p, ids)
	return o
}

// pushedCommits lists the newest commits of a push, oldest first.
func (s *Server) pushedCommits(p *project, ids []string) []obj {
	out := []obj{}
	for i := min(len(ids), maxHookCommits) - 1; i >= 0; i-- {
		c, err := p.repo.commit(ids[i])
		if err != nil {
			continue
		}
		o := s.commitBody(p, c)
		paths := map[byte][]string{'A': {}, 'M': {}, 'D': {}}
		for _, d := range p.repo.names(firstParent(c), ids[i]) {
			switch d.kind {
			case 'R':
				paths['A'], paths['D'] = append(paths['A'], d.newPath), append(paths['D'], d.oldPath)
			case 'T':
				paths['M'] = append(paths['M'], d.newPath)
			default:
				paths[d.kind] = append(paths[d.kind], d.newPath)
			}
		}
		o["added"], o["modified"], o["removed"] = paths['A'], paths['M'], paths['D']
		out = append(out, o)
	}
	return out
}

// stateID is the number that changes.state_id speaks in.
func stateID(state string) int {
	return map[string]int{"opened": 1, "closed": 2, "merged": 3, "locked": 4}[state]
}

func ids(users []*user) []int64 {
	out := []int64{}
	for _, u := range users {
		out = append(out, u.id)
	}
	return out
}

func (s *Server) hookLabels(p *project, names []string) []obj {
	return render(names, func(n string) obj {
		o := obj{"id": 0, "title": n, "color": "#6699cc", "project_id": p.id, "template": false, "description": nil, "type": "ProjectLabel", "group_id": nil,
			"created_at": hookStamp(p.createdAt), "updated_at": hookStamp(p.createdAt)}
		if l := p.label(n); l != nil {
			o["id"], o["color"], o["description"] = l.id, l.color, orNull(l.description)
		}
		return o
	})
}

// mrAttributes is object_attributes of the merge request hook.
func (s *Server) mrAttributes(mr *mergeRequest) obj {
	p := mr.project
	mergeParams := obj{}
	if mr.forceRemove {
		mergeParams["force_remove_source_branch"] = "1"
	}
	o := obj{
		"id": mr.id, "iid": mr.iid, "author_id": mr.author.id, "title": mr.title, "description": mr.description, "draft": mr.draft(), "work_in_progress": mr.draft(),
		"created_at": hookStamp(mr.createdAt), "updated_at": hookStamp(mr.updatedAt), "prepared_at": hookStampOr(mr.preparedAt), "merged_at": hookStampOr(mr.mergedAt),
		"source_branch": mr.source, "target_branch": mr.target, "source_project_id": mr.sourceProject(), "target_project_id": p.id, "state": mr.state, "state_id": stateID(mr.state),
		"merge_status": s.oldMergeStatus(mr), "detailed_merge_status": s.hookMergeStatus(mr), "merge_commit_sha": orNull(mr.mergeCommit), "squash_commit_sha": orNull(mr.squashCommit),
		"merge_error": orNull(mr.mergeError), "merge_params": mergeParams, "merge_when_pipeline_succeeds": mr.auto != nil, "merge_user_id": nil,
		"head_pipeline_id": nil, "milestone_id": nil, "assignee_ids": ids(mr.assignees), "assignee_id": nil, "reviewer_ids": ids(mr.reviewers),
		"blocking_discussions_resolved": mr.discussionsResolved(), "first_contribution": false, "last_edited_at": nil, "last_edited_by_id": nil, "updated_by_id": nil,
		"time_estimate": 0, "time_change": 0, "total_time_spent": 0, "human_time_change": nil, "human_time_estimate": nil, "human_total_time_spent": nil,
		"labels": s.hookLabels(p, mr.labels), "last_commit": s.hookCommit(p, mr.sha), "source": s.hookProject(p), "target": s.hookProject(p),
		"system": false, "target_branch_protected": p.protection(mr.target) != nil, "url": s.mrURL(mr), "approval_rules": []obj{},
	}
	if u := s.mergeUser(mr); u != nil {
		o["merge_user_id"] = u.id
	}
	if pl := s.headPipeline(mr); pl != nil {
		o["head_pipeline_id"] = pl.id
	}
	return o
}

// hookMergeStatus is what hooks say: they leave before mergeability is known.
func (s *Server) hookMergeStatus(mr *mergeRequest) string {
	if st := s.detailedStatus(mr); st != "unchecked" {
		return st
	}
	return "checking"
}

// mrBody is the merge request hook. An action of "" is a test's.
func (s *Server) mrBody(mr *mergeRequest, by *user, action string, extra, changes obj) obj {
	attrs := s.mrAttributes(mr)
	if action != "" {
		attrs["action"], attrs["actioned_at"] = action, hookStamp(s.now())
	}
	for k, v := range extra {
		attrs[k] = v
	}
	if changes == nil {
		changes = obj{}
	}
	return obj{
		"object_kind": "merge_request", "event_type": "merge_request", "user": s.hookUser(by), "project": s.hookProject(mr.project),
		"object_attributes": attrs, "labels": attrs["labels"], "changes": s.withLabels(mr, changes), "repository": s.hookRepository(mr.project),
		"assignees": render(mr.assignees, s.hookPerson), "reviewers": render(mr.reviewers, s.hookReviewer(mr)),
	}
}

func (s *Server) hookPerson(u *user) obj { o, _ := s.hookUser(u).(obj); return o }

// hookReviewer adds the state of a review.
func (s *Server) hookReviewer(mr *mergeRequest) func(*user) obj {
	return func(u *user) obj {
		o := s.hookPerson(u)
		o["state"], o["re_requested"] = "unreviewed", false
		if mr.approvedBy(u) {
			o["state"] = "approved"
		}
		return o
	}
}

// withLabels puts whole labels and people in the place of what mrChanges noted.
func (s *Server) withLabels(mr *mergeRequest, changes obj) obj {
	out := obj{}
	for k, v := range changes {
		switch x := v.(type) {
		case labelChange:
			v = change(s.hookLabels(mr.project, x.old), s.hookLabels(mr.project, x.new))
		case peopleChange:
			v = []any{render(x.old, s.hookReviewer(mr)), render(x.new, s.hookReviewer(mr))}
			if k != "reviewers" {
				v = change(render(x.old, s.hookPerson), render(x.new, s.hookPerson))
			}
		}
		out[k] = v
	}
	return out
}

// noteBody is the note hook. It carries the text without its quick actions.
func (s *Server) noteBody(mr *mergeRequest, n *note, action string) obj {
	kind := "note"
	if n.internal {
		kind = "confidential_note"
	}
	return obj{
		"object_kind": "note", "event_type": kind, "user": s.hookUser(n.author), "project_id": mr.project.id,
		"project": s.hookProject(mr.project), "repository": s.hookRepository(mr.project),
		"object_attributes": obj{
			"id": n.id, "note": n.body, "description": n.body, "noteable_type": "MergeRequest", "noteable_id": mr.id, "author_id": n.author.id,
			"created_at": hookStamp(n.createdAt), "updated_at": hookStamp(n.updatedAt), "project_id": mr.project.id, "attachment": nil, "line_code": nil,
			"commit_id": "", "system": n.system, "internal": n.internal, "st_diff": nil, "discussion_id": n.discussion, "action": action,
			"type": nil, "url": fmt.Sprintf("%s#note_%d", s.mrURL(mr), n.id),
		},
		"merge_request": s.mrAttributes(mr),
	}
}
