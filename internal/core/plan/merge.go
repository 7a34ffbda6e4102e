package plan

import (
	"fmt"
	"time"

	"github.com/sluice-gitops/sluice/internal/core/gate"
)

// The back-off after a merge that GitLab refused although it said that it could
// be merged. Most of these refusals end within seconds of a push.
const (
	firstRetry = 500 * time.Millisecond
	lastRetry  = 5 * time.Minute
)

// retryAt is when a refused merge is due again; zero if none was refused. A
// head that is new has not been refused.
func (a Attempt) retryAt() time.Time {
	if a.Count == 0 {
		return time.Time{}
	}
	return a.At.Add(min(firstRetry<<min(a.Count-1, 20), lastRetry))
}

// attempt is what became of the merges of the present head.
func (l *life) attempt() Attempt {
	if a := l.state.Attempts[l.candidate.Target]; a.SHA == l.branch.Head {
		return a
	}
	return Attempt{}
}

// merge plans the merge of what passes, or what has to go before it. Who asks
// for another attempt after the last one need not wait for it.
func (l *life) merge(heard talk) {
	attempt := l.attempt()
	again := attempt.retryAt()
	switch {
	case l.mr.Train != nil:
		l.ride()
	case l.status.Phase != Merging:
	case l.now.Before(again) && !heard.retried.at.After(attempt.At):
		l.set(Merging, fmt.Sprintf("every gate passes; GitLab has refused to merge it %d times in a row, and is asked again", attempt.Count))
		l.lookAgain(again)
	default:
		l.act(MergeMR{Cause: l.because("every gate passes"), MR: l.mr.ID, SHA: l.branch.Head, Train: l.state.Project.Trains})
	}
}

// ride lets a merge request stay on the merge train as long as every gate
// passes. One that a person put there is left to that person.
func (l *life) ride() {
	if l.mr.Train != nil && !gate.Open(l.status.Verdicts) && l.mr.Train.By == l.state.Project.Bot {
		l.act(LeaveTrain{Cause: l.because("it is on the merge train, and not every gate passes any more: %s", l.status.Reason), MR: l.mr.ID})
	}
}
