package plan_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
	"golang.org/x/tools/txtar"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

var update = flag.Bool("update", false, "rewrite the golden parts of testdata")

// TestCorpus computes the plan of every state of every archive in testdata.
//
// An archive holds a monorepo's files, a file "state" and any number of
// variants of it, "state NAME", each decoded on top of it; the golden plan of
// each is the file "plan" or "plan NAME". The format of a state is scenario.
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no corpus", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { corpus(t, file) })
	}
}

func corpus(t *testing.T, file string) {
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	tree, states, plans := map[string]string{}, []txtar.File{}, map[string]string{}
	base := ""
	for _, f := range archive.Files {
		kind, name, _ := strings.Cut(f.Name, " ")
		switch kind {
		case "state":
			states = append(states, txtar.File{Name: name, Data: f.Data})
			if name == "" {
				base = string(f.Data)
			}
		case "plan":
			plans[name] = string(f.Data)
		default:
			tree[f.Name] = string(f.Data)
		}
	}
	for _, state := range states {
		t.Run(state.Name, func(t *testing.T) {
			w := parseScenario(t, base, string(state.Data)).build(t, tree)
			first := w.compute()
			got := render(w, first)
			if diff := gocmp.Diff(plans[state.Name], got); diff != "" && !*update {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
			plans[state.Name] = got
			settle(t, w)
		})
	}
	if *update {
		rewrite(t, file, archive, plans)
	}
}

// settle applies plans until there is nothing left to do, which must come soon.
func settle(t *testing.T, w *world) {
	t.Helper()
	for range 12 {
		p := w.compute()
		if !anyLasting(p.Actions) {
			return
		}
		for _, a := range p.Actions {
			w.apply(a)
		}
	}
	t.Errorf("no fixed point; the last plan is\n%s", render(w, w.compute()))
}

// anyLasting leaves calls of receivers aside: they repeat until a report comes.
func anyLasting(actions []plan.Action) bool {
	return slices.ContainsFunc(actions, func(a plan.Action) bool { _, call := a.(plan.Trigger); return !call })
}

func rewrite(t *testing.T, file string, a *txtar.Archive, plans map[string]string) {
	t.Helper()
	a.Files = slices.DeleteFunc(a.Files, func(f txtar.File) bool { return strings.HasPrefix(f.Name+" ", "plan ") })
	for i := 0; i < len(a.Files); i++ {
		kind, name, _ := strings.Cut(a.Files[i].Name, " ")
		if kind == "state" {
			golden := txtar.File{Name: strings.TrimSpace("plan " + name), Data: []byte(plans[name])}
			a.Files = slices.Insert(a.Files, i+1, golden)
		}
	}
	if err := os.WriteFile(file, txtar.Format(a), 0o644); err != nil {
		t.Fatal(err)
	}
}

// scenario is a state as testdata writes it. Times are times of one day.
type scenario struct {
	Now       string
	Head      string                       // the head's name, hexadecimal
	Files     map[string]string            // in place of the archive's; "" removes a file
	Revisions map[string]map[string]string // older commits: their files in place of the head's; "" removes a file
	Branches  map[string]string            // "current", "at REVISION", "gone", or a way in which somebody changed it
	Open      []openMR
	Closed    map[string]closedMR // by branch
	Recent    []closedMR
	Origins   map[string]origin // by commit; those that are not here came by somebody's merge request
	Control   []note            // on the issue for commands
	Lost      string            // why that cannot be read
	People    map[string]person
	Unknown   []string                       // those of People whose rights this pass does not know
	Reports   map[string]map[string][]string // by cluster and object: "REVISION ready TIME" or "REVISION failed TIME REASON"
	Triggers  map[string]struct {
		Revision, At string
		Attempts     int
		Called       string // when it was taken; "" means at once, "no" not yet
		Trouble      string
		GaveUp       bool `yaml:"gaveUp"`
	}
	Receivers []core.Cluster
	Resumed   map[string]string // by target, ENV/APP: when
	WebURL    string            `yaml:"weburl"`
	Trains    bool              // the project merges by train
	Attempts  map[string]struct {
		Head, At string
		Count    int
	} // by target, as in "web in stg"
}

// closedMR is a merge request that is not open any more.
type closedMR struct {
	ID      core.MRID
	Branch  string // in the list of recent ones
	By, At  string // At is the revision that it was made at
	When    string // when it was closed
	Opened  string
	Merged  bool
	Landed  string // the commit that its merge added
	Request string // what its commit was made for
	Notes   []note
}

// origin is how a commit came to the default branch: by a merge request, or
// pushed with these addresses. The empty one is not known.
type origin struct {
	By, Merger string
	Robot      bool
	Emails     []string
}

func (s *scenario) originOf(o origin) plan.Origin {
	out := plan.Origin{Emails: o.Emails}
	if o.By != "" {
		out.Carriers = []plan.Carrier{{Author: s.user(o.By), AuthorName: o.By, Robot: o.Robot, Merger: s.user(o.Merger), MergerName: o.Merger}}
	}
	return out
}

type person struct {
	Email   string
	ID      core.UserID
	Level   int
	Blocked bool
	Groups  []string
}

type openMR struct {
	ID                                  core.MRID
	Branch, Pushed, Head, Status, State string
	Title, Description, Author, Error   string
	Into, Version                       string // Version is the newest version's head
	Notes                               []note
	Pipeline                            pipeline
	// Guard is the status of Sluice's own, or the thread ("unresolved thread",
	// "resolved thread"); empty means whatever the plan would set, and "none" none.
	Guard     string
	Approvals map[string]string // GitLab's own: the time by user; "" where GitLab tells none
	// Before is what the head before the present one held, as Sluice remembers it:
	// "the same" or "something else"; empty if it does not.
	Before string
	Opened string
	Train  string // who put it on the merge train
}

// pipeline is a head pipeline with its jobs: "STATE by USER", "optional STATE"
// or "STATE".
type pipeline struct {
	ID           int64
	Ref, SHA, Of string // Of is the head that it ran for, if its commit is another
	Status       string
	Jobs         map[string]string
	Elsewhere    string // the state of Sluice's status in another pipeline of this commit
	Sluice, Text string // Sluice's status in this one, and its text
}

type note struct {
	ID                 core.NoteID
	By, At, Edit, Body string
	Internal           bool
	Seen               string // the text that Sluice has answered, if it has
	Accepted           bool   // and it was accepted then
}

func parseScenario(t *testing.T, texts ...string) *scenario {
	t.Helper()
	s := &scenario{Now: "10:00", Head: "c2"}
	for _, text := range texts {
		d := yaml.NewDecoder(strings.NewReader(text))
		d.KnownFields(true)
		if err := d.Decode(s); err != nil && text != "" {
			t.Fatalf("state: %v\n%s", err, text)
		}
	}
	return s
}

func clock(t testing.TB, text string) time.Time {
	t.Helper()
	for _, layout := range []string{"15:04", "15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil {
			return time.Date(2026, 11, 3, at.Hour(), at.Minute(), at.Second(), 0, time.UTC)
		}
	}
	t.Fatalf("state: %q is no time of day", text)
	return time.Time{}
}

