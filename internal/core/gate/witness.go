package gate

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Witness is another way to learn of a cluster's objects than the events that
// its Flux sends.
type Witness struct {
	Name   string // as a reason names it, such as "the API server"
	Plural bool   // whether the name is one of several things
	// Reports are what it has said so far. It promises its next word as objects do.
	Reports []Report
	// Trouble is why it cannot be asked now, "" if it can.
	Trouble string
}

// Suspended is the reason of an object that was told to do nothing. Events
// cannot tell: such an object is silent.
const Suspended = "it is suspended"

func (r Run) suspended() bool { return !r.Ready && r.Reason == Suspended }

// word is what one witness says of one object.
type word struct {
	by     Witness // without a name: Flux's events
	report Report
	now    Run
}

// carriers are the Kustomizations that count: the one that applies the target,
// or all that have sent an event if it is not known which that is. Witnesses
// see Kustomizations of other sources too, which can never carry a version.
func (s Source) carriers() []Object {
	var out []Object
	known := func(reports []Report) {
		for _, r := range reports {
			_, said := r.Now()
			counts := s.Carrier == "" || s.Carrier == r.Object.Namespace+"/"+r.Object.Name
			if said && counts && r.Object.Kind == Kustomization && !slices.Contains(out, r.Object) {
				out = append(out, r.Object)
			}
		}
	}
	known(s.Reports)
	for _, w := range s.Witnesses {
		if s.Carrier != "" {
			known(w.Reports)
		}
	}
	return out
}

// words are what is said of an object, Flux's events first.
func (s Source) words(o Object) []word {
	var out []word
	for _, w := range append([]Witness{{Reports: s.Reports}}, s.Witnesses...) {
		for _, r := range w.Reports {
			if now, ok := r.Now(); ok && r.Object == o {
				out = append(out, word{by: w, report: r, now: now})
			}
		}
	}
	return out
}

// word is the one that is believed, or why none is. What was last said of a
// failure is believed for as long as nobody says otherwise: Flux repeats the
// same words every five minutes at most.
func (s Source) word(o Object) (w word, trouble string) {
	all := s.words(o)
	fresh := slices.DeleteFunc(slices.Clone(all), func(w word) bool { return s.silent(w.report) != "" })
	if len(fresh) == 0 && !all[0].now.Ready {
		return all[0], ""
	}
	if len(fresh) == 0 {
		return word{}, s.silent(all[0].report) + s.troubles()
	}
	for _, other := range fresh[1:] {
		if s.contradict(fresh[0], other) {
			return word{}, fmt.Sprintf("the reports of %s disagree on %s: %s, %s", s.Cluster, o, fresh[0], other)
		}
	}
	return fresh[0], ""
}

// contradict tells whether one of two is well and the other one is not, though
// that other one does not merely know less. Where the events have not got as far
// as another witness yet, they will in a moment.
func (s Source) contradict(first, other word) bool {
	switch firstWell, otherWell := s.missing(first) == "", s.missing(other) == ""; {
	case firstWell && !otherWell:
		return !other.olderThan(first)
	case !firstWell && otherWell:
		return !s.coming(first.now) && !other.olderThan(first)
	}
	return false
}

// olderThan tells whether a word was said before what the other one tells of had
// begun: by the API server's count within one life of the object, else by time.
func (w word) olderThan(other word) bool {
	a, b := w.report, other.report
	if a.UID != "" && a.UID == b.UID && a.Order > 0 && b.Order > 0 {
		return a.Order <= b.Order
	}
	began := other.now.ReadyAt
	if !other.now.Ready {
		began = other.now.FailedAt
	}
	return a.Heard.Before(began)
}

// String is a word as a part of a sentence.
func (w word) String() string {
	who, says := w.by.Name, "says"
	if who == "" {
		who = "Flux's events"
	}
	if w.by.Name == "" || w.by.Plural {
		says = "say"
	}
	switch {
	case w.now.suspended():
		return fmt.Sprintf("%s %s %s", who, says, Suspended)
	case !w.now.Ready:
		return fmt.Sprintf("%s %s %s", who, says, firstLine(w.now.Reason))
	}
	return fmt.Sprintf("%s %s ready at %s", who, says, w.now.Revision.Short())
}

// readFrom names the witness that stands in, as an addition to a sentence.
func (w word) readFrom() string {
	if w.by.Name == "" {
		return ""
	}
	return " (read from " + w.by.Name + ")"
}

// troubles says which witnesses cannot be asked, as an addition to a sentence.
func (s Source) troubles() string {
	var b strings.Builder
	for _, w := range s.Witnesses {
		if w.Trouble != "" {
			fmt.Fprintf(&b, "; %s cannot be asked: %s", w.Name, firstLine(w.Trouble))
		}
	}
	return b.String()
}

// releases says which HelmRelease of the target has failed, and since when all
// are well that have said anything. They have no heartbeat, so what they said
// last counts for as long as nothing else is known.
func (s Source) releases() (failed string, since time.Time) {
	for _, r := range s.Reports {
		now, ok := r.Now()
		switch {
		case !ok || r.Object.Kind == Kustomization || !slices.Contains(s.Releases, r.Object.Name):
		case !now.Ready:
			return fmt.Sprintf("%s: %s failed: %s", s.Cluster, r.Object, firstLine(now.Reason)), time.Time{}
		default:
			since = later(since, now.ReadyAt)
		}
	}
	for _, w := range s.Witnesses {
		for _, r := range w.Reports {
			now, ok := r.Now()
			switch {
			case !ok || r.Object.Kind == Kustomization || !slices.Contains(s.Releases, r.Object.Name) || s.silent(r) != "":
			case !now.Ready && !s.overtaken(word{w, r, now}):
				return fmt.Sprintf("%s: %s failed: %s", s.Cluster, r.Object, firstLine(now.Reason)) + word{by: w}.readFrom(), time.Time{}
			case now.Ready && now.ReadyAt.After(now.Since): // it had failed before
				since = later(since, now.ReadyAt)
			}
		}
	}
	return "", since
}

// overtaken tells whether an event has told something newer of the object.
func (s Source) overtaken(w word) bool {
	for _, other := range s.words(w.report.Object) {
		if other.by.Name == "" && w.olderThan(other) {
			return true
		}
	}
	return false
}
