package fakegitlab

import (
	"net/http"
	"slices"
	"strings"
)

func (s *Server) webURL(p *project) string { return s.url + "/" + p.path }

// host is the address without its scheme, for SSH URLs.
func (s *Server) host() string {
	_, host, _ := strings.Cut(s.url, "://")
	host, _, _ = strings.Cut(host, ":")
	return host
}

func (s *Server) sshURL(p *project) string { return "git@" + s.host() + ":" + p.path + ".git" }

func visibility(p *project) string {
	if p.opts.Public {
		return "public"
	}
	return "private"
}

// renderProject shows the settings to everybody who sees the project; GitLab
// hides some from guests.
func (s *Server) renderProject(p *project, u *user) obj {
	ns, last := splitPath(p.path)
	o := obj{
		"id": p.id, "description": p.description, "name": p.opts.Name, "name_with_namespace": ns + " / " + p.opts.Name,
		"path": last, "path_with_namespace": p.path, "created_at": stamp(p.createdAt), "default_branch": p.opts.DefaultBranch,
		"ssh_url_to_repo": s.sshURL(p), "http_url_to_repo": s.webURL(p) + ".git", "web_url": s.webURL(p), "readme_url": nil,
		"avatar_url": nil, "topics": []string{}, "tag_list": []string{}, "forks_count": 0, "star_count": 0,
		"last_activity_at": stamp(p.activeAt), "visibility": visibility(p), "archived": p.archived,
		"empty_repo": p.repo.branch(p.opts.DefaultBranch) == "", "merge_method": p.opts.MergeMethod, "squash_option": p.opts.SquashOption,
		"only_allow_merge_if_pipeline_succeeds":            p.opts.PipelineMustSucceed,
		"allow_merge_on_skipped_pipeline":                  p.opts.AllowMergeOnSkipped,
		"only_allow_merge_if_all_discussions_are_resolved": p.opts.DiscussionsMustBeResolved,
		"remove_source_branch_after_merge":                 p.opts.RemoveSourceBranch,
		"auto_cancel_pending_pipelines":                    map[bool]string{true: "disabled", false: "enabled"}[p.opts.KeepOldPipelines],
		"merge_requests_enabled":                           true, "issues_enabled": false, "jobs_enabled": true,
		"merge_requests_access_level": "enabled", "repository_access_level": "enabled", "builds_access_level": "enabled",
		"ci_config_path": "",
		"permissions":    s.permissions(p, u),
	}
	if s.cfg.Edition.paid() {
		o["merge_pipelines_enabled"], o["merge_trains_enabled"] = p.opts.MergeTrains, p.opts.MergeTrains
		o["approvals_before_merge"] = p.opts.ApprovalsRequired
	}
	o["namespace"] = obj{"id": 0, "name": ns, "path": ns, "kind": "group", "full_path": ns, "parent_id": nil, "avatar_url": nil, "web_url": s.url + "/groups/" + ns}
	if g := s.group(ns); g != nil {
		o["namespace"].(obj)["id"] = g.id
	}
	return o
}

// permissions separates what was granted here from what a group granted.
func (s *Server) permissions(p *project, u *user) obj {
	out := obj{"project_access": nil, "group_access": nil}
	if u == nil {
		return out
	}
	if l, direct := p.members[u.id]; direct {
		out["project_access"] = obj{"access_level": int(l), "notification_level": 3}
	}
	ns, _ := splitPath(p.path)
	if l, through := s.grown(ns, true)[u.id]; through {
		out["group_access"] = obj{"access_level": int(l), "notification_level": 3}
	}
	return out
}

// listProjects shows the newest project first, and only what the user may see.
func listProjects(c *call) (reply, error) {
	var found []*project
	search := strings.ToLower(c.params.text("search"))
	least := Level(c.params.integer("min_access_level", int64(NoAccess)))
	for _, p := range c.projects {
		l := c.level(p, c.user)
		switch {
		case !c.sees(p, c.user), l < least, c.params.boolean("membership", false) && l == NoAccess:
		case c.params.has("archived") && c.params.boolean("archived", false) != p.archived:
		case !strings.Contains(strings.ToLower(p.path), search):
		default:
			found = append(found, p)
		}
	}
	slices.Reverse(found)
	return ok(render(page(c, found), func(p *project) obj { return c.renderProject(p, c.user) }))
}

func getProject(c *call) (reply, error) { return ok(c.renderProject(c.project, c.user)) }

// updateProject knows the settings that bear on merging, and the path.
func updateProject(c *call) (reply, error) {
	p, q := c.project, c.params
	if m := q.text("merge_method"); m != "" && !slices.Contains([]string{"merge", "rebase_merge", "ff"}, m) {
		return reply{}, failWith(http.StatusBadRequest, "merge_method does not have a valid value")
	}
	if m := q.text("squash_option"); m != "" && !slices.Contains([]string{"never", "always", "default_on", "default_off"}, m) {
		return reply{}, failWith(http.StatusBadRequest, "squash_option does not have a valid value")
	}
	o := &p.opts
	for key, field := range map[string]*string{
		"name": &o.Name, "description": &p.description, "default_branch": &o.DefaultBranch,
		"merge_method": &o.MergeMethod, "squash_option": &o.SquashOption,
	} {
		if q.has(key) {
			*field = q.text(key)
		}
	}
	for key, field := range map[string]*bool{
		"only_allow_merge_if_pipeline_succeeds":            &o.PipelineMustSucceed,
		"allow_merge_on_skipped_pipeline":                  &o.AllowMergeOnSkipped,
		"only_allow_merge_if_all_discussions_are_resolved": &o.DiscussionsMustBeResolved,
		"remove_source_branch_after_merge":                 &o.RemoveSourceBranch,
		"merge_trains_enabled":                             &o.MergeTrains,
	} {
		*field = q.boolean(key, *field)
	}
	if v := q.text("auto_cancel_pending_pipelines"); v != "" {
		o.KeepOldPipelines = v == "disabled"
	}
	if to := q.text("path"); to != "" {
		ns, _ := splitPath(p.path)
		c.moved[p.path] = p
		p.path = ns + "/" + to
	}
	return ok(c.renderProject(p, c.user))
}

func archiveProject(c *call) (reply, error)   { return c.setArchived(true) }
func unarchiveProject(c *call) (reply, error) { return c.setArchived(false) }

// setArchived makes the repository read-only, or lets it be written to again.
func (c *call) setArchived(archived bool) (reply, error) {
	c.project.archived = archived
	return created(c.renderProject(c.project, c.user))
}
