package fakegitlab

import (
	"strconv"
)

func listMergeRequestCommits(c *call) (reply, error) {
	mr, err := c.mrOfPath()
	if err != nil {
		return reply{}, err
	}
	return ok(c.renderIDs(c.project, page(c, c.project.repo.between(mr.base, mr.sha))))
}

// listMergeRequestDiffs is against the merge base, not against the target's head.
func listMergeRequestDiffs(c *call) (reply, error) {
	mr, err := c.mrOfPath()
	if err != nil {
		return reply{}, err
	}
	diffs, err := c.project.repo.diff(mr.base, mr.sha)
	if err != nil {
		return reply{}, err
	}
	return ok(render(page(c, diffs), fileDiff.render))
}

// getMergeRequestChanges is the older form of the diffs, all in one.
func getMergeRequestChanges(c *call) (reply, error) {
	mr, err := c.mrOfPath()
	if err != nil {
		return reply{}, err
	}
	diffs, err := c.project.repo.diff(mr.base, mr.sha)
	if err != nil {
		return reply{}, err
	}
	o := c.renderMR(c, mr)
	o["changes"], o["overflow"] = render(diffs, fileDiff.render), false
	return ok(o)
}

func (c *call) renderVersion(mr *mergeRequest, v version) obj {
	return obj{
		"id": v.id, "head_commit_sha": v.head, "base_commit_sha": v.base, "start_commit_sha": v.start, "created_at": stamp(v.at),
		"merge_request_id": mr.id, "state": "collected", "real_size": strconv.Itoa(len(c.project.repo.names(v.base, v.head))), "patch_id_sha": nil,
	}
}

// listVersions shows the newest version first.
func listVersions(c *call) (reply, error) {
	mr, err := c.mrOfPath()
	if err != nil {
		return reply{}, err
	}
	newest := make([]version, 0, len(mr.versions))
	for i := len(mr.versions) - 1; i >= 0; i-- {
		newest = append(newest, mr.versions[i])
	}
	return ok(render(page(c, newest), func(v version) obj { return c.renderVersion(mr, v) }))
}

// getVersionDiffs is what one push brought, seen from the base it had then.
func getVersionDiffs(c *call) (reply, error) {
	mr, err := c.mrOfPath()
	if err != nil {
		return reply{}, err
	}
	id, err := c.id("version")
	if err != nil {
		return reply{}, err
	}
	for _, v := range mr.versions {
		if v.id != id {
			continue
		}
		diffs, err := c.project.repo.diff(v.base, v.head)
		if err != nil {
			return reply{}, err
		}
		o := c.renderVersion(mr, v)
		o["commits"] = c.renderIDs(c.project, c.project.repo.between(v.base, v.head))
		o["diffs"] = render(diffs, fileDiff.render)
		return ok(o)
	}
	return reply{}, notFound("")
}
