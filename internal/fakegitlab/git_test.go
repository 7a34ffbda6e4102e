package fakegitlab_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"
	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

func TestGitCommand(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	dir := w.clone("dev")
	mustGit(t, dir, "switch", "-qc", "feature/x")
	write(t, dir, "apps/web/values.yaml", "tag: v2\n")
	mustGit(t, dir, "commit", "-qam", "v2")
	mustGit(t, dir, "push", "-q", "origin", "feature/x")
	expect(t, "pushed", w.head("feature/x"), mustGit(t, dir, "rev-parse", "HEAD"))

	refused := func(what, words string, args ...string) {
		t.Helper()
		out, err := git(t, dir, append([]string{"push"}, args...)...)
		if err == nil || !strings.Contains(out, "remote: GitLab: "+words) || !strings.Contains(out, "pre-receive hook declined") {
			t.Errorf("%s: %v\n%s", what, err, out)
		}
	}
	refused("push to main", "You are not allowed to push code to protected branches", "origin", "HEAD:main")
	refused("delete main", "The default branch of a project cannot be deleted.", "origin", ":main")
	mustGit(t, dir, "remote", "set-url", "origin", w.cloneURL("bob"))
	mustGit(t, dir, "commit", "-q", "--amend", "-m", "other root")
	write(t, dir, "README.md", "straight\n")
	mustGit(t, dir, "switch", "-q", "main")
	mustGit(t, dir, "commit", "-qam", "by a maintainer")
	mustGit(t, dir, "push", "-q", "origin", "main")
	mustGit(t, dir, "commit", "-q", "--amend", "-m", "rewritten")
	refused("force main", "You are not allowed to force push code to a protected branch", "-f", "origin", "main")
	mustGit(t, dir, "push", "-qf", "origin", "feature/x")
	mustGit(t, dir, "push", "-q", "origin", ":feature/x")

	mustGit(t, t.TempDir(), "clone", "-q", "--depth=1", "--filter=blob:none", "--no-checkout", w.cloneURL("reporter"), filepath.Join(t.TempDir(), "shallow"))
	w.commit("ann", "other", "README.md", "fetched\n")
	mustGit(t, dir, "fetch", "-q", "origin", "other")
	expect(t, "fetched", mustGit(t, dir, "rev-parse", "FETCH_HEAD"), w.head("other"))
}

