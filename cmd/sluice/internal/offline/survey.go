package offline

import (
	"fmt"
	"slices"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// due also means what would have to wait for its turn: nothing else waits where
// no merge request is known.
func due(s *plan.Status) bool { return s.Phase == plan.Opening || s.Phase == plan.Waiting }

// blocked is the reason why nothing can be proposed, or "".
func blocked(s *plan.Status) string {
	if due(s) || s.Phase == plan.Current {
		return ""
	}
	return s.Reason
}

// edited is every file that the promotions change, as it becomes, ordered by
// path.
func (s *snapshot) edited(promotions []*plan.Status) ([]plan.File, error) {
	var candidates []plan.Candidate
	for _, p := range promotions {
		candidates = append(candidates, p.Candidate)
	}
	files, err := plan.Edit(s.tree.Read, candidates...)
	if err != nil {
		return nil, core.Errorf(core.KindOf(err), "edit %w", err)
	}
	return files, nil
}

// filter keeps what a person asked about; an empty part keeps everything.
type filter struct {
	env  core.Env
	from []core.Env // where env's versions come from
	app  core.App
}

func (f filter) keeps(t core.Target) bool {
	return (f.env == "" || f.env == t.Env) && (f.app == "" || f.app == t.App)
}

// touches tells whether a problem of a target matters for what is kept: one in
// the source stops the promotion as well.
func (f filter) touches(t core.Target) bool {
	return f.keeps(t) || slices.Contains(f.from, t.Env) && (f.app == "" || f.app == t.App)
}

// notices tells what stands in the way of plans without being a promotion:
// what was not understood, and targets that cannot be compared with anything.
func (s *snapshot) notices(all []*plan.Status, keep filter) []notice {
	out := s.warnings(keep)
	for _, st := range all {
		if len(st.Candidate.Changes) == 0 && blocked(st) != "" && keep.keeps(st.Target) && !s.broken(st.Target) {
			out = append(out, notice{Severity: "info", App: string(st.Target.App), Env: string(st.Target.Env), Message: st.Reason})
		}
	}
	return append(out, s.remarks(all, keep.keeps)...)
}

// remarks tells what stops nothing and should be known all the same.
func (s *snapshot) remarks(all []*plan.Status, keep func(core.Target) bool) []notice {
	var out []notice
	for _, n := range plan.Notices(s.inventory, all, keep) {
		remark := noticeOf(n.Problem, core.Target{App: n.App, Env: n.Env})
		remark.Severity = string(n.Severity)
		out = append(out, remark)
	}
	return out
}

// warnings tells what was not understood, once for each target that it stops.
// What stops none may concern anything.
func (s *snapshot) warnings(keep filter) []notice {
	out := []notice{}
	for _, p := range s.inventory.Problems {
		stopped := s.stoppedBy(p)
		if len(stopped) == 0 {
			out = append(out, noticeOf(p, core.Target{}))
		}
		for _, t := range stopped {
			if keep.touches(t) {
				out = append(out, noticeOf(p, t))
			}
		}
	}
	return out
}

// stoppedBy lists the targets that a problem keeps from being understood.
func (s *snapshot) stoppedBy(p overlay.Problem) []core.Target {
	var out []core.Target
	for t, deployments := range s.inventory.All() {
		if slices.ContainsFunc(deployments, func(d *overlay.Deployment) bool { return d.Broken != nil && *d.Broken == p }) {
			out = append(out, t)
		}
	}
	slices.SortFunc(out, core.Target.Compare)
	return out
}

// broken tells whether a target, or where it is promoted from, has a problem
// that has a notice of its own.
func (s *snapshot) broken(t core.Target) bool {
	env, _ := s.policy.Environment(t.Env)
	for _, name := range append([]core.Env{t.Env}, env.From...) {
		deployments := s.inventory.Of(core.Target{Env: name, App: t.App})
		if slices.ContainsFunc(deployments, func(d *overlay.Deployment) bool { return d.Broken != nil }) {
			return true
		}
	}
	return false
}

func noticeOf(p overlay.Problem, t core.Target) notice {
	return notice{
		Severity: "warning", File: p.File, Line: p.Line, Column: p.Column,
		App: string(t.App), Env: string(t.Env), Message: p.Message,
	}
}

// place is file:line:column, without what is not known.
func place(file string, numbers ...int) string {
	for _, n := range numbers {
		if n > 0 {
			file += fmt.Sprintf(":%d", n)
		}
	}
	return file
}
