package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// Label marks the merge requests that Sluice opened, so that they can be
// listed without going through everybody else's.
const Label = "sluice"

// settle is how long GitLab is given to catch up before Sluice looks again by
// itself; its webhooks usually ask for that earlier.
const settle = 3 * time.Second

// life is the way of one target's branch and merge request through one pass.
type life struct {
	*computation
	env       policy.Environment
	view      *view
	candidate Candidate
	branch    Branch
	branched  bool          // the branch exists
	mr        *MergeRequest // nil if none is open
	status    Status
}

func (l *life) decide() {
	switch {
	case l.candidate.Ahead, l.candidate.Blocked == "" && len(l.candidate.Changes) == 0:
		l.retire()
	case l.removed():
		l.abandon(l.candidate.Blocked)
	case l.candidate.Blocked != "":
		l.stop(Blocked, l.candidate.Blocked)
	case l.nameless() != "":
		l.stop(Blocked, l.nameless())
	case l.vetoed() != "":
		l.set(Vetoed, l.vetoed())
	case l.mr == nil && l.stopped() != "":
		l.set(Blocked, l.stopped())
	default:
		l.advance()
	}
}

func (l *life) set(phase Phase, reason string) { l.status.Phase, l.status.Reason = phase, reason }

func (l *life) because(format string, args ...any) Cause {
	return Cause{Target: l.candidate.Target, Reason: fmt.Sprintf(format, args...)}
}

// retire clears away what a promotion that is no longer needed has left.
func (l *life) retire() {
	reason := fmt.Sprintf("%s carries what %s carries", l.env.Name, l.candidate.From)
	l.set(Current, reason)
	if l.candidate.Ahead {
		reason = l.candidate.Blocked
		l.set(Blocked, reason)
	}
	l.clear(reason)
}

// clear closes the merge request, or else removes the branch.
func (l *life) clear(reason string) {
	switch {
	case l.mr != nil:
		sentence := "No longer needed: " + reason + "."
		l.keepSticky(l.thread(), message.Sticky(sentence, l.remembered())+l.superseded(), sentence)
		l.act(CloseMR{Cause: l.because("%s", reason), MR: l.mr.ID})
	case l.branched && l.branch.ours():
		l.act(DeleteBranch{Cause: l.because("%s", reason), Branch: l.branch.Name, Expect: l.branch.Head})
	}
}

// stop leaves everything as it is and says why, on the merge request as well
// if there is one.
func (l *life) stop(phase Phase, reason string) {
	l.set(phase, reason)
	if l.mr == nil {
		return
	}
	l.status.Verdicts = []gate.Verdict{{Gate: "promotion", State: gate.Block, Reason: reason}}
	heard := l.listen()
	if heard.skipped != (request{}) {
		l.drop(heard)
		return
	}
	l.respond(heard, "Stopped: "+reason+".")
	l.guard()
	l.ride()
}

// vetoed says why the last merge request for this very content, which is
// closed, keeps it away; "" if nothing does.
func (l *life) vetoed() string {
	closed, ok := l.state.Closed[BranchOf(l.candidate.Target)]
	if !ok || l.mr != nil || l.candidate.asked != nil || trailer(closed.HeadMessage, trailerChange) != l.candidate.ID() {
		return ""
	}
	return l.closing(closed)
}

// advance takes the first step that is due: branch, merge request, gates, merge.
func (l *life) advance() {
	files, err := l.view.edit(l.state.Inventory)
	if err != nil {
		l.stop(Blocked, err.Error())
		return
	}
	want := blobs(files, l.state.Head)
	switch {
	case l.branched && !l.branch.ours():
		l.handsOff(files, want)
	case l.mr == nil && !l.mayOpen():
		// It waits for its turn, and says so.
	case !l.branched:
		l.push(files, want, "", "%s", l.newer())
	case !maps.Equal(l.branch.Changed, want):
		l.announce()
		l.push(files, want, l.branch.Head, "%s, and the branch holds something else", l.newer())
	case !l.requested():
		l.push(files, want, l.branch.Head, "%s, and the branch does not say so", l.newer())
	case !l.based():
		l.push(files, want, l.branch.Head, "%s, and the branch began where its files held something else", l.newer())
	case l.mr == nil:
		l.openMR()
	default:
		l.tend(files, want)
	}
}

// based tells whether the files were, where the branch began, what they are
// now. If not, what GitLab would merge is less than what the branch holds: a
// version that was set back since would stay so, while the others moved.
func (l *life) based() bool {
	for _, d := range l.candidate.deployments(l.state.Inventory) {
		for _, in := range d.Inputs {
			if base, ok := l.branch.Base[in.Path]; ok && base != in.SHA {
				return false
			}
		}
	}
	return true
}

