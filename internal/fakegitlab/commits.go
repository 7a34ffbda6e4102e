package fakegitlab

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/object"
)

// title is the first line of a commit message.
func title(message string) string {
	first, _, _ := strings.Cut(strings.TrimLeft(message, "\n"), "\n")
	return first
}

func (s *Server) renderCommit(p *project, c *object.Commit) obj {
	parents := make([]string, 0, len(c.ParentHashes))
	for _, h := range c.ParentHashes {
		parents = append(parents, h.String())
	}
	id := c.Hash.String()
	return obj{
		"id": id, "short_id": id[:8], "title": title(c.Message), "message": c.Message, "parent_ids": parents,
		"author_name": c.Author.Name, "author_email": c.Author.Email, "authored_date": c.Author.When.Format(time.RFC3339),
		"committer_name": c.Committer.Name, "committer_email": c.Committer.Email, "committed_date": c.Committer.When.Format(time.RFC3339),
		"created_at": c.Committer.When.Format(time.RFC3339), "trailers": obj{}, "extended_trailers": obj{},
		"web_url": s.webURL(p) + "/-/commit/" + id,
	}
}

// renderIDs renders commits by id, leaving out what cannot be read.
func (s *Server) renderIDs(p *project, ids []string) []obj {
	out := make([]obj, 0, len(ids))
	for _, id := range ids {
		if commit, err := p.repo.commit(id); err == nil {
			out = append(out, s.renderCommit(p, commit))
		}
	}
	return out
}

// listCommits knows ref_name (a..b as well), path, since, until and
// first_parent.
func listCommits(c *call) (reply, error) {
	rev := c.params.text("ref_name")
	if rev == "" {
		rev = c.project.opts.DefaultBranch
	}
	args := []string{"rev-list", fmt.Sprint("--max-count=", maxPushedCommits)}
	if a, b, dots := strings.Cut(rev, ".."); dots {
		args = append(args, "^"+a, b)
	} else {
		commit, err := c.project.repo.resolve(rev)
		if err != nil {
			return reply{}, notFound("")
		}
		args = append(args, commit.Hash.String())
	}
	if t, given := c.params.moment("since"); given {
		args = append(args, "--since="+t.Format(time.RFC3339))
	}
	if t, given := c.params.moment("until"); given {
		args = append(args, "--until="+t.Format(time.RFC3339))
	}
	if c.params.boolean("first_parent", false) {
		args = append(args, "--first-parent")
	}
	args = append(args, "--")
	if path := c.params.text("path"); path != "" {
		args = append(args, path)
	}
	out, err := c.project.repo.run(nil, args...)
	if err != nil {
		return reply{}, notFound("")
	}
	return ok(c.renderIDs(c.project, page(c, strings.Fields(out))))
}

func (c *call) commitOfPath() (*object.Commit, error) {
	commit, err := c.project.repo.resolve(c.r.PathValue("sha"))
	if err != nil {
		return nil, notFound("Commit")
	}
	return commit, nil
}

// getCommit takes whatever resolves to a commit. last_pipeline is the newest
// pipeline of that commit on any ref, so two branches share it.
func getCommit(c *call) (reply, error) {
	commit, err := c.commitOfPath()
	if err != nil {
		return reply{}, err
	}
	o := c.renderCommit(c.project, commit)
	o["project_id"], o["status"], o["last_pipeline"] = c.project.id, nil, nil
	if pl := c.project.latestFor(commit.Hash.String(), ""); pl != nil {
		o["status"], o["last_pipeline"] = pl.status, c.renderPipelineInfo(c.project, pl)
	}
	if c.params.boolean("stats", true) {
		add, del := c.project.repo.lines(firstParent(commit), commit.Hash.String())
		o["stats"] = obj{"additions": add, "deletions": del, "total": add + del}
	}
	return ok(o)
}

// firstParent is the first parent of a commit; "" for a root.
func firstParent(c *object.Commit) string {
	if len(c.ParentHashes) == 0 {
		return ""
	}
	return c.ParentHashes[0].String()
}

