package plan_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/chatops"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

const wishPolicy = `
version: 1
layout: ["clusters/{cluster}/apps/{app}"]
environments:
  - {name: dev, clusters: [d1]}
  - {name: stg, from: dev, clusters: [s1], merge: auto, gates: {healthy: false}}
commands: {issue: 5}
`

// wishWorld is one app, web, which dev and stg had in some versions, an hour
// apart and ending an hour ago.
func wishWorld(t *testing.T, versions ...[2]string) *world {
	t.Helper()
	w := newWorld(t, map[string]string{"sluice.yaml": wishPolicy}, time.Date(2026, 11, 3, 10, 0, 0, 0, time.UTC))
	for i, v := range versions {
		w.carry(fmt.Sprintf("c%d", i), v[0], v[1], w.now.Add(time.Duration(i-len(versions))*time.Hour))
	}
	w.people[11] = plan.Person{ID: 11, Username: "dev", Level: chatops.Acting, Active: true}
	return w
}

// carry commits versions of dev and stg at a time.
func (w *world) carry(name, dev, stg string, at time.Time) {
	w.t.Helper()
	tag := func(v string) string { return fmt.Sprintf("images: [{name: web, newTag: %s}]\n", v) }
	w.commit(sha(name), map[string]string{
		"sluice.yaml": wishPolicy,
		"clusters/d1/apps/web/kustomization.yaml": tag(dev),
		"clusters/s1/apps/web/kustomization.yaml": tag(stg),
	})
	w.past[len(w.past)-1].At = at
}

func (w *world) ask(id core.NoteID, body string) {
	w.control = append(w.control, plan.Note{ID: id, Author: 11, Body: body, CreatedAt: w.now, UpdatedAt: w.now})
}

// goal is the one target's change, as OLD → NEW, or why there is none.
func (w *world) goal() string {
	w.t.Helper()
	s := w.compute().Targets[0]
	if s.Phase == plan.Blocked || len(s.Candidate.Changes) == 0 {
		return string(s.Phase) + ": " + s.Reason
	}
	return s.Candidate.Changes[0].Pin.Version + " → " + s.Candidate.Changes[0].New
}

// A version that somebody asked for may come to the target without Sluice's
// merge request. What is newer and comes after it must not be lowered then.
func TestWishThatCameTrueByHandLowersNothingLater(t *testing.T) {
	w := wishWorld(t, [2]string{"1.0.0", "1.0.0"}, [2]string{"1.1.0", "1.1.0"})
	w.ask(1, "/sluice promote web 1.0.0 to stg")
	if got, want := w.goal(), "1.1.0 → 1.0.0"; got != want {
		t.Fatalf("asked for a former version: %s, want %s", got, want)
	}
	for _, a := range w.compute().Actions {
		if _, push := a.(plan.PushBranch); !push {
			w.apply(a) // it is accepted; before the branch is made, somebody does it by hand
		}
	}
	w.now = w.now.Add(time.Hour)
	w.carry("e1", "1.1.0", "1.0.0", w.now)
	w.now = w.now.Add(time.Hour)
	w.carry("e2", "1.2.0", "1.2.0", w.now)
	if got, want := w.goal(), "current: stg carries what dev carries"; got != want {
		t.Errorf("after it came true by hand, and a newer version after it: %s, want %s", got, want)
	}
}

// Who asks for what the source has means what it has then: a newer version may
// take its place, an older one is another request.
func TestWishForWhatTheSourceHasFollowsItUpOnly(t *testing.T) {
	for _, tc := range []struct{ later, want string }{
		{"1.3.0", "1.1.0 → 1.3.0"},
		{"1.0.0", "blocked: stg is ahead of dev: it has image web 1.1.0, dev has 1.0.0, and versions are never lowered unasked"},
	} {
		w := wishWorld(t, [2]string{"1.1.0", "1.1.0"}, [2]string{"1.2.0", "1.1.0"})
		w.ask(1, "/sluice promote web to stg")
		if got, want := w.goal(), "1.1.0 → 1.2.0"; got != want {
			t.Fatalf("asked: %s, want %s", got, want)
		}
		w.now = w.now.Add(time.Hour)
		w.carry("e1", tc.later, "1.1.0", w.now)
		if got := w.goal(); got != tc.want {
			t.Errorf("dev has %s later: %s, want %s", tc.later, got, tc.want)
		}
	}
	w := wishWorld(t, [2]string{"1.0.0", "1.0.0"}, [2]string{"1.0.0", "1.1.0"})
	w.ask(1, "/sluice promote web to stg")
	if got, want := w.goal(), "1.1.0 → 1.0.0"; got != want {
		t.Errorf("asked for the older version that dev has: %s, want %s", got, want)
	}
}

// Two promoters that look at the same time have each written a sticky note on
// the issue. One goes, and that is all.
func TestSecondStickyNoteOnTheIssueGoes(t *testing.T) {
	w := wishWorld(t, [2]string{"1.0.0", "1.0.0"})
	w.ask(1, "/sluice hold app web")
	settle(t, w)
	second := w.control[len(w.control)-1]
	second.ID = 77
	w.control = append(w.control, second)
	settle(t, w)
	if len(w.control) != 2 {
		t.Errorf("the issue has %d comments, want the command and one sticky note", len(w.control))
	}
}

// An app that is called like its group has no branch of its own, so that it
// cannot be asked for alone, and who asks is told.
func TestWishForAnAppThatIsCalledLikeItsGroup(t *testing.T) {
	w := wishWorld(t, [2]string{"1.0.0", "1.0.0"}, [2]string{"1.1.0", "1.0.0"})
	files := w.files()
	files["sluice.yaml"] = wishPolicy + "apps: [{match: web, group: web}]\n"
	w = newWorld(t, files, w.now)
	w.commit(sha("c1"), files)
	w.people[11] = plan.Person{ID: 11, Username: "dev", Level: chatops.Acting, Active: true}
	w.ask(1, "/sluice rollback web stg")
	var said string
	for _, a := range w.compute().Actions {
		if note, ok := a.(plan.WriteNote); ok && note.Note == 0 && said == "" {
			said = note.Body
		}
	}
	if !strings.Contains(said, "rename the group in the policy") {
		t.Errorf("answered %q, want what to do", said)
	}
}
