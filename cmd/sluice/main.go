// Command sluice is the one tool for people: it serves everything in one
// process, shows how it works without any of the real systems, and answers
// questions.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/cmd/internal/serving"
	"github.com/sluice-gitops/sluice/cmd/internal/settings"
	"github.com/sluice-gitops/sluice/cmd/sluice/internal/demo"
	"github.com/sluice-gitops/sluice/cmd/sluice/internal/fluxtool"
	"github.com/sluice-gitops/sluice/cmd/sluice/internal/initial"
	"github.com/sluice-gitops/sluice/cmd/sluice/internal/linting"
	"github.com/sluice-gitops/sluice/cmd/sluice/internal/offline"
	"github.com/sluice-gitops/sluice/cmd/sluice/internal/scaffold"
	"github.com/sluice-gitops/sluice/cmd/sluice/internal/setup"
	"github.com/sluice-gitops/sluice/internal/core/chatops"
)

func main() {
	process.HoldCollector(os.Environ())
	process.Main(Run)
}

// Run is the whole program; it returns the exit code.
func Run(ctx context.Context, env process.Env) int {
	root := &cobra.Command{
		Use:   "sluice",
		Short: "Move image and chart versions from dev to prd of a Flux monorepo on GitLab",
		Long: `Sluice moves image and chart versions through the environments of a Flux
monorepo on GitLab. A version that runs well in dev becomes a merge request for
stg, then for prd; people approve in comments; Flux is told to reconcile at
once; and what Flux reports decides whether the next environment may follow.

To see it work, without a GitLab and without a cluster:

  sluice demo

To have a policy proposed for a clone of your own monorepo, and to see what would
be promoted in it, without a server:

  sluice init --repo ~/src/monorepo --write
  sluice plan --repo ~/src/monorepo --policy ~/src/monorepo/sluice.yaml

To look at your own monorepo on GitLab, changing nothing:

  SLUICE_GITLAB_TOKEN_FILE=token sluice serve --projects group/project --data-dir ./data`,
	}
	root.AddCommand(demo.Command(env), serve(env), fakeGitLab(env), initial.Command(env), linting.Command(env), deadLetters(env), fluxtool.Command(env), setup.Command(env))
	root.AddCommand(offline.Commands(env)...)
	root.AddCommand(scaffold.Commands(env)...)
	root.AddCommand(helpChatops(env))
	return process.Execute(ctx, env, root)
}

func serve(env process.Env) *cobra.Command {
	return process.Command(env, settings.Serve(), &cobra.Command{
		Use:   "serve",
		Short: "Run the receiver and the promoter in one process, with an embedded NATS",
		Long: `Runs the receiver and the promoter in one process. Unless --nats-url names
another one, NATS runs inside it and keeps its data below --data-dir.

Without --act nothing is changed anywhere: every plan is made and logged. That is
the way to start on a monorepo of your own.`,
	}, func(ctx context.Context, v settings.Values) error {
		l, err := process.Listen(ctx, v.String(settings.Listen))
		if err != nil {
			return err
		}
		return serving.Serve(ctx, v, l, process.Logger(v, env.Stderr))
	})
}

func helpChatops(env process.Env) *cobra.Command {
	return &cobra.Command{
		Use:   "help-chatops",
		Short: "Print what can be said to Sluice in comments on GitLab, as Markdown",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprint(env.Stdout, chatops.Manual())
			return err
		},
	}
}
