package policy

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // every program knows the zones, also in an image that holds no other file

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core"
)

func (d *decoder) windows(at place) []Window {
	var out []Window
	d.list(at, maxWindows, func(at place) { out = append(out, d.window(at)) })
	return out
}

// window is open all day where no hours are given, and every day where no days
// are. With neither it would keep nothing out.
func (d *decoder) window(at place) Window {
	w := Window{Days: week(), Closes: minutesPerDay, Zone: time.UTC}
	keys := d.mapping(at,
		field{"days", false, func(at place) { w.Days, _ = read(d, at, parseDays) }},
		field{"hours", false, func(at place) {
			if hours, ok := read(d, at, parseHours); ok {
				w.Opens, w.Closes = hours[0], hours[1]
			}
		}},
		field{"zone", false, func(at place) { w.Zone = d.zone(at) }},
	)
	if at.Kind == yaml.MappingNode && len(at.Content) == 2*len(keys) && !slices.Contains(keys, "days") && !slices.Contains(keys, "hours") {
		d.report(at, "the window is always open, so it has no effect; add days or hours")
	}
	return w
}

func (d *decoder) freezes(at place) []Freeze {
	var out []Freeze
	d.list(at, maxFreezes, func(at place) { out = append(out, d.freeze(at)) })
	return out
}

// freeze reads its ends last: they are times in a zone that may be written
// below them.
func (d *decoder) freeze(at place) Freeze {
	f := Freeze{Zone: time.UTC}
	var from, to place
	d.mapping(at,
		field{"from", true, func(at place) { from = at }},
		field{"to", true, func(at place) { to = at }},
		field{"zone", false, func(at place) { f.Zone = d.zone(at) }},
		field{"reason", false, func(at place) { f.Reason = d.phrase(at) }},
	)
	start, startOK := d.moment(from)
	end, endOK := d.moment(to)
	if !startOK || !endOK {
		return f
	}
	if end.whole {
		end.wall = end.wall.AddDate(0, 0, 1)
	}
	f.Start, _ = reached(start.wall, f.Zone)
	_, f.End = reached(end.wall, f.Zone)
	if !f.Start.Before(f.End) {
		d.report(to, "the freeze is over before it begins; write a later time, or the last day of the freeze")
	}
	return f
}

// moment is a date, or a date and a time, on a clock whose zone is not known yet.
type moment struct {
	wall  time.Time // as if it were UTC
	whole bool      // a date alone
}

// moment accepts what YAML takes for a timestamp and what it takes for text: it
// depends on the seconds, and people need not know.
func (d *decoder) moment(at place) (moment, bool) {
	if at.Node == nil || !d.is(at, yaml.ScalarNode, "a date such as 2026-12-18") {
		return moment{}, false
	}
	for _, layout := range []string{time.DateOnly, "2006-01-02 15:04"} {
		if wall, err := time.Parse(layout, at.Value); err == nil && wall.Year() >= 1980 && wall.Year() < 2200 {
			return moment{wall, layout == time.DateOnly}, true
		}
	}
	d.report(at, "found %s; write a date such as 2026-12-18, or a date and a time such as 2026-12-18 18:00", describe(at.Node))
	return moment{}, false
}

// phrase reads a text that goes into sentences.
func (d *decoder) phrase(at place) string {
	text, ok := d.text(at)
	switch {
	case ok && len(text) > maxPhrase:
		d.report(at, "the text has %d characters; at most %d are allowed", len(text), maxPhrase)
	case ok && strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }):
		d.report(at, "the text has line ends or other control characters; write it on one line")
	case ok:
		return text
	}
	return ""
}

// zone loads a zone once, with the policy: a plan reads no files.
func (d *decoder) zone(at place) *time.Location {
	zone, ok := read(d, at, parseZone)
	if !ok {
		return time.UTC
	}
	return zone
}

// parseZone takes the zones that are named after places, which say what the
// clocks there show in summer, and UTC. What "localtime" is depends on the
// machine, and of EST few know whether it has a summer.
func parseZone(text string) (*time.Location, error) {
	const regions = `Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific`
	if text == "UTC" {
		return time.UTC, nil
	}
	if len(text) <= maxNameLength && matches(`(?:`+regions+`)(?:/[A-Za-z0-9_+-]+){1,2}`, text) {
		if zone, err := time.LoadLocation(text); err == nil {
			return zone, nil
		}
	}
	return nil, core.Errorf(core.Invalid, "unknown time zone %s; write UTC or a name such as Europe/Berlin from the IANA list", quote(text))
}

// parseDays reads "Mon-Thu", "Mon,Wed,Fri", "Sat-Mon" and mixtures.
func parseDays(text string) ([]time.Weekday, error) {
	var days []time.Weekday
	for part := range strings.SplitSeq(text, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		from, to := parseDay(first), parseDay(last)
		if from < 0 || to < 0 {
			return nil, core.Errorf(core.Invalid, "found %s; write days such as Mon-Thu or Mon,Wed,Fri", quote(text))
		}
		for i := from; ; i = (i + 1) % 7 {
			if slices.Contains(days, week()[i]) {
				return nil, core.Errorf(core.Invalid, "%s is in %s twice; keep one", dayName(week()[i]), quote(text))
			}
			if days = append(days, week()[i]); i == to {
				break
			}
		}
	}
	slices.SortFunc(days, func(a, b time.Weekday) int { return (int(a)+6)%7 - (int(b)+6)%7 })
	return days, nil
}

func parseDay(name string) int {
	return slices.IndexFunc(week(), func(d time.Weekday) bool { return dayName(d) == name })
}

// parseHours reads "09:00-16:00"; hours that end at or before their beginning
// last into the next day.
func parseHours(text string) ([2]int, error) {
	m := regexp.MustCompile(`\A(\d\d):(\d\d)-(\d\d):(\d\d)\z`).FindStringSubmatch(text)
	wrong := core.Errorf(core.Invalid, "found %s; write hours such as 09:00-16:00, or 22:00-04:00 into the next day", quote(text))
	if m == nil {
		return [2]int{}, wrong
	}
	var n [4]int
	for i := range n {
		n[i], _ = strconv.Atoi(m[i+1])
	}
	opens, closes := n[0]*60+n[1], n[2]*60+n[3]
	switch {
	case n[1] > 59 || n[3] > 59 || opens >= minutesPerDay || closes > minutesPerDay:
		return [2]int{}, wrong
	case opens == closes:
		return [2]int{}, core.Errorf(core.Invalid, "found %s, which begins where it ends; leave hours out for the whole day", quote(text))
	case closes < opens:
		closes += minutesPerDay
	}
	return [2]int{opens, closes}, nil
}
