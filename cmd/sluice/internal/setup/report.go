package setup

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/internal/core"
)

// state is what a look at something came to.
type state string

const (
	fine   state = "ok"
	told   state = "note" // to be known, and nothing to do
	done   state = "done" // it was made so in this run
	due    state = "todo" // it would be made so
	doubt  state = "warn"
	failed state = "FAIL"
)

// finding is one thing that was looked at.
type finding struct {
	Part  string `json:"part"`
	State state  `json:"state"`
	Says  string `json:"says"`
	Fix   string `json:"fix,omitempty"` // what a person can do
}

// row is a setting of the project.
type row struct {
	Name   string `json:"name"`
	Now    string `json:"now"`
	Want   string `json:"recommended"`
	Reason string `json:"reason"`
	Fine   bool   `json:"fine"`
	change string // the value to send, "" where nothing is to be changed by this tool
}

// start is how Flux is started in one cluster.
type start struct {
	Cluster core.Cluster `json:"cluster"`
	Command []string     `json:"command"`
	Remark  string       `json:"remark,omitempty"`
}

// report is all that is told at the end.
type report struct {
	Project  string    `json:"project"`
	Instance string    `json:"instance"`
	Fine     bool      `json:"asItShouldBe"`
	Found    []finding `json:"findings"`
	Rows     []row     `json:"settings"`
	Starts   []start   `json:"bootstrap"`
}

func (r *report) say(part string, s state, says, fix string) {
	r.Found = append(r.Found, finding{part, s, says, fix})
}

func (r *report) count(s state) int {
	n := 0
	for _, f := range r.Found {
		if f.State == s {
			n++
		}
	}
	return n
}

// tell prints the report and decides on the exit code.
func (w *work) tell(out io.Writer) error {
	w.Fine = w.count(failed) == 0 && w.count(due) == 0
	if w.format == "json" {
		e := json.NewEncoder(out)
		e.SetIndent("", "  ")
		if err := e.Encode(w.report); err != nil {
			return core.Errorf(core.Internal, "print the report: %w", err)
		}
	} else {
		w.print(out)
	}
	if w.count(failed) > 0 || w.check && !w.Fine {
		return &process.Exit{Code: process.Failed}
	}
	return nil
}

func (w *work) print(out io.Writer) {
	fmt.Fprintf(out, "%s on %s\n\n", w.Project, w.Instance)
	for _, f := range w.Found {
		fmt.Fprintf(out, "  [%4s] %s: %s\n", f.State, f.Part, strings.ReplaceAll(f.Says, "\n", "\n         "))
		if f.Fix != "" {
			fmt.Fprintf(out, "         %s\n", f.Fix)
		}
	}
	w.printRows(out)
	w.printStarts(out)
	fmt.Fprintf(out, "\n%s\n", w.verdict())
}

func (w *work) printRows(out io.Writer) {
	if len(w.Rows) == 0 {
		return
	}
	fmt.Fprintf(out, "\nSettings of the project\n")
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "  setting\tnow\trecommended\tbecause\n")
	for _, r := range w.Rows {
		mark := " "
		if !r.Fine {
			mark = "*"
		}
		fmt.Fprintf(t, "%s %s\t%s\t%s\t%s\n", mark, r.Name, r.Now, r.Want, r.Reason)
	}
	_ = t.Flush() // what it writes to is the program's output
}

func (w *work) printStarts(out io.Writer) {
	if len(w.Starts) == 0 {
		return
	}
	fmt.Fprintf(out, "\nTo start Flux, once in each cluster, with kubectl's context set to it and a person's own token in GITLAB_TOKEN\n(scope api; Flux keeps only the SSH key). See flux --version: the cluster gets that version, and 2.8.0 to 2.8.5 keep\nback what Sluice waits for.\n")
	for _, s := range w.Starts {
		fmt.Fprintf(out, "\n  # %s", s.Cluster)
		if s.Remark != "" {
			fmt.Fprintf(out, ": %s", s.Remark)
		}
		fmt.Fprintf(out, "\n  %s\n", strings.Join(s.Command, " \\\n    "))
	}
}

func (w *work) verdict() string {
	var parts []string
	for _, n := range []struct {
		state state
		words string
	}{{failed, "wrong"}, {due, "to be changed"}, {done, "changed"}, {doubt, "to be looked at"}} {
		if c := w.count(n.state); c > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c, n.words))
		}
	}
	if w.count(failed)+w.count(due)+w.count(done) == 0 {
		return strings.Join(append([]string{"all as it should be"}, parts...), "; ")
	}
	return strings.Join(parts, ", ")
}

// write makes one change and tells it, or tells that it would be made.
func (w *work) write(ctx context.Context, part, did, would string, level int, do func() error) bool {
	if w.onlyLooks() {
		w.say(part, due, would, "")
		return false
	}
	if err := w.patiently(ctx, do); err != nil {
		w.trouble(part, fmt.Errorf("%s: %w", would, err), level)
		return false
	}
	w.say(part, done, did, "")
	return true
}

// trouble tells of an error, and what it takes where rights are missing.
func (w *work) trouble(part string, err error, level int) {
	fix := ""
	switch core.KindOf(err) {
	case core.Denied:
		fix = "needs the scope api"
		if level > w.level {
			fix = fmt.Sprintf("needs the scope api and the role %s; %s is %s here", roleName(level), w.me.Username, roleName(w.level))
		}
	case core.Transient:
		fix = "run it again: what is done stays done"
	}
	w.say(part, failed, err.Error(), fix)
}

// patiently waits for as long as GitLab asks to, if that is not long. What is
// called must bear being called again: GitLab has refused it, or may have.
func (w *work) patiently(ctx context.Context, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		wait := core.WaitOf(err)
		if err == nil || wait == 0 || wait > maxPatience || try > maxWaits {
			return err
		}
		fmt.Fprintf(w.env.Stderr, "GitLab asks to be left alone for %s; going on then\n", wait.Round(time.Second))
		if err := w.pause(ctx, wait); err != nil {
			return err
		}
	}
}

// sleep is a pause that ends with its context.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return core.Errorf(core.Transient, "interrupted: %w", ctx.Err())
	case <-t.C:
		return nil
	}
}
