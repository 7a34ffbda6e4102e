package fakegitlab

// discussion gathers the notes of one id, in their order.
func (mr *mergeRequest) discussion(id string) []*note {
	var out []*note
	for _, n := range mr.thread.notes {
		if n.discussion == id {
			out = append(out, n)
		}
	}
	return out
}

func (c *call) renderDiscussion(mr *mergeRequest, notes []*note) obj {
	return obj{
		"id": notes[0].discussion, "individual_note": notes[0].individual,
		"notes": render(notes, func(n *note) obj { return c.renderNote(mr, n) }),
	}
}

// listDiscussions goes by the first note of each, oldest first; comments and
// system notes are discussions of one note.
func listDiscussions(c *call) (reply, error) {
	mr, err := c.mrOfPath()
	if err != nil {
		return reply{}, err
	}
	var ids []string
	seen := map[string]bool{}
	for _, n := range mr.thread.notes {
		if !seen[n.discussion] {
			seen[n.discussion] = true
			ids = append(ids, n.discussion)
		}
	}
	return ok(render(page(c, ids), func(id string) obj { return c.renderDiscussion(mr, mr.discussion(id)) }))
}

func (c *call) discussionOfPath() (*mergeRequest, []*note, error) {
	mr, err := c.mrOfPath()
	if err != nil {
		return nil, nil, err
	}
	notes := mr.discussion(c.r.PathValue("discussion"))
	if len(notes) == 0 {
		return nil, nil, notFound("Discussion")
	}
	return mr, notes, nil
}

func getDiscussion(c *call) (reply, error) {
	mr, notes, err := c.discussionOfPath()
	if err != nil {
		return reply{}, err
	}
	return ok(c.renderDiscussion(mr, notes))
}

// createDiscussion opens a thread that can be resolved, unlike a comment.
func createDiscussion(c *call) (reply, error) {
	mr, err := c.mrOfPath()
	if err != nil {
		return reply{}, err
	}
	return c.comment(mr, &note{resolvable: true}, func(n *note) obj { return c.renderDiscussion(mr, []*note{n}) })
}

// replyToDiscussion adds a note to a thread.
func replyToDiscussion(c *call) (reply, error) {
	mr, notes, err := c.discussionOfPath()
	if err != nil {
		return reply{}, err
	}
	first := notes[0]
	n := &note{discussion: first.discussion, resolvable: first.resolvable}
	if first.individual { // a reply turns a comment into a thread
		first.individual, first.resolvable, n.resolvable = false, true, true
	}
	return c.comment(mr, n, func(n *note) obj { return c.renderNote(mr, n) })
}

// resolveDiscussion is for developers and for the author of the merge request.
func resolveDiscussion(c *call) (reply, error) {
	mr, notes, err := c.discussionOfPath()
	if err != nil {
		return reply{}, err
	}
	if err := c.params.require("resolved"); err != nil {
		return reply{}, err
	}
	if c.level(c.project, c.user) < Developer && mr.author != c.user {
		return reply{}, forbidden()
	}
	c.resolve(mr, notes, c.params.boolean("resolved", false))
	return ok(c.renderDiscussion(mr, notes))
}

// resolve marks notes, and says so in an update hook when with them the last
// open thread is resolved or the first one opened again.
func (c *call) resolve(mr *mergeRequest, notes []*note, resolved bool) {
	before := mr.discussionsResolved()
	now := c.now()
	for _, n := range notes {
		switch {
		case !n.resolvable:
		case resolved && n.resolvedAt == nil:
			n.resolvedAt, n.resolvedBy = &now, c.user
		case !resolved:
			n.resolvedAt, n.resolvedBy = nil, nil
		}
	}
	if after := mr.discussionsResolved(); after != before {
		c.touch(mr)
		c.emitMR(mr, c.user, "update", nil, obj{"blocking_discussions_resolved": change(before, after)})
		c.tryAuto(mr)
	}
}
