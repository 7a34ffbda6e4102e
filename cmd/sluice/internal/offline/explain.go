package offline

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/plan"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// explaining is "sluice explain" with its flags.
type explaining struct {
	source
	format string
}

func explainCommand(env process.Env) *cobra.Command {
	var o explaining
	c := command(&cobra.Command{
		Use:   "explain APP ENVIRONMENT",
		Short: "Say which versions an app has in an environment, and what comes next",
		Long: `Says, for one app in one environment of a clone on this machine: which versions
are deployed and which line of which file says so, what would be promoted into it
next and from where, what stops that, and what could not be understood.

Like sluice plan, it asks no server. It ends with exit code 0, or with 1 if the
question could not be answered.`,
		Example: `  sluice explain ai-gateway prd
  sluice explain ai-gateway prd --repo ~/src/monorepo --rev v2 --format json`,
	}, arguments{2, "an app and an environment"}, func(c *cobra.Command, args []string) error { return o.run(c, args[0], args[1], env.Stdout) })
	o.register(c.Flags())
	c.Flags().StringVar(&o.format, "format", "text", "text or json")
	return c
}

func (o explaining) run(c *cobra.Command, app, env string, out io.Writer) error {
	if err := oneOf(c, "format", o.format, "text", "json"); err != nil {
		return err
	}
	s, err := o.open()
	if err != nil {
		return err
	}
	defer s.clone.Close() //nolint:errcheck // it was only read
	e, err := s.env(env)
	if err != nil {
		return err
	}
	name, err := s.app(app)
	if err != nil {
		return err
	}
	x, err := s.explain(c.Context(), name, e)
	if err != nil {
		return err
	}
	answer := x.text()
	if o.format == "json" {
		if answer, err = encode(x, "  "); err != nil {
			return err
		}
	}
	if _, err := out.Write(answer); err != nil {
		return core.Errorf(core.Internal, "print the answer: %w", err)
	}
	return nil
}

// Where a target stands, as far as Git alone tells.
const (
	isDue     = "due"     // there is something to promote
	isBlocked = "blocked" // something keeps it from being promoted
	isCurrent = "current" // it carries what its source carries
	isRoot    = "root"    // nothing is ever promoted into it
	isAbsent  = "absent"  // it is deployed neither there nor where it would come from
)

// explanation is what "sluice explain --format json" prints.
type explanation struct {
	Head        core.SHA     `json:"head"`
	App         string       `json:"app"`
	Env         string       `json:"env"`
	From        []core.Env   `json:"from"`
	State       string       `json:"state"`
	Reason      string       `json:"reason"`
	Gates       []string     `json:"gates"` // what a merge then waits for; not judged here
	Deployments []deployment `json:"deployments"`
	Next        []pinChange  `json:"next"`
	Notices     []notice     `json:"notices"`
}

// deployment is the app's overlay in one cluster.
type deployment struct {
	Cluster string  `json:"cluster"`
	Dir     string  `json:"dir"`
	Pins    []fixed `json:"pins"`
}

