package fakegitlab

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

func (s *Server) renderNote(mr *mergeRequest, n *note) obj {
	kind := any(nil)
	if !n.individual {
		kind = "DiscussionNote"
	}
	o := obj{
		"id": n.id, "type": kind, "body": n.body, "attachment": nil, "author": s.basicUser(n.author), "system": n.system,
		"created_at": stamp(n.createdAt), "updated_at": stamp(n.updatedAt), "noteable_id": mr.id, "noteable_type": "MergeRequest",
		"noteable_iid": mr.iid, "project_id": mr.project.id, "commit_id": nil, "resolvable": n.resolvable, "internal": n.internal, "confidential": n.internal,
		"imported": false, "imported_from": "none", "commands_changes": obj{},
	}
	if n.resolvable {
		o["resolved"], o["resolved_at"], o["resolved_by"] = n.resolvedAt != nil, stampOr(n.resolvedAt), s.nullUser(n.resolvedBy)
	}
	return o
}

// addNote stores a comment and fires its hook. System notes fire none.
func (s *Server) addNote(mr *mergeRequest, n *note) *note {
	n.id, n.createdAt, n.updatedAt = s.next(), s.now(), s.now()
	if n.discussion == "" {
		n.discussion = fmt.Sprintf("%040x", n.id)
	}
	mr.thread.notes = append(mr.thread.notes, n)
	if !n.system {
		mr.updatedAt = n.createdAt
		s.emitNote(mr, n, "create")
	}
	return n
}

// systemNote adds what GitLab says itself; it fires no hook.
func (s *Server) systemNote(mr *mergeRequest, by *user, text string) {
	s.addNote(mr, &note{body: text, author: by, system: true, individual: true})
}

// addedCommits is the system note about a push.
func (s *Server) addedCommits(mr *mergeRequest, old string) string {
	ids := mr.project.repo.between(old, mr.sha)
	plural := "s"
	if len(ids) == 1 {
		plural = ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "added %d commit%s\n\n<ul>", len(ids), plural)
	for _, id := range ids[:min(len(ids), maxHookCommits)] {
		if c, err := mr.project.repo.commit(id); err == nil {
			fmt.Fprintf(&b, "<li>%s - %s</li>", id[:8], title(c.Message))
		}
	}
	fmt.Fprintf(&b, "</ul>\n\n[Compare with previous version](%s/diffs?start_sha=%s)", s.mrURL(mr), old)
	return b.String()
}

// listNotes includes system notes and shows the newest first, as GitLab does.
func listNotes(c *call) (reply, error) {
	mr, err := c.mrOfPath()
	if err != nil {
		return reply{}, err
	}
	notes := slices.Clone(mr.thread.notes)
	if c.params.text("activity_filter") == "only_comments" {
		notes = slices.DeleteFunc(notes, func(n *note) bool { return n.system })
	}
	slices.SortStableFunc(notes, func(a, b *note) int {
		order := a.createdAt.Compare(b.createdAt)
		if c.params.text("order_by") == "updated_at" {
			order = a.updatedAt.Compare(b.updatedAt)
		}
		if order == 0 {
			order = int(a.id - b.id)
		}
		return order
	})
	if c.params.text("sort") != "asc" {
		slices.Reverse(notes)
	}
	return ok(render(page(c, notes), func(n *note) obj { return c.renderNote(mr, n) }))
}

func (c *call) noteOfPath() (*mergeRequest, *note, error) {
	mr, err := c.mrOfPath()
	if err != nil {
		return nil, nil, err
	}
	id, err := c.id("note")
	if err != nil {
		return nil, nil, err
	}
	n := find(mr.thread.notes, func(n *note) bool { return n.id == id })
	if n == nil {
		return nil, nil, notFound("Note")
	}
	return mr, n, nil
}

func getNote(c *call) (reply, error) {
	mr, n, err := c.noteOfPath()
	if err != nil {
		return reply{}, err
	}
	return ok(c.renderNote(mr, n))
}

// createNote answers 202 and stores nothing when the comment was nothing but
// quick actions.
func createNote(c *call) (reply, error) {
	mr, err := c.mrOfPath()
	if err != nil {
		return reply{}, err
	}
	return c.comment(mr, &note{individual: true}, func(n *note) obj { return c.renderNote(mr, n) })
}

// comment is what notes, discussions and replies have in common: the limit,
// the quick actions, and the three possible answers.
func (c *call) comment(mr *mergeRequest, n *note, show func(*note) obj) (reply, error) {
	if err := c.noteLimit(); err != nil {
		return reply{}, err
	}
	if err := c.params.require("body"); err != nil {
		return reply{}, err
	}
	if sha := c.params.text("merge_request_diff_head_sha"); sha != "" && sha != mr.sha {
		return reply{}, fail(http.StatusConflict, "Merge request diff head SHA does not match")
	}
	body, commands := extractActions(c.params.text("body"))
	n.author, n.body, n.internal = c.user, body, c.params.boolean("internal", c.params.boolean("confidential", false))
	if body != "" {
		c.addNote(mr, n)
	}
	summary := c.execute(mr, c.user, commands)
	switch {
	case body != "":
		return created(show(n))
	case len(summary) == 0:
		return reply{}, badRequest("400 Bad request - Failed to apply commands.")
	}
	return reply{status: http.StatusAccepted, body: obj{"commands_changes": obj{}, "summary": summary}}, nil
}

// noteLimit is GitLab's own limit on comments, which no RateLimit header shows.
func (c *call) noteLimit() error {
	limit := c.faults.Plan().NotesPerMinute
	if limit <= 0 {
		return nil
	}
	if n, _ := c.count("notes " + c.user.username); n <= limit {
		return nil
	}
	return fail(http.StatusTooManyRequests, obj{"error": "This endpoint has been requested too many times. Try again later."})
}

// mayEdit is for the author of a note and for maintainers.
func (c *call) mayEdit(n *note) bool {
	return !n.system && (n.author == c.user || c.level(c.project, c.user) >= Maintainer)
}

// updateNote fires the note hook with action `update` if the text changed.
func updateNote(c *call) (reply, error) {
	mr, n, err := c.noteOfPath()
	if err != nil {
		return reply{}, err
	}
	if !c.mayEdit(n) {
		return reply{}, forbidden()
	}
	if c.params.has("resolved") {
		c.resolve(mr, []*note{n}, c.params.boolean("resolved", false))
	}
	if c.params.text("body") != "" {
		body, commands := extractActions(c.params.text("body"))
		if body != n.body {
			n.body, n.updatedAt = body, c.now()
			mr.updatedAt = n.updatedAt
			c.emitNote(mr, n, "update")
		}
		c.execute(mr, c.user, commands)
	}
	return ok(c.renderNote(mr, n))
}

// deleteNote fires no hook.
func deleteNote(c *call) (reply, error) {
	mr, n, err := c.noteOfPath()
	if err != nil {
		return reply{}, err
	}
	if !c.mayEdit(n) {
		return reply{}, forbidden()
	}
	mr.thread.notes = slices.DeleteFunc(slices.Clone(mr.thread.notes), func(x *note) bool { return x == n })
	return noContent()
}
