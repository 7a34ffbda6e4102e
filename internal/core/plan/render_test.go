package plan_test

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// render is a plan as the golden files show it.
func render(w *world, p *plan.Plan) string {
	var b strings.Builder
	for _, s := range p.Targets {
		fmt.Fprintf(&b, "%s: %s, %s\n", s.Target, s.Phase, s.Reason)
		if s.MR != 0 {
			fmt.Fprintf(&b, "  !%d%s\n", s.MR, until(s.Next))
		}
		for _, v := range s.Verdicts {
			fmt.Fprintf(&b, "  %s %s: %s%s\n", v.State, v.Gate, v.Reason, until(v.Until))
		}
	}
	for _, p := range p.Problems {
		fmt.Fprintf(&b, "problem %s:%d:%d: %s\n", p.File, p.Line, p.Column, p.Message)
	}
	for _, a := range p.Actions {
		about := a.About().String()
		if a.About() == (core.Target{}) {
			about = "no target"
		}
		fmt.Fprintf(&b, "do %T for %s, because %s\n%s", a, about, a.Because(), indent(w.details(a)))
	}
	if !p.Next.IsZero() {
		fmt.Fprintf(&b, "look again%s\n", until(p.Next))
	}
	return w.readable(b.String())
}

func until(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " at " + t.Format("15:04:05")
}

func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.TrimRight(text, "\n") + "\n") {
		b.WriteString(strings.TrimRight("  "+line, " \n") + "\n")
	}
	return b.String()
}

func (w *world) details(a plan.Action) string {
	switch a := a.(type) {
	case plan.PushBranch:
		return fmt.Sprintf("%s on %s, expecting %s\n%s%s", a.Branch, a.Parent, cmp.Or(string(a.Expect), "no branch"), w.edits(a), "message:\n"+indent(a.Message))
	case plan.DeleteBranch:
		return fmt.Sprintf("%s, expecting %s", a.Branch, a.Expect)
	case plan.OpenMR:
		return fmt.Sprintf("%s into %s, labels %v\ntitle: %s\n%s", a.Branch, a.Into, a.Labels, a.Title, a.Description)
	case plan.EditMR:
		return fmt.Sprintf("!%d, labels %v\ntitle: %s\n%s", a.MR, a.Labels, a.Title, checklist(a.Description))
	case plan.WriteNote:
		if a.Note != 0 {
			return fmt.Sprintf("%s, note %d\n%s", where(a.MR, a.Issue), a.Note, a.Body)
		}
		return fmt.Sprintf("%s, new\n%s", where(a.MR, a.Issue), a.Body)
	case plan.DeleteNote:
		return fmt.Sprintf("!%d, note %d", a.MR, a.Note)
	case plan.React:
		return fmt.Sprintf("%s, note %d: %s", where(a.MR, a.Issue), a.Note, a.Emoji)
	case plan.SetStatus:
		return fmt.Sprintf("%s of %s in pipeline %d\n%s", a.State, a.SHA, a.Pipeline, a.Description)
	case plan.GuardThread:
		return fmt.Sprintf("!%d, resolved: %t", a.MR, a.Resolved)
	case plan.MergeMR:
		if a.Train {
			return fmt.Sprintf("!%d at %s, by train", a.MR, a.SHA)
		}
		return fmt.Sprintf("!%d at %s", a.MR, a.SHA)
	case plan.LeaveTrain:
		return fmt.Sprintf("!%d", a.MR)
	case plan.CloseMR:
		return fmt.Sprintf("!%d", a.MR)
	case plan.Trigger:
		return fmt.Sprintf("%s, revision %s", a.Cluster, a.Revision)
	}
	return "unknown"
}

// edits shows the lines that a push changes.
func (w *world) edits(a plan.PushBranch) string {
	var b strings.Builder
	for _, f := range a.Files {
		fmt.Fprintf(&b, "%s\n", f.Path)
		old, now := strings.Split(w.files()[f.Path], "\n"), strings.Split(string(f.Content), "\n")
		if len(old) < len(now) {
			addition(&b, old, now)
			continue
		}
		for i := range min(len(old), len(now)) {
			if old[i] != now[i] {
				fmt.Fprintf(&b, "- %s\n+ %s\n", old[i], now[i])
			}
		}
		if len(old) != len(now) {
			fmt.Fprintf(&b, "%d lines instead of %d\n", len(now), len(old))
		}
	}
	return b.String()
}

// addition shows the lines between those that are the same in both texts.
func addition(b *strings.Builder, old, now []string) {
	for len(old) > 0 && old[0] == now[0] {
		old, now = old[1:], now[1:]
	}
	for len(old) > 0 && old[len(old)-1] == now[len(now)-1] {
		old, now = old[:len(old)-1], now[:len(now)-1]
	}
	for _, line := range old {
		fmt.Fprintf(b, "- %s\n", line)
	}
	for _, line := range now {
		fmt.Fprintf(b, "+ %s\n", line)
	}
}

// checklist is what an edit of a description usually changes.
func checklist(description string) string {
	lines := slices.DeleteFunc(strings.Split(description, "\n"), func(line string) bool {
		return strings.HasPrefix(line, "|") || strings.HasPrefix(line, "Commands") || strings.HasPrefix(line, "Brings") || line == ""
	})
	return strings.Join(lines, "\n")
}

// readable takes the zeros from object names, shows the invisible and shortens
// the digests that nobody can read.
func (w *world) readable(s string) string {
	s = regexp.MustCompile(`\b([bcd][0-9]+?)0{5,}\b`).ReplaceAllString(s, "$1")
	s = regexp.MustCompile(`(Sluice-(?:Change|Seal): [0-9a-f]{6})[0-9a-f]{26}`).ReplaceAllString(s, "$1…")
	s = regexp.MustCompile(`(b[0-9]+:[0-9a-f]{6})[0-9a-f]{26}\b`).ReplaceAllString(s, "$1…")
	return strings.ReplaceAll(s, "\u2060", "·")
}

func where(mr core.MRID, issue core.IssueID) string {
	if issue != 0 {
		return fmt.Sprintf("#%d", issue)
	}
	return fmt.Sprintf("!%d", mr)
}
