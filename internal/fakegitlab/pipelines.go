package fakegitlab

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/object"

	"github.com/sluice-gitops/sluice/internal/core"
)

// active is true until the pipeline cannot change by itself any more.
func (pl *pipeline) active() bool {
	return slices.Contains([]string{"created", "waiting_for_resource", "preparing", "pending", "running", "scheduled"}, pl.status)
}

func (pl *pipeline) finished() bool {
	return slices.Contains([]string{"success", "failed", "canceled", "skipped"}, pl.status)
}

func (s *Server) renderPipelineInfo(p *project, pl *pipeline) obj {
	return obj{
		"id": pl.id, "iid": pl.iid, "project_id": p.id, "sha": pl.sha, "ref": pl.ref, "status": pl.status, "source": pl.source, "name": nil,
		"created_at": stamp(pl.createdAt), "updated_at": stamp(pl.updatedAt), "web_url": fmt.Sprintf("%s/-/pipelines/%d", s.webURL(p), pl.id),
	}
}

func (s *Server) renderPipeline(p *project, pl *pipeline) obj {
	o := s.renderPipelineInfo(p, pl)
	o["before_sha"], o["tag"], o["yaml_errors"], o["user"] = zero40, false, nil, s.nullUser(pl.user)
	o["started_at"], o["committed_at"], o["duration"], o["queued_duration"], o["coverage"] = stamp(pl.createdAt), nil, nil, nil, nil
	o["finished_at"] = nil
	if pl.finished() {
		o["finished_at"] = stamp(pl.updatedAt)
		o["duration"] = int(pl.updatedAt.Sub(pl.createdAt).Seconds())
	}
	o["detailed_status"] = obj{"icon": "status_" + pl.status, "text": pl.status, "label": pl.status, "group": pl.status, "tooltip": pl.status, "has_details": true, "details_path": fmt.Sprintf("/%s/-/pipelines/%d", p.path, pl.id)}
	return o
}

// latestFor is the newest pipeline of a commit, on one ref or on any.
func (p *project) latestFor(sha, ref string) *pipeline {
	for i := len(p.pipelines) - 1; i >= 0; i-- {
		if pl := p.pipelines[i]; pl.sha == sha && (ref == "" || pl.ref == ref) {
			return pl
		}
	}
	return nil
}

// headPipeline is the newest pipeline of a merge request's head, of its source
// branch or of the merge request itself.
func (s *Server) headPipeline(mr *mergeRequest) *pipeline {
	p := mr.project
	for i := len(p.pipelines) - 1; i >= 0; i-- {
		if pl := p.pipelines[i]; pl.head == mr.sha && (pl.ref == mr.source || pl.ref == mr.headRef() || pl.ref == mr.mergeRef()) {
			return pl
		}
	}
	return nil
}

func (s *Server) addPipeline(p *project, by *user, sha, ref, source, status string) *pipeline {
	now := s.now()
	pl := &pipeline{id: s.next(), iid: int64(len(p.pipelines)) + 1, sha: sha, head: sha, ref: ref, source: source, status: status, user: by, createdAt: now, updatedAt: now}
	p.pipelines = append(p.pipelines, pl)
	return pl
}

// setStatus changes a pipeline's status, with its hook and what waits for it.
func (s *Server) setStatus(p *project, pl *pipeline, status string) {
	if pl.status == status {
		return
	}
	pl.status, pl.updatedAt = status, s.now()
	s.pipelineChanged(p, pl)
}

// pipelineChanged fires the hook, also for pipelines that our own statuses made,
// and merges what waited for this pipeline.
func (s *Server) pipelineChanged(p *project, pl *pipeline) {
	waiting := p.openMRs(func(mr *mergeRequest) bool { return mr.sha == pl.head })
	s.emitPipeline(p, pl)
	for _, mr := range waiting {
		s.tryAuto(mr)
	}
}

