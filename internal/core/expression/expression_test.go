package expression_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/expression"
	"github.com/sluice-gitops/sluice/internal/core/version"
)

func checker(t testing.TB) *expression.Checker {
	t.Helper()
	c, err := expression.NewChecker()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func facts() expression.Facts {
	return expression.Facts{
		Target: core.Target{Env: "prd", App: "gateway"}, From: []core.Env{"stg"}, Clusters: []core.Cluster{"p1", "p2"},
		Changes: []expression.Change{
			{Cluster: "p1", Kind: "chart", Name: "gateway", Old: version.Parse("1.2.3"), New: version.Parse("1.3.0+b7")},
			{Cluster: "p2", Kind: "image", Name: "ghcr.io/x/gateway", Old: version.Parse("v1.2.3"), New: version.Parse("v2.0.0-rc.1@sha256:" + strings.Repeat("ab", 32))},
		},
		MergeRequest: &expression.MergeRequest{ID: 7, Title: "Promote", Author: "bot", Labels: []string{"sluice", "urgent"}},
		Healthy:      true, Soaked: 90 * time.Minute, Now: time.Date(2026, 11, 3, 9, 30, 0, 0, time.UTC),
	}
}

func TestEvaluate(t *testing.T) {
	opaque := func(f *expression.Facts) {
		f.Changes = []expression.Change{{Kind: "image", Name: "web", Old: version.Parse("main"), New: version.Parse("latest")}}
	}
	for _, tc := range []struct {
		text   string
		change func(*expression.Facts)
		want   string
	}{
		{text: `true`},
		{text: `app == "gateway" && env == "prd" && from == ["stg"] && clusters.size() == 2`},
		{text: `env != "prd"`, want: "no: is false"},
		{text: `version.major >= 1`},
		{text: `version.prerelease == ""`, want: "no: is false for image ghcr.io/x/gateway v2.0.0-rc.1@sha256:" + strings.Repeat("ab", 32)},
		{text: `version.major == change.old.major || change.kind == "image"`},
		{text: `change.new == version && change.old != version`},
		{text: `version.minor == 3 || version.digest.startsWith("sha256:")`},
		{text: `version.build in ["b7", ""]`},
		{text: `version.scheme == "SemVer"`},
		{text: `changes.exists(c, c.kind == "chart" && c.new.minor > c.old.minor)`},
		{text: `changes.all(c, c.cluster == "p1")`, want: "no: is false"},
		{text: `changes[0].old.text == "1.2.3" && changes[1].new.prerelease == "rc.1"`},
		{text: `changes[5].old.text == ""`, want: "unknown: has no answer: index out of bounds: 5"},
		{text: `soaked >= duration("90m")`},
		{text: `soaked > duration("90m")`, want: "no: is false"},
		{text: `soaked > duration("1m")`, change: func(f *expression.Facts) { f.Healthy = false }, want: "unknown: has no answer: it is not healthy, so it does not soak"},
		{text: `env == "prd" || soaked > duration("1m")`, change: func(f *expression.Facts) { f.Healthy = false }},
		{text: `now.getHours() == 9 && now.getDayOfWeek() == 2`},
		{text: `now > timestamp("2026-11-03T09:30:00Z")`, want: "no: is false"},
		{text: `"urgent" in mr.labels && mr.author == "bot" && !mr.draft && mr.number == 7 && mr.title != ""`},
		{text: `"urgent" in mr.labels`, change: func(f *expression.Facts) { f.MergeRequest = nil }, want: "unknown: has no answer: the merge request is not open yet"},
		{text: `version.major > 0`, change: opaque, want: "unknown: has no answer for image web latest: latest is not SemVer, so it has no major"},
		{text: `version.prerelease == ""`, change: opaque, want: "unknown: has no answer for image web latest: latest does not tell whether it is a prerelease"},
		{text: `!has(version.major) && !has(version.prerelease) && has(version.text)`, change: opaque},
		{text: `version.text != ""`, change: func(f *expression.Facts) { f.Changes = nil }, want: "unknown: is about changes, and there are none"},
		{text: `1 / (changes.size() - 2) > 0`, want: "unknown: has no answer: division by zero"},
		{text: `changes.all(a, changes.all(b, changes.all(c, changes.all(d, a.name + b.name + c.name + d.name != ""))))`,
			change: func(f *expression.Facts) {
				for range 6 {
					f.Changes = append(f.Changes, f.Changes...)
				}
			}, want: "unknown: has no answer: operation cancelled: actual cost limit exceeded"},
		{text: `version.text.matches("^v?[0-9]")`},
	} {
		t.Run(tc.text, func(t *testing.T) {
			e, err := checker(t).Parse(tc.text)
			if err != nil {
				t.Fatal(err)
			}
			f := facts()
			if tc.change != nil {
				tc.change(&f)
			}
			answer, why := e.Evaluate(f)
			got := map[expression.Answer]string{expression.Unknown: "unknown: ", expression.No: "no: ", expression.Yes: ""}[answer] + why
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for text, want := range map[string]string{
		``:                                    "1:1: Syntax error",
		`version.major >`:                     "1:16: Syntax error",
		`version.majr == 1`:                   "1:8: undefined field 'majr'; the fields of a version are text, scheme, major",
		`verson.major == 1`:                   "1:1: undeclared reference to 'verson' (in container ''); the variables are app, env, from, clusters, change,",
		`version.major == "1"`:                "1:15: found no matching overload for '_==_' applied to '(int, string)'; write a condition in CEL",
		`version.major`:                       "1:1: the expression gives a int; write one that is true or false",
		"app == 'a' &&\n  envv == 'b'":        "2:3: undeclared reference to 'envv'",
		`now.getHours("Europe/Berlin") > 8`:   "1:13: found no matching overload for 'getHours' applied to 'timestamp.(string)'",
		`dyn(now).getDayOfWeek("Local") == 1`: "1:22: found no matching overload",
		strings.Repeat("(", 100) + `true` + strings.Repeat(")", 100): "1:1: ",
		`app == "` + strings.Repeat("x", 1000) + `"`:                 "1:1: the expression has 1009 characters; at most 1000 are allowed",
		`change.new.major`: "1:1: the expression gives a int",
	} {
		t.Run(text, func(t *testing.T) {
			_, err := checker(t).Parse(text)
			var at *expression.Error
			if core.KindOf(err) != core.Invalid || !errors.As(err, &at) {
				t.Fatalf("error %v, of kind %v", err, core.KindOf(err))
			}
			if !strings.HasPrefix(err.Error(), want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got  %s\nwant %s", err, want)
			}
		})
	}
}

func TestUses(t *testing.T) {
	e, err := checker(t).Parse(`changes.all(c, c.old.major == 1) && now > timestamp("2026-11-03T00:00:00Z")`)
	if err != nil {
		t.Fatal(err)
	}
	if !e.Uses("now", "mr") || e.Uses("mr", "soaked", "version") {
		t.Errorf("%s: uses of variables are wrong", e)
	}
}

func TestTheZeroExpressionHoldsForNothing(t *testing.T) {
	if answer, why := (expression.Expression{}).Evaluate(facts()); answer != expression.Unknown || why == "" {
		t.Errorf("got %v, %q", answer, why)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(`version.prerelease == ""`)
	f.Add(`changes.all(c, c.new.major - c.old.major <= 1)`)
	f.Fuzz(func(t *testing.T, text string) {
		e, err := checker(t).Parse(text)
		if err != nil {
			return
		}
		a, why := e.Evaluate(facts())
		b, again := e.Evaluate(facts())
		if a != b || why != again || (a == expression.Yes) != (why == "") {
			t.Errorf("%q: %v %q, then %v %q", text, a, why, b, again)
		}
	})
}