// fixed is one version that is deployed, and where that is written.
type fixed struct {
	Kind    string `json:"kind"`
	Name    string `json:"name"`
	Version string `json:"version"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Path    string `json:"path"`
	Layer   string `json:"layer"`
}

func (s *snapshot) explain(ctx context.Context, app core.App, env policy.Environment) (explanation, error) {
	t := core.Target{Env: env.Name, App: app}
	x := explanation{
		Head: s.head, App: string(app), Env: string(env.Name), From: append([]core.Env{}, env.From...),
		Gates: gates(env, s.policy.Rule(t.App)), Deployments: s.deployments(t), Next: []pinChange{}, Notices: []notice{},
	}
	keep := filter{env: env.Name, from: env.From, app: app}
	all, err := s.judging(keep).judge(ctx, s.inventory, s.head)
	if err != nil {
		return explanation{}, err
	}
	i := slices.IndexFunc(all, func(st *plan.Status) bool { return st.Target == t })
	switch {
	case i >= 0:
		x.State, x.Reason, x.Next = stateOf(all[i]), all[i].Reason, pinsOf(all[i].Candidate)
	case len(x.Deployments) == 0:
		x.State, x.Reason = isAbsent, fmt.Sprintf("no overlay of it was found in %s", names(append(x.From, env.Name), " or "))
	default:
		x.State, x.Reason = isRoot, fmt.Sprintf("versions arrive in %s first, so nothing is promoted into it", env.Name)
	}
	for _, n := range s.warnings(keep) {
		if n.App != "" {
			x.Notices = append(x.Notices, n)
		}
	}
	x.Notices = append(x.Notices, s.remarks(all, func(other core.Target) bool { return other == t })...)
	return x, nil
}

func stateOf(st *plan.Status) string {
	switch {
	case due(st):
		return isDue
	case blocked(st) != "":
		return isBlocked
	default:
		return isCurrent
	}
}

func (s *snapshot) deployments(t core.Target) []deployment {
	out := []deployment{}
	for _, d := range s.inventory.Of(t) {
		row := deployment{Cluster: string(d.Cluster), Dir: d.Dir, Pins: []fixed{}}
		for _, p := range d.Pins {
			row.Pins = append(row.Pins, fixed{
				Kind: string(p.Kind), Name: p.Name, Version: p.Version,
				File: p.At.File, Line: p.At.Line, Column: p.At.Column, Path: p.At.Path.String(), Layer: string(p.At.Layer),
			})
		}
		out = append(out, row)
	}
	return out
}

// gates names what a merge into an environment waits for.
func gates(env policy.Environment, rule policy.AppRule) []string {
	out := []string{}
	if env.Gates.Healthy {
		out = append(out, "healthy in "+names(env.From, " and "))
	}
	if env.Gates.Soak > 0 {
		out = append(out, "soak of "+short(env.Gates.Soak))
	}
	if rule.Group != "" && !env.Root() {
		out = append(out, "all of the group "+string(rule.Group))
	}
	if len(rule.After) > 0 && !env.Root() {
		out = append(out, "after "+names(rule.After, " and "))
	}
	if n := env.Gates.Approvals.Count; n > 0 {
		out = append(out, fmt.Sprintf("approvals: %d", n))
	}
	if env.Gates.Pipeline {
		out = append(out, "a pipeline that succeeds")
	}
	for _, e := range env.Gates.Expressions {
		out = append(out, e.String())
	}
	for _, w := range env.Gates.Windows {
		out = append(out, "window "+w.String())
	}
	for _, f := range env.Gates.Freezes {
		out = append(out, "no freeze, as from "+gate.Local(f.Start, f.Zone)+" to "+gate.Local(f.End, f.Zone))
	}
	if !env.Root() && env.Merge == policy.Manual {
		out = append(out, "a person who merges")
	}
	return out
}

// short leaves out the zeros at the end, as people write durations.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

func names[T ~string](envs []T, between string) string {
	list := make([]string, len(envs))
	for i, e := range envs {
		list[i] = string(e)
	}
	return strings.Join(list, between)
}

func (x explanation) heading() string {
	switch x.State {
	case isDue:
		return "from " + names(x.From, " and ")
	case isBlocked:
		return "from " + names(x.From, " and ") + ", blocked"
	default:
		return "nothing"
	}
}

// text is the explanation for people.
func (x explanation) text() []byte {
	var s sheet
	s.line("%s in %s at %s", show(x.App), x.Env, x.Head.Short())
	s.line("\ndeployed:")
	if len(x.Deployments) == 0 {
		s.line("  nothing")
	}
	var rows [][]string
	for _, d := range x.Deployments {
		cluster := cmp.Or(show(d.Cluster), "every cluster")
		for _, p := range d.Pins {
			rows = append(rows, []string{cluster, show(p.Kind + " " + p.Name), show(p.Version), p.Layer, show(place(p.File, p.Line))})
		}
		if len(d.Pins) == 0 {
			rows = append(rows, []string{cluster, "no version that is understood", "", "", show(d.Dir)})
		}
	}
	s.table(rows)
	s.line("\nnext: %s", x.heading())
	s.line("  %s", show(x.Reason))
	rows = nil
	for _, p := range x.Next {
		rows = append(rows, []string{p.what(), show(p.Old) + " → " + show(p.New), show(place(p.File, p.Line)), "from " + show(p.Origin)})
	}
	s.table(rows)
	if x.State == isDue && len(x.Gates) > 0 {
		s.line("  not judged here, a merge waits for: %s", strings.Join(x.Gates, "; "))
	}
	s.notices(x.Notices)
	return s.Bytes()
}