func TestGitAccess(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	plain := w.base + "/" + repoPath + ".git"
	with := func(user, password string) string {
		return strings.Replace(plain, "://", "://"+user+":"+password+"@", 1)
	}
	for name, tc := range map[string]struct{ url, want string }{
		"any name":    {with("whoever", "glpat-reporter"), ""},
		"anonymous":   {plain, "could not read Username"},
		"wrong token": {with("oauth2", "nope"), "Authentication failed"},
		"outsider":    {with("oauth2", "glpat-outsider"), "not found"},
	} {
		out, err := git(t, t.TempDir(), "ls-remote", tc.url)
		if (err == nil) != (tc.want == "") || !strings.Contains(out, tc.want) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	code, h, _ := w.call("GET", "/platform/mono.git/info/refs?service=git-upload-pack", "", nil)
	expect(t, "challenge", fmt.Sprint(code, h.Get("WWW-Authenticate")), `401Basic realm="GitLab"`)
	dir := w.clone("reporter")
	out, err := git(t, dir, "push", "origin", "HEAD:refs/heads/x")
	if err == nil || !strings.Contains(out, "403") {
		t.Errorf("a reporter pushes: %v\n%s", err, out)
	}
	check(t, w.RenameProject(repoPath, "platform/moved"))
	mustGit(t, t.TempDir(), "ls-remote", with("oauth2", "glpat-reporter"))
}

func TestGoGitPushesWithALease(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	auth := &githttp.BasicAuth{Username: "oauth2", Password: "glpat-sluice-bot"}
	dir := t.TempDir()
	repo := must[*gogit.Repository](t)(gogit.PlainClone(dir, false, &gogit.CloneOptions{URL: w.base + "/" + repoPath + ".git", Auth: auth}))
	tree := must[*gogit.Worktree](t)(repo.Worktree())
	const branch = plumbing.ReferenceName("refs/heads/sluice/a")
	check(t, tree.Checkout(&gogit.CheckoutOptions{Branch: branch, Create: true}))
	commit := func(text string) plumbing.Hash {
		write(t, dir, "apps/web/values.yaml", text)
		must[plumbing.Hash](t)(tree.Add("apps/web/values.yaml"))
		return must[plumbing.Hash](t)(tree.Commit(text, &gogit.CommitOptions{Author: &object.Signature{Name: "Bot", Email: "bot@example.com", When: time.Unix(1, 0)}}))
	}
	push := func(lease plumbing.Hash, spec string) error {
		o := &gogit.PushOptions{Auth: auth, RefSpecs: []config.RefSpec{config.RefSpec(spec)}}
		if !lease.IsZero() {
			o.ForceWithLease = &gogit.ForceWithLease{RefName: branch, Hash: lease}
		}
		return repo.Push(o)
	}
	first := commit("tag: v1\n# one\n")
	check(t, push(plumbing.ZeroHash, string(branch+":"+branch)))
	expect(t, "pushed", w.head("sluice/a"), first.String())
	second := commit("tag: v2\n")
	check(t, push(first, string(branch+":"+branch)))
	theirs := w.commit("ann", "sluice/a", "README.md", "a person was here\n")
	commit("tag: v3\n")
	if err := push(second, string("+"+branch+":"+branch)); err == nil {
		t.Error("a lease on a head that has moved was honoured")
	}
	required := repo.Push(&gogit.PushOptions{Auth: auth, RefSpecs: []config.RefSpec{config.RefSpec(branch + ":" + branch)},
		RequireRemoteRefs: []config.RefSpec{config.RefSpec(second.String() + ":" + string(branch))}})
	if required == nil {
		t.Error("a required remote ref that has moved was ignored")
	}
	expect(t, "the person's commit stays", w.head("sluice/a"), theirs)

	err := repo.Push(&gogit.PushOptions{Auth: &githttp.BasicAuth{Username: "x", Password: "glpat-dev"}, RefSpecs: []config.RefSpec{config.RefSpec(branch + ":refs/heads/main")}})
	if err == nil || !strings.Contains(err.Error(), "pre-receive hook declined") {
		t.Errorf("push to a protected branch: %v", err)
	}
	check(t, repo.Fetch(&gogit.FetchOptions{Auth: auth}))
	seen := must[*plumbing.Reference](t)(repo.Reference("refs/remotes/origin/sluice/a", true))
	expect(t, "fetched", seen.Hash().String(), theirs)
}

func TestPushThatContainsAMergeRequestMergesIt(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	w.open("sluice/a")
	dir := w.clone("bob")
	mustGit(t, dir, "merge", "-q", "--no-ff", "-m", "by hand", "origin/sluice/a")
	mustGit(t, dir, "push", "-q", "origin", "main")
	got := w.get(1)
	expect(t, "merged", []string{got.State, got.MergeUser.Username}, []string{"merged", "bob"})
}

func TestLargeMonorepo(t *testing.T) {
	files := map[string][]byte{}
	for app := range 200 {
		for _, cluster := range []string{"dev", "stg", "prd"} {
			for _, name := range []string{"kustomization.yaml", "values.yaml", "release.yaml"} {
				files[fmt.Sprintf("clusters/%s/apps/app-%03d/%s", cluster, app, name)] = fmt.Appendf(nil, "app: %d\ncluster: %s\nfile: %s\n", app, cluster, name)
			}
		}
	}
	began := time.Now()
	w := start(t, fakegitlab.ProjectOptions{Files: files})
	dir := w.clone("dev")
	expect(t, "cloned", mustGit(t, dir, "ls-files", "clusters/prd/apps/app-199/values.yaml") != "", true)
	for i := range 10 {
		branch, path := fmt.Sprint("sluice/", i), fmt.Sprintf("clusters/stg/apps/app-%03d/values.yaml", i)
		w.commit("sluice-bot", branch, path, "new\n")
		ok3[*gitlab.MergeRequest](t)(w.as("sluice-bot").MergeRequests.CreateMergeRequest(repoPath, &gitlab.CreateMergeRequestOptions{SourceBranch: &branch, TargetBranch: gitlab.Ptr("main"), Title: &branch}))
		ok3[*gitlab.MergeRequest](t)(w.as("sluice-bot").MergeRequests.AcceptMergeRequest(repoPath, int64(i+1), nil))
	}
	if took := time.Since(began); took > 30*time.Second {
		t.Errorf("took %v", took)
	} else {
		t.Logf("%d files, 10 merges: %v", len(files), took)
	}
}
