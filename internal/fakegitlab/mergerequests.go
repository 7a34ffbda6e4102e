package fakegitlab

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// mrOfPath finds {iid} for a change; every change finds it as it really is.
func (c *call) mrOfPath() (*mergeRequest, error) {
	iid, err := c.id("iid")
	if err != nil {
		return nil, err
	}
	mr := c.project.mr(iid)
	if mr == nil {
		return nil, notFound("")
	}
	return mr, nil
}

// createMergeRequest answers before the merge request is prepared: prepared_at is
// null, diff_refs is null, the status is `preparing`.
func createMergeRequest(c *call) (reply, error) {
	if err := c.params.require("title", "source_branch", "target_branch"); err != nil {
		return reply{}, err
	}
	p, q := c.project, c.params
	source, target := q.text("source_branch"), q.text("target_branch")
	if err := c.mayOpen(source, target); err != nil {
		return reply{}, err
	}
	now := c.now()
	mr := &mergeRequest{
		id: c.next(), iid: int64(len(p.mrs)) + 1, project: p, author: c.user, title: q.text("title"), description: q.text("description"),
		source: source, target: target, state: "opened", createdAt: now, updatedAt: now, thread: &thread{},
		squash:      q.boolean("squash", p.opts.SquashOption == "always" || p.opts.SquashOption == "default_on"),
		forceRemove: q.boolean("remove_source_branch", p.opts.RemoveSourceBranch),
		labels:      c.ensureLabels(p, append(q.list("labels"), q.list("add_labels")...)),
		assignees:   c.usersOf("assignee_ids", "assignee_id"), reviewers: c.usersOf("reviewer_ids", ""),
	}
	p.mrs = append(p.mrs, mr)
	p.activeAt = now
	c.newVersion(mr, p.repo.branch(source))
	c.touch(mr)
	body := c.renderMR(c, mr) // before preparation, as GitLab answers
	c.after(c.faults.Plan().PrepareDelay, func() { c.prepare(mr) })
	return created(body)
}

// mayOpen refuses a new merge request in GitLab's words.
func (c *call) mayOpen(source, target string) error {
	p := c.project
	if id := c.params.integer("target_project_id", p.id); id != p.id {
		return notFound("Project")
	}
	if source == target {
		return failWith(http.StatusUnprocessableEntity, []string{"You can't use same project/branch for source and target"})
	}
	for _, b := range []string{source, target} {
		if p.repo.branch(b) == "" {
			which := map[bool]string{true: "Source", false: "Target"}[b == source]
			return fail(http.StatusBadRequest, []string{fmt.Sprintf("%s branch %q does not exist", which, b)})
		}
	}
	if len(c.params.text("title")) > 255 {
		return fail(http.StatusBadRequest, obj{"title": []string{"is too long (maximum is 255 characters)"}})
	}
	return c.duplicate(source, target)
}

// duplicate is the conflict that makes creating idempotent for its caller.
func (c *call) duplicate(source, target string) error {
	same := c.project.openMRs(func(mr *mergeRequest) bool { return mr.from(source) && mr.target == target })
	if len(same) == 0 {
		return nil
	}
	return fail(http.StatusConflict, []string{fmt.Sprintf("Another open merge request already exists for this source branch: !%d", same[0].iid)})
}

// usersOf reads ids of users; an unknown one is ignored, as GitLab does.
func (c *call) usersOf(many, one string) []*user {
	ids := c.params.ids(many)
	if one != "" {
		ids = append(ids, c.params.ids(one)...)
	}
	var out []*user
	for _, id := range ids {
		if u := c.userByID(id); u != nil && !slices.Contains(out, u) {
			out = append(out, u)
		}
	}
	return out
}

// getMergeRequest starts the check of mergeability, which lists do not.
func getMergeRequest(c *call) (reply, error) {
	mr, err := c.mrOfPath()
	if err != nil {
		return reply{}, err
	}
	seen := c.asRead(mr, c.stale())
	if seen == nil {
		return reply{}, notFound("")
	}
	c.recheck(mr)
	if seen != mr {
		seen.check = mr.check
	}
	return ok(c.renderMR(c, seen))
}

// stale uses up one of the reads that are to show the past.
func (c *call) stale() bool { return c.faults.take(func(p *Plan) *int { return &p.StaleReads }) }

