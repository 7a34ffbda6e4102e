package gitlab

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"
	"golang.org/x/sync/errgroup"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// Recent lists the merge requests of ours that were closed or merged and have
// changed since a time, in the order of their ids, with their comments; the
// texts, labels, versions and approvals are those of a list, or not read. If
// there are too many of them, those that changed last are given: the list is
// complete from the time that is returned.
//
// Lists cost two calls. Comments are read again only where the merge request's
// time of change or number of comments has moved, which each new, edited or
// deleted comment moves.
func (p *Project) Recent(ctx context.Context, since time.Time) ([]plan.MergeRequest, time.Time, error) {
	into, err := p.defaultBranch()
	if err != nil {
		return nil, since, err
	}
	var listed []wireMR
	for _, state := range []plan.MRState{plan.Closed, plan.Merged} {
		some, from, err := p.changed(ctx, state, into, since)
		if err != nil {
			return nil, since, err
		}
		if since.Before(from) {
			since = from
		}
		listed = append(listed, some...)
	}
	listed = slices.DeleteFunc(listed, func(mr wireMR) bool { return mr.UpdatedAt.Before(since) })
	list, err := p.withComments(ctx, listed)
	return list, since, err
}

// changed lists what has changed since a time in one state, newest change first.
func (p *Project) changed(ctx context.Context, state plan.MRState, into string, since time.Time) (list []wireMR, from time.Time, err error) {
	opt := mrFilter(state, "desc")
	opt.OrderBy = gl.Ptr("updated_at")
	opt.UpdatedAfter = &since
	opt.Labels = &gl.LabelOptions{Label}
	opt.TargetBranch = &into
	r := p.get(fmt.Sprintf("list merge requests that were %s lately", state), "merge_requests", opt)
	for mr, err := range items[wireMR](ctx, p.client, r, maxRecent+1) {
		if err != nil {
			return nil, since, err
		}
		if len(list) == maxRecent {
			return list, list[len(list)-1].UpdatedAt, nil
		}
		if p.ours(mr, into) && mr.State == string(state) {
			list = append(list, mr)
		}
	}
	return list, since, nil
}

// withComments adds the comments.
func (p *Project) withComments(ctx context.Context, listed []wireMR) ([]plan.MergeRequest, error) {
	slices.SortFunc(listed, func(a, b wireMR) int {
		return cmp.Or(cmp.Compare(a.IID, b.IID), b.UpdatedAt.Compare(a.UpdatedAt))
	})
	listed = slices.CompactFunc(listed, func(a, b wireMR) bool { return a.IID == b.IID })
	out := make([]plan.MergeRequest, len(listed))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelReads)
	for i, mr := range listed {
		group.Go(func() (err error) {
			out[i] = mr.domain()
			out[i].Notes, err = p.threads.read(mr, p.client.now(), func() ([]plan.Note, error) { return p.comments(ctx, core.MRID(mr.IID), 0) })
			return vanished(err)
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	p.threads.keep(listed)
	return out, nil
}

// threads remembers the comments of merge requests that are not open any more,
// for as long as they have not changed.
type threads struct {
	mu    sync.Mutex
	known map[int64]comments
}

type comments struct {
	at    time.Time
	read  time.Time // by this side's clock
	count int64
	notes []plan.Note
}

// read asks again as long as the last change was so short before the last
// reading that another one may bear the same time.
func (t *threads) read(mr wireMR, now time.Time, ask func() ([]plan.Note, error)) ([]plan.Note, error) {
	t.mu.Lock()
	old, ok := t.known[mr.IID]
	t.mu.Unlock()
	if ok && old.at.Equal(mr.UpdatedAt) && old.count == mr.NotesCount && old.read.Sub(old.at) >= settledAfter {
		return old.notes, nil
	}
	list, err := ask()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.known == nil {
		t.known = map[int64]comments{}
	}
	t.known[mr.IID] = comments{at: mr.UpdatedAt, read: now, count: mr.NotesCount, notes: list}
	return slices.Clone(list), nil
}

// keep forgets what is not listed any more.
func (t *threads) keep(listed []wireMR) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for id := range t.known {
		if !slices.ContainsFunc(listed, func(mr wireMR) bool { return mr.IID == id }) {
			delete(t.known, id)
		}
	}
}
