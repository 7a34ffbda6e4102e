package fakegitlab

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// fileAction is one entry of `actions` of the commits API, and what the files
// API boils down to.
type fileAction struct {
	action, path, previous string
	content                []byte
	hasContent             bool
	lastCommit             string
	executable             bool
}

func badRequest(format string, args ...any) error {
	return fail(http.StatusBadRequest, fmt.Sprintf(format, args...))
}

// readAction reads one action. A path that leaves the repository is refused.
func readAction(p params) (fileAction, error) {
	a := fileAction{
		action: p.text("action"), path: p.text("file_path"), previous: p.text("previous_path"),
		hasContent: p.has("content"), lastCommit: p.text("last_commit_id"), executable: p.boolean("execute_filemode", false),
	}
	if a.path == "" || strings.HasPrefix(a.path, "/") || strings.Contains("/"+a.path+"/", "/../") {
		return a, badRequest("invalid path: '%s'", a.path)
	}
	if p.text("encoding") != "base64" {
		a.content = []byte(p.text("content"))
		return a, nil
	}
	content, err := base64.StdEncoding.DecodeString(p.text("content"))
	if err != nil {
		return a, badRequest("invalid base64 content")
	}
	a.content = content
	return a, nil
}

// createCommit is POST /repository/commits.
func createCommit(c *call) (reply, error) {
	if err := c.params.require("branch", "commit_message"); err != nil {
		return reply{}, err
	}
	list, _ := c.params["actions"].([]any)
	if len(list) == 0 {
		return reply{}, failWith(http.StatusBadRequest, "actions is missing")
	}
	var actions []fileAction
	for _, x := range list {
		m, _ := x.(map[string]any)
		a, err := readAction(params(m))
		if err != nil {
			return reply{}, err
		}
		actions = append(actions, a)
	}
	commit, err := c.commitActions(actions)
	if err != nil {
		return reply{}, err
	}
	o := c.renderCommit(c.project, commit)
	o["project_id"], o["last_pipeline"], o["status"] = c.project.id, nil, nil
	if c.params.boolean("stats", true) {
		add, del := c.project.repo.lines(firstParent(commit), commit.Hash.String())
		o["stats"] = obj{"additions": add, "deletions": del, "total": add + del}
	}
	return created(o)
}

// commitActions makes one commit on `branch` and moves it there, from
// start_branch or start_sha when the branch is new (or forced).
func (c *call) commitActions(actions []fileAction) (*object.Commit, error) {
	p, branch := c.project, c.params.text("branch")
	if !c.mayPush(p, c.user, branch) {
		return nil, fail(http.StatusForbidden, "You are not allowed to push into this branch")
	}
	head := p.repo.branch(branch)
	parent, err := c.startOf(branch, head)
	if err != nil {
		return nil, err
	}
	tree, err := c.applyActions(parent, actions)
	if err != nil {
		return nil, err
	}
	by := signature(c.user, c.now())
	author := by
	author.Name = cmp.Or(c.params.text("author_name"), author.Name)
	author.Email = cmp.Or(c.params.text("author_email"), author.Email)
	n := newCommit{tree: tree, author: author, by: by, message: c.params.text("commit_message")}
	if parent != nil {
		n.parents = []string{parent.Hash.String()}
	}
	sha, err := p.repo.writeCommit(n)
	if err != nil {
		return nil, err
	}
	if err := c.update(p, c.user, refUpdate{ref: "refs/heads/" + branch, before: head, after: sha}); err != nil {
		return nil, err
	}
	return p.repo.commit(sha)
}

// startOf finds the parent of the new commit; nil in an empty repository.
func (c *call) startOf(branch, head string) (*object.Commit, error) {
	from := cmp.Or(c.params.text("start_sha"), c.params.text("start_branch"))
	if head != "" && from != "" && from != branch && !c.params.boolean("force", false) {
		return nil, badRequest("A branch called '%s' already exists. Switch to that branch in order to make changes", branch)
	}
	switch {
	case from != "":
		commit, err := c.project.repo.resolve(from)
		if err != nil {
			return nil, badRequest("Cannot find start_sha or start_branch '%s'", from)
		}
		return commit, nil
	case head != "":
		return c.project.repo.commit(head)
	case len(c.project.repo.branches()) == 0:
		return nil, nil
	}
	return nil, badRequest("You can only create or edit files when you are on a branch")
}

// applyActions gives the tree after the actions. Each sees what those before
// it did.
func (c *call) applyActions(parent *object.Commit, actions []fileAction) (string, error) {
	root := plumbing.ZeroHash
	if parent != nil {
		root = parent.TreeHash
	}
	for _, a := range actions {
		edits, err := c.editsOf(root, parent, a)
		if err != nil {
			return "", err
		}
		if root, err = c.project.repo.editTree(root, edits); err != nil {
			return "", err
		}
	}
	return root.String(), nil
}

// editsOf turns an action into edits of a tree, or refuses it.
func (c *call) editsOf(root plumbing.Hash, parent *object.Commit, a fileAction) (map[string]edit, error) {
	r := c.project.repo
	old, exists := r.entry(root, cmp.Or(a.previous, a.path))
	if err := checkAction(a, exists); err != nil {
		return nil, err
	}
	if a.lastCommit != "" && parent != nil && r.lastCommit(parent.Hash.String(), cmp.Or(a.previous, a.path)) != a.lastCommit {
		return nil, badRequest("You are attempting to update a file that has changed since you started editing it.")
	}
	if a.action == "delete" {
		return map[string]edit{a.path: {}}, nil
	}
	next := edit{blob: old.Hash, mode: old.Mode}
	if !exists || a.action == "chmod" {
		next.mode = modeOf(a.executable)
	}
	if a.action != "chmod" && (a.hasContent || a.action != "move") {
		blob, err := r.blob(a.content)
		if err != nil {
			return nil, err
		}
		next.blob = blob
	}
	edits := map[string]edit{a.path: next}
	if a.action == "move" {
		edits[a.previous] = edit{}
	}
	return edits, nil
}

// entry finds a file in a tree. Directories are none.
func (r *repo) entry(root plumbing.Hash, path string) (object.TreeEntry, bool) {
	t, err := r.git.TreeObject(root)
	if err != nil {
		return object.TreeEntry{}, false
	}
	e, err := t.FindEntry(path)
	if err != nil || e.Mode == filemode.Dir {
		return object.TreeEntry{}, false
	}
	return *e, true
}

func modeOf(executable bool) filemode.FileMode {
	if executable {
		return filemode.Executable
	}
	return filemode.Regular
}

// checkAction refuses as Gitaly's user operations do.
func checkAction(a fileAction, exists bool) error {
	switch {
	case a.action == "create" && exists:
		return badRequest("A file with this name already exists")
	case a.action == "create":
		return nil
	case a.action == "move" && a.previous == "":
		return failWith(http.StatusBadRequest, "actions[0][previous_path] is missing")
	case a.action != "update" && a.action != "delete" && a.action != "move" && a.action != "chmod":
		return failWith(http.StatusBadRequest, "actions[0][action] does not have a valid value")
	case !exists:
		return badRequest("A file with this name doesn't exist")
	}
	return nil
}

// lastCommit is the newest commit at or below rev that touched a path.
func (r *repo) lastCommit(rev, path string) string {
	out, err := r.run(nil, "rev-list", "--max-count=1", rev, "--", path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(out)
}
