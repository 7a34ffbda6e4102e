package promoter

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/bus"
	"github.com/sluice-gitops/sluice/internal/adapter/flux"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/pkg/events"
)

// trigger orders a call of a cluster's Flux Receiver: a message in NATS that is
// carried out beside the passes, so that a cluster that does not answer keeps
// nothing waiting. It takes the place of an older one for the same cluster. A
// crash after the message and before the note orders the same call once more,
// under the same id.
func (r *repo) trigger(ctx context.Context, o *observation, a plan.Trigger) error {
	at := r.p.cfg.Clock().UTC()
	m, err := events.Encode(events.Event{ID: orderID(a, o.state.Triggers[a.Cluster]), Time: at, Payload: events.Trigger{
		Cluster: string(a.Cluster), ProjectID: o.state.Project.ID, Project: o.state.Project.Path, Ref: "refs/heads/" + o.state.Project.DefaultBranch,
		SHA: string(a.Revision), Paths: r.changedFiles(a), Attempt: a.Attempt, Reason: a.Reason,
	}})
	if err != nil {
		return err
	}
	if _, err := r.p.cfg.Bus.Publish(ctx, m); err != nil {
		return err
	}
	return r.p.triggers.change(ctx, events.TriggerKey(a.Cluster), func(old triggerRecord) triggerRecord {
		if old.Revision == a.Revision && old.Attempts >= a.Attempt {
			return old // it was carried out already
		}
		return triggerRecord{Revision: a.Revision, At: at, Attempts: a.Attempt, Trouble: old.Trouble, Said: old.Said}
	})
}

// orderID is the same for the same decision on the same state.
func orderID(a plan.Trigger, last plan.TriggerRecord) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %s %d %s %d", a.Cluster, a.Revision, a.Attempt, last.Revision, last.At.UnixNano()))
	return "trigger-" + hex.EncodeToString(sum[:16])
}

// changedFiles lists what changed since what the cluster reported, for the
// filters of its Receiver; nil if that is not known or too much.
func (r *repo) changedFiles(a plan.Trigger) []string {
	if a.Since == "" {
		return nil
	}
	was, err := r.Mirror.Tree(a.Since)
	if err != nil {
		return nil
	}
	is, err := r.Mirror.Tree(a.Revision)
	if err != nil {
		return nil
	}
	files, _, err := overlay.ChangedFiles(was, is, events.MaxPaths)
	if err != nil {
		return nil // a filter takes an absent list for "anything"
	}
	return files
}

// call carries out an order. What the Receiver answers decides what becomes of
// the message: taken, tried again with growing pauses, or given up for a person
// to look at.
func (p *Promoter) call(ctx context.Context, d bus.Delivery) error {
	e, err := events.Decode(d.Headers, d.Body)
	if err != nil {
		return err
	}
	t, ok := e.Payload.(events.Trigger)
	if !ok {
		return core.Errorf(core.Invalid, "a message on %s carries no trigger", d.Subject)
	}
	cluster := core.Cluster(t.Cluster)
	receiver, known := p.receiver(t, cluster)
	if !known {
		p.cfg.Logger.Info("not called: no Flux Receiver is configured any more", "repo", t.Project, "cluster", cluster, "revision", t.SHA)
		return nil
	}
	err = p.cfg.Caller.Trigger(ctx, receiver, flux.Payload{Project: t.Project, Ref: t.Ref, SHA: core.SHA(t.SHA), Paths: t.Paths})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return p.called(ctx, t, e.Time, d.Attempt, err)
}

func (p *Promoter) receiver(t events.Trigger, cluster core.Cluster) (flux.Receiver, bool) {
	for _, r := range p.repos {
		if r.is(t.ProjectID, t.Project) {
			receiver, ok := r.Receivers[cluster]
			return receiver, ok
		}
	}
	return flux.Receiver{}, false
}

// called notes what came of a call. What only a person can mend is said loudly
// and kept as a dead letter once, not for each revision anew.
func (p *Promoter) called(ctx context.Context, t events.Trigger, ordered time.Time, try uint64, err error) error {
	cluster, answer := core.Cluster(t.Cluster), answered(err, try)
	p.meter.trigger(cluster, outcome(err), answer.hopeless)
	said := false
	noted := p.triggers.change(ctx, events.TriggerKey(cluster), func(old triggerRecord) triggerRecord {
		said = err != nil && old.Said == err.Error()
		if old.Revision != core.SHA(t.SHA) && old.At.After(ordered) {
			return old // a newer call has been ordered meanwhile, and is about to be made
		}
		next := triggerRecord{Revision: core.SHA(t.SHA), At: ordered, Attempts: t.Attempt}
		if old.Revision == next.Revision {
			next.Attempts = max(old.Attempts, t.Attempt)
		}
		switch {
		case err == nil:
			next.Called = p.cfg.Clock()
		case answer.hopeless:
			next.Trouble, next.GaveUp, next.Said = err.Error(), true, err.Error()
		default:
			next.Trouble, next.Said = err.Error(), old.Said
		}
		return next
	})
	args := []any{"repo", t.Project, "cluster", cluster, "revision", t.SHA, "attempt", t.Attempt}
	switch {
	case err == nil:
		p.cfg.Logger.Info("called the Flux Receiver", append(args, "reason", t.Reason)...)
		return noted
	case answer.hopeless && said:
		return noted
	case answer.hopeless:
		p.cfg.Logger.Error("the Flux Receiver cannot be called before somebody changes a configuration, there or here", append(args, "kind", core.KindOf(err), "error", err)...)
	}
	return answer.err
}

// verdict is what is to become of a call.
type verdict struct {
	err      error // for the bus
	hopeless bool  // whether another try helps only after a person has changed something
}

// answered is the table from a Receiver's answers to what becomes of the call. A
// Receiver that is not found may only not have reconciled yet.
func answered(err error, try uint64) verdict {
	switch kind := core.KindOf(err); {
	case err == nil:
		return verdict{}
	case kind == core.Transient || kind == core.Conflict:
		return verdict{err: err}
	case kind == core.NotFound && try < maxUnknown:
		return verdict{err: core.RetryAfter(unknownPause, err)}
	}
	return verdict{err: core.Errorf(core.Invalid, "%w", err), hopeless: true}
}