// CreatePipeline starts a CI pipeline of one job on a commit, as a .gitlab-ci.yml
// would, and returns its id. The pipeline also waits for what is posted to it. The ref is a branch name, or refs/merge-requests/N/head
// for a merge request's pipeline. With refs/merge-requests/N/merge it runs, as a
// merged results pipeline does, for a commit that nobody pushed.
func (s *Server) CreatePipeline(projectPath, sha, ref, status string) (int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.projectByPath(projectPath)
	if p == nil {
		return 0, core.Errorf(core.NotFound, "no project %q", projectPath)
	}
	if _, err := p.repo.commit(sha); err != nil {
		return 0, err
	}
	source := "push"
	if len(ref) > 5 && ref[:5] == "refs/" {
		source = "merge_request_event"
	}
	of, err := s.pipelineCommit(p, sha, ref)
	if err != nil {
		return 0, err
	}
	pl := s.addPipeline(p, nil, of, ref, source, status)
	pl.head = sha
	pl.statuses = []*commitStatus{{id: s.next(), name: "build", ref: ref, status: status, createdAt: s.now()}}
	s.pipelineChanged(p, pl)
	return pl.id, nil
}

// pipelineCommit is what a pipeline of a ref runs for: the commit itself, or
// what would be if it were merged.
func (s *Server) pipelineCommit(p *project, sha, ref string) (string, error) {
	if !strings.HasPrefix(ref, "refs/merge-requests/") || !strings.HasSuffix(ref, "/merge") {
		return sha, nil
	}
	target := p.repo.branch(p.opts.DefaultBranch)
	tree, clean, err := p.repo.mergeTree(target, sha)
	if err != nil {
		return "", err
	}
	if !clean {
		return "", core.Errorf(core.Conflict, "%s conflicts with %s", sha, p.opts.DefaultBranch)
	}
	by := object.Signature{Name: "GitLab", When: s.now().UTC().Truncate(time.Second)}
	return p.repo.writeCommit(newCommit{tree: tree, parents: []string{target, sha}, author: by, by: by, message: "Merge " + sha + " into " + target})
}

// SetPipelineStatus changes the job of a pipeline made by CreatePipeline.
func (s *Server) SetPipelineStatus(projectPath string, id int64, status string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.projectByPath(projectPath)
	if p == nil {
		return core.Errorf(core.NotFound, "no project %q", projectPath)
	}
	pl := p.pipeline(id)
	if pl == nil {
		return core.Errorf(core.NotFound, "no pipeline %d in %s", id, projectPath)
	}
	pl.statuses[0].status = status
	s.setStatus(p, pl, pl.aggregate())
	return nil
}

func listPipelines(c *call) (reply, error) {
	q := c.params
	var found []*pipeline
	for _, pl := range c.project.pipelines {
		fits := func(key, value string) bool { return q.text(key) == "" || q.text(key) == value }
		if fits("sha", pl.sha) && fits("ref", pl.ref) && fits("status", pl.status) && fits("source", pl.source) {
			found = append(found, pl)
		}
	}
	if q.text("sort") != "asc" {
		slices.Reverse(found)
	}
	return ok(render(page(c, found), func(pl *pipeline) obj { return c.renderPipelineInfo(c.project, pl) }))
}

func getPipeline(c *call) (reply, error) {
	id, err := c.id("pipeline")
	if err != nil {
		return reply{}, err
	}
	pl := c.project.pipeline(id)
	if pl == nil {
		return reply{}, notFound("")
	}
	return ok(c.renderPipeline(c.project, pl))
}

// latestPipeline is of the head of a branch, not the newest of all.
func latestPipeline(c *call) (reply, error) {
	ref := c.params.text("ref")
	if ref == "" {
		ref = c.project.opts.DefaultBranch
	}
	pl := c.project.latestFor(c.project.repo.branch(ref), ref)
	if pl == nil {
		return reply{}, notFound("")
	}
	return ok(c.renderPipeline(c.project, pl))
}

// listMergeRequestPipelines covers all versions, newest first.
func listMergeRequestPipelines(c *call) (reply, error) {
	mr, err := c.mrOfPath()
	if err != nil {
		return reply{}, err
	}
	heads := map[string]bool{}
	for _, v := range mr.versions {
		heads[v.head] = true
	}
	var found []*pipeline
	for _, pl := range c.project.pipelines {
		if heads[pl.head] && (pl.ref == mr.source || pl.ref == mr.headRef() || pl.ref == mr.mergeRef()) {
			found = append(found, pl)
		}
	}
	slices.Reverse(found)
	return ok(render(page(c, found), func(pl *pipeline) obj { return c.renderPipelineInfo(c.project, pl) }))
}

// seconds is the time between two moments, as hooks show durations.
func seconds(from, to time.Time) float64 { return to.Sub(from).Seconds() }
