package plan_test

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/history"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/overlay/memtree"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

const bot core.UserID = 1

// somebody gives no commands.
const somebody core.UserID = 900

// world is a monorepo, its GitLab project and its clusters, held in memory. It
// does what the actions' contracts say and lets a test look at the state that
// a pass would observe.
type world struct {
	t         testing.TB
	now       time.Time
	policy    *policy.Policy
	reader    *overlay.Reader
	planner   plan.Planner
	commits   map[core.SHA]map[string]string
	inventory map[core.SHA]*overlay.Inventory
	trunk     []core.SHA       // oldest first
	past      []history.Commit // the same, an hour apart
	resumed   map[core.Target]time.Time
	origins   map[core.SHA]plan.Origin // of commits that did not come by somebody's merge request
	branches  map[string]branch
	open      []plan.MergeRequest
	closed    map[string]plan.MergeRequest
	recent    []plan.MergeRequest
	control   []plan.Note // on the issue for commands
	lost      string      // why that cannot be read
	people    map[core.UserID]plan.Person
	reactions map[core.NoteID][]string
	reports   map[core.Cluster][]gate.Report
	triggers  map[core.Cluster]plan.TriggerRecord
	receivers map[core.Cluster]bool
	heads     map[core.SHA]map[string]string // what each head that was pushed changes
	trains    bool
	webURL    string
	attempts  map[core.Target]plan.Attempt
	made      int // commits, merge requests and notes made so far
}

// branch is one commit on top of a parent.
type branch struct {
	head, parent core.SHA
	unrooted     bool
	merge        core.SHA // a second parent
	message      string
	files        map[string]string // what the commit changes
}

func newWorld(t testing.TB, files map[string]string, now time.Time) *world {
	t.Helper()
	p, err := policy.Parse(policy.FileName, []byte(files[policy.FileName]))
	if err != nil {
		t.Fatal(err)
	}
	return &world{
		t: t, now: now, policy: p, reader: overlay.NewReader(),
		commits: map[core.SHA]map[string]string{}, inventory: map[core.SHA]*overlay.Inventory{},
		branches: map[string]branch{}, closed: map[string]plan.MergeRequest{},
		people: map[core.UserID]plan.Person{}, reactions: map[core.NoteID][]string{},
		reports: map[core.Cluster][]gate.Report{}, triggers: map[core.Cluster]plan.TriggerRecord{},
		receivers: map[core.Cluster]bool{}, heads: map[core.SHA]map[string]string{}, resumed: map[core.Target]time.Time{}, origins: map[core.SHA]plan.Origin{},
	}
}

// then is the default branch when a commit was its head, and nothing else.
func (w *world) then(at core.SHA) *world {
	n := slices.Index(w.trunk, at) + 1
	return &world{t: w.t, now: w.now, policy: w.policy, commits: w.commits, inventory: w.inventory, trunk: w.trunk[:n], past: w.past[:n], resumed: w.resumed}
}

// sha makes an object name that people recognise: c1 is c1000000….
func sha(name string) core.SHA {
	return core.SHA(name + strings.Repeat("0", 40-len(name)))
}

func (w *world) number() int { w.made++; return 1000 + w.made }

// commit adds a commit to the default branch.
func (w *world) commit(name core.SHA, files map[string]string) {
	w.t.Helper()
	w.commits[name] = files
	inv, err := w.reader.Read(memtree.Text(files), w.policy)
	if err != nil {
		w.t.Fatal(err)
	}
	w.inventory[name] = inv
	var before map[string]string
	if len(w.trunk) > 0 {
		before = w.files()
	}
	made := time.Date(2026, 11, 1, len(w.trunk), 0, 0, 0, time.UTC)
	w.past = append(w.past, history.Commit{SHA: name, At: made, By: "Ann", Changed: differing(before, files)})
	w.trunk = append(w.trunk, name)
}

func (w *world) head() core.SHA           { return w.trunk[len(w.trunk)-1] }
func (w *world) files() map[string]string { return w.commits[w.head()] }

func gitBlob(content string) core.SHA {
	sum := sha1.Sum(fmt.Appendf(nil, "blob %d\x00%s", len(content), content))
	return core.SHA(hex.EncodeToString(sum[:]))
}

// survey says what the clusters that can be called are made from.
func (w *world) survey(s *plan.State) {
	s.Footprints = map[plan.Site]overlay.Footprint{}
	for revision, files := range w.commits {
		for _, env := range w.policy.Environments {
			for _, cluster := range env.Clusters {
				if !w.receivers[cluster] || w.inventory[revision] == nil {
					continue
				}
				f, err := overlay.NewSurveyor().Footprint(memtree.Text(files), w.policy, env.Name, cluster)
				if err != nil {
					w.t.Fatal(err)
				}
				s.Footprints[plan.Site{Revision: revision, Cluster: cluster}] = f
			}
		}
	}
}

