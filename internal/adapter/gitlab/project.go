package gitlab

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// Project is the project that holds one monorepo. It is addressed by its
// numeric id, which survives renames and transfers. It is safe for concurrent
// use.
type Project struct {
	client *Client
	id     int64
	path   string // as GitLab spells it when the project is opened
	// branch is the default branch as seen last. It changes by a person's hand
	// only; a pass that still goes by the old one finds no merge requests and
	// does nothing that the next pass would not mend.
	branch  atomic.Pointer[string]
	threads threads
	opened  opened
	trains  atomic.Bool // whether merge trains are in use, as seen last
}

// wireProject is the little of a project's document that matters. The client
// library's struct has 150 fields, each of which would have to decode.
type wireProject struct {
	ID            int64  `json:"id"`
	Path          string `json:"path_with_namespace"`
	WebURL        string `json:"web_url"`
	DefaultBranch string `json:"default_branch"`
	Archived      bool   `json:"archived"`
	Trains        bool   `json:"merge_trains_enabled"` // absent below Premium
}

// wireUser is a user, whole or embedded as an author; State is empty in some
// of the places where users are embedded.
type wireUser struct {
	ID       int64  `json:"id"`
	Username string `json:"username"`
	State    string `json:"state"`
	Email    string `json:"public_email"` // "" unless the user shows it to everybody
}

// Project finds a project by its full path. A path that the project had before
// a rename or a transfer is followed, and said so in the log, as long as the
// new place is on the same host. core.NotFound also covers a project that the
// token may not see.
func (c *Client) Project(ctx context.Context, path string) (*Project, error) {
	if path == "" {
		return nil, core.Errorf(core.Invalid, "gitlab project: the path is empty, want group/name")
	}
	got, _, err := call[wireProject](ctx, c, request{
		what: "find project " + oneLine(path), method: http.MethodGet, path: "projects/" + gl.PathEscape(path),
	})
	if err != nil {
		return nil, err
	}
	if got.ID == 0 {
		return nil, core.Errorf(core.Internal, "find project %s: gitlab's answer has no id", oneLine(path))
	}
	if !strings.EqualFold(got.Path, path) {
		c.log.Warn("the project has moved: configure the path it has now", slog.String("repo", got.Path))
	}
	p := &Project{client: c, id: got.ID, path: got.Path}
	p.branch.Store(&got.DefaultBranch)
	return p, nil
}

// Describe reads the project and the user whose token is used. An archived
// project is reported as such; one without a default branch is core.NotFound,
// since there is nothing to promote. The default branch seen here is the one
// that MergeRequests and LastClosed go by until the next call.
func (p *Project) Describe(ctx context.Context) (plan.Project, error) {
	got, _, err := call[wireProject](ctx, p.client, p.read("read project "+p.path, fmt.Sprintf("projects/%d", p.id)))
	if err != nil {
		return plan.Project{}, err
	}
	if got.DefaultBranch == "" {
		return plan.Project{}, core.Errorf(core.NotFound,
			"read project %s: it has no default branch, or the token may not read its repository", p.path)
	}
	me, _, err := call[wireUser](ctx, p.client, p.read("read the token's user", "user"))
	if err != nil {
		return plan.Project{}, err
	}
	if me.ID == 0 {
		return plan.Project{}, core.Errorf(core.Internal, "read the token's user: gitlab's answer has no id")
	}
	p.branch.Store(&got.DefaultBranch)
	p.trains.Store(got.Trains)
	return plan.Project{
		ID:            got.ID,
		Path:          got.Path,
		WebURL:        got.WebURL,
		DefaultBranch: got.DefaultBranch,
		Archived:      got.Archived,
		Trains:        got.Trains,
		Bot:           core.UserID(me.ID),
		BotName:       me.Username,
	}, nil
}
