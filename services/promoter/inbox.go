package promoter

import (
	"context"
	"slices"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/bus"
	"github.com/sluice-gitops/sluice/internal/adapter/flux"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/pkg/events"
)

// consume keeps a consumer going. That the stream is not there yet, or that
// NATS is away, is no reason to stop: the sweep does the work meanwhile.
func (p *Promoter) consume(ctx context.Context, r bus.Reading, handle bus.Handler) error {
	for attempt := 0; ; attempt++ {
		err := p.cfg.Bus.Consume(ctx, r, handle)
		if ctx.Err() != nil {
			return nil
		}
		if kind := core.KindOf(err); err != nil && kind == core.Invalid {
			return err
		}
		p.cfg.Logger.Warn("messages are not being read; the sweep goes on", "stream", r.Stream, "error", err)
		if !sleep(ctx, pause(attempt)) {
			return nil
		}
	}
}

// hint wakes the monorepo that a hint speaks of. What the hint says happened
// is not looked at: the pass reads what is so.
func (p *Promoter) hint(_ context.Context, d bus.Delivery) error {
	e, err := events.Decode(d.Headers, d.Body)
	if err != nil {
		return err
	}
	h, ok := e.Payload.(events.Hint)
	if !ok {
		return core.Errorf(core.Invalid, "a message on %s carries no hint", d.Subject)
	}
	for _, r := range p.repos {
		if h.Kind == events.KindEverything || h.ProjectID == 0 || r.is(h.ProjectID, h.Project) {
			p.cfg.Logger.Debug("hint", "repo", r.Path, "kind", h.Kind, "mr", h.MR, "sha", h.SHA, "delivery", h.Delivery)
			r.Forge.Heard(named(h))
			r.wake()
		}
	}
	return nil
}

// named is what a hint names. A push moves what other merge requests can be
// merged into, and what is not known may have happened anywhere.
func named(h events.Hint) (core.MRID, core.SHA) {
	switch h.Kind {
	case events.KindMergeRequest, events.KindNote, events.KindEmoji, events.KindPipeline:
		return core.MRID(h.MR), core.SHA(h.SHA)
	}
	return 0, ""
}

// report folds what a Flux object said into what is known of it. The fold is
// kept in NATS; its change wakes the monorepos.
func (p *Promoter) report(ctx context.Context, d bus.Delivery) error {
	e, err := events.Decode(d.Headers, d.Body)
	if err != nil {
		return err
	}
	r, ok := e.Payload.(events.Report)
	if !ok {
		return core.Errorf(core.Invalid, "a message on %s carries no report", d.Subject)
	}
	event, ok := classify(r)
	if !ok {
		return nil
	}
	event.Received, event.Contains = d.Time, p.contains(ctx)
	if p.configured(core.Cluster(r.Cluster)) {
		p.meter.report(core.Cluster(r.Cluster), d.Time)
	}
	key := events.ReportKey(core.Cluster(r.Cluster), r.Kind, r.Namespace, r.Name)
	return p.reports.change(ctx, key, func(old reportRecord) reportRecord {
		return recordOf(gate.Fold(old.report(event.Object), event))
	})
}

// contains asks the mirrors about the history of commits. What none of them knows
// is said to be in no history.
func (p *Promoter) contains(ctx context.Context) func(commit, sha core.SHA) bool {
	return func(commit, sha core.SHA) bool {
		return slices.ContainsFunc(p.repos, func(r *repo) bool {
			ok, err := r.Mirror.Contains(ctx, commit, sha)
			return ok && err == nil
		})
	}
}

// classify turns a report into an event that the gates understand, or says
// that nothing follows from it.
func classify(r events.Report) (gate.Event, bool) {
	e := flux.Event{
		Object:   flux.Object{Kind: r.Kind, Namespace: r.Namespace, Name: r.Name, ResourceVersion: r.ResourceVersion},
		Severity: r.Severity, Reason: r.Reason, Message: r.Message, At: r.Timestamp, Metadata: r.Metadata,
	}
	out := gate.Event{
		Object: gate.Object{Kind: r.Kind, Namespace: r.Namespace, Name: r.Name},
		At:     r.Timestamp, UID: r.UID, Order: order(r.ResourceVersion), Every: e.Every(),
	}
	out.Revision, _ = commit(r.OriginRevision, r.Revision)
	switch outcome := e.Outcome(); {
	case r.Kind == "HelmRelease":
		ready, known := released(r.Reason)
		if !known {
			return gate.Event{}, false
		}
		out.Ready = ready
	case outcome == flux.Succeeded && out.Revision != "":
		out.Ready = true
	case outcome != flux.Failed:
		return gate.Event{}, false
	}
	if !out.Ready {
		out.Reason = r.Reason + ": " + message.Mask(r.Message)
	}
	return out, !out.At.IsZero()
}

// released tells what a Helm action came to. Only actions count, since only
// they are followed by another report when things get better: a chart that
// could not be fetched for a while, for instance, ends without a word. A
// rollback that succeeded is no recovery.
func released(reason string) (ready, known bool) {
	switch reason {
	case "InstallSucceeded", "UpgradeSucceeded", "TestSucceeded":
		return true, true
	case "InstallFailed", "UpgradeFailed", "TestFailed":
		return false, true
	}
	return false, false
}

// commit is the monorepo's commit that a report speaks of: that of the origin
// where the source was made from Git.
func commit(origin, revision string) (core.SHA, bool) {
	for _, text := range []string{origin, revision} {
		if rev, err := flux.ParseRevision(text); err == nil {
			if sha, ok := rev.Commit(); ok {
				return sha, true
			}
		}
	}
	return "", false
}

// sleep waits, and says whether it did so to the end.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
