package offline

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// planning is "sluice plan" with its flags.
type planning struct {
	source
	envName, appName string
	format           string
	write            bool
	history          int
}

func planCommand(env process.Env) *cobra.Command {
	var o planning
	c := command(&cobra.Command{
		Use:   "plan",
		Short: "Show what would be promoted in a clone of the monorepo",
		Long: `Shows which versions Sluice would promote in a clone on this machine, and what
keeps it from promoting others. It asks no server and needs no network: it tells
what Git alone tells, and says nothing of merge requests, health and approvals.

With --write it makes the changes in the working tree, for you to look at and
commit. A file that differs from the commit is never overwritten.

With --history it tells, as JSON lines, which promotions would have been possible
since when, and when they were made.

It ends with exit code 0 if there is nothing to promote, 2 if there is something,
and 1 if the plan could not be made.`,
		Example: `  sluice plan --repo ~/src/monorepo
  sluice plan --env stg --format diff | git apply --index
  sluice plan --env stg --app ai-gateway --write
  sluice plan --history 500 --policy sluice.yaml`,
	}, arguments{0, "no arguments"}, func(c *cobra.Command, _ []string) error { return o.run(c, env.Stdout) })
	o.register(c.Flags())
	c.Flags().StringVar(&o.envName, "env", "", "only what would be promoted into this environment")
	c.Flags().StringVar(&o.appName, "app", "", "only this app")
	c.Flags().StringVar(&o.format, "format", "text", "text, json, or diff: a patch for git apply")
	c.Flags().BoolVar(&o.write, "write", false, "make the changes in the working tree")
	c.Flags().IntVar(&o.history, "history", 0, "replay this many commits instead, and print JSON lines")
	return c
}

func (o planning) run(c *cobra.Command, out io.Writer) error {
	if err := oneOf(c, "format", o.format, "text", "json", "diff"); err != nil {
		return err
	}
	replay := c.Flags().Changed("history")
	switch {
	case replay && (o.write || c.Flags().Changed("format")):
		return misused(c, "--history prints JSON lines and changes nothing: leave out --write and --format")
	case replay && (o.history < 1 || o.history > maxHistory):
		return misused(c, "--history is %d; want 1 to %d commits", o.history, maxHistory)
	}
	s, err := o.open()
	if err != nil {
		return err
	}
	defer s.clone.Close() //nolint:errcheck // it was only read
	keep, err := o.filter(s)
	if err != nil {
		return err
	}
	if replay {
		return s.replay(c.Context(), o.history, keep, out)
	}
	return o.plan(c.Context(), s, keep, out)
}

func (o planning) filter(s *snapshot) (filter, error) {
	var f filter
	if o.envName != "" {
		env, err := s.env(o.envName)
		if err != nil {
			return filter{}, err
		}
		f.env, f.from = env.Name, env.From
	}
	if o.appName != "" {
		app, err := s.app(o.appName)
		if err != nil {
			return filter{}, err
		}
		f.app = app
	}
	return f, nil
}

// plan writes files before it says so, and says nothing if that goes wrong.
func (o planning) plan(ctx context.Context, s *snapshot, keep filter, out io.Writer) error {
	all, err := s.judging(keep).judge(ctx, s.inventory, s.head)
	if err != nil {
		return err
	}
	doc := document{Head: s.head, Promotions: []promotion{}, Notices: s.notices(all, keep)}
	var promotions []*plan.Status
	for _, st := range all {
		if !keep.keeps(st.Target) || len(st.Candidate.Changes) == 0 {
			continue
		}
		doc.Promotions = append(doc.Promotions, promotionOf(st))
		if due(st) {
			promotions = append(promotions, st)
		}
	}
	files, err := s.edited(promotions)
	if err != nil {
		return err
	}
	var written []string
	if o.write {
		if written, err = s.write(ctx, files); err != nil {
			return err
		}
	}
	answer, err := o.render(s, doc, files, written)
	if err != nil {
		return err
	}
	if _, err := out.Write(answer); err != nil {
		return core.Errorf(core.Internal, "print the plan: %w", err)
	}
	if len(promotions) > 0 {
		return &process.Exit{Code: Pending}
	}
	return nil
}

func (o planning) render(s *snapshot, doc document, files []plan.File, written []string) ([]byte, error) {
	switch o.format {
	case "json":
		return encode(doc, "  ")
	case "diff":
		return s.clone.Diff(s.head, files)
	default:
		return doc.text(written), nil
	}
}
