// Command receiver takes webhooks from GitLab and Flux, verifies them and
// publishes what they are about to NATS. It holds no credentials for GitLab.
package main

import (
	"context"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/cmd/internal/receiving"
	"github.com/sluice-gitops/sluice/cmd/internal/settings"
	"github.com/sluice-gitops/sluice/pkg/events"
)

func main() { process.Main(Run) }

// Run is the whole program; it returns the exit code.
func Run(ctx context.Context, env process.Env) int {
	return process.Execute(ctx, env, process.Command(env, settings.Receiver(), &cobra.Command{
		Use:   "receiver",
		Short: "Take webhooks from GitLab and Flux and publish them to NATS",
		Long:  "Takes webhooks from GitLab and Flux, verifies them, publishes what they are about to\nNATS JetStream, and answers once that is stored.",
	}, func(ctx context.Context, v settings.Values) error { return serve(ctx, env, v) }))
}

func serve(ctx context.Context, env process.Env, v settings.Values) error {
	logger := process.Logger(v, env.Stderr)
	b, err := process.Connect(ctx, v, "sluice-receiver", logger)
	if err != nil {
		return err
	}
	defer b.Close()
	r, err := receiving.New(v, b, logger)
	if err != nil {
		return err
	}
	l, err := process.Listen(ctx, v.String(settings.Listen))
	if err != nil {
		return err
	}
	logger.Info("receiver is listening", "address", l.Addr().String())
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.Maintain(ctx, events.Default(1)) })
	g.Go(func() error { return r.Serve(ctx, l) })
	return g.Wait()
}
