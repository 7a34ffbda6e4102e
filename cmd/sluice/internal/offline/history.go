package offline

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/git"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// What can happen to a promotion.
const (
	possible  = "possible"  // from this commit on it would have been proposed
	made      = "made"      // with this commit the target has all its versions, whoever did it
	withdrawn = "withdrawn" // it is no longer proposed, and was not made
)

// event is one line of "sluice plan --history".
type event struct {
	Commit core.SHA    `json:"commit"`
	Time   time.Time   `json:"time"`
	Event  string      `json:"event"`
	App    string      `json:"app"`
	From   string      `json:"from"`
	To     string      `json:"to"`
	Pins   []pinChange `json:"pins"`
}

// replaying goes through a history by the rules of one commit.
type replaying struct {
	policy  *policy.Policy
	keep    filter
	reader  *overlay.Reader
	judging *judging
	open    map[core.Target]plan.Candidate // what is possible, as it was when it became so
}

// replay tells what would have been proposed in the last n commits, oldest
// first. What is possible at the first of them counts as having become so there.
func (s *snapshot) replay(ctx context.Context, n int, keep filter, out io.Writer) error {
	commits, err := s.clone.History(ctx, s.head, n)
	if err != nil {
		return err
	}
	r := replaying{policy: s.policy, keep: keep, reader: overlay.NewReader(), open: map[core.Target]plan.Candidate{}}
	r.judging = s.judging(keep)
	r.judging.heads = len(commits)
	if err := r.judging.follow(ctx, s.head); err != nil {
		return err
	}
	for _, c := range slices.Backward(commits) {
		if err := ctx.Err(); err != nil {
			return err
		}
		events, err := r.commit(ctx, s.clone, c)
		if err != nil {
			return fmt.Errorf("replay commit %s: %w", c.SHA.Short(), err)
		}
		if err := printLines(out, events); err != nil {
			return err
		}
	}
	return nil
}

func printLines(out io.Writer, events []event) error {
	for _, e := range events {
		line, err := encode(e, "")
		if err != nil {
			return err
		}
		if _, err := out.Write(line); err != nil {
			return core.Errorf(core.Internal, "print an event: %w", err)
		}
	}
	return nil
}

// commit compares what was possible with what is, one target after the other in
// the order in which versions move.
func (r *replaying) commit(ctx context.Context, clone *git.Local, c git.Commit) ([]event, error) {
	tree, err := clone.Tree(c.SHA)
	if err != nil {
		return nil, err
	}
	inv, err := r.reader.Read(tree, r.policy)
	if err != nil {
		return nil, err
	}
	now := map[core.Target]plan.Candidate{}
	all, err := r.judging.judge(ctx, inv, c.SHA)
	if err != nil {
		return nil, err
	}
	for _, st := range all {
		if due(st) && r.keep.keeps(st.Target) {
			now[st.Target] = st.Candidate
		}
	}
	var events []event
	for _, t := range r.targets(now) {
		was, had := r.open[t]
		is, has := now[t]
		if had && has && continues(was, is, inv) {
			continue
		}
		if had {
			events = append(events, eventOf(c, ending(was, inv), was))
			delete(r.open, t)
		}
		if has {
			events = append(events, eventOf(c, possible, is))
			r.open[t] = is
		}
	}
	return events, nil
}

func (r *replaying) targets(now map[core.Target]plan.Candidate) []core.Target {
	all := maps.Clone(now)
	maps.Copy(all, r.open)
	order := r.policy.Order()
	return slices.SortedFunc(maps.Keys(all), func(a, b core.Target) int {
		return cmp.Or(slices.Index(order, a.Env)-slices.Index(order, b.Env), strings.Compare(string(a.App), string(b.App)))
	})
}

// continues tells whether a promotion is still the same one: it asks for
// nothing new, and what it no longer asks for was done.
func continues(was, is plan.Candidate, inv *overlay.Inventory) bool {
	for _, ch := range is.Changes {
		if !asks(was, ch) {
			return false
		}
	}
	for _, ch := range was.Changes {
		if !asks(is, ch) && !done(was.Target, ch, inv) {
			return false
		}
	}
	return true
}

// asks tells whether a promotion gives the same pin the same version, wherever
// the pin has moved to.
func asks(c plan.Candidate, want plan.Change) bool {
	return slices.ContainsFunc(c.Changes, func(ch plan.Change) bool {
		return ch.Cluster == want.Cluster && ch.Pin.Key == want.Pin.Key && ch.New == want.New
	})
}

func ending(was plan.Candidate, inv *overlay.Inventory) string {
	for _, ch := range was.Changes {
		if !done(was.Target, ch, inv) {
			return withdrawn
		}
	}
	return made
}

// done tells whether a target carries what a change would have given it.
func done(t core.Target, ch plan.Change, inv *overlay.Inventory) bool {
	for _, d := range inv.Of(t) {
		if d.Cluster == ch.Cluster {
			p, ok := d.Lookup(ch.Pin.Key)
			return ok && p.Version == ch.New
		}
	}
	return false
}

func eventOf(c git.Commit, what string, p plan.Candidate) event {
	return event{
		Commit: c.SHA, Time: c.Time, Event: what,
		App: string(p.Target.App), From: string(p.From), To: string(p.Target.Env), Pins: pinsOf(p),
	}
}
