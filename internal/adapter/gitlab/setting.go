package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Settings are those of the project that bear on merge requests. Names and
// values are GitLab's.
type Settings struct {
	Namespace          string // full path of the group or user
	Personal           bool   // the namespace is a user's
	Name               string // the last part of the path
	SSHURL             string
	DefaultBranch      string
	Archived           bool
	CIConfigPath       string
	MergeRequests      string // merge_requests_access_level
	MergeMethod        string
	SquashOption       string
	AutoCancel         string // auto_cancel_pending_pipelines
	PipelineMustPass   bool
	SkippedPasses      bool
	ThreadsResolved    bool
	RemoveSourceBranch bool
}

type wireSettings struct {
	Path      string `json:"path"`
	Namespace struct {
		Path string `json:"full_path"`
		Kind string `json:"kind"`
	} `json:"namespace"`
	SSHURL             string `json:"ssh_url_to_repo"`
	DefaultBranch      string `json:"default_branch"`
	Archived           bool   `json:"archived"`
	CIConfigPath       string `json:"ci_config_path"`
	MergeRequests      string `json:"merge_requests_access_level"`
	MergeMethod        string `json:"merge_method"`
	SquashOption       string `json:"squash_option"`
	AutoCancel         string `json:"auto_cancel_pending_pipelines"`
	PipelineMustPass   bool   `json:"only_allow_merge_if_pipeline_succeeds"`
	SkippedPasses      bool   `json:"allow_merge_on_skipped_pipeline"`
	ThreadsResolved    bool   `json:"only_allow_merge_if_all_discussions_are_resolved"`
	RemoveSourceBranch bool   `json:"remove_source_branch_after_merge"`
}

// Settings reads the project's settings.
func (p *Project) Settings(ctx context.Context) (Settings, error) {
	got, _, err := call[wireSettings](ctx, p.client, p.read("read the settings of "+p.path, fmt.Sprintf("projects/%d", p.id)))
	return Settings{
		Namespace: got.Namespace.Path, Personal: got.Namespace.Kind == "user", Name: got.Path, SSHURL: got.SSHURL, DefaultBranch: got.DefaultBranch,
		Archived: got.Archived, CIConfigPath: got.CIConfigPath, MergeRequests: got.MergeRequests, MergeMethod: got.MergeMethod,
		SquashOption: got.SquashOption, AutoCancel: got.AutoCancel, PipelineMustPass: got.PipelineMustPass, SkippedPasses: got.SkippedPasses,
		ThreadsResolved: got.ThreadsResolved, RemoveSourceBranch: got.RemoveSourceBranch,
	}, err
}

// ChangeSettings sets what is named, by GitLab's names, and leaves the rest.
func (p *Project) ChangeSettings(ctx context.Context, change map[string]string) error {
	_, _, err := call[struct{}](ctx, p.client, request{
		what: "change the settings of " + p.path, method: http.MethodPut, path: fmt.Sprintf("projects/%d", p.id), opt: change,
	})
	return err
}

// Protection is a rule for protected branches. Each list has those who may, by
// level, user or group.
type Protection struct {
	Name  string // a branch, or a pattern in which * stands for anything
	Push  []Grant
	Merge []Grant
}

// Grant is one who may do something with a protected branch. Level 0 of no user
// and no group is nobody.
type Grant struct {
	Level int         `json:"access_level"`
	User  core.UserID `json:"user_id"`
	Group int64       `json:"group_id"`
	Key   int64       `json:"deploy_key_id"`
}

// Covers tells whether the rule is for a branch.
func (r Protection) Covers(branch string) bool {
	flat := func(s string) string { return strings.ReplaceAll(s, "/", "\x00") }
	ok, err := path.Match(flat(r.Name), flat(branch))
	return r.Name == branch || ok && err == nil
}

// Protections lists the rules for protected branches. It is core.Denied for
// users who may not see them.
func (p *Project) Protections(ctx context.Context) ([]Protection, error) {
	list, err := all[struct {
		Name  string  `json:"name"`
		Push  []Grant `json:"push_access_levels"`
		Merge []Grant `json:"merge_access_levels"`
	}](ctx, p.client, p.get("list protected branches", "protected_branches", gl.ListOptions{PerPage: perPage}), maxProtections)
	if err != nil {
		return nil, err
	}
	out := make([]Protection, 0, len(list))
	for _, r := range list {
		out = append(out, Protection{Name: r.Name, Push: r.Push, Merge: r.Merge})
	}
	return out, nil
}

// Protect protects a branch as GitLab does it by default: maintainers push and
// merge. A branch that is protected stays as it is.
func (p *Project) Protect(ctx context.Context, branch string) error {
	_, _, err := call[struct{}](ctx, p.client, p.request(http.MethodPost, "protect branch "+oneLine(branch), "protected_branches",
		map[string]any{"name": branch, "push_access_level": maintainer, "merge_access_level": maintainer}))
	if status(err) == http.StatusConflict {
		return nil
	}
	return err
}

// maintainer is the access level of that role.
const maintainer = 40

// BranchRights is what a branch shows of its protection to everybody who may
// read it.
type BranchRights struct {
	Protected       bool
	CanPush         bool // the token's user
	DevelopersMerge bool
}

// BranchRights reads what may be done with a branch.
func (p *Project) BranchRights(ctx context.Context, branch string) (BranchRights, error) {
	got, _, err := call[struct {
		Protected       bool `json:"protected"`
		CanPush         bool `json:"can_push"`
		DevelopersMerge bool `json:"developers_can_merge"`
	}](ctx, p.client, p.get("read branch "+oneLine(branch), "repository/branches/"+url.PathEscape(branch), nil))
	return BranchRights(got), err
}

// File reads a file of the default branch; it is core.NotFound if there is none.
func (p *Project) File(ctx context.Context, name string) ([]byte, error) {
	branch, err := p.defaultBranch()
	if err != nil {
		return nil, err
	}
	got, _, err := call[struct {
		Content []byte `json:"content"` // base64, as encoding/json has it
	}](ctx, p.client, p.get("read "+oneLine(name)+" of "+branch, "repository/files/"+url.PathEscape(name), &gl.GetFileOptions{Ref: &branch}))
	return got.Content, err
}

// HasDirectory tells whether the default branch has a directory with something in it.
func (p *Project) HasDirectory(ctx context.Context, name string) (bool, error) {
	branch, err := p.defaultBranch()
	if err != nil {
		return false, err
	}
	got, _, err := call[[]struct{}](ctx, p.client, p.get("look for directory "+oneLine(name), "repository/tree",
		&gl.ListTreeOptions{Path: &name, Ref: &branch, ListOptions: gl.ListOptions{PerPage: 1}}))
	if status(err) == http.StatusNotFound {
		return false, nil
	}
	return len(got) > 0, err
}
