package plan_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/chatops"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

const matrixFile = "testdata/rights.md"

// speakers are those who may give a command, by what matters about them.
func speakers() (names []string, people map[string]plan.Person) {
	people = map[string]plan.Person{}
	add := func(name string, level int, active bool, groups ...string) {
		id := core.UserID(100 + len(names))
		people[name] = plan.Person{ID: id, Username: strings.ReplaceAll(name, " ", "-"), Level: level, Active: active, Groups: groups}
		names = append(names, name)
	}
	for _, role := range []struct {
		name  string
		level int
	}{{"outsider", 0}, {"minimal", 5}, {"guest", 10}, {"planner", 15}, {"reporter", 20}, {"developer", 30}, {"maintainer", 40}, {"owner", 50}} {
		add(role.name, role.level, true)
	}
	add("manager", 20, true, "platform/managers")
	add("manager outside", 0, true, "platform/managers")
	add("on-call", 10, true, "platform/on-call")
	add("author", 40, true)
	add("bumper", 40, true)
	add("blocked owner", 50, false)
	return append(names, "bot"), people
}

// TestRights gives every command as everybody, where it belongs, and shows who
// is obeyed: an authorisation matrix to be read.
func TestRights(t *testing.T) {
	names, people := speakers()
	var b strings.Builder
	b.WriteString("# Who is obeyed\n\n`yes` is obeyed, `no` is refused with a reason, `-` is not heard at all.\n\n| | " + strings.Join(names, " | ") + " |\n|---" + strings.Repeat("|---", len(names)) + "|\n")
	for _, verb := range chatops.Verbs() {
		fmt.Fprintf(&b, "| %s", verb.Name)
		for _, name := range names {
			b.WriteString(" | " + hearing(t, verb, people, name))
		}
		b.WriteString(" |\n")
	}
	if *update {
		if err := os.WriteFile(matrixFile, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(matrixFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", matrixFile, diff)
	}
}

// rightsPolicy is what the commands are given under.
const rightsPolicy = `version: 1
layout: ["clusters/{cluster}/apps/{app}"]
environments:
  - {name: dev, clusters: [d1]}
  - {name: stg, from: dev, clusters: [s1], gates: {healthy: true, approvals: {count: 2, from: ["role:maintainer", "group:platform/managers"]}}}
commands: {issue: 5, override: ["group:platform/on-call"]}
`

// hearing gives one command as one person and reads what comes back.
func hearing(t *testing.T, verb chatops.Verb, people map[string]plan.Person, name string) string {
	t.Helper()
	at := func(dev, stg string) map[string]string {
		return map[string]string{
			"sluice.yaml": rightsPolicy,
			"clusters/d1/apps/web/kustomization.yaml": fmt.Sprintf("images: [{name: web, newTag: %s}]\n", dev),
			"clusters/s1/apps/web/kustomization.yaml": fmt.Sprintf("images: [{name: web, newTag: %s}]\n", stg),
		}
	}
	s := &scenario{Now: "10:00", Head: "c3", Branches: map[string]string{"stg/web": "current"}}
	s.Revisions = map[string]map[string]string{"c1": at("1.0.0", "1.0.0"), "c2": at("1.1.0", "1.1.0")}
	mr := openMR{ID: 7, Branch: "stg/web"}
	text := map[string]string{
		"hold": "/sluice hold", "unhold": "/sluice unhold", "promote": "/sluice promote 1.0.0", "rollback": "/sluice rollback",
		"override": "/sluice override healthy it is urgent", "resume": "/sluice resume", "skip": "/sluice skip",
	}[verb.Name]
	if text == "" {
		text = "/sluice " + verb.Name
	}
	switch verb.Name {
	case "retry":
		s.Branches["stg/web"] = "at c4"
		s.Revisions["c4"] = at("1.2.0", "1.1.0")
		s.Revisions["c4"]["README.md"] = "before\n"
	case "take-over":
		s.Branches["stg/web"] = "amended"
	}
	w := s.build(t, at("1.2.0", "1.1.0"))
	for _, p := range people {
		w.people[p.ID] = p
	}
	s.buildMR(t, w, mr)
	author := bot
	if p, ok := people[name]; ok {
		author = p.ID
	}
	w.open[0].Author = people["author"].ID
	w.origins[w.head()] = plan.Origin{Carriers: []plan.Carrier{{Author: people["bumper"].ID, AuthorName: "bumper"}}}
	note := plan.Note{ID: 50, Author: author, Body: text, CreatedAt: clock(t, "09:40"), UpdatedAt: clock(t, "09:40")}
	if verb.Name == "reopen" {
		closed := w.open[0]
		closed.State, closed.ClosedBy, closed.ClosedAt, closed.Ended = plan.Closed, people["owner"].ID, clock(t, "09:30"), clock(t, "09:30")
		closed.HeadMessage, closed.Notes = w.branches[closed.Source].message, []plan.Note{note}
		w.open, w.closed[closed.Source] = nil, closed
	} else {
		w.open[0].Notes = append(w.open[0].Notes, note)
	}
	// A pass that pushes leaves the answer to the next one.
	for range 2 {
		p := w.compute()
		if taken := verdictOf(p, verb); taken != "-" {
			return taken
		}
		for _, a := range p.Actions {
			w.apply(a)
		}
	}
	return "-"
}

// verdictOf reads from a plan how a command was taken.
func verdictOf(p *plan.Plan, verb chatops.Verb) string {
	reply := slices.IndexFunc(p.Actions, func(a plan.Action) bool {
		n, ok := a.(plan.WriteNote)
		return ok && strings.Contains(n.Body, "<!-- sluice:reply 50 -->")
	})
	reacted := slices.ContainsFunc(p.Actions, func(a plan.Action) bool { r, ok := a.(plan.React); return ok && r.Note == 50 })
	switch {
	case reacted && reply < 0:
		return "yes"
	case reply < 0:
		return "-"
	case verb.Asks && !strings.Contains(p.Actions[reply].(plan.WriteNote).Body, "Only people with access"):
		return "yes"
	}
	return "no"
}