func overlaid(files, by map[string]string) map[string]string {
	out := maps.Clone(files)
	maps.Copy(out, by)
	maps.DeleteFunc(out, func(_, content string) bool { return content == "" })
	return out
}

// build makes the world that a scenario describes.
func (s *scenario) build(t *testing.T, tree map[string]string) *world {
	t.Helper()
	tree = overlaid(tree, s.Files)
	w := newWorld(t, tree, clock(t, s.Now))
	for _, name := range slices.Sorted(maps.Keys(s.Revisions)) {
		w.commit(sha(name), overlaid(tree, s.Revisions[name]))
	}
	w.commit(sha(s.Head), tree)
	for name, at := range s.Resumed {
		env, app, _ := strings.Cut(name, "/")
		w.resumed[core.Target{Env: core.Env(env), App: core.App(app)}] = clock(t, at)
	}
	maps.DeleteFunc(s.Branches, func(_, how string) bool { return how == "gone" })
	for i, name := range slices.Sorted(maps.Keys(s.Branches)) {
		w.branches["sluice/"+name] = w.branchAs(t, "sluice/"+name, s.Branches[name], sha("b"+string(rune('1'+i))))
	}
	for name, who := range s.People {
		if !slices.Contains(s.Unknown, name) {
			w.people[who.ID] = plan.Person{ID: who.ID, Username: name, Level: who.Level, Active: !who.Blocked, Groups: who.Groups, Email: who.Email}
		}
	}
	for commit, o := range s.Origins {
		w.origins[sha(commit)] = s.originOf(o)
	}
	w.webURL = s.WebURL
	w.trains, w.attempts = s.Trains, map[core.Target]plan.Attempt{}
	for name, a := range s.Attempts {
		app, env, _ := strings.Cut(name, " in ")
		w.attempts[core.Target{Env: core.Env(env), App: core.App(app)}] = plan.Attempt{SHA: sha(a.Head), Count: a.Count, At: clock(t, a.At)}
	}
	for name, c := range s.Closed {
		c.Branch = name
		w.closed["sluice/"+name] = s.closedAs(t, w, c)
	}
	w.control, w.lost = s.notes(t, s.Control, nil), s.Lost
	for _, c := range s.Recent {
		w.recent = append(w.recent, s.closedAs(t, w, c))
	}
	s.buildClusters(t, w)
	for _, mr := range s.Open {
		s.buildMR(t, w, mr)
	}
	return w
}

