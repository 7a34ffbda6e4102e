package gate

import (
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// horizon is how many days are laid out to find when a window opens or closes.
// Windows come back every week; the third week is for one that a change of the
// clocks skips, or for a zone that leaves out a day.
const horizon = 22

// Windows is the verdict of the gate "windows": it is one of the times at which
// the policy lets a promotion go on. The freezes are for the words alone: who
// reads when the next window opens wants to know whether it will be of use.
func Windows(windows []policy.Window, freezes []policy.Freeze, now time.Time) Verdict {
	until, zone, open := openUntil(windows, now)
	switch {
	case open && until.IsZero():
		return pass("windows", "always open")
	case open:
		v := pass("windows", "open until "+Local(until, zone))
		v.Until = until.UTC()
		return v
	}
	opens, zone := nextOpening(windows, now)
	if opens.IsZero() {
		return block("windows", "no window opens within the next three weeks", "somebody corrects the windows in the policy")
	}
	reason := "closed until " + Local(opens, zone)
	if at, zone := usable(windows, freezes, opens); !at.IsZero() && !at.Equal(opens) {
		reason += ", and because of a freeze of no use before " + Local(at, zone)
	}
	v := wait("windows", reason, "the window opens")
	v.Until = opens.UTC()
	return v
}

// Freezes is the verdict of the gate "freezes": it is none of the times at which
// nothing may go on.
func Freezes(freezes []policy.Freeze, now time.Time) Verdict {
	until, zone := thawed(freezes, now)
	if !until.After(now) {
		return thaw(freezes, now)
	}
	reason := "frozen until " + Local(until, zone)
	var why []string
	for _, f := range freezes {
		if f.Covers(now) && f.Reason != "" && !slices.Contains(why, f.Reason) {
			why = append(why, f.Reason)
		}
	}
	if len(why) > 0 {
		reason += ": " + strings.Join(why, ", ")
	}
	v := wait("freezes", reason, "the freeze ends")
	v.Until = until.UTC()
	return v
}

// thaw says when the next freeze begins.
func thaw(freezes []policy.Freeze, now time.Time) Verdict {
	v := pass("freezes", "none ahead")
	for _, f := range freezes {
		if f.Start.After(now) && (v.Until.IsZero() || f.Start.Before(v.Until)) {
			v.Until, v.Reason = f.Start.UTC(), "none until "+Local(f.Start, f.Zone)
		}
	}
	return v
}

// thawed is when no freeze is in force any more, counting those that begin
// before others end: t itself if none is.
func thawed(freezes []policy.Freeze, t time.Time) (time.Time, *time.Location) {
	var zone *time.Location
	for more := true; more; {
		more = false
		for _, f := range freezes {
			if f.Covers(t) {
				t, zone, more = f.End, f.Zone, true
			}
		}
	}
	return t, zone
}

// usable is the first time from t on that a window is open and no freeze is in
// force; zero if there is none to be found.
func usable(windows []policy.Window, freezes []policy.Freeze, t time.Time) (time.Time, *time.Location) {
	var zone *time.Location
	for range 2 * (len(freezes) + 1) {
		end, frozen := thawed(freezes, t)
		if frozen != nil {
			t, zone = end, frozen
		}
		if _, _, open := openUntil(windows, t); open {
			return t, zone
		}
		if t, zone = nextOpening(windows, t); t.IsZero() {
			break
		}
	}
	return time.Time{}, nil
}

// openUntil tells whether a window is open, and when the last of those that
// follow without a break closes; zero if that never happens.
func openUntil(windows []policy.Window, now time.Time) (until time.Time, zone *time.Location, open bool) {
	until = now
	for _, s := range layOut(windows, now) {
		if !s.Start.After(until) && s.End.After(until) {
			until, zone = s.End, s.zone
		}
	}
	if until.Sub(now) > (horizon-3)*24*time.Hour {
		until = time.Time{}
	}
	return until, zone, zone != nil
}

// nextOpening is when the first window opens after now, at which none is open.
func nextOpening(windows []policy.Window, now time.Time) (time.Time, *time.Location) {
	for _, s := range layOut(windows, now) {
		if s.Start.After(now) {
			return s.Start, s.zone
		}
	}
	return time.Time{}, nil
}

// opening is one span of a window.
type opening struct {
	policy.Span
	zone *time.Location
}

// layOut lists the spans of all windows around and after a time, by their
// beginning.
func layOut(windows []policy.Window, now time.Time) []opening {
	var out []opening
	for _, w := range windows {
		for shift := -2; shift <= horizon; shift++ {
			if s, ok := w.On(now, shift); ok {
				out = append(out, opening{s, w.Zone})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b opening) int { return a.Start.Compare(b.Start) })
	return out
}

// Local spells a time as the clocks of a zone show it.
func Local(t time.Time, zone *time.Location) string {
	text := t.In(zone).Format("Mon 2006-01-02 15:04 MST")
	if zone == time.UTC {
		return text
	}
	return text + " (" + zone.String() + ")"
}