// observe is the world as one pass sees it. What it returns shares nothing
// with the world that a test might change.
func (w *world) observe() *plan.State {
	s := &plan.State{
		Project: plan.Project{ID: 1, Path: "platform/flux", WebURL: w.webURL, DefaultBranch: "main", Trains: w.trains, Bot: bot, BotName: "sluice-bot"},
		Head:    w.head(), Inventory: w.inventory[w.head()], Past: maps.Clone(w.inventory),
		Reports: map[core.Cluster][]gate.Report{}, Triggers: maps.Clone(w.triggers),
		Branches: map[string]plan.Branch{}, Closed: maps.Clone(w.closed), People: maps.Clone(w.people),
		Receivers: w.receivers, Recent: slices.Clone(w.recent), Attempts: w.attempts, Resumed: w.resumed,
		Control: slices.Clone(w.control), ControlLost: w.lost,
	}
	for i := range s.Recent {
		s.Recent[i].Notes = slices.Clone(s.Recent[i].Notes)
	}
	for name, b := range w.branches {
		s.Branches[name] = w.observeBranch(name, b)
	}
	w.survey(s)
	for cluster, list := range w.reports {
		s.Reports[cluster] = slices.Clone(list)
	}
	for _, mr := range w.open {
		if mr.MergeStatus == "mergeable" && w.conflicts(w.branches[mr.Source]) {
			mr.MergeStatus = "conflict"
		}
		mr.Versions, mr.Notes, mr.Labels = slices.Clone(mr.Versions), slices.Clone(mr.Notes), slices.Clone(mr.Labels)
		mr.Statuses = slices.Clone(mr.Statuses)
		s.Open = append(s.Open, mr)
	}
	w.recall(s)
	w.trace(s)
	return s
}

