package fakegitlab

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

func (c *call) renderStatus(pl *pipeline, st *commitStatus) obj {
	o := obj{
		"id": st.id, "sha": pl.sha, "ref": st.ref, "status": st.status, "name": st.name, "target_url": orNull(st.targetURL),
		"description": orNull(st.description), "created_at": stamp(st.createdAt), "started_at": stampOr(st.startedAt), "finished_at": stampOr(st.finishedAt),
		"allow_failure": false, "coverage": nil, "pipeline_id": pl.id, "author": c.nullUser(st.author),
	}
	if st.coverage != nil {
		o["coverage"] = *st.coverage
	}
	return o
}

// listStatuses shows the newest record of each name in each pipeline, or all.
func listStatuses(c *call) (reply, error) {
	commit, err := c.commitOfPath()
	if err != nil {
		return reply{}, err
	}
	sha, q := commit.Hash.String(), c.params
	var out []obj
	for _, pl := range c.project.pipelines {
		if pl.sha != sha || q.has("pipeline_id") && q.integer("pipeline_id", 0) != pl.id {
			continue
		}
		for i, st := range pl.statuses {
			replaced := slices.ContainsFunc(pl.statuses[i+1:], func(later *commitStatus) bool { return later.name == st.name })
			if replaced && !q.boolean("all", false) || q.text("ref") != "" && q.text("ref") != st.ref || q.text("name") != "" && q.text("name") != st.name {
				continue
			}
			out = append(out, c.renderStatus(pl, st))
		}
	}
	if q.text("sort") == "desc" {
		slices.Reverse(out)
	}
	return ok(append([]obj{}, page(c, out)...))
}

// postStatus follows CreateCommitStatusService: find or make the pipeline,
// reuse the unfinished status of the same user, refuse a transition to itself.
func postStatus(c *call) (reply, error) {
	q := c.params
	state := q.text("state")
	if !slices.Contains([]string{"pending", "running", "success", "failed", "canceled", "skipped"}, state) {
		return reply{}, failWith(http.StatusBadRequest, "state does not have a valid value")
	}
	if c.faults.take(func(p *Plan) *int { return &p.StatusLocks }) {
		return reply{}, fail(http.StatusConflict, "Another update to this commit status is in progress")
	}
	pl, ref, err := c.pipelineForStatus()
	if err != nil {
		return reply{}, err
	}
	name := cmp.Or(q.text("name"), q.text("context"), "default")
	st := find(pl.statuses, func(x *commitStatus) bool {
		return x.name == name && x.ref == ref && x.author == c.user && (x.status == "pending" || x.status == "running" || x.status == "created")
	})
	if st == nil {
		st = &commitStatus{id: c.next(), name: name, ref: ref, status: "created", author: c.user, createdAt: c.now()}
		pl.statuses = append(pl.statuses, st)
	}
	if err := refuseTransition(st.status, state); err != nil {
		return reply{}, err
	}
	c.transit(st, state)
	before := pl.status
	pl.status = pl.aggregate()
	pl.updatedAt = c.now()
	if pl.status != before {
		c.pipelineChanged(c.project, pl)
	}
	return created(c.renderStatus(pl, st))
}

// refuseTransition knows that a status cannot become what it is, and that it
// cannot go back from running to pending.
func refuseTransition(from, to string) error {
	event := map[string]string{"pending": "enqueue", "running": "run"}[to]
	if event == "" || from == "created" || from == "pending" && to == "running" {
		return nil
	}
	return badRequest("Cannot transition status via :%s from :%s (Reason(s): Status cannot transition via %q)", event, from, event)
}

// transit takes the new state over with what came along; what did not come is
// kept.
func (c *call) transit(st *commitStatus, state string) {
	q, now := c.params, c.now()
	st.status = state
	if q.has("target_url") {
		st.targetURL = q.text("target_url")
	}
	if q.has("description") {
		st.description = q.text("description")
	}
	if v := q.text("coverage"); v != "" {
		var f float64
		if _, err := fmt.Sscan(v, &f); err == nil {
			st.coverage = &f
		}
	}
	switch state {
	case "pending":
	case "running":
		st.startedAt = &now
	default:
		st.finishedAt = &now
	}
}

// pipelineForStatus finds the newest pipeline that fits, or makes an external
// one.
func (c *call) pipelineForStatus() (*pipeline, string, error) {
	p, q := c.project, c.params
	commit, err := p.repo.resolve(c.r.PathValue("sha"))
	if err != nil {
		return nil, "", notFound("Commit")
	}
	sha := commit.Hash.String()
	ref := strings.TrimPrefix(strings.TrimPrefix(q.text("ref"), "refs/heads/"), "refs/tags/")
	if id := q.integer("pipeline_id", 0); id != 0 {
		pl := p.pipeline(id)
		if pl == nil || pl.sha != sha || ref != "" && ref != pl.ref {
			return nil, "", notFound("Pipeline for pipeline_id, sha and ref")
		}
		return pl, pl.ref, nil
	}
	pl := p.latestFor(sha, ref)
	if ref == "" && pl != nil {
		ref = pl.ref
	}
	if ref == "" {
		ref = c.branchWith(sha)
	}
	if ref == "" {
		return nil, "", notFound("References for commit")
	}
	if rule := p.protection(ref); rule != nil && !c.mayMerge(p, c.user, ref) {
		return nil, "", forbidden()
	}
	if pl == nil {
		pl = c.addPipeline(p, c.user, sha, ref, "external", "created")
	}
	return pl, ref, nil
}

// branchWith names a branch that has a commit: preferably as its head.
func (c *call) branchWith(sha string) string {
	r := c.project.repo
	names := r.branches()
	for _, b := range names {
		if r.branch(b) == sha {
			return b
		}
	}
	out, err := r.run(nil, "for-each-ref", "--contains", sha, "--count=1", "--format=%(refname:short)", "refs/heads")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(out)
}

// aggregate is the status of a pipeline: the worst of the newest status of each
// name, once nothing is under way any more.
func (pl *pipeline) aggregate() string {
	if len(pl.statuses) == 1 && pl.source != "external" {
		return pl.statuses[0].status
	}
	newest := map[string]string{}
	for _, st := range pl.statuses {
		newest[st.name] = st.status
	}
	has := func(want string) bool {
		for _, s := range newest {
			if s == want {
				return true
			}
		}
		return false
	}
	switch {
	case has("running"), has("created"), has("preparing"), has("pending") && (has("success") || has("failed")):
		return "running"
	case has("pending"):
		return "pending"
	case has("failed"):
		return "failed"
	case has("canceled"):
		return "canceled"
	case has("manual"):
		return "manual"
	case has("success"):
		return "success"
	}
	return "skipped"
}
