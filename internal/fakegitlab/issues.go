package fakegitlab

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/sluice-gitops/sluice/internal/core"
)

// issue is an issue as far as people talk in it.
type issue struct {
	id, iid int64
	project *project
	author  *user
	title   string
	thread  *thread
}

// AddIssue opens an issue in somebody's name and returns its number.
func (s *Server) AddIssue(projectPath, username, title string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p, u := s.projectByPath(projectPath), s.userByName(username)
	if p == nil || u == nil {
		return 0, core.Errorf(core.NotFound, "no project %q or no user %q", projectPath, username)
	}
	i := &issue{id: s.next(), iid: int64(len(p.issues)) + 1, project: p, author: u, title: title, thread: &thread{}}
	p.issues = append(p.issues, i)
	return i.iid, nil
}

func issueRoutes() []route {
	at := proj + "/issues/{iid}"
	return []route{
		{"GET " + at, Guest, getIssue},
		{"GET " + at + "/notes", Guest, listIssueNotes},
		{"POST " + at + "/notes", Guest, createIssueNote},
		{"PUT " + at + "/notes/{note}", Guest, updateIssueNote},
		{"DELETE " + at + "/notes/{note}", Guest, deleteIssueNote},
		{"POST " + at + "/notes/{note}/award_emoji", Guest, createIssueAward},
	}
}

func (c *call) issueOfPath() (*issue, error) {
	iid, err := c.id("iid")
	if err != nil || iid < 1 || iid > int64(len(c.project.issues)) {
		return nil, notFound("Issue")
	}
	return c.project.issues[iid-1], nil
}

func (c *call) issueNoteOfPath() (*issue, *note, error) {
	i, err := c.issueOfPath()
	if err != nil {
		return nil, nil, err
	}
	id, err := c.id("note")
	if err != nil {
		return nil, nil, err
	}
	n := find(i.thread.notes, func(n *note) bool { return n.id == id })
	if n == nil {
		return nil, nil, notFound("Note")
	}
	return i, n, nil
}

func getIssue(c *call) (reply, error) {
	i, err := c.issueOfPath()
	if err != nil {
		return reply{}, err
	}
	return ok(obj{"id": i.id, "iid": i.iid, "project_id": i.project.id, "title": i.title, "state": "opened", "author": c.basicUser(i.author)})
}

func (s *Server) renderIssueNote(i *issue, n *note) obj {
	return obj{
		"id": n.id, "type": nil, "body": n.body, "attachment": nil, "author": s.basicUser(n.author), "system": n.system,
		"created_at": stamp(n.createdAt), "updated_at": stamp(n.updatedAt), "noteable_id": i.id, "noteable_type": "Issue",
		"noteable_iid": i.iid, "project_id": i.project.id, "resolvable": false, "internal": n.internal, "confidential": n.internal,
	}
}

// listIssueNotes shows the newest first, as GitLab does, unless told otherwise.
func listIssueNotes(c *call) (reply, error) {
	i, err := c.issueOfPath()
	if err != nil {
		return reply{}, err
	}
	notes := slices.Clone(i.thread.notes)
	if c.params.text("sort") != "asc" {
		slices.Reverse(notes)
	}
	return ok(render(page(c, notes), func(n *note) obj { return c.renderIssueNote(i, n) }))
}

// createIssueNote strips quick actions as on merge requests; none is carried
// out on an issue here.
func createIssueNote(c *call) (reply, error) {
	i, err := c.issueOfPath()
	if err != nil {
		return reply{}, err
	}
	if err := c.noteLimit(); err != nil {
		return reply{}, err
	}
	if err := c.params.require("body"); err != nil {
		return reply{}, err
	}
	body, _ := extractActions(c.params.text("body"))
	if body == "" {
		return reply{status: http.StatusAccepted, body: obj{"commands_changes": obj{}, "summary": []string{}}}, nil
	}
	n := &note{id: c.next(), body: body, author: c.user, individual: true, internal: c.params.boolean("internal", false), createdAt: c.now(), updatedAt: c.now()}
	n.discussion = fmt.Sprintf("%040x", n.id)
	i.thread.notes = append(i.thread.notes, n)
	c.emitIssueNote(i, n, "create")
	return created(c.renderIssueNote(i, n))
}

func updateIssueNote(c *call) (reply, error) {
	i, n, err := c.issueNoteOfPath()
	if err != nil {
		return reply{}, err
	}
	if !c.mayEdit(n) {
		return reply{}, forbidden()
	}
	if body, _ := extractActions(c.params.text("body")); body != "" && body != n.body {
		n.body, n.updatedAt = body, c.now()
		c.emitIssueNote(i, n, "update")
	}
	return ok(c.renderIssueNote(i, n))
}

// deleteIssueNote fires no hook.
func deleteIssueNote(c *call) (reply, error) {
	i, n, err := c.issueNoteOfPath()
	if err != nil {
		return reply{}, err
	}
	if !c.mayEdit(n) {
		return reply{}, forbidden()
	}
	i.thread.notes = slices.DeleteFunc(slices.Clone(i.thread.notes), func(x *note) bool { return x == n })
	return noContent()
}

// createIssueAward answers 404 to a second one by the same user, as GitLab does.
func createIssueAward(c *call) (reply, error) {
	i, n, err := c.issueNoteOfPath()
	if err != nil {
		return reply{}, err
	}
	if err := c.params.require("name"); err != nil {
		return reply{}, err
	}
	name := c.params.text("name")
	if find(n.awards, func(a *award) bool { return a.name == name && a.user == c.user }) != nil {
		return reply{}, notFound("Award Emoji Name has already been taken")
	}
	a := &award{id: c.next(), name: name, user: c.user, at: c.now()}
	n.awards, n.updatedAt = append(n.awards, a), c.now()
	return created(obj{"id": a.id, "name": name, "user": c.basicUser(a.user), "awardable_id": n.id, "awardable_type": "Note", "url": fmt.Sprintf("%s/-/issues/%d", c.url, i.iid)})
}

func (s *Server) emitIssueNote(i *issue, n *note, action string) {
	ev := noteEvent()
	if n.internal {
		ev = internalNoteEvent()
	}
	s.emit(i.project, ev, "", func() obj {
		return obj{
			"object_kind": "note", "event_type": "note", "user": s.hookUser(n.author), "project_id": i.project.id,
			"project": s.hookProject(i.project), "repository": s.hookRepository(i.project),
			"object_attributes": obj{
				"id": n.id, "note": n.body, "description": n.body, "noteable_type": "Issue", "noteable_id": i.id, "author_id": n.author.id,
				"created_at": hookStamp(n.createdAt), "updated_at": hookStamp(n.updatedAt), "project_id": i.project.id,
				"system": n.system, "internal": n.internal, "discussion_id": n.discussion, "action": action,
			},
			"issue": obj{"id": i.id, "iid": i.iid, "title": i.title, "state": "opened"},
		}
	})
}