// recall tells what a plan asks of the past, which is the trunk's.
func (w *world) recall(s *plan.State) {
	w.t.Helper()
	trees := func(at core.SHA) (overlay.Tree, error) { return memtree.Text(w.commits[at]), nil }
	var tracer history.Tracer
	past := slices.Clone(w.past)
	slices.Reverse(past)
	tracer.Renew(past, history.Beginning)
	err := new(plan.Planner).Recall(w.policy, s, func(t core.Target) (history.Course, bool, error) {
		course, err := tracer.Trace(trees, w.policy, s.Head, t)
		return course, err == nil, err
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// trace tells how commits came, as far as a plan asks.
func (w *world) trace(s *plan.State) {
	s.Origins = map[core.SHA]plan.Origin{}
	for _, commit := range new(plan.Planner).Origins(w.policy, s) {
		origin, special := w.origins[commit]
		if !special {
			origin.Carriers = []plan.Carrier{{Author: somebody, Merger: somebody}}
		}
		if !special || len(origin.Carriers)+len(origin.Emails) > 0 {
			s.Origins[commit] = origin
		}
	}
}

// differing names every path at which two trees differ, directories included.
func differing(a, b map[string]string) []string {
	paths := map[string]bool{}
	for _, files := range []map[string]string{a, b} {
		for name := range files {
			was, had := a[name]
			is, has := b[name]
			for p := name; p != "." && (was != is || had != has); p = path.Dir(p) {
				paths[p] = true
			}
			if was != is || had != has {
				paths[path.Dir(name)+"/"] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(paths))
}

func (w *world) observeBranch(name string, b branch) plan.Branch {
	out := plan.Branch{
		Name: name, Head: b.head, Parents: []core.SHA{b.parent}, Message: b.message,
		Rooted: !b.unrooted && slices.Contains(w.trunk, b.parent), Changed: map[string]core.SHA{}, Base: map[string]core.SHA{},
	}
	if b.merge != "" {
		out.Parents = append(out.Parents, b.merge)
	}
	for path, content := range b.files {
		if w.commits[b.parent][path] != content {
			out.Changed[path] = gitBlob(content)
			if old, ok := w.commits[b.parent][path]; ok {
				out.Base[path] = gitBlob(old)
			}
		}
	}
	return out
}

func (w *world) compute() *plan.Plan { return w.planned(w.observe()) }

// planned computes with a memory of the world's former plans, which must not
// show.
func (w *world) planned(s *plan.State) *plan.Plan {
	w.t.Helper()
	got, want := w.planner.Compute(w.policy, s, w.now), plan.Compute(w.policy, s, w.now)
	if diff := cmp.Diff(render(w, want), render(w, got)); diff != "" {
		w.t.Errorf("planned without a memory (-) and with it (+):\n%s", diff)
	}
	if diff := cmp.Diff(ids(plan.Candidates(w.policy, s)), ids(w.planner.Candidates(w.policy, s))); diff != "" {
		w.t.Errorf("candidates without a memory (-) and with it (+):\n%s", diff)
	}
	return got
}

func ids(list []plan.Candidate) []string {
	var out []string
	for _, c := range list {
		out = append(out, c.Target.String()+" "+c.ID())
	}
	return out
}

// mr is the open merge request of that number.
func (w *world) mr(id core.MRID) *plan.MergeRequest {
	w.t.Helper()
	i := slices.IndexFunc(w.open, func(mr plan.MergeRequest) bool { return mr.ID == id })
	if i < 0 {
		w.t.Fatalf("no open merge request !%d", id)
	}
	return &w.open[i]
}

// apply carries out one action. Nobody else works in this world, so that an
// action whose precondition does not hold is a defect of the plan.
func (w *world) apply(a plan.Action) {
	w.t.Helper()
	switch a := a.(type) {
	case plan.PushBranch:
		w.push(a)
	case plan.DeleteBranch:
		if w.branches[a.Branch].head != a.Expect {
			w.t.Fatalf("delete %s: expected head %s", a.Branch, a.Expect)
		}
		delete(w.branches, a.Branch)
	case plan.OpenMR:
		w.openMR(a)
	case plan.EditMR:
		mr := w.mr(a.MR)
		if a.Title != "" {
			mr.Title = a.Title
		}
		mr.Description, mr.Labels = a.Description, append(mr.Labels, a.Labels...)
	case plan.WriteNote:
		w.write(a)
	case plan.DeleteNote:
		w.talk(a.MR, a.Issue, func(notes []plan.Note) []plan.Note {
			return slices.DeleteFunc(notes, func(n plan.Note) bool { return n.ID == a.Note && n.Author == bot })
		})
	case plan.React:
		w.react(a)
	case plan.SetStatus:
		w.setStatus(a)
	case plan.GuardThread:
		w.guardThread(a)
	case plan.MergeMR:
		w.merge(a)
	case plan.LeaveTrain:
		if w.mr(a.MR).Train == nil {
			w.t.Fatalf("take !%d off the train that it is not on", a.MR)
		}
		w.mr(a.MR).Train = nil
	case plan.CloseMR:
		w.close(a.MR, bot)
	case plan.Trigger:
		r := w.triggers[a.Cluster]
		if r.Revision != a.Revision {
			r.Attempts = 0
		}
		w.triggers[a.Cluster] = plan.TriggerRecord{Revision: a.Revision, At: w.now, Called: w.now, Attempts: r.Attempts + 1}
		if a.Attempt != r.Attempts+1 {
			w.t.Errorf("the call is number %d, want %d", a.Attempt, r.Attempts+1)
		}
	default:
		w.t.Fatalf("an action of type %T", a)
	}
}

func (w *world) push(a plan.PushBranch) {
	w.t.Helper()
	if got := w.branches[a.Branch].head; got != a.Expect {
		w.t.Fatalf("push %s: expected head %q, found %q", a.Branch, a.Expect, got)
	}
	b := branch{head: sha(fmt.Sprintf("b%d", w.number())), parent: a.Parent, message: a.Message, files: map[string]string{}}
	w.heads[b.head] = b.files
	for _, f := range a.Files {
		b.files[f.Path] = string(f.Content)
	}
	w.branches[a.Branch] = b
	for i := range w.open {
		if mr := &w.open[i]; mr.Source == a.Branch {
			mr.Head, mr.MergeStatus, mr.Pipeline, mr.Statuses, mr.Train = b.head, "mergeable", nil, nil, nil
			mr.Versions = append([]plan.Version{{Head: b.head, CreatedAt: w.now}}, mr.Versions...)
		}
	}
}

func (w *world) openMR(a plan.OpenMR) {
	w.t.Helper()
	b, ok := w.branches[a.Branch]
	if !ok || slices.ContainsFunc(w.open, func(mr plan.MergeRequest) bool { return mr.Source == a.Branch && mr.Target == a.Into }) {
		w.t.Fatalf("open a merge request for %s: no such branch, or a second one", a.Branch)
	}
	if old, ok := w.closed[a.Branch]; ok && !slices.ContainsFunc(w.recent, func(mr plan.MergeRequest) bool { return mr.ID == old.ID }) {
		w.recent = append(w.recent, old)
	}
	delete(w.closed, a.Branch)
	w.open = append(w.open, plan.MergeRequest{
		ID: core.MRID(w.number()), State: plan.Opened, Source: a.Branch, Target: a.Into, Head: b.head, Author: bot,
		Title: a.Title, Description: a.Description, Labels: a.Labels, CreatedAt: w.now, Prepared: true,
		MergeStatus: "mergeable", Versions: []plan.Version{{Head: b.head, CreatedAt: w.now}},
	})
}

func (w *world) write(a plan.WriteNote) {
	w.talk(a.MR, a.Issue, func(notes []plan.Note) []plan.Note {
		if a.Note == 0 {
			return append(notes, plan.Note{ID: core.NoteID(w.number()), Author: bot, Body: a.Body, CreatedAt: w.now, UpdatedAt: w.now})
		}
		i := slices.IndexFunc(notes, func(n plan.Note) bool { return n.ID == a.Note })
		if i < 0 || notes[i].Author != bot {
			w.t.Fatalf("write note %d of !%d, which is not Sluice's", a.Note, a.MR)
		}
		notes[i].Body, notes[i].UpdatedAt = a.Body, w.now
		return notes
	})
}

// react moves the time of the last change, as GitLab does.
func (w *world) react(a plan.React) {
	w.talk(a.MR, a.Issue, func(notes []plan.Note) []plan.Note {
		i := slices.IndexFunc(notes, func(n plan.Note) bool { return n.ID == a.Note })
		notes[i].UpdatedAt = w.now
		return notes
	})
	w.reactions[a.Note] = append(w.reactions[a.Note], a.Emoji)
}

// talk changes the comments of the issue, or of a merge request, open or not.
func (w *world) talk(id core.MRID, issue core.IssueID, change func([]plan.Note) []plan.Note) {
	w.t.Helper()
	if issue != 0 {
		w.control = change(w.control)
		return
	}
	for _, list := range [][]plan.MergeRequest{w.open, w.recent} {
		for i := range list {
			if list[i].ID == id {
				list[i].Notes = change(list[i].Notes)
				if list[i].State == plan.Closed && w.closed[list[i].Source].ID == id {
					w.closed[list[i].Source] = list[i]
				}
				return
			}
		}
	}
	for branch, mr := range w.closed {
		if mr.ID == id {
			mr.Notes = change(slices.Clone(mr.Notes))
			w.closed[branch] = mr
			return
		}
	}
	w.t.Fatalf("no merge request !%d to write on", id)
}

func (w *world) merge(a plan.MergeMR) {
	mr := w.mr(a.MR)
	if a.Train != w.trains || a.Train && mr.Train != nil {
		w.t.Fatalf("merge !%d by train: %t, in a project with trains: %t, and it is on one: %t", a.MR, a.Train, w.trains, mr.Train != nil)
	}
	b := w.branches[mr.Source]
	if b.head != a.SHA || mr.Head != a.SHA || mr.MergeStatus != "mergeable" {
		w.t.Fatalf("GitLab would not merge !%d at %s", a.MR, a.SHA)
	}
	if w.conflicts(b) {
		w.t.Fatalf("merging !%d overwrites a file that has changed meanwhile", a.MR)
	}
	if a.Train {
		mr.Train = &plan.Car{Status: "idle", By: bot}
		return
	}
	w.land(*mr)
}

func (w *world) land(mr plan.MergeRequest) {
	files := overlaid(w.files(), w.branches[mr.Source].files)
	mr.State, mr.Ended, mr.Landed = plan.Merged, w.now, sha(fmt.Sprintf("d%d", w.number()))
	w.recent = append(w.recent, mr)
	w.drop(mr.ID)
	w.commit(mr.Landed, files)
}

// runTrain merges what is on the merge train, and throws off what conflicts.
func (w *world) runTrain() {
	for _, mr := range slices.Clone(w.open) {
		if mr.Train != nil && w.conflicts(w.branches[mr.Source]) {
			w.mr(mr.ID).Train = nil
		} else if mr.Train != nil {
			w.land(mr)
		}
	}
}

// conflicts tells whether the default branch has changed a file of the branch.
func (w *world) conflicts(b branch) bool {
	for path, content := range b.files {
		if now := w.files()[path]; now != w.commits[b.parent][path] && now != content {
			return true
		}
	}
	return false
}

func (w *world) close(id core.MRID, by core.UserID) {
	mr := *w.mr(id)
	w.drop(id)
	mr.State, mr.ClosedBy, mr.ClosedAt, mr.Ended, mr.HeadMessage = plan.Closed, by, w.now, w.now, w.branches[mr.Source].message
	w.closed[mr.Source] = mr
	w.recent = append(w.recent, mr)
}

func (w *world) drop(id core.MRID) {
	w.open = slices.DeleteFunc(w.open, func(mr plan.MergeRequest) bool { return mr.ID == id })
}

// reconcile lets every cluster report that it has applied the head.
func (w *world) reconcile() {
	for _, env := range w.policy.Environments {
		for _, cluster := range env.Clusters {
			event := gate.Event{Object: gate.Object{Kind: gate.Kustomization, Namespace: "flux-system", Name: "apps"}, Revision: w.head(), Ready: true, At: w.now}
			if len(w.reports[cluster]) == 0 {
				w.reports[cluster] = []gate.Report{{}}
			}
			w.reports[cluster][0] = gate.Fold(w.reports[cluster][0], event)
		}
	}
}
