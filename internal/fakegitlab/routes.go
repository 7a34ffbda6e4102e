package fakegitlab

import (
	"net/http"
	"strconv"
	"strings"
)

// action handles one API call. It runs under the server's lock.
type action func(*call) (reply, error)

// open marks the endpoints that need a user but no project.
const open Level = -1

// route is one endpoint: who may call it, and what it does. Guest and above
// look the project up by {id} first.
type route struct {
	pattern string
	level   Level
	do      action
}

const (
	prefix = "/api/v4"
	proj   = prefix + "/projects/{id}"
	repoAt = proj + "/repository"
	mrAt   = proj + "/merge_requests/{iid}"

	selfToken = prefix + "/personal_access_tokens/self"
)

// mux is the whole surface. The patterns match segments of the escaped path, so
// a project path with %2F is one segment.
func (s *Server) mux() *http.ServeMux {
	m := http.NewServeMux()
	for _, table := range [][]route{coreRoutes(), repoRoutes(), mergeRequestRoutes(), talkRoutes(), issueRoutes(), hookRoutes()} {
		for _, rt := range table {
			m.HandleFunc(rt.pattern, s.serve(rt))
		}
	}
	m.HandleFunc(prefix+"/", func(w http.ResponseWriter, _ *http.Request) {
		reply{status: http.StatusNotFound, body: obj{"error": "404 Not Found"}}.write(w, nil)
	})
	m.HandleFunc("/", s.serveSite)
	return m
}

func coreRoutes() []route {
	return []route{
		{"GET " + prefix + "/version", open, getVersion},
		{"GET " + prefix + "/metadata", open, getMetadata},
		{"GET " + prefix + "/user", open, getSelf},
		{"GET " + prefix + "/users", open, listUsers},
		{"GET " + prefix + "/users/{uid}", open, getUser},
		{"GET " + selfToken, open, getToken},
		{"GET " + prefix + "/namespaces/{ns}", open, getNamespace},
		{"GET " + prefix + "/groups/{gid}", open, getGroup},
		{"GET " + prefix + "/groups/{gid}/members", open, listGroupMembers},
		{"GET " + prefix + "/groups/{gid}/members/all", open, listAllGroupMembers},
		{"GET " + prefix + "/groups/{gid}/members/all/{uid}", open, getInheritedGroupMember},
		{"GET " + prefix + "/groups/{gid}/members/{uid}", open, getGroupMember},
		{"GET " + prefix + "/projects", open, listProjects},
		{"GET " + proj, Guest, getProject},
		{"PUT " + proj, Maintainer, updateProject},
		{"GET " + proj + "/push_rule", Maintainer, getPushRule},
		{"GET " + proj + "/external_status_checks", Developer, listStatusChecks},
		{"POST " + proj + "/archive", Maintainer, archiveProject},
		{"POST " + proj + "/unarchive", Maintainer, unarchiveProject},
		{"GET " + proj + "/members", Guest, listMembers},
		{"GET " + proj + "/members/all", Guest, listAllMembers},
		{"GET " + proj + "/members/all/{uid}", Guest, getAnyMember},
		{"GET " + proj + "/members/{uid}", Guest, getMember},
		{"GET " + proj + "/deploy_keys", Maintainer, listDeployKeys},
		{"POST " + proj + "/deploy_keys", Maintainer, createDeployKey},
		{"GET " + proj + "/deploy_keys/{key}", Maintainer, getDeployKey},
		{"PUT " + proj + "/deploy_keys/{key}", Maintainer, updateDeployKey},
		{"DELETE " + proj + "/deploy_keys/{key}", Maintainer, deleteDeployKey},
		{"POST " + proj + "/deploy_keys/{key}/enable", Maintainer, enableDeployKey},
		{"GET " + proj + "/labels", Guest, listLabels},
		{"GET " + proj + "/labels/{label}", Guest, getLabel},
		{"POST " + proj + "/labels", Reporter, createLabel},
		{"PUT " + proj + "/labels/{label}", Reporter, updateLabel},
		{"DELETE " + proj + "/labels/{label}", Reporter, deleteLabel},
		{"PUT " + proj + "/labels", Reporter, updateLabel},
		{"DELETE " + proj + "/labels", Reporter, deleteLabel},
	}
}