// closedAs makes a merge request that is not open any more.
func (s *scenario) closedAs(t *testing.T, w *world, c closedMR) plan.MergeRequest {
	t.Helper()
	mr := plan.MergeRequest{ID: cmp.Or(c.ID, 3), State: plan.Closed, Source: "sluice/" + c.Branch, Target: "main", ClosedBy: s.user(c.By), ClosedAt: clock(t, cmp.Or(c.When, "08:30")), CreatedAt: clock(t, cmp.Or(c.Opened, "08:00"))}
	if c.Merged {
		mr.State, mr.ClosedBy, mr.ClosedAt = plan.Merged, 0, time.Time{}
	}
	if c.Landed != "" {
		mr.Landed = sha(c.Landed)
	}
	mr.Ended = clock(t, cmp.Or(c.When, "08:30"))
	if c.Request != "" {
		mr.HeadMessage = "Promote\n\nSluice-Request: " + c.Request
	}
	if c.At != "" {
		mr.HeadMessage = w.branchAs(t, mr.Source, "at "+c.At, "").message
	}
	mr.Notes = s.notes(t, c.Notes, nil)
	return mr
}

func (s *scenario) user(name string) core.UserID {
	if name == "sluice" {
		return bot
	}
	return s.People[name].ID
}

func (s *scenario) buildClusters(t *testing.T, w *world) {
	t.Helper()
	for cluster, objects := range s.Reports {
		for name, lines := range objects {
			kind, path, ok := strings.Cut(name, " ")
			if !ok {
				kind, path = gate.Kustomization, "flux-system/"+name
			}
			namespace, name, _ := strings.Cut(path, "/")
			var r gate.Report
			for _, line := range lines {
				f := append(strings.SplitN(line, " ", 4), "")
				e := gate.Event{Object: gate.Object{Kind: kind, Namespace: namespace, Name: name}, Ready: f[1] == "ready", Reason: f[3], At: clock(t, f[2])}
				if kind == gate.Kustomization {
					e.Revision = sha(f[0])
				}
				r = gate.Fold(r, e)
			}
			w.reports[core.Cluster(cluster)] = append(w.reports[core.Cluster(cluster)], r)
		}
	}
	for cluster, c := range s.Triggers {
		r := plan.TriggerRecord{Revision: sha(c.Revision), At: clock(t, c.At), Attempts: c.Attempts, Trouble: c.Trouble, GaveUp: c.GaveUp}
		if c.Called != "no" {
			r.Called = clock(t, cmp.Or(c.Called, c.At))
		}
		w.triggers[core.Cluster(cluster)] = r
	}
	for _, cluster := range s.Receivers {
		w.receivers[cluster] = true
	}
}

