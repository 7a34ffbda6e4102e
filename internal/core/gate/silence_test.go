package gate_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
)

// alive is an event of one life of an object, with a resource version.
func alive(m int, uid string, version uint64, revision, failure string) gate.Event {
	e := at(m, revision, failure, version)
	e.UID = uid
	return e
}

// What the API server counts says which of two reports is newer, whatever the
// clock says and in which order they arrive.
func TestTheNewestIsKnownByItsResourceVersion(t *testing.T) {
	for name, tc := range map[string]struct {
		events []gate.Event
		want   string
	}{
		"later version, same second":              {[]gate.Event{alive(5, "u", 7, "a", ""), alive(5, "u", 8, "b", "")}, "a 5/5, b 5/5"},
		"later version, earlier clock":            {[]gate.Event{alive(5, "u", 7, "a", ""), alive(4, "u", 8, "b", "")}, "a 5/5, b 5/5"},
		"earlier version arrives later":           {[]gate.Event{alive(5, "u", 8, "b", ""), alive(6, "u", 7, "a", "")}, "b 5/5"},
		"a new life counts anew":                  {[]gate.Event{alive(5, "u", 800, "a", ""), alive(6, "v", 9, "b", "")}, "a 5/5, b 6/6"},
		"an old life is over":                     {[]gate.Event{alive(6, "v", 9, "b", ""), alive(5, "u", 800, "a", "")}, "b 6/6"},
		"a cluster that was restored counts back": {[]gate.Event{alive(5, "u", 800, "a", ""), alive(16, "u", 9, "b", "")}, "a 5/5, b 16/16"},
		"a failure of a newer version":            {[]gate.Event{alive(5, "u", 7, "a", ""), alive(5, "u", 8, "a", "no")}, "a 5 no"},
		"a recovery of a newer version":           {[]gate.Event{alive(5, "u", 7, "a", "no"), alive(5, "u", 8, "a", "")}, "a 5/5"},
	} {
		if got := short(fold(tc.events...)); got != tc.want {
			t.Errorf("%s: got %s, want %s", name, got, tc.want)
		}
	}
}

// Copies and any order end in the same place, and never in a longer soak.
func TestReportsOfOneLifeMayComeInAnyOrder(t *testing.T) {
	for seed := range uint64(3000) {
		r := rand.New(rand.NewPCG(seed, 7))
		var events []gate.Event
		for i := range 2 + r.IntN(6) {
			failure := ""
			if r.IntN(3) == 0 {
				failure = "no"
			}
			events = append(events, alive(i/2, "u", uint64(100+i), string("abc"[r.IntN(3)]), failure))
		}
		truth := fold(events...)
		mixed := append(slices.Clone(events), events[r.IntN(len(events))])
		r.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		got := fold(mixed...)
		a, _ := truth.Now()
		b, _ := got.Now()
		if a.Revision != b.Revision || a.Ready != b.Ready || a.Ready && b.ReadyAt.Before(a.ReadyAt) {
			t.Fatalf("seed %d: in order %s, out of order %s", seed, short(truth), short(got))
		}
	}
}

// Where neither counts nor clocks tell which of two words is the later one, the
// history of their revisions does: "b" has "a" in it, and "c" knows neither.
func TestHistoryPlacesWhatNothingElseCan(t *testing.T) {
	word := func(revision, failure string) gate.Event {
		e := at(5, revision, failure)
		e.Contains = func(commit, sha core.SHA) bool { return commit == "a" && sha == "b" }
		return e
	}
	for name, tc := range map[string]struct {
		events []gate.Event
		want   string
	}{
		"the descendant comes second": {[]gate.Event{word("a", "no"), word("b", "")}, "a 5 no, b 5/5"},
		"the descendant comes first":  {[]gate.Event{word("b", ""), word("a", "no")}, "b 5/5"},
		"strangers, failed second":    {[]gate.Event{word("b", ""), word("c", "no")}, "b 5/5, c 5 no"},
		"strangers, failed first":     {[]gate.Event{word("c", "no"), word("b", "")}, "c 5 no"},
		"one revision":                {[]gate.Event{word("b", "no"), word("b", "")}, "b 5 no"},
	} {
		if got := short(fold(tc.events...)); got != tc.want {
			t.Errorf("%s: got %s, want %s", name, got, tc.want)
		}
	}
}

func TestSilence(t *testing.T) {
	heard := func(every time.Duration) gate.Report {
		e := at(0, "a", "")
		e.Received, e.Every = day, every
		return fold(e)
	}
	judge := func(r gate.Report, now time.Time) gate.Health {
		return gate.HealthOf([]gate.Source{{Cluster: "d1", Reports: []gate.Report{r}, Carries: carries("a"), Now: now}})
	}
	for name, tc := range map[string]struct {
		every, after time.Duration
		want         string // "" for health
	}{
		"within its interval":   {10 * time.Minute, 10 * time.Minute, ""},
		"a little late":         {10 * time.Minute, 20*time.Minute - time.Second, ""},
		"twice its interval":    {10 * time.Minute, 20 * time.Minute, "no report from d1 since 08:00 UTC: Kustomization flux-system/apps is silent, which should report every 10m"},
		"since yesterday":       {time.Hour, 30 * time.Hour, "no report from d1 since 2026-11-03 08:00 UTC: Kustomization flux-system/apps is silent, which should report every 1h"},
		"deliveries take time":  {time.Second, 9 * time.Second, ""},
		"it never promised":     {0, 59 * time.Minute, ""},
		"nor did it come again": {0, time.Hour, "no report from d1 since 08:00 UTC: Kustomization flux-system/apps is silent"},
	} {
		h := judge(heard(tc.every), day.Add(tc.after))
		if h.Healthy != (tc.want == "") || !h.Healthy && h.Reason != tc.want {
			t.Errorf("%s: %+v, want %q", name, h, tc.want)
		}
	}
	if h := judge(heard(10*time.Minute), day); !h.Until.Equal(minute(20)) {
		t.Errorf("it is healthy until %s, want the moment at which it would be silent", h.Until)
	}
	if v := gate.Healthy(judge(heard(10*time.Minute), day)); !v.Until.Equal(minute(20)) {
		t.Errorf("the verdict is to be looked at again at %s", v.Until)
	}
	if v := gate.Soak(judge(heard(10*time.Minute), minute(30)), time.Minute, minute(30)); v.State != gate.Wait {
		t.Errorf("it soaks in silence: %+v", v)
	}
	failed := gate.Fold(heard(10*time.Minute), at(5, "a", "no"))
	if h := judge(failed, day.Add(24*time.Hour)); h.Reason != "d1: Kustomization flux-system/apps failed at revision a: no" {
		t.Errorf("a failure that Flux does not repeat became %q", h.Reason)
	}
	if failed.Every != 10*time.Minute {
		t.Error("a failure made the promise forgotten")
	}
}
