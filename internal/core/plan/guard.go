package plan

import (
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// StatusName is the commit status that shows how a merge request's gates
// stand. Where pipelines must succeed, it keeps people from merging past them.
const StatusName = "sluice/gates"

// The states of a commit status that Sluice sets, as GitLab names them. It
// never sets "running": what is running and then forgotten blocks for ever.
const (
	StatusPending  = "pending"
	StatusSuccess  = "success"
	StatusFailed   = "failed"
	StatusCanceled = "canceled"
)

const (
	// pipelineGrace is how long GitLab is given to start a pipeline for a new
	// head. A status that is set before opens a pipeline of its own, beside which
	// the real one would then appear.
	pipelineGrace = 10 * time.Second
	// descriptionLimit keeps a status's text within GitLab's 255 characters.
	descriptionLimit = 250
)

// place is where a commit status belongs: to a pipeline, or to the head commit
// of a branch for which there is none.
type place struct {
	sha      core.SHA
	pipeline int64
}

// place prefers the head pipeline. That of a merged result or of a train has a
// commit of its own; any other with another commit is that of an older head.
func (mr *MergeRequest) place() place {
	p := mr.Pipeline
	merged := p != nil && strings.HasPrefix(p.Ref, "refs/merge-requests/") && !strings.HasSuffix(p.Ref, "/head")
	if p != nil && p.SHA != "" && (p.SHA == mr.Head || merged) {
		return place{p.SHA, p.ID}
	}
	return place{sha: mr.Head}
}

// guard shows GitLab how the gates stand, in the way that the policy asks for,
// and takes away what another way has left.
func (l *life) guard() {
	state, text := standing(l.status.Verdicts)
	if l.policy.Guard != policy.GuardStatus {
		l.abandonStatus()
	} else {
		l.guardByStatus(state, text)
	}
	l.guardByThread(l.policy.Guard == policy.GuardThread && state != StatusSuccess)
}

// standing folds verdicts into one state. Only what a person must change is
// told in words: GitLab never updates the text of a status that stays pending.
func standing(verdicts []gate.Verdict) (state, text string) {
	state, text = StatusSuccess, "every gate passes"
	for _, v := range verdicts {
		switch v.State {
		case gate.Pass:
		case gate.Block:
			return StatusFailed, message.Plain(v.Gate+": "+v.Reason, descriptionLimit)
		default:
			state, text = StatusPending, "waiting for gates; the merge request says for which"
		}
	}
	return state, text
}

// guardByStatus compares states alone, and texts where GitLab would take a new
// one: to say again what is so already is refused by GitLab.
func (l *life) guardByStatus(state, text string) {
	at := l.mr.place()
	if at.sha == "" {
		return
	}
	have, ok := l.ownStatus(at)
	switch {
	case ok && same(have.State, state) && (state != StatusFailed || have.Description == text):
	case !ok && at.pipeline == 0 && l.now.Before(l.mr.pushed().Add(pipelineGrace)):
		l.lookAgain(l.mr.pushed().Add(pipelineGrace))
	default:
		l.setStatus(at, state, text)
	}
	for _, s := range l.mr.Statuses {
		if l.own(s) && unfinished(s.State) && at.pipeline != 0 && s.Pipeline != at.pipeline && at.sha == l.mr.Head {
			l.setStatus(place{at.sha, s.Pipeline}, StatusCanceled, "another pipeline has taken the place of this one")
		}
	}
}

// abandonStatus finishes a status that the policy does not ask for any more.
func (l *life) abandonStatus() {
	at := l.mr.place()
	if have, ok := l.ownStatus(at); ok && have.State != StatusSuccess {
		l.setStatus(place{at.sha, have.Pipeline}, StatusSuccess, "the policy does not use this status any more")
	}
}

func (l *life) setStatus(at place, state, text string) {
	l.act(SetStatus{
		Cause: l.because("its gates: %s", text), MR: l.mr.ID, Branch: l.mr.Source,
		SHA: at.sha, Pipeline: at.pipeline, State: state, Description: text, URL: l.mr.URL,
	})
}

// ownStatus is what Sluice said last at a place. Without a head pipeline that
// is whichever pipeline GitLab has made for it and not shown yet.
func (l *life) ownStatus(at place) (CommitStatus, bool) {
	var found CommitStatus
	for _, s := range l.mr.Statuses {
		if l.own(s) && (at.pipeline == 0 || s.Pipeline == at.pipeline) && s.ID > found.ID {
			found = s
		}
	}
	return found, found.ID > 0
}

func (c *computation) own(s CommitStatus) bool {
	return s.Name == StatusName && s.Author == c.state.Project.Bot
}

func unfinished(state string) bool {
	return slices.Contains([]string{"created", StatusPending, "running"}, state)
}

// same takes all that is not finished for one: GitLab refuses to go back from
// running to pending.
func same(have, want string) bool {
	return have == want || unfinished(have) && unfinished(want)
}

// pushed is when GitLab took in the present head; zero if it does not tell.
func (mr *MergeRequest) pushed() time.Time {
	if len(mr.Versions) == 0 {
		return time.Time{}
	}
	return mr.Versions[0].CreatedAt
}

// guardByThread keeps a thread of Sluice's unresolved while gates are not
// satisfied, whoever resolves it, and resolves it when they are.
func (l *life) guardByThread(wanted bool) {
	var exists, unresolved bool
	for _, n := range l.mr.Notes {
		if n.Author == l.state.Project.Bot && n.Resolvable && message.IsGuard(n.Body) {
			exists, unresolved = true, unresolved || !n.Resolved
		}
	}
	switch {
	case wanted && !unresolved:
		l.act(GuardThread{Cause: l.because("a gate is not satisfied"), MR: l.mr.ID, Body: message.Guard()})
	case !wanted && exists && unresolved:
		l.act(GuardThread{Cause: l.because("no gate is in the way"), MR: l.mr.ID, Body: message.Guard(), Resolved: true})
	}
}

// halt shows GitLab that nothing is judged at present, in the way that was
// used before: which one the policy asks for is not known.
func (l *life) halt(reason string) {
	at := l.mr.place()
	text := message.Plain("the policy cannot be read: "+reason, descriptionLimit)
	if have, ok := l.ownStatus(at); ok && have.State != StatusFailed {
		l.setStatus(place{at.sha, have.Pipeline}, StatusFailed, text)
	}
	for _, n := range l.mr.Notes {
		if n.Author == l.state.Project.Bot && n.Resolved && message.IsGuard(n.Body) {
			l.guardByThread(true)
			return
		}
	}
}

// Checks is the status of a merge request's head pipeline without Sluice's own
// part in it, in GitLab's words; "" if nothing else takes part. A gate that
// waited for the whole would wait for itself.
func (s *State) Checks(mr *MergeRequest) string {
	if mr.Pipeline == nil {
		return ""
	}
	var others []CommitStatus
	guarded := false
	for _, st := range mr.Statuses {
		mine := st.Name == StatusName && st.Author == s.Project.Bot
		switch {
		case st.Pipeline != mr.Pipeline.ID:
		case mine:
			guarded = true
		default:
			others = append(others, st)
		}
	}
	if !guarded {
		return mr.Pipeline.Status
	}
	return combined(others)
}

// combined is what GitLab would make of some jobs. A state that it may invent
// later counts as unfinished.
func combined(jobs []CommitStatus) string {
	if len(jobs) == 0 {
		return ""
	}
	worst := "skipped"
	for _, j := range jobs {
		switch {
		case j.State == "success" || j.Optional && slices.Contains([]string{"failed", "canceled", "manual"}, j.State):
			worst = raise(worst, "success")
		case slices.Contains([]string{"skipped", "failed", "canceled", "manual"}, j.State):
			worst = raise(worst, j.State)
		default:
			worst = raise(worst, "running")
		}
	}
	return worst
}

// raise gives the one of two statuses that says more about the whole.
func raise(a, b string) string {
	order := []string{"skipped", "success", "manual", "canceled", "failed", "running"}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}