// branchAs makes a branch as Sluice would have made it when a commit was the
// head, and then changes it as somebody else might have.
func (w *world) branchAs(t *testing.T, name, how string, head core.SHA) branch {
	t.Helper()
	at := w.head()
	if revision, ok := strings.CutPrefix(how, "at "); ok {
		at = sha(revision)
	}
	then := w.then(at)
	then.policy = unlimited(w.policy)
	if text := w.commits[at][policy.FileName]; text != w.files()[policy.FileName] {
		then = newWorld(t, w.commits[at], w.now)
		then.commit(at, w.commits[at])
	}
	b := branch{head: head, parent: at, message: "Work in progress", files: map[string]string{"README.md": "mine\n"}}
	for _, a := range then.compute().Actions {
		if push, ok := a.(plan.PushBranch); ok && push.Branch == name {
			b.message, b.files = push.Message, map[string]string{}
			for _, f := range push.Files {
				b.files[f.Path] = string(f.Content)
			}
		}
	}
	switch how {
	case "amended":
		for path := range b.files {
			b.files[path] += "# changed by hand\n"
		}
	case "a commit on top":
		b.parent, b.files = sha("b9"), map[string]string{"README.md": "mine\n"}
	case "a commit on top that undoes it":
		b.parent = sha("b9")
	case "reworded":
		b.message = "Urgent: " + b.message
	case "foreign":
		b.message = "Urgent fix"
	case "a merge commit":
		b.merge = sha("b9")
	case "unrooted":
		b.unrooted = true
	}
	return b
}

func (s *scenario) buildMR(t *testing.T, w *world, in openMR) {
	t.Helper()
	name := "sluice/" + in.Branch
	head := w.branches[name].head
	mr := plan.MergeRequest{
		ID: in.ID, State: plan.Opened, Source: name, Target: "main", Head: head, Author: bot,
		Title: in.Title, Description: in.Description, Labels: []string{plan.Label},
		CreatedAt: clock(t, cmp.Or(in.Opened, "08:00")), Prepared: true, MergeStatus: "mergeable", MergeError: in.Error,
	}
	if in.Into != "" {
		mr.Target = in.Into
	}
	if in.Status != "" {
		mr.MergeStatus = strings.TrimSuffix(in.Status, "none")
	}
	if in.Train != "" {
		mr.Train = &plan.Car{Status: "idle", By: s.user(in.Train)}
	}
	if in.State != "" {
		mr.State = plan.MRState(in.State)
	}
	if in.Author != "" {
		mr.Author = s.user(in.Author)
	}
	if in.Head != "" {
		mr.Head = sha(in.Head)
	}
	pushed := "09:00"
	if in.Pushed != "" {
		pushed = in.Pushed
	}
	newest := mr.Head
	if in.Version != "" {
		newest = sha(in.Version)
	}
	mr.Versions = []plan.Version{{Head: newest, CreatedAt: clock(t, pushed)}, {Head: sha("b0"), CreatedAt: clock(t, "08:00")}}
	unclosed := *w
	unclosed.policy = unlimited(w.policy)
	unclosed.closed, unclosed.open = nil, nil
	for _, a := range unclosed.compute().Actions {
		if opened, ok := a.(plan.OpenMR); ok && opened.Branch == name && in.Title == "" {
			mr.Title, mr.Description = opened.Title, opened.Description+in.Description
		}
	}
	mr.Notes = s.notes(t, in.Notes, w.before(name, in.Before))
	for _, name := range slices.Sorted(maps.Keys(in.Approvals)) {
		a := plan.Approval{User: s.user(name)}
		if at := in.Approvals[name]; at != "" {
			a.At = clock(t, at)
		}
		mr.Approvals = append(mr.Approvals, a)
	}
	s.buildPipeline(&mr, in.Pipeline)
	w.open = append(w.open, mr)
	w.guardAs(in)
}

