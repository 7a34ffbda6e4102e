package gitlab

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/core"
)

// FluxStatus is what a commit status says of one Flux object at that commit. Who
// wrote it is for the caller to judge: everybody who may push can write one.
type FluxStatus struct {
	Cluster     core.Cluster
	Kind        string // as it stands in the name, in lower case as a rule
	Namespace   string
	Name        string
	Success     bool
	Description string
	At          time.Time // when it was written, by GitLab's clock
	Author      string    // the user name, "" if GitLab shows none
}

// wireFluxStatus is an external status in the list of a commit's.
type wireFluxStatus struct {
	ID          int64      `json:"id"`
	Name        string     `json:"name"`
	Status      string     `json:"status"`
	Description string     `json:"description"`
	CreatedAt   time.Time  `json:"created_at"`
	FinishedAt  *time.Time `json:"finished_at"`
	Author      struct {
		Username string `json:"username"`
	} `json:"author"`
}

// FluxStatuses are those of a commit whose name is "flux/", the cluster, kind,
// namespace and name; Flux's own names hold no cluster. Of several with one name
// and author the newest counts, and what is neither success nor failed is left
// out. A commit that GitLab does not have has none.
func (p *Project) FluxStatuses(ctx context.Context, commit core.SHA) ([]FluxStatus, error) {
	list, err := all[wireFluxStatus](ctx, p.client, p.get("list Flux's statuses of "+commit.Short(),
		"repository/commits/"+url.PathEscape(string(commit))+"/statuses", gl.ListOptions{PerPage: perPage}), maxStatuses)
	if status(err) == http.StatusNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	type key struct{ name, author string }
	newest := map[key]int64{}
	for _, w := range list {
		newest[key{w.Name, w.Author.Username}] = max(newest[key{w.Name, w.Author.Username}], w.ID)
	}
	var out []FluxStatus
	for _, w := range list {
		if s, ok := w.flux(); ok && newest[key{w.Name, w.Author.Username}] == w.ID {
			out = append(out, s)
		}
	}
	return out, nil
}

func (w wireFluxStatus) flux() (FluxStatus, bool) {
	parts := strings.Split(w.Name, "/")
	if len(parts) != 5 || parts[0] != "flux" || w.Status != "success" && w.Status != "failed" {
		return FluxStatus{}, false
	}
	at := w.CreatedAt
	if w.FinishedAt != nil {
		at = *w.FinishedAt
	}
	return FluxStatus{
		Cluster: core.Cluster(parts[1]), Kind: parts[2], Namespace: parts[3], Name: parts[4],
		Success: w.Status == "success", Description: w.Description, At: at, Author: w.Author.Username,
	}, !at.IsZero()
}
