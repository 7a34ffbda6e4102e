package fakegitlab

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// listMergeRequests is the project's list with the filters that matter to a
// client that looks for its own merge requests.
func listMergeRequests(c *call) (reply, error) {
	oneStep := c.stale()
	var found []*mergeRequest
	for _, mr := range c.project.mrs {
		if seen := c.asRead(mr, oneStep); seen != nil && c.fits(seen) {
			found = append(found, seen)
		}
	}
	c.sortMRs(found)
	if c.params.boolean("with_merge_status_recheck", false) {
		for _, mr := range found {
			c.recheck(mr)
		}
	}
	return ok(render(page(c, found), c.renderBasicMR))
}

// fits applies all filters; a filter that is not given keeps everything.
func (c *call) fits(mr *mergeRequest) bool {
	q := c.params
	same := func(key, value string) bool { return q.text(key) == "" || q.text(key) == value }
	state := q.text("state")
	return (state == "" || state == "all" || state == mr.state) &&
		same("source_branch", mr.source) && same("target_branch", mr.target) &&
		(len(q.ids("iids")) == 0 || slices.Contains(q.ids("iids"), mr.iid)) &&
		(q.integer("author_id", mr.author.id) == mr.author.id) &&
		(q.text("author_username") == "" || strings.EqualFold(q.text("author_username"), mr.author.username)) &&
		c.fitsLabels(mr) && c.fitsTimes(mr) && c.fitsSearch(mr) && c.fitsDraft(mr)
}

func (c *call) fitsDraft(mr *mergeRequest) bool {
	wanted := cmp.Or(c.params.text("draft"), c.params.text("wip"))
	switch wanted {
	case "yes", "true":
		return mr.draft()
	case "no", "false":
		return !mr.draft()
	}
	return true
}

// fitsLabels wants all labels named, or none or any at all.
func (c *call) fitsLabels(mr *mergeRequest) bool {
	for _, l := range c.params.list("labels") {
		switch {
		case strings.EqualFold(l, "none"):
			if len(mr.labels) > 0 {
				return false
			}
		case strings.EqualFold(l, "any"):
			if len(mr.labels) == 0 {
				return false
			}
		case !slices.Contains(mr.labels, l):
			return false
		}
	}
	return true
}

// fitsTimes applies created_ and updated_ after and before, bounds included.
func (c *call) fitsTimes(mr *mergeRequest) bool {
	for key, t := range map[string]time.Time{"updated": mr.updatedAt, "created": mr.createdAt} {
		if after, given := c.params.moment(key + "_after"); given && t.Before(after) {
			return false
		}
		if before, given := c.params.moment(key + "_before"); given && t.After(before) {
			return false
		}
	}
	return true
}

// fitsSearch looks into title and description, whatever the case.
func (c *call) fitsSearch(mr *mergeRequest) bool {
	in := cmp.Or(c.params.text("in"), "title,description")
	text := ""
	if strings.Contains(in, "title") {
		text += mr.title + "\n"
	}
	if strings.Contains(in, "description") {
		text += mr.description
	}
	return strings.Contains(strings.ToLower(text), strings.ToLower(c.params.text("search")))
}

// sortMRs is by creation, newest first, unless told otherwise; equal times go
// by id.
func (c *call) sortMRs(all []*mergeRequest) {
	key := func(mr *mergeRequest) time.Time { return mr.createdAt }
	if c.params.text("order_by") == "updated_at" {
		key = func(mr *mergeRequest) time.Time { return mr.updatedAt }
	}
	slices.SortStableFunc(all, func(a, b *mergeRequest) int {
		order := cmp.Or(key(a).Compare(key(b)), cmp.Compare(a.id, b.id))
		if c.params.text("sort") == "asc" {
			return order
		}
		return -order
	})
}
