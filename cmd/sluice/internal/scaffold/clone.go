package scaffold

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/cmd/sluice/internal/worktree"
	"github.com/sluice-gitops/sluice/internal/adapter/git"
	"github.com/sluice-gitops/sluice/internal/adapter/render"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/scaffold"
)

// maxNotes bounds how many notes are printed; who wants the others looks at the
// files, of which there are as many.
const maxNotes = 300

// Commands are "sluice cluster" and "sluice app".
func Commands(env process.Env) []*cobra.Command {
	group := func(use, short string, sub *cobra.Command) *cobra.Command {
		c := &cobra.Command{Use: use, Short: short, Args: process.NoArgs, RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
		c.AddCommand(sub)
		return c
	}
	return []*cobra.Command{
		group("cluster", "Add a cluster to a clone of the monorepo", clusterCommand(env)),
		group("app", "Add an app to clusters in a clone of the monorepo", appCommand(env)),
	}
}

// clone is what both commands work on, and how.
type clone struct {
	dir    string
	dryRun bool
	out    io.Writer
	render render.Renderer
	policy *policy.Policy
	files  scaffold.Files
	left   []string // what lies there and was not read
}

func (c *clone) register(cmd *cobra.Command) {
	cmd.Flags().StringVar(&c.dir, "dir", ".", "the clone's root, where "+policy.FileName+" lies")
	cmd.Flags().BoolVar(&c.dryRun, "dry-run", false, "write nothing, and print what would be written as a patch")
}

// named takes the one argument of a command.
func named(c *cobra.Command, args []string) error {
	if len(args) != 1 {
		return core.Errorf(core.Invalid, "%s takes one name, found %q\nsee %s --help", c.CommandPath(), args, c.CommandPath())
	}
	return nil
}

func (c *clone) open() (err error) {
	if c.files, c.left, err = worktree.Read(c.dir); err != nil {
		return err
	}
	name := filepath.Join(c.dir, policy.FileName)
	src, ok := c.files[policy.FileName]
	if !ok {
		return core.Errorf(core.NotFound, "%s is not there; give the clone's root with --dir, or make a policy with sluice init", name)
	}
	c.policy, err = policy.Parse(name, src)
	return err
}

// finish checks a draft, and writes or shows it. It tells whether anything was new.
func (c *clone) finish(ctx context.Context, d *scaffold.Draft) (changed bool, err error) {
	changes := d.Changes()
	if len(changes) == 0 {
		fmt.Fprintln(c.out, "no change: everything is there already")
		return false, nil
	}
	if err := c.check(ctx, d); err != nil {
		return false, err
	}
	if c.dryRun {
		return true, c.show(changes)
	}
	if err := worktree.Write(c.dir, changes); err != nil {
		return false, err
	}
	for _, ch := range changes {
		what := "wrote"
		if ch.Old != nil {
			what = "changed"
		}
		fmt.Fprintf(c.out, "%s %s\n", what, ch.Path)
	}
	return true, nil
}

func (c *clone) show(changes []scaffold.Change) error {
	var files []git.FileChange
	for _, ch := range changes {
		files = append(files, git.FileChange{Path: ch.Path, Old: ch.Old, New: ch.New})
	}
	patch, err := git.Patch(files)
	if err != nil {
		return err
	}
	_, err = c.out.Write(patch)
	return err
}

// remark prints to whoever reads: as comments where the output is a patch, which
// git apply passes over.
func (c *clone) remark(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if !c.dryRun {
		fmt.Fprintln(c.out, text)
		return
	}
	for line := range strings.Lines(text) {
		fmt.Fprintln(c.out, strings.TrimRight("# "+strings.TrimRight(line, "\n"), " "))
	}
}

func (c *clone) notes(head string, notes []scaffold.Note) {
	notes = scaffold.Tidy(notes)
	if len(notes) == 0 {
		return
	}
	c.remark("\n%s", head)
	for _, n := range notes[:min(len(notes), maxNotes)] {
		c.remark("  %s", n)
	}
	if more := len(notes) - maxNotes; more > 0 {
		c.remark("  and %d more", more)
	}
}
