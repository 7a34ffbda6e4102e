package gitlab

import (
	"context"
	"fmt"
	"net/http"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
)

// DeployKey is a public SSH key that may read the project, or also write to it.
type DeployKey struct {
	ID      int64
	Title   string
	Key     string // as in an authorized_keys file
	CanPush bool
	Expires time.Time // zero if it never does
}

type wireDeployKey struct {
	ID      int64      `json:"id"`
	Title   string     `json:"title"`
	Key     string     `json:"key"`
	CanPush bool       `json:"can_push"`
	Expires *time.Time `json:"expires_at"`
}

// DeployKeys lists the deploy keys that are enabled for the project.
func (p *Project) DeployKeys(ctx context.Context) ([]DeployKey, error) {
	list, err := all[wireDeployKey](ctx, p.client, p.get("list deploy keys", "deploy_keys", gl.ListOptions{PerPage: perPage}), maxDeployKeys)
	if err != nil {
		return nil, err
	}
	out := make([]DeployKey, 0, len(list))
	for _, k := range list {
		key := DeployKey{ID: k.ID, Title: oneLine(k.Title), Key: k.Key, CanPush: k.CanPush}
		if k.Expires != nil {
			key.Expires = *k.Expires
		}
		out = append(out, key)
	}
	return out, nil
}

// AddDeployKey adds a key that can only read. A key that the project has stays
// as it is; one that another project of the user has is joined.
func (p *Project) AddDeployKey(ctx context.Context, title, key string) error {
	_, _, err := call[struct{}](ctx, p.client, p.request(http.MethodPost, "add deploy key "+oneLine(title), "deploy_keys",
		gl.AddDeployKeyOptions{Title: &title, Key: &key, CanPush: gl.Ptr(false)}))
	return err
}

// ForbidPush has a deploy key only read the project from now on.
func (p *Project) ForbidPush(ctx context.Context, id int64) error {
	_, _, err := call[struct{}](ctx, p.client, p.request(http.MethodPut, fmt.Sprintf("take pushing from deploy key %d", id),
		fmt.Sprintf("deploy_keys/%d", id), gl.UpdateDeployKeyOptions{CanPush: gl.Ptr(false)}))
	return err
}