// updateMergeRequest lets the author and developers change a merge request.
// Fields and state fire hooks of their own.
func updateMergeRequest(c *call) (reply, error) {
	mr, err := c.mrOfPath()
	if err != nil {
		return reply{}, err
	}
	if c.level(c.project, c.user) < Developer && mr.author != c.user {
		return reply{}, forbidden()
	}
	if err := c.checkUpdate(mr); err != nil {
		return reply{}, err
	}
	old := *mr
	c.applyUpdate(mr)
	c.settle(mr, &old, c.user)
	if event := c.params.text("state_event"); event != "" {
		c.changeState(mr, c.user, event)
	}
	return ok(c.renderMR(c, mr))
}

// checkUpdate refuses before anything is changed.
func (c *call) checkUpdate(mr *mergeRequest) error {
	q := c.params
	if e := q.text("state_event"); e != "" && e != "close" && e != "reopen" {
		return failWith(http.StatusBadRequest, "state_event does not have a valid value")
	}
	if q.has("title") && strings.TrimSpace(q.text("title")) == "" {
		return fail(http.StatusBadRequest, obj{"title": []string{"can't be blank"}})
	}
	if b := q.text("target_branch"); b != "" && b != mr.target {
		if c.project.repo.branch(b) == "" {
			return fail(http.StatusBadRequest, []string{fmt.Sprintf("Target branch %q does not exist", b)})
		}
		return c.duplicate(mr.source, b)
	}
	if q.text("state_event") == "reopen" && mr.state == "closed" {
		return c.duplicate(mr.source, mr.target)
	}
	return nil
}

// applyUpdate changes what the parameters name.
func (c *call) applyUpdate(mr *mergeRequest) {
	q := c.params
	if q.has("title") {
		mr.title = q.text("title")
	}
	if q.has("description") {
		mr.description = q.text("description")
	}
	if q.has("labels") {
		mr.labels = c.ensureLabels(c.project, q.list("labels"))
	}
	if q.has("add_labels") || q.has("remove_labels") {
		gone := q.list("remove_labels")
		kept := slices.DeleteFunc(slices.Clone(mr.labels), func(n string) bool { return slices.Contains(gone, n) })
		mr.labels = c.ensureLabels(c.project, append(kept, q.list("add_labels")...))
	}
	if q.has("assignee_ids") || q.has("assignee_id") {
		mr.assignees = c.usersOf("assignee_ids", "assignee_id")
	}
	if q.has("reviewer_ids") {
		mr.reviewers = c.usersOf("reviewer_ids", "")
	}
	mr.squash = q.boolean("squash", mr.squash)
	mr.forceRemove = q.boolean("remove_source_branch", mr.forceRemove)
	if b := q.text("target_branch"); b != "" && b != mr.target {
		mr.target = b
		c.newVersion(mr, mr.sha)
	}
}

// settle writes system notes for what changed and fires the update hook; when
// nothing did, it does nothing.
func (s *Server) settle(mr, old *mergeRequest, by *user) {
	changes := mrChanges(old, mr)
	if len(changes) == 0 {
		return
	}
	for _, text := range changeNotes(old, mr) {
		s.systemNote(mr, by, text)
	}
	s.touch(mr)
	changes["updated_at"] = change(hookStamp(old.updatedAt), hookStamp(mr.updatedAt))
	s.emitMR(mr, by, "update", nil, changes)
	s.tryAuto(mr)
}

// changeNotes is what GitLab writes about a change, in its words.
func changeNotes(old, mr *mergeRequest) []string {
	var out []string
	switch {
	case mr.draft() && !old.draft():
		out = append(out, "marked this merge request as **draft**")
	case !mr.draft() && old.draft():
		out = append(out, "marked this merge request as **ready**")
	case mr.title != old.title:
		out = append(out, fmt.Sprintf("changed title from **%s** to **%s**", old.title, mr.title))
	}
	if mr.description != old.description {
		out = append(out, "changed the description")
	}
	if mr.target != old.target {
		out = append(out, fmt.Sprintf("changed target branch from `%s` to `%s`", old.target, mr.target))
	}
	return out
}

// changeState closes or reopens; it does nothing when that is so already.
func (s *Server) changeState(mr *mergeRequest, by *user, event string) {
	now, old := s.now(), *mr
	switch {
	case event == "close" && mr.open():
		mr.state, mr.closedAt, mr.closedBy, mr.auto = "closed", &now, by, nil
		s.systemNote(mr, by, "closed")
	case event == "reopen" && mr.state == "closed":
		mr.state, mr.closedAt, mr.closedBy = "opened", nil, nil
		if head := mr.project.repo.branch(mr.source); mr.fork == 0 && head != "" && head != mr.sha {
			s.newVersion(mr, head)
		}
		s.systemNote(mr, by, "reopened")
	default:
		return
	}
	s.touch(mr)
	s.emitMR(mr, by, event, nil, mrChanges(&old, mr))
}