func repoRoutes() []route {
	return []route{
		{"GET " + repoAt + "/branches", Reporter, listBranches},
		{"GET " + repoAt + "/branches/{branch}", Reporter, getBranch},
		{"POST " + repoAt + "/branches", Developer, createBranch},
		{"DELETE " + repoAt + "/branches/{branch}", Developer, deleteBranch},
		{"GET " + proj + "/protected_branches", Maintainer, listProtected},
		{"GET " + proj + "/protected_branches/{branch}", Maintainer, getProtected},
		{"POST " + proj + "/protected_branches", Maintainer, createProtected},
		{"DELETE " + proj + "/protected_branches/{branch}", Maintainer, deleteProtected},
		{"GET " + repoAt + "/commits", Reporter, listCommits},
		{"POST " + repoAt + "/commits", Developer, createCommit},
		{"GET " + repoAt + "/commits/{sha}", Reporter, getCommit},
		{"GET " + repoAt + "/commits/{sha}/diff", Reporter, getCommitDiff},
		{"GET " + repoAt + "/commits/{sha}/refs", Reporter, getCommitRefs},
		{"GET " + repoAt + "/commits/{sha}/statuses", Reporter, listStatuses},
		{"GET " + repoAt + "/commits/{sha}/merge_requests", Reporter, listCommitMergeRequests},
		{"GET " + repoAt + "/merge_base", Reporter, getMergeBase},
		{"GET " + repoAt + "/compare", Reporter, compare},
		{"GET " + repoAt + "/tree", Reporter, listTree},
		{"GET " + repoAt + "/files/{file}", Reporter, getFile},
		{"GET " + repoAt + "/files/{file}/raw", Reporter, getRawFile},
		{"POST " + repoAt + "/files/{file}", Developer, createFile},
		{"PUT " + repoAt + "/files/{file}", Developer, updateFile},
		{"DELETE " + repoAt + "/files/{file}", Developer, deleteFile},
		{"POST " + proj + "/statuses/{sha}", Developer, postStatus},
		{"GET " + proj + "/pipelines", Reporter, listPipelines},
		{"GET " + proj + "/pipelines/latest", Reporter, latestPipeline},
		{"GET " + proj + "/pipelines/{pipeline}", Reporter, getPipeline},
	}
}

func mergeRequestRoutes() []route {
	return []route{
		{"GET " + proj + "/merge_requests", Reporter, listMergeRequests},
		{"POST " + proj + "/merge_requests", Developer, createMergeRequest},
		{"GET " + mrAt, Reporter, getMergeRequest},
		{"PUT " + mrAt, Reporter, updateMergeRequest},
		{"PUT " + mrAt + "/merge", Guest, acceptMergeRequest},
		{"PUT " + mrAt + "/rebase", Guest, rebaseMergeRequest},
		{"POST " + mrAt + "/cancel_merge_when_pipeline_succeeds", Guest, cancelAutoMerge},
		{"GET " + proj + "/merge_trains/merge_requests/{iid}", Reporter, getCar},
		{"POST " + proj + "/merge_trains/merge_requests/{iid}", Guest, addToTrain},
		{"POST " + mrAt + "/approve", Guest, approve},
		{"POST " + mrAt + "/unapprove", Guest, unapprove},
		{"GET " + mrAt + "/approvals", Reporter, getApprovals},
		{"GET " + mrAt + "/commits", Reporter, listMergeRequestCommits},
		{"GET " + mrAt + "/diffs", Reporter, listMergeRequestDiffs},
		{"GET " + mrAt + "/changes", Reporter, getMergeRequestChanges},
		{"GET " + mrAt + "/versions", Reporter, listVersions},
		{"GET " + mrAt + "/versions/{version}", Reporter, getVersionDiffs},
		{"GET " + mrAt + "/pipelines", Reporter, listMergeRequestPipelines},
	}
}

func talkRoutes() []route {
	emoji := mrAt + "/award_emoji"
	noteEmoji := mrAt + "/notes/{note}/award_emoji"
	return []route{
		{"GET " + mrAt + "/notes", Reporter, listNotes},
		{"POST " + mrAt + "/notes", Reporter, createNote},
		{"GET " + mrAt + "/notes/{note}", Reporter, getNote},
		{"PUT " + mrAt + "/notes/{note}", Reporter, updateNote},
		{"DELETE " + mrAt + "/notes/{note}", Reporter, deleteNote},
		{"GET " + mrAt + "/discussions", Reporter, listDiscussions},
		{"POST " + mrAt + "/discussions", Reporter, createDiscussion},
		{"GET " + mrAt + "/discussions/{discussion}", Reporter, getDiscussion},
		{"PUT " + mrAt + "/discussions/{discussion}", Reporter, resolveDiscussion},
		{"POST " + mrAt + "/discussions/{discussion}/notes", Reporter, replyToDiscussion},
		{"PUT " + mrAt + "/discussions/{discussion}/notes/{note}", Reporter, updateNote},
		{"GET " + emoji, Reporter, listAwards},
		{"POST " + emoji, Reporter, createAward},
		{"DELETE " + emoji + "/{award}", Reporter, deleteAward},
		{"GET " + noteEmoji, Reporter, listAwards},
		{"POST " + noteEmoji, Reporter, createAward},
		{"DELETE " + noteEmoji + "/{award}", Reporter, deleteAward},
	}
}

