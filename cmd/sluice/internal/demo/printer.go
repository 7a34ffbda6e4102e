package demo

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// printer shows the steps, for people or one JSON object a line.
type printer struct {
	w    io.Writer
	json bool
	last time.Time
}

func newPrinter(w io.Writer, json bool) *printer { return &printer{w: w, json: json, last: time.Now()} }

// step is one step as --json prints it.
type step struct {
	Step    string   `json:"step"`
	Text    string   `json:"text"`
	Details []string `json:"details,omitempty"`
	Seconds float64  `json:"seconds"` // since the step before
}

// step prints what has happened, and how long it took.
func (p *printer) step(name, text string, details ...string) {
	now := time.Now()
	took := now.Sub(p.last)
	p.last = now
	if p.json {
		p.object(step{Step: name, Text: text, Details: details, Seconds: took.Seconds()})
		return
	}
	fmt.Fprintf(p.w, "%8s  %s\n", "+"+took.Round(time.Millisecond).String(), text)
	for _, d := range details {
		fmt.Fprintf(p.w, "%8s    %s\n", "", d)
	}
}

// text prints what is no step and has several lines.
func (p *printer) text(name, text string) {
	if p.json {
		p.object(step{Step: name, Text: text})
		return
	}
	fmt.Fprintf(p.w, "\n%s\n", text)
}

func (p *printer) object(v step) {
	line, err := json.Marshal(v)
	if err != nil {
		line = []byte(`{"step":"error","text":"a step could not be encoded"}`)
	}
	fmt.Fprintf(p.w, "%s\n", line)
}

// row is one line of the closing table.
type row struct {
	App      string            `json:"app"`
	What     string            `json:"what"`
	Versions map[string]change `json:"versions"` // by environment
}

type change struct {
	Before string `json:"before"`
	After  string `json:"after"`
}

func (c change) String() string {
	if c.Before == c.After {
		return c.Before
	}
	return c.Before + " → " + c.After
}

// table prints every pin that changed, and how many apps did not.
func (p *printer) table(envs []string, rows []row, unchanged int) {
	if p.json {
		line, err := json.Marshal(struct {
			Step      string `json:"step"`
			Rows      []row  `json:"rows"`
			Unchanged int    `json:"unchanged"` // apps
		}{"table", rows, unchanged})
		if err == nil {
			fmt.Fprintf(p.w, "%s\n", line)
		}
		return
	}
	t := tabwriter.NewWriter(p.w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(t, "\n%s\t%s\n", "APP", strings.ToUpper(strings.Join(envs, "\t")))
	for _, r := range rows {
		cells := make([]string, len(envs))
		for i, env := range envs {
			cells[i] = r.Versions[env].String()
		}
		fmt.Fprintf(t, "%s, %s\t%s\n", r.App, r.What, strings.Join(cells, "\t"))
	}
	_ = t.Flush() // the writer below reports nothing that could be done about
	if unchanged > 0 {
		fmt.Fprintf(p.w, "and %d more apps, in all environments as before\n", unchanged)
	}
}
