package message

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
)

// Failed is one object that failed with what a merge request brought, as the
// comment about it remembers it. Times are whole seconds.
type Failed struct {
	Cluster core.Cluster
	Object  gate.Object
	Outcome gate.Outcome // what became of it
	First   time.Time    // when it failed first
	Since   time.Time    // when the present or last failure began
	Until   time.Time    // when that ended; zero while it fails
	Times   int          // how often it failed
	// Revision is the one that failed first, "" for what reports none.
	Revision core.SHA
	Shared   bool // it applies other things as well
	Before   bool // it failed without them already
	// Said is what Flux said, quoted. See Said.
	Said string
}

// Failure is the comment on a merged merge request that tells of a failure of
// what it brought.
type Failure struct {
	Episode int // the how manieth comment of that kind, from 1
	Failed  []Failed
	// Meanwhile says what Sluice does as long as it fails, and Rollback is the
	// command that has the former versions proposed; "" if another merge request
	// has changed the same since.
	Meanwhile string
	Rollback  string
}

// maxSaid bounds what is shown of what Flux said, in characters.
const maxSaid = 1500

// Said makes what Flux said fit to be shown: without secrets, quoted, its first
// lines.
func Said(text string) string { return QuoteBlock(Mask(text), maxSaid) }

const (
	failureMark = "<!-- sluice:failure "
	failedMark  = "<!-- sluice:failed "
)

// Fails tells whether something in it has not ended.
func (f Failure) Fails() bool {
	for _, one := range f.Failed {
		if one.Outcome == gate.Failing {
			return true
		}
	}
	return false
}

// String is the comment. It changes only when something begins or ends.
func (f Failure) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s%d -->\n", failureMark, f.Episode)
	if f.Fails() {
		b.WriteString("Flux reports that what this merge request brought fails.\n\n")
	} else {
		b.WriteString("Flux reported that what this merge request brought failed. That is over.\n\n")
	}
	for _, one := range f.Failed {
		fmt.Fprintf(&b, "%s\n%s\n\n%s\n\n", one.mark(), one.sentence(), one.Said)
	}
	switch {
	case !f.Fails():
	case f.Rollback == "":
		b.WriteString(f.Meanwhile + "\n\nAnother merge request has changed the same since: to go back, say so there.")
	default:
		fmt.Fprintf(&b, "%s\n\nTo go back, write %s here: Sluice proposes the versions from before. Or bring a newer version.", f.Meanwhile, Inline(f.Rollback, maxText))
	}
	return strings.TrimSpace(b.String())
}

func (f Failed) sentence() string {
	what := fmt.Sprintf("%s: %s", Inline(string(f.Cluster), maxText), Inline(f.Object.String(), maxText))
	since := gate.Clock(f.Since)
	switch f.Outcome {
	case gate.Recovered:
		return fmt.Sprintf("%s recovered at %s; it was failing from %s to %s.%s", what, gate.Clock(f.Until), since, gate.Clock(f.Until), f.often())
	case gate.Replaced:
		return fmt.Sprintf("%s does not have these versions any more, since %s; it was failing from %s until then.%s", what, gate.Clock(f.Until), since, f.often())
	}
	at := ""
	if f.Revision != "" {
		at = ", at revision " + Inline(f.Revision.Short(), maxText)
	}
	text := fmt.Sprintf("%s has failed since %s%s.%s", what, since, at, f.often())
	if f.Before {
		text += " It failed with the versions from before, too."
	}
	if f.Shared {
		text += " It may be about another app that it applies: see what Flux says."
	}
	return text
}

func (f Failed) often() string {
	if f.Times < 2 {
		return ""
	}
	return fmt.Sprintf(" It failed %d times, first at %s.", f.Times, gate.Clock(f.First))
}

// mark is what is remembered of it, invisible to readers.
func (f Failed) mark() string {
	fields := []string{
		string(f.Cluster), f.Object.Kind, f.Object.Namespace, f.Object.Name, string(f.Outcome), stamp(f.First), stamp(f.Since), stamp(f.Until),
		strconv.Itoa(f.Times), string(f.Revision), strconv.FormatBool(f.Shared), strconv.FormatBool(f.Before),
	}
	for i, field := range fields {
		fields[i] = url.QueryEscape(field)
	}
	return failedMark + strings.Join(fields, "/") + " -->"
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// ReadFailure reads that comment again; false if a text is another. Whether
// Sluice wrote it is for the caller to know. Meanwhile and Rollback are not read.
func ReadFailure(body string) (Failure, bool) {
	rest, ok := strings.CutPrefix(body, failureMark)
	if !ok {
		return Failure{}, false
	}
	number, rest, _ := strings.Cut(rest, " -->")
	episode, err := strconv.Atoi(number)
	if err != nil || episode < 1 {
		return Failure{}, false
	}
	f := Failure{Episode: episode}
	for i, part := range strings.Split(breakLines(rest), "\n"+failedMark) {
		if one, ok := readFailed(part); i > 0 && ok {
			f.Failed = append(f.Failed, one)
		}
	}
	return f, true
}

func readFailed(text string) (Failed, bool) {
	mark, rest, _ := strings.Cut(text, " -->")
	fields := strings.Split(mark, "/")
	if len(fields) != 12 {
		return Failed{}, false
	}
	for i := range fields {
		fields[i], _ = url.QueryUnescape(fields[i]) // what does not parse is empty
	}
	f := Failed{
		Cluster: core.Cluster(fields[0]), Object: gate.Object{Kind: fields[1], Namespace: fields[2], Name: fields[3]}, Outcome: gate.Outcome(fields[4]),
		Revision: core.SHA(fields[9]), Shared: fields[10] == "true", Before: fields[11] == "true",
	}
	for i, at := range []*time.Time{&f.First, &f.Since, &f.Until} {
		*at, _ = time.Parse(time.RFC3339, fields[5+i]) // an empty one is the zero time
	}
	f.Times, _ = strconv.Atoi(fields[8])
	var said []string
	for line := range strings.SplitSeq(rest, "\n") {
		if strings.HasPrefix(line, ">") {
			said = append(said, line)
		}
	}
	f.Said = strings.Join(said, "\n")
	return f, true
}