// newer says what moved, for the reason of an action.
func (l *life) newer() string {
	if l.candidate.asked != nil {
		return l.candidate.asked.String()
	}
	ch := l.candidate.Changes[0]
	reason := fmt.Sprintf("%s has %s %s, %s has %s", l.candidate.From, ch.Pin.Key, ch.New, l.env.Name, ch.Pin.Version)
	if ch.Proof != "" {
		reason += ": " + ch.Proof
	}
	if more := len(l.candidate.Changes) - 1; more > 0 {
		reason += fmt.Sprintf(", and %d more", more)
	}
	return reason
}

func (l *life) push(files []File, changed map[string]core.SHA, expect core.SHA, format string, args ...any) {
	l.set(Opening, fmt.Sprintf(format, args...))
	l.act(PushBranch{
		Cause: l.because(format, args...), Branch: BranchOf(l.candidate.Target),
		Parent: l.state.Head, Expect: expect, Files: files,
		Message: l.candidate.commitMessage(l.source(), changed),
	})
}

func (l *life) openMR() {
	l.set(Opening, l.newer())
	l.act(OpenMR{
		Cause: l.because("%s", l.newer()), Branch: l.branch.Name, Into: l.state.Project.DefaultBranch,
		Title: l.title(), Description: message.WithBlock(l.preface(), blockName, l.description(l.verdicts(talk{}))), Labels: []string{Label},
	})
}

// tend looks after an open merge request whose branch is as it should be.
func (l *life) tend(files []File, want map[string]core.SHA) {
	if l.mr.Head != l.branch.Head || len(l.mr.Versions) == 0 || l.mr.Versions[0].Head != l.branch.Head {
		l.set(Waiting, "GitLab has not taken in the last push yet")
		l.status.Next = l.now.Add(settle)
		return
	}
	heard := l.listen()
	l.status.Verdicts = l.verdicts(heard)
	l.status.Next = gate.Next(l.status.Verdicts)
	if heard.skipped != (request{}) {
		l.drop(heard)
		return
	}
	l.judge()
	l.describe()
	l.respond(heard, l.sentence())
	if heard.again != (request{}) {
		l.push(files, want, l.branch.Head, "%s asked for the branch to be made anew", heard.again.by)
		return
	}
	if l.stuckOnBase() {
		l.push(files, want, l.branch.Head, "GitLab says %s, so it is made anew on %s", l.mr.MergeStatus, l.state.Head.Short())
		return
	}
	l.guard()
	l.merge(heard)
}

// lookAgain asks for another look at a time, unless an earlier one is due.
func (l *life) lookAgain(at time.Time) {
	if l.status.Next.IsZero() || at.Before(l.status.Next) {
		l.status.Next = at
	}
}

// stuckOnBase tells whether a fresh commit on the newest base would help.
func (l *life) stuckOnBase() bool {
	behind := l.branch.Parents[0] != l.state.Head && l.mr.Train == nil
	return behind && (l.mr.MergeStatus == "conflict" || l.mr.MergeStatus == "need_rebase")
}

// judge says where an open merge request stands.
func (l *life) judge() {
	if i := slices.IndexFunc(l.status.Verdicts, notPassed); i >= 0 {
		v := l.status.Verdicts[i]
		l.set(Waiting, v.Gate+": "+v.Reason)
		return
	}
	obstacle, passing := l.obstacle()
	switch {
	case l.mr.Train != nil:
		l.set(Merging, "every gate passes, and it is on the merge train")
		return
	case l.env.Merge != policy.Auto && (obstacle == "" || passing):
		l.set(Ready, "every gate passes; a person merges it, since the policy says merge: manual")
	case l.env.Merge != policy.Auto:
		l.set(Ready, "every gate passes, and a person merges it, but "+obstacle)
	case obstacle != "":
		l.set(Waiting, "every gate passes, but "+obstacle)
	default:
		l.set(Merging, "every gate passes")
	}
	if passing {
		l.status.Next = l.now.Add(settle)
	}
}

// obstacle says what keeps GitLab from merging, or "", and whether GitLab will
// be past it soon by itself.
func (l *life) obstacle() (text string, passing bool) {
	status := l.mr.MergeStatus
	switch {
	case l.mr.State == Locked:
		return "GitLab is merging it already", true
	case status == "mergeable":
		return "", false
	case l.mr.MergeError != "":
		return "GitLab says: " + mergeStatus(status) + " (" + message.Plain(l.mr.MergeError, 200) + ")", transient(status)
	}
	return "GitLab says: " + mergeStatus(status), transient(status)
}

func notPassed(v gate.Verdict) bool { return v.State != gate.Pass }

// transient lists what GitLab passes through by itself. Everything else that
// is not "mergeable", unknown texts included, needs a person or an event.
func transient(status string) bool {
	switch status {
	case "unchecked", "checking", "preparing", "approvals_syncing", "ci_still_running", "":
		return true
	}
	return false
}

func mergeStatus(s string) string {
	if s == "" {
		return "nothing about whether it can be merged"
	}
	return strings.ReplaceAll(s, "_", " ")
}

// refused is what stood against the last action, for people to read.
func (l *life) refused() string {
	return message.Plain(l.state.Refused[l.candidate.Target], 300)
}
