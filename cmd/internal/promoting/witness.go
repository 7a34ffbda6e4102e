package promoting

import (
	"fmt"

	"github.com/sluice-gitops/sluice/cmd/internal/clusters"
	"github.com/sluice-gitops/sluice/internal/adapter/kube"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/services/promoter"
)

// apiServers are the ways to the API servers of the clusters that have a
// kubeconfig. None is asked yet.
func apiServers(reached map[core.Cluster]clusters.Cluster) (map[core.Cluster]*kube.Client, error) {
	out := map[core.Cluster]*kube.Client{}
	for name, c := range reached {
		if c.Kubeconfig.File == "" {
			continue
		}
		access, err := kube.Load(c.Kubeconfig.File, c.Kubeconfig.Context)
		if err != nil {
			return nil, fmt.Errorf("cluster %s: %w", name, err)
		}
		out[name] = kube.NewClient(access)
	}
	return out, nil
}

func witnesses(servers map[core.Cluster]*kube.Client) map[core.Cluster]promoter.APIServer {
	out := map[core.Cluster]promoter.APIServer{}
	for name, server := range servers {
		out[name] = server
	}
	return out
}

// statusAuthors are the users whose commit statuses are believed, by cluster.
func statusAuthors(reached map[core.Cluster]clusters.Cluster) map[core.Cluster]string {
	out := map[core.Cluster]string{}
	for name, c := range reached {
		if c.CommitStatuses {
			out[name] = c.StatusAuthor
		}
	}
	return out
}
