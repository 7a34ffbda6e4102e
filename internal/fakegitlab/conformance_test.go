package fakegitlab_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

// expect holds an answer against what a client would rely on.
func expect[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// ok3 unwraps what the client library returns.
func ok3[T any](t *testing.T) func(v T, _ *gitlab.Response, err error) T {
	return func(v T, _ *gitlab.Response, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func codeOf(r *gitlab.Response, err error) string {
	if r == nil {
		return fmt.Sprint("no answer: ", err)
	}
	return fmt.Sprint(r.StatusCode)
}

func TestInstanceAndPeople(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	c := w.as("sluice-bot")
	expect(t, "version", ok3[*gitlab.Version](t)(c.Version.GetVersion()).Version, fakegitlab.Version)
	expect(t, "metadata", ok3[*gitlab.Metadata](t)(c.Metadata.GetMetadata()).Version, fakegitlab.Version)
	me := ok3[*gitlab.User](t)(c.Users.CurrentUser())
	expect(t, "own id", me.ID, w.ids["sluice-bot"])
	expect(t, "bot", me.Bot, true)
	expect(t, "user by id", ok3[*gitlab.User](t)(c.Users.GetUser(w.ids["ann"], nil)).Username, "ann")
	users := ok3[[]*gitlab.User](t)(c.Users.ListUsers(&gitlab.ListUsersOptions{Username: gitlab.Ptr("bob")}))
	expect(t, "users named bob", len(users), 1)
	token := ok3[*gitlab.PersonalAccessToken](t)(c.PersonalAccessTokens.GetSinglePersonalAccessToken())
	expect(t, "scopes", token.Scopes, []string{"api"})
	expect(t, "expires", time.Time(*token.ExpiresAt).Format(time.DateOnly), "2027-03-02")
	expect(t, "group", ok3[*gitlab.Group](t)(c.Groups.GetGroup("platform", nil)).FullPath, "platform")
	expect(t, "group member", ok3[*gitlab.GroupMember](t)(c.GroupMembers.GetGroupMember("platform", w.ids["ann"])).AccessLevel, gitlab.MaintainerPermissions)
	ok3[*gitlab.GroupMember](t)(c.GroupMembers.GetInheritedGroupMember("platform", w.ids["ann"]))
	expect(t, "direct members", len(ok3[[]*gitlab.ProjectMember](t)(c.ProjectMembers.ListProjectMembers(w.pid, nil))), 4)
	expect(t, "all members", len(ok3[[]*gitlab.ProjectMember](t)(c.ProjectMembers.ListAllProjectMembers(w.pid, nil))), 5)
	expect(t, "inherited level", ok3[*gitlab.ProjectMember](t)(c.ProjectMembers.GetInheritedProjectMember(w.pid, w.ids["ann"])).AccessLevel, gitlab.MaintainerPermissions)
	ok3[*gitlab.ProjectMember](t)(c.ProjectMembers.GetProjectMember(w.pid, w.ids["dev"]))
	_, r, err := c.ProjectMembers.GetProjectMember(w.pid, w.ids["ann"])
	expect(t, "ann is no direct member", codeOf(r, err), "404")
}

func TestProjects(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	c := w.as("ann")
	p := ok3[*gitlab.Project](t)(c.Projects.GetProject(repoPath, nil))
	expect(t, "urls", []string{p.WebURL, p.HTTPURLToRepo}, []string{w.base + "/platform/mono", w.base + "/platform/mono.git"})
	expect(t, "settings", []string{p.DefaultBranch, string(p.MergeMethod), string(p.SquashOption)}, []string{"main", "merge", "default_off"})
	expect(t, "group access", p.Permissions.GroupAccess.AccessLevel, gitlab.MaintainerPermissions)
	expect(t, "projects of a member", len(ok3[[]*gitlab.Project](t)(c.Projects.ListProjects(nil))), 1)
	expect(t, "projects of an outsider", len(ok3[[]*gitlab.Project](t)(w.as("outsider").Projects.ListProjects(nil))), 0)
	p = ok3[*gitlab.Project](t)(c.Projects.EditProject(w.pid, &gitlab.EditProjectOptions{MergeMethod: gitlab.Ptr(gitlab.FastForwardMerge), OnlyAllowMergeIfPipelineSucceeds: gitlab.Ptr(true)}))
	expect(t, "edited", p.MergeMethod == gitlab.FastForwardMerge && p.OnlyAllowMergeIfPipelineSucceeds, true)

	path := "/api/v4/projects/platform%2Fmono"
	for name, tc := range map[string]struct {
		method, user, body string
		code               int
	}{
		"anonymous":        {"GET", "", `{"message":"401 Unauthorized"}`, 401},
		"wrong token":      {"GET", "nobody", `{"message":"401 Unauthorized"}`, 401},
		"outsider":         {"GET", "outsider", `{"message":"404 Project Not Found"}`, 404},
		"developer writes": {"PUT", "dev", `{"message":"403 Forbidden"}`, 403},
	} {
		code, header, body := w.call(tc.method, path, tc.user, nil)
		expect(t, name, fmt.Sprint(code, " ", body), fmt.Sprint(tc.code, " ", tc.body))
		expect(t, name+" says what it is", header.Get("X-Fakegitlab"), "1")
	}
	check(t, w.RenameProject(repoPath, "platform/moved"))
	code, header, _ := w.call("GET", path+"/merge_requests?state=opened", "ann", nil)
	expect(t, "moved", fmt.Sprint(code, header.Get("Location")), fmt.Sprintf("301%s/api/v4/projects/%d/merge_requests?state=opened", w.base, w.pid))
	code, _, body := w.call("PUT", path, "ann", nil)
	expect(t, "moved, write", fmt.Sprint(code, body), `405{"message":"Non GET methods are not allowed for moved projects"}`)
}

func TestBranchesAndProtection(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	c := w.as("ann")
	ok3[*gitlab.Branch](t)(c.Branches.CreateBranch(w.pid, &gitlab.CreateBranchOptions{Branch: gitlab.Ptr("sluice/a"), Ref: gitlab.Ptr("main")}))
	all := ok3[[]*gitlab.Branch](t)(c.Branches.ListBranches(w.pid, &gitlab.ListBranchesOptions{Search: gitlab.Ptr("^sluice/")}))
	expect(t, "search", len(all), 1)
	b := ok3[*gitlab.Branch](t)(c.Branches.GetBranch(w.pid, "main"))
	expect(t, "main", b.Protected && b.Default && b.CanPush, true)
	_, err := c.Branches.DeleteBranch(w.pid, "sluice/a")
	check(t, err)
	r, err := c.Branches.DeleteBranch(w.pid, "main")
	expect(t, "delete main", codeOf(r, err), "405")
	ok3[*gitlab.ProtectedBranch](t)(c.ProtectedBranches.ProtectRepositoryBranches(w.pid, &gitlab.ProtectRepositoryBranchesOptions{
		Name: gitlab.Ptr("release/*"), PushAccessLevel: gitlab.Ptr(gitlab.NoPermissions), MergeAccessLevel: gitlab.Ptr(gitlab.DeveloperPermissions), AllowForcePush: gitlab.Ptr(true)}))
	pb := ok3[*gitlab.ProtectedBranch](t)(c.ProtectedBranches.GetProtectedBranch(w.pid, "release/*"))
	expect(t, "levels", []gitlab.AccessLevelValue{pb.PushAccessLevels[0].AccessLevel, pb.MergeAccessLevels[0].AccessLevel}, []gitlab.AccessLevelValue{0, 30})
	_, r, err = c.Branches.CreateBranch(w.pid, &gitlab.CreateBranchOptions{Branch: gitlab.Ptr("release/1/x"), Ref: gitlab.Ptr("main")})
	expect(t, "nobody pushes", codeOf(r, err), "403")
	expect(t, "protected", len(ok3[[]*gitlab.ProtectedBranch](t)(c.ProtectedBranches.ListProtectedBranches(w.pid, nil))), 2)
	_, err = c.ProtectedBranches.UnprotectRepositoryBranches(w.pid, "release/*")
	check(t, err)
}

func TestCommitsAndFiles(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	c := w.as("ann")
	base := w.head("main")
	commit := ok3[*gitlab.Commit](t)(c.Commits.CreateCommit(w.pid, &gitlab.CreateCommitOptions{
		Branch: gitlab.Ptr("sluice/x"), StartSHA: &base, CommitMessage: gitlab.Ptr("many\n\nbody"), Actions: []*gitlab.CommitActionOptions{
			{Action: gitlab.Ptr(gitlab.FileCreate), FilePath: gitlab.Ptr("a/b/new.yaml"), Content: gitlab.Ptr("x: 1\n")},
			{Action: gitlab.Ptr(gitlab.FileUpdate), FilePath: gitlab.Ptr("apps/web/values.yaml"), Content: gitlab.Ptr("tag: v2\n")},
			{Action: gitlab.Ptr(gitlab.FileMove), FilePath: gitlab.Ptr("docs/README.md"), PreviousPath: gitlab.Ptr("README.md")},
		}}))
	expect(t, "parent", commit.ParentIDs, []string{base})
	expect(t, "title", commit.Title, "many")
	expect(t, "stats", *commit.Stats, gitlab.CommitStats{Additions: 2, Deletions: 1, Total: 3})
	got := ok3[*gitlab.Commit](t)(c.Commits.GetCommit(w.pid, "sluice/x", nil))
	expect(t, "by branch", got.ID, commit.ID)
	expect(t, "changed files", len(ok3[[]*gitlab.Diff](t)(c.Commits.GetCommitDiff(w.pid, commit.ID, nil))), 3)
	refs := ok3[[]*gitlab.CommitRef](t)(c.Commits.GetCommitRefs(w.pid, commit.ID, nil))
	expect(t, "refs", []gitlab.CommitRef{*refs[0]}, []gitlab.CommitRef{{Type: "branch", Name: "sluice/x"}})
	list := ok3[[]*gitlab.Commit](t)(c.Commits.ListCommits(w.pid, &gitlab.ListCommitsOptions{RefName: gitlab.Ptr("sluice/x"), Path: gitlab.Ptr("apps/web/values.yaml")}))
	expect(t, "commits of a path", len(list), 2)
	expect(t, "merge base", ok3[*gitlab.Commit](t)(c.Repositories.MergeBase(w.pid, &gitlab.MergeBaseOptions{Ref: &[]string{"main", "sluice/x"}})).ID, base)
	cmpd := ok3[*gitlab.Compare](t)(c.Repositories.Compare(w.pid, &gitlab.CompareOptions{From: gitlab.Ptr("main"), To: gitlab.Ptr("sluice/x")}))
	expect(t, "compare", []int{len(cmpd.Commits), len(cmpd.Diffs)}, []int{1, 3})
	tree := ok3[[]*gitlab.TreeNode](t)(c.Repositories.ListTree(w.pid, &gitlab.ListTreeOptions{Ref: gitlab.Ptr("sluice/x"), Recursive: gitlab.Ptr(true), Path: gitlab.Ptr("a")}))
	expect(t, "tree", []gitlab.TreeNode{{Name: "b", Type: "tree", Path: "a/b", Mode: "040000"}, {Name: "new.yaml", Type: "blob", Path: "a/b/new.yaml", Mode: "100644"}},
		[]gitlab.TreeNode{{Name: tree[0].Name, Type: tree[0].Type, Path: tree[0].Path, Mode: tree[0].Mode}, {Name: tree[1].Name, Type: tree[1].Type, Path: tree[1].Path, Mode: tree[1].Mode}})

	f := ok3[*gitlab.File](t)(c.RepositoryFiles.GetFile(w.pid, "a/b/new.yaml", &gitlab.GetFileOptions{Ref: gitlab.Ptr("sluice/x")}))
	expect(t, "last commit of a file", f.LastCommitID, commit.ID)
	expect(t, "raw", string(ok3[[]byte](t)(c.RepositoryFiles.GetRawFile(w.pid, "a/b/new.yaml", &gitlab.GetRawFileOptions{Ref: gitlab.Ptr("sluice/x")}))), "x: 1\n")
	ok3[*gitlab.FileInfo](t)(c.RepositoryFiles.CreateFile(w.pid, "n.txt", &gitlab.CreateFileOptions{Branch: gitlab.Ptr("main"), Content: gitlab.Ptr("n"), CommitMessage: gitlab.Ptr("n")}))
	ok3[*gitlab.FileInfo](t)(c.RepositoryFiles.UpdateFile(w.pid, "n.txt", &gitlab.UpdateFileOptions{Branch: gitlab.Ptr("main"), Content: gitlab.Ptr("m"), CommitMessage: gitlab.Ptr("m")}))
	_, r, err := c.RepositoryFiles.UpdateFile(w.pid, "n.txt", &gitlab.UpdateFileOptions{Branch: gitlab.Ptr("main"), Content: gitlab.Ptr("o"), CommitMessage: gitlab.Ptr("o"), LastCommitID: &base})
	expect(t, "file changed meanwhile", codeOf(r, err), "400")
	_, err = c.RepositoryFiles.DeleteFile(w.pid, "n.txt", &gitlab.DeleteFileOptions{Branch: gitlab.Ptr("main"), CommitMessage: gitlab.Ptr("gone")})
	check(t, err)
	_, r, err = c.RepositoryFiles.GetFile(w.pid, "n.txt", &gitlab.GetFileOptions{Ref: gitlab.Ptr("main")})
	expect(t, "deleted file", codeOf(r, err), "404")
	_, r, err = w.as("dev").RepositoryFiles.CreateFile(w.pid, "d", &gitlab.CreateFileOptions{Branch: gitlab.Ptr("main"), Content: gitlab.Ptr("n"), CommitMessage: gitlab.Ptr("n")})
	expect(t, "developer on a protected branch", codeOf(r, err), "403")
}

func TestLabelsAndDeployKeys(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	c := w.as("ann")
	ok3[*gitlab.Label](t)(c.Labels.CreateLabel(w.pid, &gitlab.CreateLabelOptions{Name: gitlab.Ptr("hold"), Color: gitlab.Ptr("#ff0000")}))
	_, r, err := c.Labels.CreateLabel(w.pid, &gitlab.CreateLabelOptions{Name: gitlab.Ptr("hold"), Color: gitlab.Ptr("#ff0000")})
	expect(t, "label again", codeOf(r, err), "409")
	ok3[*gitlab.Label](t)(c.Labels.UpdateLabel(w.pid, "hold", &gitlab.UpdateLabelOptions{NewName: gitlab.Ptr("held")}))
	ok3[*gitlab.Label](t)(c.Labels.GetLabel(w.pid, "held"))
	w.open("sluice/x") // makes labels that were unknown
	expect(t, "labels", len(ok3[[]*gitlab.Label](t)(c.Labels.ListLabels(w.pid, nil))), 3)
	_, err = c.Labels.DeleteLabel(w.pid, "held", nil)
	check(t, err)

	key := &gitlab.AddDeployKeyOptions{Title: gitlab.Ptr("flux"), Key: gitlab.Ptr("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFlux flux"), CanPush: gitlab.Ptr(true)}
	k := ok3[*gitlab.ProjectDeployKey](t)(c.DeployKeys.AddDeployKey(w.pid, key))
	expect(t, "same key joins", ok3[*gitlab.ProjectDeployKey](t)(c.DeployKeys.AddDeployKey(w.pid, key)).ID, k.ID)
	expect(t, "can push", ok3[*gitlab.ProjectDeployKey](t)(c.DeployKeys.GetDeployKey(w.pid, k.ID)).CanPush, true)
	ok3[*gitlab.ProjectDeployKey](t)(c.DeployKeys.UpdateDeployKey(w.pid, k.ID, &gitlab.UpdateDeployKeyOptions{CanPush: gitlab.Ptr(false)}))
	ok3[*gitlab.ProjectDeployKey](t)(c.DeployKeys.EnableDeployKey(w.pid, k.ID))
	expect(t, "keys", len(ok3[[]*gitlab.ProjectDeployKey](t)(c.DeployKeys.ListProjectDeployKeys(w.pid, nil))), 1)
	_, err = c.DeployKeys.DeleteDeployKey(w.pid, k.ID)
	check(t, err)
}

func TestPagination(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	c := w.as("ann")
	for i := range 5 {
		ok3[*gitlab.Label](t)(c.Labels.CreateLabel(w.pid, &gitlab.CreateLabelOptions{Name: gitlab.Ptr(fmt.Sprint("l", i)), Color: gitlab.Ptr("#ff0000")}))
	}
	page, r, err := c.Labels.ListLabels(w.pid, &gitlab.ListLabelsOptions{ListOptions: gitlab.ListOptions{Page: 2, PerPage: 2}})
	check(t, err)
	expect(t, "second page", []string{page[0].Name, page[1].Name}, []string{"l2", "l3"})
	expect(t, "numbers", []int64{r.CurrentPage, r.NextPage, r.PreviousPage, r.TotalItems, r.TotalPages}, []int64{2, 3, 1, 5, 3})
	expect(t, "next", r.NextLink != "", true)
	code, h, _ := w.call(http.MethodGet, "/api/v4/projects/platform%2Fmono/labels?per_page=1000", "ann", nil)
	expect(t, "capped", fmt.Sprint(code, h.Get("X-Per-Page")), "200100")
}
