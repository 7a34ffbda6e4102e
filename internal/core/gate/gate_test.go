package gate_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

var (
	day  = time.Date(2026, 11, 3, 8, 0, 0, 0, time.UTC)
	apps = gate.Object{Kind: gate.Kustomization, Namespace: "flux-system", Name: "apps"}
)

// minute is a time of the day that the tables below speak of.
func minute(m int) time.Time { return day.Add(time.Duration(m) * time.Minute) }

// at is an event: ready, or failed with a reason.
func at(m int, revision, failure string, order ...uint64) gate.Event {
	e := gate.Event{Object: apps, Revision: core.SHA(revision), Ready: failure == "", Reason: failure, At: minute(m)}
	if len(order) > 0 {
		e.Order = order[0]
	}
	return e
}

func fold(events ...gate.Event) gate.Report {
	var r gate.Report
	for _, e := range events {
		r = gate.Fold(r, e)
	}
	return r
}

// short is a report as the tables write it: "revision since/ready-at" or
// "revision since reason" for each run, in minutes.
func short(r gate.Report) string {
	var out []string
	for _, run := range r.Runs {
		text := fmt.Sprintf("%s %d", run.Revision, int(run.Since.Sub(day).Minutes()))
		if run.Ready {
			text += fmt.Sprintf("/%d", int(run.ReadyAt.Sub(day).Minutes()))
		} else {
			text += " " + run.Reason
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

func TestFold(t *testing.T) {
	for name, tc := range map[string]struct {
		events []gate.Event
		want   string
	}{
		"nothing":                      {nil, ""},
		"ready":                        {[]gate.Event{at(1, "a", "")}, "a 1/1"},
		"ready again":                  {[]gate.Event{at(1, "a", ""), at(5, "a", "")}, "a 1/1"},
		"twice":                        {[]gate.Event{at(1, "a", ""), at(1, "a", "")}, "a 1/1"},
		"next revision":                {[]gate.Event{at(1, "a", ""), at(5, "b", "")}, "a 1/1, b 5/5"},
		"failed":                       {[]gate.Event{at(1, "a", "no")}, "a 1 no"},
		"failed, then ready":           {[]gate.Event{at(1, "a", "no"), at(3, "a", "")}, "a 1/3"},
		"ready, then failed":           {[]gate.Event{at(1, "a", ""), at(3, "a", "no")}, "a 1 no"},
		"failed for another reason":    {[]gate.Event{at(1, "a", "no"), at(3, "a", "still no")}, "a 1 still no"},
		"flapping":                     {[]gate.Event{at(1, "a", ""), at(2, "a", "x"), at(3, "a", ""), at(4, "a", "x"), at(5, "a", "")}, "a 1/5"},
		"back to an older revision":    {[]gate.Event{at(1, "a", ""), at(2, "b", ""), at(3, "a", "")}, "a 1/1, b 2/2, a 3/3"},
		"failure without a revision":   {[]gate.Event{at(1, "a", ""), at(2, "", "no source")}, "a 1 no source"},
		"first without a revision":     {[]gate.Event{at(1, "", "no source")}, " 1 no source"},
		"then with one":                {[]gate.Event{at(1, "", "no source"), at(2, "a", "")}, " 1 no source, a 2/2"},
		"late, same revision":          {[]gate.Event{at(5, "a", ""), at(1, "a", "")}, "a 5/5"},
		"late, older revision":         {[]gate.Event{at(5, "b", ""), at(1, "a", "")}, "b 5/5"},
		"late copy of a failure":       {[]gate.Event{at(1, "a", ""), at(2, "a", "no"), at(3, "a", ""), at(2, "a", "no")}, "a 1/3"},
		"late failure ends the health": {[]gate.Event{at(1, "a", ""), at(9, "a", ""), at(5, "a", "no")}, "a 1/9"},
		"late failure of before":       {[]gate.Event{at(1, "a", ""), at(8, "b", ""), at(5, "a", "no")}, "a 1 no, b 8/8"},
		"late other revision":          {[]gate.Event{at(1, "a", ""), at(9, "a", ""), at(5, "b", "")}, "a 1/9"},
		"late failure before all":      {[]gate.Event{at(5, "a", ""), at(1, "a", "no")}, "a 5/5"},
		"same second, failure wins":    {[]gate.Event{at(1, "a", ""), at(1, "a", "no")}, "a 1 no"},
		"same second, failure first":   {[]gate.Event{at(1, "a", "no"), at(1, "a", "")}, "a 1 no"},
		"same second, by order":        {[]gate.Event{at(1, "a", "no", 1), at(1, "a", "", 2)}, "a 1/1"},
		"same second, lower order":     {[]gate.Event{at(1, "a", "", 2), at(1, "a", "no", 1)}, "a 1/1"},
		"same second, order unknown":   {[]gate.Event{at(1, "a", "", 2), at(1, "a", "no")}, "a 1 no"},
		"same second, order then less": {[]gate.Event{at(1, "a", "no"), at(1, "a", "", 2)}, "a 1 no"},
		"order of an earlier second":   {[]gate.Event{at(1, "a", "", 9), at(2, "a", "no", 3), at(2, "a", "", 4)}, "a 1/2"},
	} {
		t.Run(name, func(t *testing.T) {
			if got := short(fold(tc.events...)); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// TestFoldKeepsWhenAFailureBegan lists events and the minute in which the
// failure at their end began; -1 if there is none.
func TestFoldKeepsWhenAFailureBegan(t *testing.T) {
	for name, tc := range map[string]struct {
		events []gate.Event
		want   int
	}{
		"ready":                         {[]gate.Event{at(1, "a", "")}, -1},
		"at first":                      {[]gate.Event{at(1, "a", "no"), at(5, "a", "still no")}, 1},
		"later":                         {[]gate.Event{at(1, "a", ""), at(3, "a", "no"), at(5, "a", "no")}, 3},
		"again":                         {[]gate.Event{at(1, "a", "no"), at(3, "a", ""), at(5, "a", "no")}, 5},
		"over":                          {[]gate.Event{at(1, "a", "no"), at(3, "a", "")}, -1},
		"anew with each revision":       {[]gate.Event{at(1, "a", "no"), at(3, "b", "no")}, 3},
		"told late, of what it was not": {[]gate.Event{at(1, "a", ""), at(5, "b", "no"), at(3, "a", "no")}, 5},
	} {
		now, _ := fold(tc.events...).Now()
		if got := minute(tc.want); tc.want >= 0 && !now.FailedAt.Equal(got) || tc.want < 0 && !now.FailedAt.IsZero() {
			t.Errorf("%s: failed at %s, want minute %d", name, now.FailedAt, tc.want)
		}
	}
}

func TestFoldKeepsItsArgument(t *testing.T) {
	r := fold(at(1, "a", ""), at(2, "b", ""))
	before := short(r)
	gate.Fold(r, at(3, "b", "no"))
	gate.Fold(r, at(1, "a", "no"))
	if after := short(r); after != before {
		t.Errorf("%s became %s", before, after)
	}
}

func TestFoldIsBounded(t *testing.T) {
	var r gate.Report
	for i := range 1000 {
		r = gate.Fold(r, at(i, fmt.Sprint("r", i), ""))
	}
	if n := len(r.Runs); n > 200 || r.Runs[n-1].Revision != "r999" || r.Runs[n-1].Since != minute(999) {
		t.Errorf("%d runs, the last %v", n, r.Runs[n-1])
	}
}

// Whatever the order of arrival, an object that last failed has failed, one
// that last was ready is ready, and no health is longer than it really was.
func TestFoldInAnyOrder(t *testing.T) {
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 1))
		var events []gate.Event
		for i := range 2 + r.IntN(8) {
			failure := ""
			if r.IntN(3) == 0 {
				failure = "no"
			}
			events = append(events, at(i, string(rune('a'+r.IntN(3))), failure))
		}
		truth := fold(events...)
		shuffled := append(append([]gate.Event(nil), events...), events[r.IntN(len(events))])
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		got := fold(shuffled...)
		a, _ := truth.Now()
		b, _ := got.Now()
		if a.Revision != b.Revision || a.Ready != b.Ready {
			t.Fatalf("seed %d: in order %s, out of order %s", seed, short(truth), short(got))
		}
		for _, carried := range []string{"a", "ab", "abc"} {
			x, y := health(truth, carried), health(got, carried)
			if x.Healthy != y.Healthy || y.Since.Before(x.Since) {
				t.Fatalf("seed %d: healthy with %q since %s in order (%s), since %s out of order (%s)", seed, carried, x.Since, short(truth), y.Since, short(got))
			}
		}
	}
}

// health asks about revisions of one letter, of which some carry the version.
func health(r gate.Report, carried string) gate.Health {
	return gate.HealthOf([]gate.Source{{Cluster: "d1", Reports: []gate.Report{r}, Carries: carries(carried)}})
}

func carries(letters string) gate.Carries {
	return func(revision core.SHA) gate.Answer {
		switch {
		case revision == "?":
			return gate.Unknown
		case strings.Contains(letters, string(revision)):
			return gate.Yes
		default:
			return gate.No
		}
	}
}

func TestHealthOf(t *testing.T) {
	release := func(name, failure string) gate.Report {
		e := at(9, "", failure)
		e.Object = gate.Object{Kind: "HelmRelease", Namespace: "web", Name: name}
		return fold(e)
	}
	infra := func(events ...gate.Event) gate.Report {
		for i := range events {
			events[i].Object.Name = "infrastructure"
		}
		return fold(events...)
	}
	source := func(cluster core.Cluster, reports ...gate.Report) gate.Source {
		return gate.Source{Cluster: cluster, Reports: reports, Releases: []string{"web"}, Carries: carries("bcd")}
	}
	for name, tc := range map[string]struct {
		sources []gate.Source
		want    string // the reason; a minute where it is healthy
	}{
		"no cluster":                        {nil, "no cluster deploys it"},
		"no report":                         {[]gate.Source{source("d1")}, "no report from d1 yet"},
		"an empty report":                   {[]gate.Source{source("d1", gate.Report{Object: apps})}, "no report from d1 yet"},
		"a HelmRelease only":                {[]gate.Source{source("d1", release("web", ""))}, "no report from d1 yet"},
		"ready":                             {[]gate.Source{source("d1", fold(at(1, "a", ""), at(2, "b", "")))}, "2"},
		"older revision":                    {[]gate.Source{source("d1", fold(at(1, "a", "")))}, "d1: Kustomization flux-system/apps is still at revision a, which does not have it"},
		"unknown revision":                  {[]gate.Source{source("d1", fold(at(1, "?", "")))}, "d1: Kustomization flux-system/apps reports revision ?, which is not on the default branch that Sluice knows"},
		"no revision":                       {[]gate.Source{source("d1", fold(at(1, "", "no source")))}, "d1: Kustomization flux-system/apps has not said yet which revision it applies"},
		"failed":                            {[]gate.Source{source("d1", fold(at(1, "b", ""), at(2, "b", "bad\nworse")))}, "d1: Kustomization flux-system/apps failed at revision b: bad"},
		"streak across revisions":           {[]gate.Source{source("d1", fold(at(1, "a", ""), at(2, "b", ""), at(3, "c", ""), at(4, "d", "")))}, "2"},
		"streak ends where it was missing":  {[]gate.Source{source("d1", fold(at(1, "b", ""), at(2, "a", ""), at(3, "c", "")))}, "3"},
		"streak ends at an unknown one":     {[]gate.Source{source("d1", fold(at(1, "b", ""), at(2, "?", ""), at(3, "c", "")))}, "3"},
		"failure ends the streak":           {[]gate.Source{source("d1", fold(at(1, "b", ""), at(2, "b", "no"), at(3, "c", ""), at(4, "d", "")))}, "3"},
		"slow start ends the streak":        {[]gate.Source{source("d1", fold(at(1, "b", ""), at(2, "c", "not yet"), at(3, "c", ""), at(4, "d", "")))}, "3"},
		"skipped revisions":                 {[]gate.Source{source("d1", fold(at(1, "a", ""), at(5, "d", "")))}, "5"},
		"two clusters, the latest counts":   {[]gate.Source{source("d2", fold(at(7, "b", ""))), source("d1", fold(at(3, "b", "")))}, "7"},
		"two clusters, one is not":          {[]gate.Source{source("d1", fold(at(3, "b", ""))), source("d2", fold(at(7, "a", "")))}, "d2: Kustomization flux-system/apps is still at revision a, which does not have it"},
		"two objects, the latest counts":    {[]gate.Source{source("d1", fold(at(3, "b", "")), infra(at(6, "c", "")))}, "6"},
		"two objects, one is not":           {[]gate.Source{source("d1", fold(at(3, "b", "")), infra(at(6, "a", "")))}, "d1: Kustomization flux-system/infrastructure is still at revision a, which does not have it"},
		"its HelmRelease failed":            {[]gate.Source{source("d1", fold(at(3, "b", "")), release("web", "retries exhausted"))}, "d1: HelmRelease web/web failed: retries exhausted"},
		"its HelmRelease is ready":          {[]gate.Source{source("d1", fold(at(3, "b", "")), release("web", ""))}, "9"},
		"another HelmRelease failed":        {[]gate.Source{source("d1", fold(at(3, "b", "")), release("other", "no"))}, "3"},
		"long reason":                       {[]gate.Source{source("d1", fold(at(2, "b", strings.Repeat("é", 300))))}, "d1: Kustomization flux-system/apps failed at revision b: " + strings.Repeat("é", 200) + "…"},
		"healthy again after it was failed": {[]gate.Source{source("d1", fold(at(1, "b", "no"), at(2, "b", "")))}, "2"},
	} {
		t.Run(name, func(t *testing.T) {
			h := gate.HealthOf(tc.sources)
			got := h.Reason
			if h.Healthy {
				got = fmt.Sprint(int(h.Since.Sub(day).Minutes()))
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if v := gate.Healthy(h); (v.State == gate.Pass) != h.Healthy || v.Reason != h.Reason || v.Gate != "healthy" {
				t.Errorf("verdict %+v of %+v", v, h)
			}
		})
	}
}

func TestSoak(t *testing.T) {
	healthy := gate.Health{Healthy: true, Since: minute(0)}
	for name, tc := range map[string]struct {
		health gate.Health
		now    time.Time
		want   gate.Verdict
	}{
		"not healthy":   {gate.Health{Reason: "no"}, minute(99), gate.Verdict{Gate: "soak", State: gate.Wait, PassesWhen: "it has been healthy for that long", Reason: "30m0s of health needed, and it is not healthy now"}},
		"one ns before": {healthy, minute(30).Add(-1), gate.Verdict{Gate: "soak", State: gate.Wait, PassesWhen: "it has been healthy for that long", Until: minute(30), Reason: "30m0s of health needed, since 2026-11-03 08:00:00 UTC: until 2026-11-03 08:30:00 UTC"}},
		"at the end":    {healthy, minute(30), gate.Verdict{Gate: "soak", State: gate.Pass, Reason: "healthy for 30m0s, since 2026-11-03 08:00:00 UTC"}},
		"long after":    {healthy, minute(9000), gate.Verdict{Gate: "soak", State: gate.Pass, Reason: "healthy for 30m0s, since 2026-11-03 08:00:00 UTC"}},
		"clock behind":  {healthy, minute(-5), gate.Verdict{Gate: "soak", State: gate.Wait, PassesWhen: "it has been healthy for that long", Until: minute(30), Reason: "30m0s of health needed, since 2026-11-03 08:00:00 UTC: until 2026-11-03 08:30:00 UTC"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, gate.Soak(tc.health, 30*time.Minute, tc.now)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func person(id core.UserID, level int, groups ...string) gate.Person {
	return gate.Person{ID: id, Username: fmt.Sprintf("user%d", id), Level: level, Active: true, Groups: groups}
}

func TestApprovals(t *testing.T) {
	inactive := person(4, 50, "a/b")
	inactive.Active = false
	rule := policy.Approvals{Count: 2, Author: policy.AuthorDeny, From: []policy.Principal{
		{Kind: policy.Role, Name: "maintainer", Level: 40}, {Kind: policy.Group, Name: "a/b"}, {Kind: policy.User, Name: "User9"},
	}}
	from := "the role maintainer or the group a/b or the user User9"
	for name, tc := range map[string]struct {
		people  []gate.Person
		author  policy.AuthorRule
		pass    bool
		reason  string
		refusal string // of the last of them
	}{
		"nobody":            {nil, "", false, "0 of 2 approvals; needed from " + from, ""},
		"one":               {[]gate.Person{person(1, 40)}, "", false, "1 of 2 approvals: user1; needed from " + from, ""},
		"two":               {[]gate.Person{person(2, 50), person(1, 40)}, "", true, "2 of 2 approvals: user1, user2", ""},
		"three":             {[]gate.Person{person(2, 50), person(1, 40), person(3, 40)}, "", true, "3 of 2 approvals: user1, user2, user3", ""},
		"one twice":         {[]gate.Person{person(1, 40), person(1, 40)}, "", false, "1 of 2 approvals: user1; needed from " + from, ""},
		"role below":        {[]gate.Person{person(1, 30)}, "", false, "0 of 2 approvals; needed from " + from, "an approval must come from " + from},
		"by group":          {[]gate.Person{person(1, 20, "x", "a/b")}, "", false, "1 of 2 approvals: user1; needed from " + from, ""},
		"by a parent group": {[]gate.Person{person(1, 20, "a")}, "", false, "0 of 2 approvals; needed from " + from, "an approval must come from " + from},
		"by name":           {[]gate.Person{person(9, 10)}, "", false, "1 of 2 approvals: user9; needed from " + from, ""},
		"group, no access":  {[]gate.Person{person(1, 0, "a/b")}, "", false, "0 of 2 approvals; needed from " + from, "an approval must come from " + from},
		"name, no access":   {[]gate.Person{person(9, 0)}, "", false, "0 of 2 approvals; needed from " + from, "an approval must come from " + from},
		"blocked":           {[]gate.Person{inactive}, "", false, "0 of 2 approvals; needed from " + from, "an approval must come from " + from},
		"author":            {[]gate.Person{person(7, 40)}, "", false, "0 of 2 approvals; needed from " + from, "the author of a change cannot approve it"},
		"author allowed":    {[]gate.Person{person(7, 40)}, policy.AuthorAllow, false, "1 of 2 approvals: user7; needed from " + from, ""},
		"author rule unset": {[]gate.Person{person(7, 40)}, "-", false, "0 of 2 approvals; needed from " + from, "the author of a change cannot approve it"},
	} {
		t.Run(name, func(t *testing.T) {
			rule := rule
			if tc.author != "" {
				rule.Author = tc.author
			}
			v := gate.Approvals(rule, tc.people, []core.UserID{1000, 7}, gate.Bringers{})
			if v.Reason != tc.reason || (v.State == gate.Pass) != tc.pass || v.State == gate.Block || !v.Until.IsZero() {
				t.Errorf("got %+v, want %q", v, tc.reason)
			}
			if len(tc.people) == 0 {
				return
			}
			if got := gate.Refusal(rule, tc.people[len(tc.people)-1], []core.UserID{1000, 7}, gate.Bringers{}); got != tc.refusal {
				t.Errorf("refusal %q, want %q", got, tc.refusal)
			}
		})
	}
}

func TestWhoBroughtItDoesNotApproveIt(t *testing.T) {
	jane := gate.Person{ID: 11, Username: "jane", Level: 40, Active: true, Email: "Jane@example.com"}
	rule := policy.Approvals{Count: 1, Author: policy.AuthorDeny, Bumper: policy.AuthorDeny, From: []policy.Principal{policy.Maintainer()}}
	for name, tc := range map[string]struct {
		by     gate.Bringer
		denied bool
	}{
		"the user":                 {gate.Bringer{User: 11, Email: "else@example.com"}, true},
		"another user":             {gate.Bringer{User: 12, Email: "jane@example.com"}, false},
		"the address":              {gate.Bringer{Email: "jane@Example.com"}, true},
		"another address":          {gate.Bringer{Email: "jane@example.org"}, false},
		"the private address":      {gate.Bringer{Email: "11-jane-of-old@users.noreply.gitlab.com"}, true},
		"another private address":  {gate.Bringer{Email: "111-jane@users.noreply.gitlab.com"}, false},
		"a private one of another": {gate.Bringer{Email: "11+jane@users.noreply.github.com"}, false},
		"no number":                {gate.Bringer{Email: "-jane@users.noreply.gitlab.com"}, false},
		"nothing":                  {gate.Bringer{}, false},
	} {
		t.Run(name, func(t *testing.T) {
			tc.by.Into = "dev"
			v := gate.Approvals(rule, []gate.Person{jane}, nil, gate.Bringers{Known: []gate.Bringer{tc.by}})
			if tc.denied != (v.State == gate.Wait) || v.State == gate.Block {
				t.Errorf("got %+v", v)
			}
			loose := rule
			loose.Bumper = policy.AuthorAllow
			if v := gate.Approvals(loose, []gate.Person{jane}, nil, gate.Bringers{Known: []gate.Bringer{tc.by}, Unasked: "not yet"}); v.State != gate.Pass {
				t.Errorf("where the policy allows it: %+v", v)
			}
		})
	}
}

// What has not been asked yet is not taken for nobody.
func TestApprovalsWaitUntilItIsKnownWhoBroughtIt(t *testing.T) {
	rule := policy.Approvals{Count: 1, From: []policy.Principal{policy.Maintainer()}}
	v := gate.Approvals(rule, []gate.Person{person(1, 40)}, nil, gate.Bringers{Unasked: "who brought it is not known yet"})
	if v.State != gate.Wait || !strings.Contains(v.Reason, "who brought it is not known yet") {
		t.Errorf("got %+v", v)
	}
	many := gate.Bringers{Unknown: "nobody knows"}
	for i := range 5 {
		many.Known = append(many.Known, gate.Bringer{User: core.UserID(10 + i), Name: fmt.Sprint("p", i)})
	}
	v = gate.Approvals(rule, nil, nil, many)
	if want := "0 of 1 approvals; needed from the role maintainer, but not from p0 or p1 or p2 or others, who brought the version; nobody knows"; v.Reason != want {
		t.Errorf("got %q, want %q", v.Reason, want)
	}
}

// Two people of the same name are two; one person of two names is one.
func TestApprovalsCountPeopleNotNames(t *testing.T) {
	rule := policy.Approvals{Count: 2, From: []policy.Principal{policy.Maintainer()}}
	a, b := person(1, 40), person(1, 40)
	b.Username = "renamed"
	if v := gate.Approvals(rule, []gate.Person{a, b}, nil, gate.Bringers{}); v.State == gate.Pass {
		t.Errorf("one person under two names passes: %+v", v)
	}
}

func TestApprovalsFromNobodyNeverPass(t *testing.T) {
	if v := gate.Approvals(policy.Approvals{Count: 1}, []gate.Person{person(1, 50)}, nil, gate.Bringers{}); v.State != gate.Wait {
		t.Errorf("got %+v", v)
	}
	if (gate.Person{Active: true, Level: 50}).Is(policy.Principal{}) {
		t.Error("a principal of no kind picks somebody")
	}
}

func TestOpenAndNext(t *testing.T) {
	pass, wait, block := gate.Verdict{State: gate.Pass}, gate.Verdict{State: gate.Wait}, gate.Hold("jane", "")
	early, late := gate.Verdict{State: gate.Wait, Until: minute(1)}, gate.Verdict{State: gate.Wait, Until: minute(2)}
	for _, tc := range []struct {
		verdicts []gate.Verdict
		open     bool
		next     time.Time
	}{
		{nil, true, time.Time{}},
		{[]gate.Verdict{pass, pass}, true, time.Time{}},
		{[]gate.Verdict{pass, wait}, false, time.Time{}},
		{[]gate.Verdict{pass, block}, false, time.Time{}},
		{[]gate.Verdict{{}}, false, time.Time{}},
		{[]gate.Verdict{late, wait, early}, false, minute(1)},
	} {
		if got := gate.Open(tc.verdicts); got != tc.open {
			t.Errorf("Open(%v) = %v", tc.verdicts, got)
		}
		if got := gate.Next(tc.verdicts); got != tc.next {
			t.Errorf("Next(%v) = %v", tc.verdicts, got)
		}
	}
	if got := gate.Hold("jane", "load test").Reason; got != "held by jane: load test" {
		t.Error(got)
	}
}

// TestOnlyTheCarrierCounts lets everything else in the cluster fail.
func TestOnlyTheCarrierCounts(t *testing.T) {
	at := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	report := func(name, reason string) gate.Report {
		o := gate.Object{Kind: gate.Kustomization, Namespace: "flux-system", Name: name}
		return gate.Fold(gate.Report{}, gate.Event{Object: o, Revision: "b", Ready: reason == "", Reason: reason, At: at})
	}
	source := gate.Source{
		Cluster: "d1", Carrier: "flux-system/apps", Carries: func(core.SHA) gate.Answer { return gate.Yes },
		Reports: []gate.Report{report("other", "broken")},
	}
	if h := gate.HealthOf([]gate.Source{source}); h.Healthy || h.Reason != "no report of Kustomization flux-system/apps from d1 yet" {
		t.Errorf("without a report of the carrier: %+v", h)
	}
	source.Reports = append(source.Reports, report("apps", ""))
	if h := gate.HealthOf([]gate.Source{source}); !h.Healthy {
		t.Errorf("with a good report of the carrier: %+v", h)
	}
	source.Reports = append(source.Reports[:1], report("apps", "broken"))
	if h := gate.HealthOf([]gate.Source{source}); h.Healthy {
		t.Errorf("with a bad report of the carrier: %+v", h)
	}
}

// A version that is only on its way is told from one that failed, whichever
// cluster or Kustomization is looked at first.
func TestComing(t *testing.T) {
	infra := fold(at(1, "a", ""), at(2, "b", "no"))
	infra.Object.Name = "infra"
	source := func(cluster core.Cluster, reports ...gate.Report) gate.Source {
		return gate.Source{Cluster: cluster, Reports: reports, Carries: carries("b")}
	}
	behind, failed, ready := fold(at(1, "a", "")), fold(at(1, "a", ""), at(2, "b", "no")), fold(at(1, "b", ""))
	for name, tc := range map[string]struct {
		sources []gate.Source
		want    bool
	}{
		"behind":                          {[]gate.Source{source("d1", behind)}, true},
		"one of two is behind":            {[]gate.Source{source("d1", behind), source("d2", ready)}, true},
		"the other failed":                {[]gate.Source{source("d1", behind), source("d2", failed)}, false},
		"another Kustomization failed":    {[]gate.Source{source("d1", behind, infra)}, false},
		"failed":                          {[]gate.Source{source("d1", failed)}, false},
		"behind, and failed where it was": {[]gate.Source{source("d1", fold(at(1, "a", "no")))}, false},
		"silent":                          {[]gate.Source{source("d1", behind), source("d2")}, false},
		"ready":                           {[]gate.Source{source("d1", ready)}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if h := gate.HealthOf(tc.sources); h.Coming != tc.want || h.Coming && h.Healthy {
				t.Errorf("%+v, want coming: %t", h, tc.want)
			}
		})
	}
}

// A cluster that cannot be told to look at Git is late for a reason that people
// can do something about.
func TestAClusterThatCannotBeCalledSaysWhy(t *testing.T) {
	why := "its Flux Receiver cannot be called: flux.example.com answered 400"
	h := gate.HealthOf([]gate.Source{{Cluster: "d1", Unreached: why, Carries: carries("")}})
	if want := "no report from d1 yet; " + why; h.Reason != want {
		t.Errorf("got %q, want %q", h.Reason, want)
	}
	h = gate.HealthOf([]gate.Source{{Cluster: "d1", Unreached: why, Carries: carries("a"), Reports: []gate.Report{fold(at(9, "a", ""))}}})
	if !h.Healthy || strings.Contains(h.Reason, why) {
		t.Errorf("got %+v, want health: it has the version without having been called", h)
	}
}
