package gitlab

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// opened remembers the open merge requests that were read last. What is
// remembered is good for planning only: before it merges, the caller reads the
// merge request anew. All its times are of this side's clock.
type opened struct {
	mu    sync.Mutex
	known map[core.MRID]reading
}

// reading is what was read of one merge request.
type reading struct {
	as    listing
	since time.Time // when a list showed it as this for the first time
	moved time.Time // when something was heard of it last
	at    time.Time // when the reading began; zero if it is not to be used
	mr    plan.MergeRequest
}

// settled tells whether the reading began long enough after all that is known to
// have happened: replicas lag, and pipelines start by and by.
func (r reading) settled() bool {
	return r.at.Sub(r.since) >= settledPush && r.at.Sub(r.moved) >= settledAfter
}

// listing is what a list tells of a merge request and what changes with it.
// Pipelines, jobs and places on a train change without it.
type listing struct {
	updated, sha, state, status string
	notes                       int64
	resolved                    bool
}

func listingOf(mr wireMR) listing {
	return listing{mr.UpdatedAt.UTC().Format(time.RFC3339Nano), mr.SHA, mr.State, mr.MergeStatus, mr.NotesCount, mr.Resolved}
}

// Heard says that something happened to a merge request, or to a commit: what
// was read of them before is not relied on any more. Without either, nothing is.
func (p *Project) Heard(id core.MRID, commit core.SHA) {
	o, now := &p.opened, p.client.now()
	o.mu.Lock()
	defer o.mu.Unlock()
	for known, r := range o.known {
		of := r.mr.Head == commit || r.mr.Pipeline != nil && r.mr.Pipeline.SHA == commit
		if known == id || commit != "" && of || id == 0 && commit == "" {
			r.moved = now
			r.at = time.Time{}
			o.known[known] = r
		}
	}
}

// wrote is Heard of what this side has done itself.
func (p *Project) wrote(id core.MRID) {
	if id != 0 {
		p.Heard(id, "")
	}
}

// recalled reads a merge request that a list shows, or recalls it.
func (p *Project) recalled(ctx context.Context, listed wireMR, into string) (*plan.MergeRequest, error) {
	id, now := core.MRID(listed.IID), p.client.now()
	mr, ok := p.opened.recall(listed, now.Add(-p.client.remember))
	if ok {
		var err error
		mr.Train, err = p.car(ctx, id)
		return &mr, err
	}
	got, read, err := p.mergeRequest(ctx, id, into)
	if err == nil && read != nil && p.client.remember > 0 {
		p.opened.keep(reading{as: listingOf(got), since: now, at: now, mr: *read})
	}
	return read, err
}

// recall finds what was read after a time, if the list says that it is the same.
func (o *opened) recall(listed wireMR, after time.Time) (mr plan.MergeRequest, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	r, ok := o.known[core.MRID(listed.IID)]
	if !ok || r.as != listingOf(listed) || !r.settled() || !r.at.After(after) || !rested(&r.mr) {
		return mr, false
	}
	return cloned(r.mr), true
}

// keep remembers a reading. What was heard since it began spoils it.
func (o *opened) keep(r reading) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if old, ok := o.known[r.mr.ID]; ok && old.as == r.as {
		r.since, r.moved = old.since, old.moved
	}
	if o.known == nil {
		o.known = map[core.MRID]reading{}
	}
	r.mr = cloned(r.mr)
	o.known[r.mr.ID] = r
}

// only forgets what is not listed any more.
func (o *opened) only(listed []wireMR) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for id := range o.known {
		if !slices.ContainsFunc(listed, func(mr wireMR) bool { return core.MRID(mr.IID) == id }) {
			delete(o.known, id)
		}
	}
}

// cloned shares nothing that a caller might change.
func cloned(mr plan.MergeRequest) plan.MergeRequest {
	mr.Labels, mr.Statuses, mr.Versions = slices.Clone(mr.Labels), slices.Clone(mr.Statuses), slices.Clone(mr.Versions)
	mr.Approvals, mr.Notes = slices.Clone(mr.Approvals), slices.Clone(mr.Notes)
	if mr.Pipeline != nil {
		pipeline := *mr.Pipeline
		mr.Pipeline = &pipeline
	}
	return mr
}

// rested tells whether GitLab has come to rest about a merge request: what it is
// still working on changes without a word in the list.
func rested(mr *plan.MergeRequest) bool {
	passing := []string{"", "unchecked", "checking", "preparing", "approvals_syncing"}
	return mr.State == plan.Opened && mr.Prepared && mr.Train == nil && !slices.Contains(passing, mr.MergeStatus) &&
		len(mr.Versions) > 0 && mr.Versions[0].Head == mr.Head && idle(mr)
}

// idle tells whether no pipeline is under way, apart from waiting for Sluice.
func idle(mr *plan.MergeRequest) bool {
	ended := func(state string) bool {
		return slices.Contains([]string{"success", "failed", "canceled", "skipped", "manual"}, state)
	}
	waits := false
	for _, s := range mr.Statuses {
		if s.Name != plan.StatusName && !ended(s.State) {
			return false
		}
		waits = waits || !ended(s.State)
	}
	return mr.Pipeline == nil || ended(mr.Pipeline.Status) || waits
}
