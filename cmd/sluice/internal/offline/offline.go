// Package offline answers questions about a clone on this machine: what Sluice
// would promote in it, and why a version stands where it stands. It takes the
// same decisions as the service, by the same function, from what Git alone
// tells.
//
// It needs no server and no network, runs no git, and knows nothing of merge
// requests, comments and health: whether a gate is open it cannot say. It
// changes nothing but files of the working tree, and those only when it is
// asked to.
package offline

import (
	"errors"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/internal/core"
)

// Pending is the exit code of a plan with something to promote in it, so that a
// script can tell it from one that could not be made.
const Pending = 2

// Commands are "sluice plan" and "sluice explain".
func Commands(env process.Env) []*cobra.Command {
	return []*cobra.Command{planCommand(env), explainCommand(env)}
}

// arguments are what a command takes beside its flags: how many, and in words.
type arguments struct {
	count int
	words string
}

// command makes a command whose every error ends with process.Failed, wrong
// command lines included: 2 means something else here.
func command(c *cobra.Command, takes arguments, run func(c *cobra.Command, args []string) error) *cobra.Command {
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error { return failed(misused(c, "%w", err)) })
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) != takes.count {
			return failed(misused(c, "%s takes %s, found %q", c.CommandPath(), takes.words, args))
		}
		return failed(run(c, args))
	}
	return c
}

func misused(c *cobra.Command, format string, args ...any) error {
	err := core.Errorf(core.Invalid, format, args...)
	return core.Errorf(core.Invalid, "%w\nsee %s --help", err, c.CommandPath())
}

// failed keeps an exit code that was chosen and gives every other error one.
func failed(err error) error {
	var chosen *process.Exit
	if err == nil || errors.As(err, &chosen) {
		return err
	}
	return &process.Exit{Code: process.Failed, Err: harmless{err}}
}

// harmless is an error that can be shown on a terminal, whatever names from the
// monorepo are in it.
type harmless struct{ error }

// Error keeps the lines apart and spells out every other control character.
func (h harmless) Error() string {
	lines := strings.Split(h.error.Error(), "\n")
	for i, line := range lines {
		lines[i] = show(line)
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the cause to errors.Is and errors.As.
func (h harmless) Unwrap() error { return h.error }

// oneOf checks the value of a flag with few values.
func oneOf(c *cobra.Command, flag, found string, allowed ...string) error {
	if slices.Contains(allowed, found) {
		return nil
	}
	return misused(c, "--%s is %q; want one of %s", flag, found, strings.Join(allowed, ", "))
}
