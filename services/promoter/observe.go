package promoter

import (
	"bytes"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-gitops/sluice/internal/adapter/git"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// observation is what one pass knows.
type observation struct {
	policy *policy.Policy
	// unruled is why there is no policy: what stands in the monorepo cannot be
	// one. Nothing but Project and Open of the state counts then.
	unruled error
	state   *plan.State
}

// observe reads the world. GitLab comes before Git: a merge between the two
// then shows as a merge request that seems open for a version that is already
// there, which is harmless, and not as a missing merge request, which would be
// opened again.
func (r *repo) observe(ctx context.Context) (*observation, error) {
	s := &plan.State{Receivers: map[core.Cluster]bool{}, Reports: r.p.clusterReports(), Witnesses: r.p.clusterWitnesses(), Triggers: r.p.clusterTriggers()}
	r.mu.Lock()
	s.Refused, s.Attempts = maps.Clone(r.refused), maps.Clone(r.attempts)
	r.mu.Unlock()
	for cluster := range r.Receivers {
		s.Receivers[cluster] = true
	}
	var err error
	if s.Project, err = r.Forge.Describe(ctx); err != nil {
		return nil, err
	}
	if s.Project.Archived {
		return nil, core.Errorf(core.Denied, "the project %s is archived, so nothing in it can be promoted", s.Project.Path)
	}
	if s.Open, err = r.Forge.MergeRequests(ctx); err != nil {
		return nil, err
	}
	if s.Recent, s.RecentFrom, err = r.Forge.Recent(ctx, r.p.cfg.Clock().Add(-plan.Recently)); err != nil {
		return nil, err
	}
	refs, err := r.Mirror.Fetch(ctx, s.Project.DefaultBranch)
	if err != nil {
		return nil, err
	}
	o := &observation{state: s}
	if err := r.readGit(o, refs); err != nil {
		return o, err
	}
	if err := r.readBranches(ctx, o, refs); err != nil {
		return nil, err
	}
	return o, r.askMore(ctx, o)
}

// readGit reads the policy and the inventory at the default branch's head and
// at the revisions that matter for health.
func (r *repo) readGit(o *observation, refs git.Refs) error {
	s := o.state
	s.Head = refs.Head
	tree, err := r.Mirror.Tree(s.Head)
	if err != nil {
		return err
	}
	if o.policy, err = r.readPolicy(tree); err != nil {
		if core.KindOf(err) == core.Invalid {
			o.unruled = err
		}
		return err
	}
	if s.Inventory, err = r.reader.Read(tree, o.policy); err != nil {
		return err
	}
	s.Rendered = r.renderings.at(s.Head, tree)
	s.Past = map[core.SHA]*overlay.Inventory{}
	for _, revision := range reported(everyReport(s)) {
		past, err := r.Mirror.Tree(revision)
		if err != nil && core.KindOf(err) == core.NotFound {
			continue // of a history that is gone, or not a commit of this monorepo
		}
		if err != nil {
			return err
		}
		if s.Past[revision], err = r.reader.Read(past, o.policy); err != nil {
			return err
		}
	}
	return r.readFootprints(o)
}

// readFootprints finds out what the clusters that can be called are made from:
// at the head, and where each of their Kustomizations is now.
func (r *repo) readFootprints(o *observation) error {
	s := o.state
	s.Footprints = map[plan.Site]overlay.Footprint{}
	for _, env := range o.policy.Environments {
		for _, cluster := range env.Clusters {
			if !s.Receivers[cluster] {
				continue
			}
			revisions := []core.SHA{s.Head}
			for _, report := range s.Reports[cluster] {
				if now, ok := report.Now(); ok && s.Past[now.Revision] != nil {
					revisions = append(revisions, now.Revision)
				}
			}
			for _, revision := range revisions {
				if err := r.readFootprint(o, plan.Site{Revision: revision, Cluster: cluster}, env.Name); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (r *repo) readFootprint(o *observation, site plan.Site, env core.Env) error {
	if _, done := o.state.Footprints[site]; done {
		return nil
	}
	tree, err := r.Mirror.Tree(site.Revision)
	if err != nil {
		return err
	}
	o.state.Footprints[site], err = r.surveyor.Footprint(tree, o.policy, env, site.Cluster)
	return err
}

func (r *repo) readPolicy(tree overlay.Tree) (*policy.Policy, error) {
	src, err := tree.Read(r.PolicyPath)
	if err != nil && core.KindOf(err) == core.NotFound {
		return nil, core.Errorf(core.Invalid, "%s has no %s on its default branch; add one to say what is promoted where", r.Path, r.PolicyPath)
	}
	if err != nil {
		return nil, err
	}
	return r.rules.parse(r.PolicyPath, src)
}

// rules remembers the policy that was read last: it seldom changes, and who is
// handed the same one again knows that all that follows from it still holds.
type rules struct {
	src    []byte
	policy *policy.Policy
}

func (m *rules) parse(file string, src []byte) (*policy.Policy, error) {
	if m.policy != nil && bytes.Equal(src, m.src) {
		return m.policy, nil
	}
	p, err := policy.Parse(file, src)
	if err == nil {
		m.src, m.policy = src, p
	}
	return p, err
}

// reported lists the revisions that the clusters reported, each once: first
// where every object is now, then where each was before that, and so on. If they
// are too many, no cluster loses its present one to another's past.
func reported(reports map[core.Cluster][]gate.Report) []core.SHA {
	seen := map[core.SHA]bool{"": true}
	var out []core.SHA
	for age, more := 1, true; more; age++ {
		more = false
		for _, cluster := range slices.Sorted(maps.Keys(reports)) {
			for _, rep := range reports[cluster] {
				if age > len(rep.Runs) {
					continue
				}
				more = true
				if revision := rep.Runs[len(rep.Runs)-age].Revision; !seen[revision] && len(out) < maxPast {
					seen[revision] = true
					out = append(out, revision)
				}
			}
		}
	}
	return out
}

func (r *repo) readBranches(ctx context.Context, o *observation, refs git.Refs) error {
	if len(refs.Branches) > maxBranches {
		return core.Errorf(core.Invalid, "%d branches under %s; at most %d are looked at: delete the stale ones", len(refs.Branches), plan.BranchPrefix, maxBranches)
	}
	o.state.Branches = make(map[string]plan.Branch, len(refs.Branches))
	for name, head := range refs.Branches {
		b, err := r.Mirror.Branch(ctx, name, head)
		if err != nil {
			return err
		}
		o.state.Branches[name] = b
	}
	return nil
}

// askMore asks for what only the targets at hand need: who gave commands, what
// these ask about the past, whether a person closed the merge request of a
// candidate, and, since commands stand there too, who gave those.
func (r *repo) askMore(ctx context.Context, o *observation) error {
	o.state.Closed, o.state.People = map[string]plan.MergeRequest{}, map[core.UserID]plan.Person{}
	for _, ask := range []func(context.Context, *observation) error{
		r.hearControl, r.askPeople, r.askFulfilled, r.recall, r.askClosed, r.askPeople, r.askOrigins,
	} {
		if err := ask(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// askFulfilled reads which requests the last merge requests were made for.
func (r *repo) askFulfilled(ctx context.Context, o *observation) error {
	for _, id := range plan.Unsure(o.policy, o.state) {
		i := slices.IndexFunc(o.state.Recent, func(mr plan.MergeRequest) bool { return mr.ID == id })
		message, err := r.Forge.Message(ctx, o.state.Recent[i].Head)
		if err != nil {
			return err
		}
		o.state.Recent[i].HeadMessage = message
	}
	return nil
}

// hearControl reads the issue that the policy names for commands. One that is
// not there is said on every merge request, for a hold might stand in it.
func (r *repo) hearControl(ctx context.Context, o *observation) error {
	issue, s := o.policy.Commands.Issue, o.state
	s.Control, s.ControlLost = nil, ""
	if issue == 0 {
		return nil
	}
	var err error
	s.Control, err = r.Forge.Issue(ctx, issue)
	if kind := core.KindOf(err); err != nil && (kind == core.NotFound || kind == core.Denied) {
		s.ControlLost, err = err.Error(), nil
	}
	return err
}

func (r *repo) askClosed(ctx context.Context, o *observation) error {
	s := o.state
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxParallel)
	for _, branch := range r.unopened(o) {
		g.Go(func() error {
			mr, ok, err := r.Forge.LastClosed(ctx, branch)
			mu.Lock()
			defer mu.Unlock()
			if ok {
				s.Closed[branch] = mr
			}
			return err
		})
	}
	return g.Wait()
}

func (r *repo) askPeople(ctx context.Context, o *observation) error {
	s := o.state
	var mu sync.Mutex
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(maxParallel)
	unknown := slices.DeleteFunc(plan.Commanders(o.policy, s), func(id core.UserID) bool { _, known := s.People[id]; return known })
	for _, id := range unknown {
		g.Go(func() error {
			person, err := r.Forge.Person(ctx, id, o.policy.Groups())
			mu.Lock()
			defer mu.Unlock()
			s.People[id] = person
			return err
		})
	}
	return g.Wait()
}

// unopened are the branches of the candidates that have no open merge request.
func (r *repo) unopened(o *observation) []string {
	open := map[string]bool{}
	for _, mr := range o.state.Open {
		open[mr.Source] = true
	}
	var out []string
	for _, c := range r.planner.Candidates(o.policy, o.state) {
		if branch := plan.BranchOf(c.Target); !open[branch] {
			out = append(out, branch)
		}
	}
	slices.SortFunc(out, strings.Compare)
	return out
}
