package world_test

import (
	"context"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/adapter/flux"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/services/promoter"
)

// ledger notes the calls of Flux Receivers on their way.
type ledger struct {
	promoter.Caller
	mu    sync.Mutex
	calls map[core.Cluster][]flux.Payload
}

func (l *ledger) Trigger(ctx context.Context, r flux.Receiver, p flux.Payload) error {
	err := l.Caller.Trigger(ctx, r, p)
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.calls[r.Cluster] = append(l.calls[r.Cluster], p)
	}
	return err
}

// since returns the calls for a commit, by cluster.
func (l *ledger) since(sha string) map[core.Cluster][]string {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[core.Cluster][]string{}
	for cluster, calls := range l.calls {
		for _, p := range calls {
			if string(p.SHA) == sha {
				out[cluster] = append(out[cluster], p.Paths...)
			}
		}
	}
	return out
}

// The clusters look at Git by themselves once an hour, so that nothing but a
// call lets them see a commit.
func TestOnlyTheClustersThatAChangeConcernsAreCalled(t *testing.T) {
	t.Parallel()
	r := newRigEvery(t, rules, time.Hour, nil)
	l := &ledger{calls: map[core.Cluster][]flux.Payload{}}
	t.Cleanup(r.startPromoter(filepath.Join(t.TempDir(), "mirror"), time.Second, func(p ports) ports {
		l.Caller, p.Caller = p.Caller, l
		return p
	}))
	all := slices.Sorted(maps.Keys(r.Clusters))
	r.eventually("every cluster has reported", func() bool {
		return !slices.ContainsFunc(all, func(c core.Cluster) bool { return r.Clusters[c].Flux.Status().Delivered < 3 })
	})
	r.rests()
	const namespace = "flux-config/clusters/platform-core-stg-aks/infrastructure/namespaces/ai-platform.yaml"
	for _, step := range []struct {
		file string
		want []core.Cluster
	}{
		{namespace, []core.Cluster{"platform-core-stg-aks"}},
		{"flux-config/bases/ai-gateway/config.yaml", all},
		{"flux-config/README.md", nil},
	} {
		r.commit(update(step.file, r.file(step.file)+"# changed\n"))
		head := r.head()
		r.eventually(step.file+" has been seen", func() bool { return len(l.since(head)) >= len(step.want) })
		r.eventually("those who were called have applied it", func() bool {
			return !slices.ContainsFunc(step.want, func(c core.Cluster) bool { return string(r.Clusters[c].Flux.Status().Applied) != head })
		})
		r.looks()
		got := l.since(head)
		if diff := cmp.Diff(step.want, slices.Sorted(maps.Keys(got))); diff != "" {
			t.Errorf("%s: clusters called: -want +got\n%s", step.file, diff)
		}
		for cluster, paths := range got {
			if !slices.Contains(paths, step.file) {
				t.Errorf("%s: %s was told of the files %v", step.file, cluster, paths)
			}
		}
	}
}
