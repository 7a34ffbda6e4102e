package fakegitlab

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// commitOfRef resolves the parameter `ref`, by default the default branch.
func (c *call) commitOfRef() (*object.Commit, string, error) {
	ref := cmp.Or(c.params.text("ref"), c.project.opts.DefaultBranch)
	if ref == "HEAD" {
		ref = c.project.opts.DefaultBranch
	}
	commit, err := c.project.repo.resolve(ref)
	return commit, ref, err
}

func (c *call) fileOfPath() (*object.Commit, *object.File, []byte, error) {
	commit, _, err := c.commitOfRef()
	if err != nil {
		return nil, nil, nil, notFound("Commit")
	}
	f, content, err := c.project.repo.read(commit, c.r.PathValue("file"))
	if err != nil {
		return nil, nil, nil, notFound("File")
	}
	return commit, f, content, nil
}

// getFile answers HEAD as well: the same facts are in X-Gitlab-* headers.
func getFile(c *call) (reply, error) {
	commit, f, content, err := c.fileOfPath()
	if err != nil {
		return reply{}, err
	}
	_, ref, _ := c.commitOfRef()
	sum := sha256.Sum256(content)
	last := c.project.repo.lastCommit(commit.Hash.String(), f.Name)
	o := obj{
		"file_name": path.Base(f.Name), "file_path": f.Name, "size": len(content), "encoding": "base64",
		"content": base64.StdEncoding.EncodeToString(content), "content_sha256": hex.EncodeToString(sum[:]), "ref": ref,
		"blob_id": f.Hash.String(), "commit_id": commit.Hash.String(), "last_commit_id": last,
		"execute_filemode": f.Mode == filemode.Executable,
	}
	for _, k := range []string{"file_name", "file_path", "encoding", "content_sha256", "ref", "blob_id", "commit_id", "last_commit_id"} {
		c.header.Set("X-Gitlab-"+strings.ReplaceAll(k, "_", "-"), o[k].(string))
	}
	c.header.Set("X-Gitlab-Size", strconv.Itoa(len(content)))
	return ok(o)
}

func getRawFile(c *call) (reply, error) {
	_, _, content, err := c.fileOfPath()
	if err != nil {
		return reply{}, err
	}
	c.header.Set("Content-Type", "text/plain; charset=utf-8")
	return reply{status: http.StatusOK, raw: content}, nil
}

// changeFile is the files API: one action, one commit.
func (c *call) changeFile(action string, status int) (reply, error) {
	if err := c.params.require("branch", "commit_message"); err != nil {
		return reply{}, err
	}
	c.params["action"], c.params["file_path"] = action, c.r.PathValue("file")
	a, err := readAction(c.params)
	if err != nil {
		return reply{}, err
	}
	if _, err := c.commitActions([]fileAction{a}); err != nil {
		return reply{}, err
	}
	if status == http.StatusNoContent {
		return noContent()
	}
	return reply{status: status, body: obj{"file_path": a.path, "branch": c.params.text("branch")}}, nil
}

func createFile(c *call) (reply, error) { return c.changeFile("create", http.StatusCreated) }
func updateFile(c *call) (reply, error) { return c.changeFile("update", http.StatusOK) }
func deleteFile(c *call) (reply, error) { return c.changeFile("delete", http.StatusNoContent) }

// listTree pages through ls-tree; recursive lists directories too.
func listTree(c *call) (reply, error) {
	commit, _, err := c.commitOfRef()
	if err != nil {
		return reply{}, notFound("Tree")
	}
	args := []string{"ls-tree", "-z", "--full-tree"}
	if c.params.boolean("recursive", false) {
		args = append(args, "-r", "-t")
	}
	args = append(args, commit.Hash.String())
	under := strings.Trim(c.params.text("path"), "/")
	if under != "" {
		args[len(args)-1] += ":" + under
	}
	out, err := c.project.repo.run(nil, args...)
	if err != nil {
		return reply{}, notFound("invalid revision or path Tree")
	}
	entries := strings.Split(strings.TrimSuffix(out, "\x00"), "\x00")
	if out == "" {
		entries = nil
	}
	return ok(render(page(c, entries), func(e string) obj { return renderEntry(under, e) }))
}

// renderEntry reads one line of ls-tree: "mode type id\tpath".
func renderEntry(under, entry string) obj {
	meta, name, _ := strings.Cut(entry, "\t")
	f := append(strings.Fields(meta), "", "", "")
	return obj{"id": f[2], "name": path.Base(name), "type": f[1], "path": path.Join(under, name), "mode": f[0]}
}
