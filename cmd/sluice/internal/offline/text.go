package offline

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"unicode"
)

// sheet is a text for people: lines, and tables whose columns are aligned.
type sheet struct {
	bytes.Buffer
}

func (s *sheet) line(format string, args ...any) {
	fmt.Fprintf(s, format+"\n", args...)
}

// table writes indented rows. What comes from the monorepo must have gone
// through show: a tab or line break in it would tear the table apart.
func (s *sheet) table(rows [][]string) {
	w := tabwriter.NewWriter(s, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		fmt.Fprintf(w, "  %s\n", strings.Join(row, "\t"))
	}
	w.Flush() //nolint:errcheck // a buffer takes everything
}

// show makes a text from the monorepo fit for a terminal, which would obey the
// control characters in it. They are spelt as Go spells them.
func show(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToGraphic(r), "'"))
		}
	}
	return b.String()
}

func (p pinChange) what() string { return show(p.Kind + " " + p.Name) }

// text is the plan for people.
func (d document) text(written []string) []byte {
	var s sheet
	s.line("%s: %s", d.Head.Short(), d.summary())
	for _, p := range d.Promotions {
		mark := ""
		if p.Blocked != "" {
			mark = ", blocked"
		}
		if p.Group != "" {
			mark = ", in the group " + show(p.Group) + mark
		}
		s.line("\n%s: %s → %s%s", show(p.App), p.From, p.To, mark)
		s.table(changes(p.Pins))
		if p.Blocked != "" {
			s.line("  %s", show(p.Blocked))
		}
	}
	s.notices(d.Notices)
	if len(written) > 0 {
		s.line("\nwritten:")
		for _, name := range written {
			s.line("  %s", show(name))
		}
	}
	return s.Bytes()
}

func (d document) summary() string {
	due := 0
	for _, p := range d.Promotions {
		if p.Blocked == "" {
			due++
		}
	}
	text := "nothing to promote"
	switch {
	case due == 1:
		text = "1 promotion"
	case due > 1:
		text = fmt.Sprintf("%d promotions", due)
	}
	if blocked := len(d.Promotions) - due; blocked > 0 {
		text += fmt.Sprintf(", %d blocked", blocked)
	}
	return text
}

func changes(pins []pinChange) [][]string {
	var rows [][]string
	for _, p := range pins {
		where := show(place(p.File, p.Line))
		if p.Added {
			where += " (new entry)"
		}
		rows = append(rows, []string{p.what(), show(p.Old) + " → " + show(p.New), where})
	}
	return rows
}

func (s *sheet) notices(list []notice) {
	if len(list) == 0 {
		return
	}
	s.line("\nnotices:")
	var rows [][]string
	for _, n := range list {
		target := ""
		if n.App != "" {
			target = show(n.App)
			if n.Env != "" {
				target += " in " + n.Env
			}
		}
		where, message := show(place(n.File, n.Line, n.Column)), show(n.Message)
		switch {
		case n.File == "":
			where = target
		case target != "":
			message += " (" + target + ")"
		}
		rows = append(rows, []string{n.Severity, where, message})
	}
	s.table(rows)
}
