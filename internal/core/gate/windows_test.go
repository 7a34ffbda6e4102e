package gate_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// gatesOf are the gates of a policy that says this of stg.
func gatesOf(t *testing.T, text string) policy.Gates {
	t.Helper()
	p, err := policy.Parse("sluice.yaml", fmt.Appendf(nil, `version: 1
layout: ["{env}/{app}"]
environments:
  - {name: dev, clusters: [a]}
  - {name: stg, from: dev, clusters: [b], gates: {%s}}
`, text))
	if err != nil {
		t.Fatal(err)
	}
	env, _ := p.Environment("stg")
	return env.Gates
}

func told(v gate.Verdict) string {
	text := string(v.State) + ": " + v.Reason
	if !v.Until.IsZero() {
		text += " | " + v.Until.UTC().Format("2006-01-02 15:04")
	}
	return text
}

// when maps times in UTC to what is wanted then.
type when map[string]string

func TestWindows(t *testing.T) {
	const office = `windows: [{days: Mon-Thu, hours: "09:00-16:00", zone: Europe/Berlin}]`
	const night = `windows: [{days: "Mon,Sat", hours: 22:00-04:00, zone: Europe/Berlin}]`
	tests := map[string]struct {
		gates string
		want  when
	}{
		"edges in winter": {office, when{
			"2026-11-03 07:59:59": "wait: closed until Tue 2026-11-03 09:00 CET (Europe/Berlin) | 2026-11-03 08:00",
			"2026-11-03 08:00:00": "pass: open until Tue 2026-11-03 16:00 CET (Europe/Berlin) | 2026-11-03 15:00",
			"2026-11-03 14:59:59": "pass: open until Tue 2026-11-03 16:00 CET (Europe/Berlin) | 2026-11-03 15:00",
			"2026-11-03 15:00:00": "wait: closed until Wed 2026-11-04 09:00 CET (Europe/Berlin) | 2026-11-04 08:00",
		}},
		"across the weekend": {office, when{
			"2026-11-05 15:00:00": "wait: closed until Mon 2026-11-09 09:00 CET (Europe/Berlin) | 2026-11-09 08:00",
		}},
		"the clocks go forward over the weekend": {office, when{
			"2026-03-26 15:00:00": "wait: closed until Mon 2026-03-30 09:00 CEST (Europe/Berlin) | 2026-03-30 07:00",
		}},
		"the clocks go back over the weekend": {office, when{
			"2026-10-22 14:00:00": "wait: closed until Mon 2026-10-26 09:00 CET (Europe/Berlin) | 2026-10-26 08:00",
		}},
		"across the year's end": {`windows: [{days: Thu, hours: 22:00-04:00}]`, when{
			"2026-12-31 23:59:59": "pass: open until Fri 2027-01-01 04:00 UTC | 2027-01-01 04:00",
			"2027-01-01 04:00:00": "wait: closed until Thu 2027-01-07 22:00 UTC | 2027-01-07 22:00",
		}},
		"on a leap day": {`windows: [{days: Tue}]`, when{
			"2028-02-28 12:00:00": "wait: closed until Tue 2028-02-29 00:00 UTC | 2028-02-29 00:00",
			"2028-02-29 12:00:00": "pass: open until Wed 2028-03-01 00:00 UTC | 2028-03-01 00:00",
		}},
		"across midnight belongs to the day it opens on": {night, when{
			"2026-11-02 20:59:59": "wait: closed until Mon 2026-11-02 22:00 CET (Europe/Berlin) | 2026-11-02 21:00",
			"2026-11-03 02:59:59": "pass: open until Tue 2026-11-03 04:00 CET (Europe/Berlin) | 2026-11-03 03:00",
			"2026-11-02 02:00:00": "wait: closed until Mon 2026-11-02 22:00 CET (Europe/Berlin) | 2026-11-02 21:00",
		}},
		"across the night in which the clocks go forward": {night, when{
			"2026-03-28 21:00:00": "pass: open until Sun 2026-03-29 04:00 CEST (Europe/Berlin) | 2026-03-29 02:00",
		}},
		"across the night in which the clocks go back": {night, when{
			"2026-10-24 20:00:00": "pass: open until Sun 2026-10-25 04:00 CET (Europe/Berlin) | 2026-10-25 03:00",
		}},
		"opens in the skipped hour, with the skip": {`windows: [{days: Sun, hours: 02:30-05:00, zone: Europe/Berlin}]`, when{
			"2026-03-29 00:59:59": "wait: closed until Sun 2026-03-29 03:00 CEST (Europe/Berlin) | 2026-03-29 01:00",
			"2026-03-29 01:00:00": "pass: open until Sun 2026-03-29 05:00 CEST (Europe/Berlin) | 2026-03-29 03:00",
		}},
		"closes in the skipped hour, with the skip": {`windows: [{days: Sun, hours: 01:00-02:30, zone: Europe/Berlin}]`, when{
			"2026-03-29 00:59:59": "pass: open until Sun 2026-03-29 03:00 CEST (Europe/Berlin) | 2026-03-29 01:00",
			"2026-03-29 01:00:00": "wait: closed until Sun 2026-04-05 01:00 CEST (Europe/Berlin) | 2026-04-04 23:00",
		}},
		"lies within the skipped hour, so not that week": {`windows: [{days: Sun, hours: 02:10-02:50, zone: Europe/Berlin}]`, when{
			"2026-03-22 01:50:00": "wait: closed until Sun 2026-04-05 02:10 CEST (Europe/Berlin) | 2026-04-05 00:10",
		}},
		"opens in the doubled hour, when it comes first": {`windows: [{days: Sun, hours: 02:30-05:00, zone: Europe/Berlin}]`, when{
			"2026-10-25 00:29:59": "wait: closed until Sun 2026-10-25 02:30 CEST (Europe/Berlin) | 2026-10-25 00:30",
			"2026-10-25 00:30:00": "pass: open until Sun 2026-10-25 05:00 CET (Europe/Berlin) | 2026-10-25 04:00",
		}},
		"closes in the doubled hour, when it comes first": {`windows: [{days: Sun, hours: 01:00-02:30, zone: Europe/Berlin}]`, when{
			"2026-10-25 00:29:59": "pass: open until Sun 2026-10-25 02:30 CEST (Europe/Berlin) | 2026-10-25 00:30",
			"2026-10-25 01:29:59": "wait: closed until Sun 2026-11-01 01:00 CET (Europe/Berlin) | 2026-11-01 00:00",
		}},
		"a zone whose midnight is skipped": {`windows: [{days: Fri, zone: Africa/Cairo}]`, when{
			"2026-04-23 21:59:59": "wait: closed until Fri 2026-04-24 01:00 EEST (Africa/Cairo) | 2026-04-23 22:00",
		}},
		"a day that a zone left out": {`windows: [{days: Fri, zone: Pacific/Apia}]`, when{
			"2011-12-30 09:59:59": "wait: closed until Fri 2012-01-06 00:00 +14 (Pacific/Apia) | 2012-01-05 10:00",
		}},
		"a zone with half an hour, the clocks of which move by half an hour": {`windows: [{days: Sun, hours: 02:10-02:40, zone: Australia/Lord_Howe}]`, when{
			"2026-10-03 15:29:59": "wait: closed until Sun 2026-10-04 02:30 +11 (Australia/Lord_Howe) | 2026-10-03 15:30",
			"2026-10-03 15:30:00": "pass: open until Sun 2026-10-04 02:40 +11 (Australia/Lord_Howe) | 2026-10-03 15:40",
		}},
		"overlapping windows are one": {`windows: [{days: Mon, hours: 09:00-12:00}, {days: Mon, hours: 11:00-14:00}, {days: Mon, hours: 14:00-15:00}, {days: Mon, hours: 09:30-10:00}]`, when{
			"2026-11-02 09:15:00": "pass: open until Mon 2026-11-02 15:00 UTC | 2026-11-02 15:00",
		}},
		"windows in two zones": {`windows: [{hours: 09:00-12:00, zone: Europe/Berlin}, {hours: 09:00-12:00, zone: America/New_York}]`, when{
			"2026-11-03 08:30:00": "pass: open until Tue 2026-11-03 12:00 CET (Europe/Berlin) | 2026-11-03 11:00",
			"2026-11-03 11:00:00": "wait: closed until Tue 2026-11-03 09:00 EST (America/New_York) | 2026-11-03 14:00",
		}},
		"windows that are always open together": {`windows: [{days: Mon-Fri}, {days: Sat-Sun, zone: Europe/Berlin}, {days: Fri-Mon}]`, when{
			"2026-11-03 08:30:00": "pass: always open",
		}},
		"a freeze over the next opening": {office + `, freezes: [{from: 2026-12-18, to: 2027-01-04, zone: Europe/Berlin}]`, when{
			"2026-12-17 15:00:00": "wait: closed until Mon 2026-12-21 09:00 CET (Europe/Berlin), and because of a freeze of no use before Tue 2027-01-05 09:00 CET (Europe/Berlin) | 2026-12-21 08:00",
		}},
		"a freeze that ends while a window is open": {office + `, freezes: [{from: 2026-11-02, to: 2026-11-04 10:30}]`, when{
			"2026-11-03 20:00:00": "wait: closed until Wed 2026-11-04 09:00 CET (Europe/Berlin), and because of a freeze of no use before Wed 2026-11-04 10:30 UTC | 2026-11-04 08:00",
		}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			g := gatesOf(t, tc.gates)
			tc.want.check(t, func(now time.Time) gate.Verdict { return gate.Windows(g.Windows, g.Freezes, now) })
		})
	}
}