func (s *scenario) buildPipeline(mr *plan.MergeRequest, in pipeline) {
	if in.ID == 0 {
		return
	}
	mr.Pipeline = &plan.Pipeline{ID: in.ID, SHA: mr.Head, Head: mr.Head, Ref: in.Ref, Status: in.Status, URL: fmt.Sprintf("https://gl/p/%d", in.ID)}
	if in.SHA != "" {
		mr.Pipeline.SHA, mr.Pipeline.Head = sha(in.SHA), ""
	}
	if in.Of != "" {
		mr.Pipeline.Head = sha(in.Of)
	}
	for _, name := range slices.Sorted(maps.Keys(in.Jobs)) {
		state, by, _ := strings.Cut(in.Jobs[name], " by ")
		rest, optional := strings.CutPrefix(state, "optional ")
		mr.Statuses = append(mr.Statuses, plan.CommitStatus{
			ID: int64(len(mr.Statuses)) + 1, Name: name, Pipeline: in.ID, State: rest, Optional: optional, Author: s.user(by),
		})
	}
	for id, state := range map[int64]string{in.ID: in.Sluice, 5: in.Elsewhere} {
		if state != "" {
			mr.Statuses = append(mr.Statuses, plan.CommitStatus{ID: 50 + id, Name: plan.StatusName, Pipeline: id, State: state, Author: bot, Description: in.Text})
		}
	}
}

// guardAs gives the newest merge request what Sluice has shown of its gates.
func (w *world) guardAs(in openMR) {
	mr := &w.open[len(w.open)-1]
	if text, ok := strings.CutSuffix(in.Guard, " thread"); ok {
		mr.Notes = append(mr.Notes, plan.Note{ID: 90, Author: bot, Body: message.Guard(), Resolvable: true, Resolved: text == "resolved"})
	}
	if in.Guard != "" || in.Pipeline.ID != 0 {
		return
	}
	pushed := &mr.Versions[0].CreatedAt
	was := *pushed
	if early := w.now.Add(-10 * time.Second); pushed.After(early) {
		*pushed = early // as if no pipeline were to come any more
	}
	actions := w.compute().Actions
	*pushed = was
	for _, a := range actions {
		if set, ok := a.(plan.SetStatus); ok && set.MR == mr.ID {
			w.setStatus(set)
		}
	}
}

// before is what Sluice remembers of the head before the present one.
func (w *world) before(branch, what string) []message.Head {
	switch what {
	case "":
		return nil
	case "the same":
		b := w.observeBranch(branch, w.branches[branch])
		what = regexp.MustCompile(`(?m)^Sluice-Seal: (.*)$`).FindStringSubmatch(b.Message)[1]
	}
	return []message.Head{{SHA: sha("b0"), Content: what}}
}

func (s *scenario) notes(t *testing.T, in []note, heads []message.Head) []plan.Note {
	t.Helper()
	var out []plan.Note
	var seen []message.Seen
	for _, n := range in {
		edit := n.At
		if n.Edit != "" {
			edit = n.Edit
		}
		out = append(out, plan.Note{ID: n.ID, Author: s.user(n.By), Body: n.Body, Internal: n.Internal, CreatedAt: clock(t, n.At), UpdatedAt: clock(t, edit)})
		if n.Seen != "" {
			sum := sha256.Sum256([]byte(n.Seen))
			seen = append(seen, message.Seen{Note: n.ID, Digest: hex.EncodeToString(sum[:6]), Accepted: n.Accepted})
		}
	}
	if len(seen)+len(heads) > 0 {
		at := clock(t, s.Now)
		out = append(out, plan.Note{ID: 99, Author: bot, Body: message.Sticky("As it was before.", message.Marks{Seen: seen, Heads: heads}), CreatedAt: at, UpdatedAt: at})
	}
	slices.SortStableFunc(out, func(a, b plan.Note) int { return bytes.Compare([]byte{byte(a.ID)}, []byte{byte(b.ID)}) })
	return out
}

// unlimited is a policy under which nothing waits for its turn.
func unlimited(p *policy.Policy) *policy.Policy {
	out := *p
	out.Limits = policy.Limits{}
	return &out
}
