package promoter

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/message"
)

// ledger reads the commit statuses that Flux wrote, each commit's once per sweep
// for all clusters together.
type ledger struct {
	p *Promoter

	mu    sync.Mutex // held while GitLab is asked, so that nobody asks the same
	pages map[ledgerKey]ledgerPage
}

type ledgerKey struct {
	repo   string
	commit core.SHA
}

type ledgerPage struct {
	read     time.Time
	statuses []gitlab.FluxStatus
}

// ask returns what the statuses of one author say of a cluster's Kustomizations,
// oldest first. Anybody who may push can write a status with any name, so no
// other author counts.
func (l *ledger) ask(ctx context.Context, cluster core.Cluster, author string) ([]gate.Event, error) {
	var out []gate.Event
	for _, r := range l.p.repos {
		if r.Statuses == nil {
			continue
		}
		for _, commit := range l.matter(r, cluster) {
			statuses, err := l.page(ctx, r, commit)
			if err != nil {
				return nil, err
			}
			for _, s := range statuses {
				if strings.EqualFold(string(s.Cluster), string(cluster)) && s.Author == author && strings.EqualFold(s.Kind, gate.Kustomization) {
					out = append(out, written(s, commit, l.p.cfg.Clock()))
				}
			}
		}
	}
	slices.SortStableFunc(out, func(a, b gate.Event) int { return a.At.Compare(b.At) })
	return out, nil
}

// written is a status as an event of when it was written. Flux writes it once and
// does not repeat it, so it goes out of date like the word of somebody who never
// promised another one.
func written(s gitlab.FluxStatus, commit core.SHA, now time.Time) gate.Event {
	e := gate.Event{Object: gate.Object{Kind: gate.Kustomization, Namespace: s.Namespace, Name: s.Name}, Revision: commit, Ready: s.Success, At: s.At.UTC()}
	if e.At.After(now) {
		e.At = now.UTC()
	}
	e.Received = e.At
	if !e.Ready {
		e.Reason = message.Mask(s.Description)
	}
	return e
}

// matter are the commits at which a cluster may be: where its events place it,
// and the default branch's head.
func (l *ledger) matter(r *repo, cluster core.Cluster) []core.SHA {
	seen := map[core.SHA]bool{}
	for _, report := range l.p.clusterReports()[cluster] {
		if now, ok := report.Now(); ok && now.Revision != "" {
			seen[now.Revision] = true
		}
	}
	r.mu.Lock()
	head := r.head
	r.mu.Unlock()
	delete(seen, head)
	out := slices.Sorted(maps.Keys(seen))
	out = out[:min(len(out), maxStatusCommits)]
	if head != "" {
		out = append(out, head)
	}
	return out
}

// page is what is written at a commit, as it was within the last sweep.
func (l *ledger) page(ctx context.Context, r *repo, commit core.SHA) ([]gitlab.FluxStatus, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now, key := l.p.cfg.Clock(), ledgerKey{r.Path, commit}
	maps.DeleteFunc(l.pages, func(_ ledgerKey, page ledgerPage) bool { return now.Sub(page.read) >= l.p.cfg.Sweep })
	if page, ok := l.pages[key]; ok {
		return page.statuses, nil
	}
	statuses, err := r.Statuses.FluxStatuses(ctx, commit)
	if err == nil {
		l.pages[key] = ledgerPage{now, statuses}
	}
	return statuses, err
}