func (want when) check(t *testing.T, judge func(time.Time) gate.Verdict) {
	t.Helper()
	for text, verdict := range want {
		now, err := time.Parse(time.DateTime, text)
		if err != nil {
			t.Fatal(err)
		}
		v := judge(now)
		if diff := cmp.Diff(verdict, told(v)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
		if (v.State == gate.Pass) != (v.PassesWhen == "") {
			t.Errorf("%s: %s passes when %q", text, v.State, v.PassesWhen)
		}
	}
}

func TestFreezes(t *testing.T) {
	tests := map[string]struct {
		gates string
		want  when
	}{
		"whole days, the last included": {`freezes: [{from: 2026-12-18, to: 2027-01-04, zone: Europe/Berlin, reason: year end}]`, when{
			"2026-12-17 22:59:59": "pass: none until Fri 2026-12-18 00:00 CET (Europe/Berlin) | 2026-12-17 23:00",
			"2026-12-17 23:00:00": "wait: frozen until Tue 2027-01-05 00:00 CET (Europe/Berlin): year end | 2027-01-04 23:00",
			"2027-01-04 22:59:59": "wait: frozen until Tue 2027-01-05 00:00 CET (Europe/Berlin): year end | 2027-01-04 23:00",
			"2027-01-04 23:00:00": "pass: none ahead",
		}},
		"across midnight": {`freezes: [{from: 2026-11-03 20:00, to: 2026-11-04 06:00}]`, when{
			"2026-11-03 19:59:59": "pass: none until Tue 2026-11-03 20:00 UTC | 2026-11-03 20:00",
			"2026-11-04 00:00:00": "wait: frozen until Wed 2026-11-04 06:00 UTC | 2026-11-04 06:00",
			"2026-11-04 06:00:00": "pass: none ahead",
		}},
		"one that begins before another ends": {`freezes: [{from: 2026-11-05, to: 2026-11-06, reason: b}, {from: 2026-11-03, to: 2026-11-05 12:00, reason: a}, {from: 2026-11-07, to: 2026-11-07, reason: c}]`, when{
			"2026-11-04 00:00:00": "wait: frozen until Sun 2026-11-08 00:00 UTC: a | 2026-11-08 00:00",
			"2026-11-05 00:00:00": "wait: frozen until Sun 2026-11-08 00:00 UTC: b, a | 2026-11-08 00:00",
		}},
		"the doubled hour is frozen to its end": {`freezes: [{from: 2026-10-25 02:30, to: 2026-10-25 02:45, zone: Europe/Berlin}]`, when{
			"2026-10-25 00:29:59": "pass: none until Sun 2026-10-25 02:30 CEST (Europe/Berlin) | 2026-10-25 00:30",
			"2026-10-25 00:50:00": "wait: frozen until Sun 2026-10-25 02:45 CET (Europe/Berlin) | 2026-10-25 01:45",
			"2026-10-25 01:45:00": "pass: none ahead",
		}},
		"the skipped hour": {`freezes: [{from: 2026-03-29 01:00, to: 2026-03-29 02:30, zone: Europe/Berlin}]`, when{
			"2026-03-29 00:59:59": "wait: frozen until Sun 2026-03-29 03:00 CEST (Europe/Berlin) | 2026-03-29 01:00",
			"2026-03-29 01:00:00": "pass: none ahead",
		}},
		"leap days and short years": {`freezes: [{from: 2028-02-29, to: 2028-02-29}]`, when{
			"2028-02-29 23:59:59": "wait: frozen until Wed 2028-03-01 00:00 UTC | 2028-03-01 00:00",
		}},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			g := gatesOf(t, tc.gates)
			tc.want.check(t, func(now time.Time) gate.Verdict { return gate.Freezes(g.Freezes, now) })
		})
	}
}

// TestWindowsChangeWhenTheySay steps through two years in which the clocks are
// changed and holds each verdict against what the clock on the wall says.
func TestWindowsChangeWhenTheySay(t *testing.T) {
	g := gatesOf(t, `windows: [{days: Mon-Thu, hours: "09:00-16:00", zone: Europe/Berlin}, {days: "Fri", hours: 22:00-04:00, zone: Europe/Berlin}]`)
	zone := g.Windows[0].Zone
	var last gate.Verdict
	for now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC); now.Year() < 2028; now = now.Add(time.Hour) {
		local := now.In(zone)
		day, h := local.Weekday(), local.Hour()
		open := day >= time.Monday && day <= time.Thursday && h >= 9 && h < 16 ||
			day == time.Friday && h >= 22 || day == time.Saturday && h < 4
		v := gate.Windows(g.Windows, nil, now)
		if (v.State == gate.Pass) != open {
			t.Fatalf("%s: %s", local, told(v))
		}
		if last.State != "" && (v.State != last.State) != now.Equal(last.Until) {
			t.Fatalf("%s: %s after %s", local, told(v), told(last))
		}
		last = v
	}
}
