package plan

import (
	"cmp"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// blockName marks the part of a description that is Sluice's.
const blockName = "promotion"

// sentence is the status as the sticky note tells it.
func (l *life) sentence() string {
	switch {
	case l.mr.Train != nil && gate.Open(l.status.Verdicts):
		return "Every gate passes: it is on the merge train, which merges it when its turn has come."
	case l.status.Phase == Merging && l.refused() != "":
		return "Every gate passes, but merging it was refused: " + l.refused() + ". Sluice tries again with every sweep."
	case l.status.Phase == Merging && l.mr.MergeError != "":
		return "Every gate passes: Sluice tries again to merge it. The last time, GitLab said: " + message.Plain(l.mr.MergeError, 200)
	case l.status.Phase == Merging:
		return "Every gate passes: Sluice merges it as soon as GitLab lets it."
	case gate.Open(l.status.Verdicts):
		return strings.ToUpper(l.status.Reason[:1]) + l.status.Reason[1:] + "."
	default:
		return "Waiting for " + l.status.Reason + "."
	}
}

// describe keeps the title, the marked block and the label as they should be.
// A title that a person has rewritten is left alone.
func (l *life) describe() {
	title := l.mr.Title
	if l.wrote(title) {
		title = l.title()
	}
	description := l.described()
	if title == l.mr.Title && description == l.mr.Description && slices.Contains(l.mr.Labels, Label) {
		return
	}
	if title == l.mr.Title {
		title = "" // a person may be giving it another one at this moment
	}
	l.act(EditMR{
		Cause: l.because("its text is to say where it stands: %s", l.status.Reason),
		MR:    l.mr.ID, Title: title, Description: description, Labels: []string{Label},
	})
}

// described is the description as it should be. While the manifests are not
// rendered, one that shows them stays as it is: after a restart nothing is, and
// taking them away would only be undone a moment later.
func (l *life) described() string {
	lacking := len(l.plan.Unrendered)
	inner := l.description(l.status.Verdicts)
	if old, ok := message.Block(l.mr.Description, blockName); ok && message.Rendered(old) && len(l.plan.Unrendered) > lacking {
		return l.mr.Description
	}
	return message.WithBlock(l.mr.Description, blockName, inner)
}

// wrote tells whether a title is one that Sluice gave: that of any versions of
// this target, without a word more.
func (l *life) wrote(title string) bool {
	rest, ok := strings.CutPrefix(title, message.Title(shortened(l.candidate.bare(), titleLimit), titleLimit))
	moves, some := strings.CutPrefix(rest, ": ")
	if !ok || !some {
		return ok && rest == ""
	}
	for move := range strings.SplitSeq(moves, ", ") {
		from, to, both := strings.Cut(move, " → ")
		if !both || strings.ContainsAny(from+to, " \t") {
			return false
		}
	}
	return true
}

// titleLimit keeps a title within GitLab's 255 characters even if every other
// one of them needs a mark that keeps it inert.
const titleLimit = 125

func (l *life) title() string { return message.Title(l.candidate.subject(titleLimit), titleLimit) }

// Rendering is what one promotion changes in the manifests.
type Rendering struct {
	Change      string // the promotion's content: Candidate.ID
	Differences []message.Difference
}

// Unrendered is a promotion whose description lacks its rendering: the state
// did not hold it.
type Unrendered struct {
	Target   core.Target
	Change   string // what Rendering.Change is to be
	Overlays []Overlay
	Files    []File // as they are to be
}

// Overlay is what is to be rendered, with the files that a promotion changes and
// without: Difference.Clusters and Difference.Dir.
type Overlay struct {
	Clusters []core.Cluster
	Dir      string
}

func (l *life) description(verdicts []gate.Verdict) string {
	p := message.Promotion{
		Target: l.candidate.Target, From: l.candidate.From, Auto: l.env.Merge == policy.Auto, Verdicts: verdicts,
		Differences: l.differences(), Others: l.others(), GitLab: origin(l.state.Project.WebURL),
	}
	if l.candidate.asked != nil {
		p.Asked = l.candidate.asked.String()
	}
	if l.state.Project.WebURL != "" {
		p.List = l.state.Project.WebURL + "/-/merge_requests?label_name%5B%5D=" + Label
	}
	for _, ch := range l.candidate.Changes {
		p.Moves = append(p.Moves, message.Move{
			Cluster: ch.Cluster, Kind: ch.Pin.Kind, What: ch.what(), Origin: ch.Pin.Origin, Old: ch.Pin.Version, New: ch.New,
			File: ch.Pin.Target().File, Line: ch.Pin.Target().Line, Added: ch.Pin.Override != nil, Proof: ch.Proof,
		})
	}
	return message.Description(p)
}

// origin is the part of an address that names the server.
func origin(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	host, _, _ := strings.Cut(rest, "/")
	if !ok || host == "" {
		return ""
	}
	return scheme + "://" + host
}

// differences is the rendering of this very promotion. Where there is none, the
// plan says so, and the next one with it has it.
func (l *life) differences() []message.Difference {
	change := l.candidate.ID()
	if r, ok := l.state.Rendered[l.candidate.Target]; ok && r.Change == change {
		return r.Differences
	}
	files, err := l.view.edit(l.state.Inventory)
	if overlays := l.overlays(); err == nil && len(overlays) > 0 {
		l.plan.Unrendered = append(l.plan.Unrendered, Unrendered{Target: l.candidate.Target, Change: change, Overlays: overlays, Files: files})
	}
	return nil
}

// overlays are those of the clusters for which something changes, each once.
func (l *life) overlays() []Overlay {
	var out []Overlay
	for _, d := range l.candidate.deployments(l.state.Inventory) {
		if !slices.ContainsFunc(l.candidate.Changes, func(ch Change) bool { return ch.Cluster == d.Cluster }) {
			continue
		}
		i := slices.IndexFunc(out, func(o Overlay) bool { return o.Dir == d.Dir })
		if i < 0 {
			i, out = len(out), append(out, Overlay{Dir: d.Dir})
		}
		out[i].Clusters = append(out[i].Clusters, l.clustersOf(l.env, d)...)
	}
	return out
}

// others are the app's open promotions into other environments.
func (l *life) others() []message.Other {
	var out []message.Other
	for _, mr := range l.state.Open {
		t := targetOf(mr.Source)
		if t.App == l.candidate.Target.App && t.Env != l.env.Name && mr.Target == l.state.Project.DefaultBranch {
			out = append(out, message.Other{MR: mr.ID, URL: mr.URL, Target: t})
		}
	}
	slices.SortFunc(out, func(a, b message.Other) int { return cmp.Compare(a.MR, b.MR) })
	return out
}