func hookRoutes() []route {
	at := proj + "/hooks"
	return []route{
		{"GET " + at, Maintainer, listHooks},
		{"POST " + at, Maintainer, createHook},
		{"GET " + at + "/{hook}", Maintainer, getHook},
		{"PUT " + at + "/{hook}", Maintainer, updateHook},
		{"DELETE " + at + "/{hook}", Maintainer, deleteHook},
		{"POST " + at + "/{hook}/test/{trigger}", Maintainer, testHook},
		{"GET " + at + "/{hook}/events", Maintainer, listHookEvents},
		{"POST " + at + "/{hook}/events/{event}/resend", Maintainer, resendHookEvent},
	}
}

// serve wraps an action: parameters, user, project, level, lock, answer.
func (s *Server) serve(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{Server: s, r: r, header: http.Header{}}
		out, err := c.perform(rt)
		if err == nil && out.later != nil {
			out, err = out.later()
		}
		if err != nil {
			out = asReply(err)
		}
		out.write(w, c.header)
	}
}

// perform runs an action under the lock.
func (c *call) perform(rt route) (reply, error) {
	p, err := readParams(c.r)
	if err != nil {
		return reply{}, err
	}
	c.params = p
	c.mu.Lock()
	defer c.mu.Unlock()
	c.runDue()
	token := tokenOf(c.r)
	c.user = c.signIn(token)
	if err := c.gate(c.user, token, c.r.Method, c.r.URL.Path); err != nil {
		return reply{}, err
	}
	if out := c.throttled(); out != nil {
		return *out, nil
	}
	if rt.level == open {
		if c.user == nil {
			return reply{}, unauthorized()
		}
		return rt.do(c)
	}
	if moved, err := c.findProject(); moved != nil || err != nil {
		return c.redirect(moved), err
	}
	if err := c.admit(rt.level); err != nil {
		return reply{}, err
	}
	return rt.do(c)
}

// findProject looks {id} up: a number or a path. It returns the project under
// moved when the path is an old one.
func (c *call) findProject() (moved *project, err error) {
	ref := c.r.PathValue("id")
	if n, err := strconv.ParseInt(ref, 10, 64); err == nil {
		c.project = find(c.projects, func(p *project) bool { return p.id == n })
	} else {
		c.project = c.projectByPath(ref)
		moved = c.moved[ref]
	}
	if c.project == nil && moved == nil || !c.sees(firstOf(c.project, moved), c.user) {
		if c.user == nil {
			return nil, unauthorized()
		}
		return nil, notFound("Project")
	}
	if c.project != nil {
		return nil, nil
	}
	if !isRead(c.r.Method) {
		return nil, fail(http.StatusMethodNotAllowed, "Non GET methods are not allowed for moved projects")
	}
	return moved, nil
}

func firstOf(a, b *project) *project {
	if a != nil {
		return a
	}
	return b
}

// redirect answers for a project that was renamed, as GitLab does: to the same
// path with the numeric id.
func (c *call) redirect(p *project) reply {
	if p == nil {
		return reply{}
	}
	rest := strings.SplitN(strings.TrimPrefix(c.r.URL.EscapedPath(), prefix+"/projects/"), "/", 2)
	to := c.url + prefix + "/projects/" + strconv.FormatInt(p.id, 10)
	if len(rest) == 2 {
		to += "/" + rest[1]
	}
	if c.r.URL.RawQuery != "" {
		to += "?" + c.r.URL.RawQuery
	}
	c.header.Set("Location", to)
	return reply{status: http.StatusMovedPermanently, body: obj{"message": "301 Moved Permanently"}}
}

// admit lets in whoever has the level; reading a public project needs none.
func (c *call) admit(l Level) error {
	if isRead(c.r.Method) && c.project.opts.Public && l <= Reporter {
		return nil
	}
	return c.need(l)
}
