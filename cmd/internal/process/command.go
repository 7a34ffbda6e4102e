package process

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-gitops/sluice/cmd/internal/settings"
	"github.com/sluice-gitops/sluice/internal/core"
)

// Command makes a command that is configured by a table. Its help ends with
// where values come from; run gets the resolved settings.
func Command(env Env, t settings.Table, c *cobra.Command, run func(context.Context, settings.Values) error) *cobra.Command {
	c.Args = NoArgs
	c.Long = strings.TrimSpace(c.Long) + "\n\n" + `Every setting can be given as a flag, as an environment variable or as a file
that SLUICE_<NAME>_FILE names, in this order of precedence. Secrets are never
flags: they come from a variable or, better, from a file.`
	settings.Register(t, c.Flags())
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		v, err := settings.Resolve(t, cmd.Flags(), env.Environ, settings.ReadFile)
		if err != nil {
			return err
		}
		return run(cmd.Context(), v)
	}
	return c
}

// NoArgs refuses arguments beside the flags.
func NoArgs(c *cobra.Command, args []string) error {
	if len(args) > 0 {
		return core.Errorf(core.Invalid, "%s takes no arguments, found %q\nsee %s --help", c.CommandPath(), args[0], c.CommandPath())
	}
	return nil
}

// Execute runs a command tree and turns its outcome into an exit code. What
// the command line got wrong is Usage.
func Execute(ctx context.Context, env Env, root *cobra.Command) int {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return core.Errorf(core.Invalid, "%w\nsee %s --help", err, c.CommandPath())
	})
	root.CompletionOptions.DisableDefaultCmd = true
	if _, _, err := root.Find(env.Args); err != nil {
		return Code(env, core.Errorf(core.Invalid, "%w\nsee %s --help", err, root.CommandPath()))
	}
	root.SetArgs(env.Args)
	root.SetOut(env.Stdout)
	root.SetErr(env.Stderr)
	return Code(env, root.ExecuteContext(ctx))
}
