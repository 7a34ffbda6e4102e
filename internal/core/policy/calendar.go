package policy

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Window is a span of time that comes back every week.
type Window struct {
	Days   []time.Weekday // the days on which it opens, Monday first; at least one
	Opens  int            // in minutes after midnight
	Closes int            // in minutes after the midnight before it opens; past 24 hours where it lasts into the next day
	Zone   *time.Location
}

// Freeze is a span of time in which nothing is merged.
type Freeze struct {
	Span
	Zone   *time.Location // in which people think of it
	Reason string         // "" if the policy gives none
}

// Span is the time from Start up to End, End not included.
type Span struct{ Start, End time.Time }

// Covers tells whether the span has t in it.
func (s Span) Covers(t time.Time) bool { return !t.Before(s.Start) && t.Before(s.End) }

// On is the window's span on the date that t has in the window's zone, shifted
// by so many days; false if the window does not open then. An edge is reached
// when the clock first shows its time, and where the clock is put forward past
// it, at that moment. A window that lies within a skipped hour does not open.
func (w Window) On(t time.Time, shift int) (Span, bool) {
	t = t.In(w.Zone)
	day := time.Date(t.Year(), t.Month(), t.Day()+shift, 0, 0, 0, 0, time.UTC)
	if !slices.Contains(w.Days, day.Weekday()) {
		return Span{}, false
	}
	first, _ := reached(day.Add(time.Duration(w.Opens)*time.Minute), w.Zone)
	last, _ := reached(day.Add(time.Duration(w.Closes)*time.Minute), w.Zone)
	return Span{first, last}, first.Before(last)
}

// maxOffset is further from UTC than any zone is or was.
const maxOffset = 16 * time.Hour

// reached is when the clock of a zone first shows a time that is written as if
// it were UTC, and when it last does: the same, but for the hour that the clock
// goes through twice. A time that the clock skips is reached with the skip.
func reached(wall time.Time, zone *time.Location) (first, last time.Time) {
	for t := wall.Add(-maxOffset).In(zone); ; {
		_, offset := t.Zone()
		_, end := t.ZoneBounds()
		at := wall.Add(-time.Duration(offset) * time.Second).In(zone)
		switch within := end.IsZero() || at.Before(end); {
		case first.IsZero() && within:
			first = latest(at, t)
			last = first
		case within && !at.Before(t):
			last = at
		}
		if end.IsZero() || end.After(wall.Add(maxOffset)) {
			return first, last
		}
		t = end
	}
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// String is the window as people would write it, such as "Mon-Thu 09:00-16:00
// Europe/Berlin".
func (w Window) String() string {
	return weekdays(w.Days) + " " + hour(w.Opens) + "-" + hour(closing(w)) + " " + w.Zone.String()
}

// closing is the minute of the day on which the window closes; midnight as the
// end of a day is 24:00.
func closing(w Window) int {
	if w.Closes > minutesPerDay {
		return w.Closes - minutesPerDay
	}
	return w.Closes
}

const minutesPerDay = 24 * 60

func hour(minutes int) string { return fmt.Sprintf("%02d:%02d", minutes/60, minutes%60) }

// week is the days in the order in which people here count them.
func week() []time.Weekday {
	return []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday, time.Saturday, time.Sunday}
}

func dayName(d time.Weekday) string { return d.String()[:3] }

// weekdays joins three and more days in a row.
func weekdays(days []time.Weekday) string {
	var parts []string
	all := week()
	for i := 0; i < len(all); i++ {
		if !slices.Contains(days, all[i]) {
			continue
		}
		first := i
		for i+1 < len(all) && slices.Contains(days, all[i+1]) {
			i++
		}
		switch {
		case i-first > 1:
			parts = append(parts, dayName(all[first])+"-"+dayName(all[i]))
		case i > first:
			parts = append(parts, dayName(all[first]), dayName(all[i]))
		default:
			parts = append(parts, dayName(all[i]))
		}
	}
	return strings.Join(parts, ",")
}