func getCommitDiff(c *call) (reply, error) {
	commit, err := c.commitOfPath()
	if err != nil {
		return reply{}, err
	}
	diffs, err := c.project.repo.diff(firstParent(commit), commit.Hash.String())
	if err != nil {
		return reply{}, err
	}
	return ok(render(page(c, diffs), fileDiff.render))
}

// getCommitRefs names the branches and tags that contain a commit.
func getCommitRefs(c *call) (reply, error) {
	commit, err := c.commitOfPath()
	if err != nil {
		return reply{}, err
	}
	out, err := c.project.repo.run(nil, "for-each-ref", "--contains", commit.Hash.String(), "--format=%(refname)", "refs/heads", "refs/tags")
	if err != nil {
		return reply{}, err
	}
	refs := []obj{}
	for _, name := range strings.Fields(out) {
		if b, isBranch := strings.CutPrefix(name, "refs/heads/"); isBranch && c.params.text("type") != "tag" {
			refs = append(refs, obj{"type": "branch", "name": b})
		} else if t, isTag := strings.CutPrefix(name, "refs/tags/"); isTag && c.params.text("type") != "branch" {
			refs = append(refs, obj{"type": "tag", "name": t})
		}
	}
	return ok(page(c, refs))
}

// listCommitMergeRequests finds the merge requests, of whatever state, that
// brought a commit or carry it now, the newest first.
func listCommitMergeRequests(c *call) (reply, error) {
	commit, err := c.commitOfPath()
	if err != nil {
		return reply{}, err
	}
	sha := commit.Hash.String()
	var found []*mergeRequest
	for _, mr := range c.project.mrs {
		own := []string{mr.mergeCommit, mr.squashCommit, mr.sha}
		if slices.Contains(own, sha) || slices.Contains(c.project.repo.between(mr.base, mr.sha), sha) {
			found = append(found, mr)
		}
	}
	slices.Reverse(found)
	return ok(render(page(c, found), c.renderBasicMR))
}

func getMergeBase(c *call) (reply, error) {
	refs := c.params.list("refs")
	if len(refs) != 2 {
		return reply{}, fail(http.StatusBadRequest, "Provide exactly 2 refs")
	}
	var ids []string
	for _, ref := range refs {
		commit, err := c.project.repo.resolve(ref)
		if err != nil {
			return reply{}, fail(http.StatusBadRequest, "Could not find ref: "+ref)
		}
		ids = append(ids, commit.Hash.String())
	}
	base, err := c.project.repo.commit(c.project.repo.mergeBase(ids[0], ids[1]))
	if err != nil {
		return reply{}, notFound("Merge Base")
	}
	return ok(c.renderCommit(c.project, base))
}

// compare diffs from the merge base unless straight is set, and lists the
// commits that only `to` has, oldest first.
func compare(c *call) (reply, error) {
	if err := c.params.require("from", "to"); err != nil {
		return reply{}, err
	}
	r := c.project.repo
	from, err := r.resolve(c.params.text("from"))
	if err != nil {
		return reply{}, notFound("Ref")
	}
	to, err := r.resolve(c.params.text("to"))
	if err != nil {
		return reply{}, notFound("Ref")
	}
	a, b := from.Hash.String(), to.Hash.String()
	start := a
	if !c.params.boolean("straight", false) {
		start = r.mergeBase(a, b)
	}
	diffs, err := r.diff(start, b)
	if err != nil {
		return reply{}, err
	}
	ids := r.between(a, b)
	slices.Reverse(ids)
	o := obj{
		"commit": nil, "commits": c.renderIDs(c.project, ids), "diffs": render(diffs, fileDiff.render),
		"compare_timeout": false, "compare_same_ref": a == b, "web_url": c.webURL(c.project) + "/-/compare/" + a + "..." + b,
	}
	if len(ids) > 0 {
		o["commit"] = c.renderCommit(c.project, to)
	}
	return ok(o)
}
