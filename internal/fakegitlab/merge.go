package fakegitlab

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// mergeOptions are the wishes of one call of merge.
type mergeOptions struct {
	message, squashMessage string
	removeSource           *bool
	squash                 bool
}

// acceptMergeRequest checks in GitLab's order: right, mergeability, sha. So a
// moved head shows as 409 only if nothing else stands against merging.
func acceptMergeRequest(c *call) (reply, error) {
	mr, err := c.mrOfPath()
	if err != nil {
		return reply{}, err
	}
	if code := c.faults.mergeAnswer(); code != 0 {
		return reply{}, mergeRefusal(code, mr)
	}
	if !c.mayMerge(c.project, c.user, mr.target) {
		return reply{}, unauthorized()
	}
	if c.project.opts.RequireSHAForMerge && c.params.text("sha") == "" {
		return reply{}, badRequest("SHA must be provided when merging")
	}
	c.recheck(mr)
	opts := c.mergeOptions(mr)
	status := c.detailedStatus(mr)
	auto := c.params.boolean("auto_merge", c.params.boolean("merge_when_pipeline_succeeds", false))
	wait := auto && c.mayWait(mr, status)
	if !wait {
		if err := refuseMerge(status); err != nil {
			return reply{}, err
		}
		if auto && c.headPipeline(mr) == nil {
			return reply{}, notAllowed() // auto-merge where no pipeline will ever come
		}
	}
	if sha := c.params.text("sha"); sha != "" && sha != mr.sha {
		return reply{}, fail(http.StatusConflict, "SHA does not match HEAD of source branch: "+mr.sha)
	}
	if wait {
		c.setAuto(mr, c.user, opts)
		return ok(c.renderMR(c, mr))
	}
	if err := c.merge(mr, c.user, opts); err != nil {
		return reply{}, err
	}
	return ok(c.renderMR(c, mr))
}

// mergeRefusal is a prescribed answer of merge, in the words of the real one.
func mergeRefusal(code int, mr *mergeRequest) error {
	switch code {
	case http.StatusMethodNotAllowed:
		return notAllowed()
	case http.StatusConflict:
		return fail(code, "SHA does not match HEAD of source branch: "+mr.sha)
	case http.StatusUnprocessableEntity:
		return fail(code, "Branch cannot be merged")
	}
	return fail(code, fmt.Sprintf("%d %s", code, http.StatusText(code)))
}

// refuseMerge turns the reason against merging into GitLab's answer.
func refuseMerge(status string) error {
	switch status {
	case "mergeable":
		return nil
	case "conflict", "need_rebase", "commits_status":
		return fail(http.StatusUnprocessableEntity, "Branch cannot be merged")
	}
	return notAllowed()
}

// mergeOptions reads the wishes; the project's squash option overrules them.
func (c *call) mergeOptions(mr *mergeRequest) mergeOptions {
	o := mergeOptions{
		message: c.params.text("merge_commit_message"), squashMessage: c.params.text("squash_commit_message"),
		squash: c.params.boolean("squash", mr.squash),
	}
	if c.params.has("should_remove_source_branch") {
		remove := c.params.boolean("should_remove_source_branch", false)
		o.removeSource = &remove
	}
	switch mr.project.opts.SquashOption {
	case "always":
		o.squash = true
	case "never":
		o.squash = false
	}
	return o
}

// mayWait says whether auto-merge has something to wait for.
func (c *call) mayWait(mr *mergeRequest, status string) bool {
	pl := c.headPipeline(mr)
	if pl == nil {
		return false
	}
	switch status {
	case "ci_still_running", "not_approved", "discussions_not_resolved", "draft_status":
		return true
	}
	return status == "mergeable" && pl.active()
}

// merge brings the source into the target by the project's method. The merge
// request must be mergeable.
func (s *Server) merge(mr *mergeRequest, by *user, o mergeOptions) error {
	p, r := mr.project, mr.project.repo
	head := mr.sha
	if o.squash {
		sha, err := s.squashed(mr, by, o)
		if err != nil {
			return err
		}
		mr.squashCommit, head = sha, sha
	}
	target := mr.check.target
	result := head
	if p.opts.MergeMethod != "ff" {
		sign := signature(by, s.now())
		sha, err := r.writeCommit(newCommit{
			tree: mr.check.tree, parents: []string{target, head}, author: sign, by: sign,
			message: cmp.Or(o.message, s.mergeMessage(mr)),
		})
		if err != nil {
			return err
		}
		mr.mergeCommit, result = sha, sha
	}
	mr.state, mr.removeSource, mr.auto = "locked", o.removeSource, nil
	if err := s.update(p, by, refUpdate{ref: "refs/heads/" + mr.target, before: target, after: result}); err != nil {
		mr.state, mr.mergeCommit, mr.squashCommit = "opened", "", ""
		return errors.Join(fail(http.StatusUnprocessableEntity, "Branch cannot be merged"), err)
	}
	s.touch(mr)
	s.after(s.faults.Plan().LockedFor, func() { s.markMerged(mr, by) })
	return nil
}

// squashed makes the one commit that stands for all. A single commit whose
// message would stay is left as it is.
func (s *Server) squashed(mr *mergeRequest, by *user, o mergeOptions) (string, error) {
	r := mr.project.repo
	message := cmp.Or(o.squashMessage, mr.title)
	commit, err := r.commit(mr.sha)
	if err != nil {
		return "", err
	}
	if firstParent(commit) == mr.check.base && strings.TrimSpace(commit.Message) == strings.TrimSpace(message) {
		return mr.sha, nil
	}
	return r.writeCommit(newCommit{
		tree: commit.TreeHash.String(), parents: []string{mr.check.base}, message: message,
		author: signature(mr.author, s.now()), by: signature(by, s.now()),
	})
}

// mergeMessage is GitLab's default template.
func (s *Server) mergeMessage(mr *mergeRequest) string {
	return fmt.Sprintf("Merge branch '%s' into '%s'\n\n%s\n\nSee merge request %s!%d", mr.source, mr.target, mr.title, mr.project.path, mr.iid)
}

// markMerged finishes a merge: state, note, hook, source branch.
func (s *Server) markMerged(mr *mergeRequest, by *user) {
	now, old := s.now(), *mr
	mr.state, mr.mergedAt, mr.mergedBy, mr.auto = "merged", &now, by, nil
	s.systemNote(mr, by, "merged")
	s.touch(mr)
	s.emitMR(mr, by, "merge", nil, mrChanges(&old, mr))
	remove := mr.forceRemove
	if mr.removeSource != nil {
		remove = *mr.removeSource
	}
	head := mr.project.repo.branch(mr.source)
	if !remove || mr.fork != 0 || head == "" || head != mr.sha || mr.project.protection(mr.source) != nil {
		return
	}
	if err := s.update(mr.project, by, refUpdate{ref: "refs/heads/" + mr.source, before: head}); err != nil {
		s.log.Warn("remove source branch", "mr", mr.iid, "err", err)
	}
}
