// Command promoter opens and tends the merge requests that move versions from
// one environment to the next. It is the only program that writes.
package main

import (
	"context"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/cmd/internal/promoting"
	"github.com/sluice-gitops/sluice/cmd/internal/settings"
	"github.com/sluice-gitops/sluice/pkg/events"
)

func main() {
	process.HoldCollector(os.Environ())
	process.Main(Run)
}

// Run is the whole program; it returns the exit code.
func Run(ctx context.Context, env process.Env) int {
	return process.Execute(ctx, env, process.Command(env, settings.Promoter(), &cobra.Command{
		Use:   "promoter",
		Short: "Move versions from one environment to the next by merge requests",
		Long: "Watches one or several monorepos and moves versions from one environment to the\nnext by merge requests, each behind its gates.\n\n" +
			"Without --act it changes nothing: it plans, and says what it would do.",
	}, func(ctx context.Context, v settings.Values) error { return serve(ctx, env, v) }))
}

// grace is how long a scrape or a probe may take when the program ends.
const grace = 5 * time.Second

func serve(ctx context.Context, env process.Env, v settings.Values) error {
	logger := process.Logger(v, env.Stderr)
	b, err := process.Connect(ctx, v, "sluice-promoter", logger)
	if err != nil {
		return err
	}
	defer b.Close()
	l, err := process.Listen(ctx, v.String(settings.Listen))
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	p, err := promoting.New(ctx, v, b, v.Path(settings.MirrorDir), logger, registry)
	if err != nil && ctx.Err() != nil {
		return nil // stopped while GitLab did not answer
	}
	if err != nil {
		return err
	}
	defer p.Close() //nolint:errcheck // the mirrors are caches
	logger.Info("promoter is running", "address", l.Addr().String(), "act", v.Bool(settings.Act))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.Maintain(ctx, events.Default(1)) })
	g.Go(func() error { return p.Run(ctx) })
	g.Go(func() error { return process.ServeHTTP(ctx, l, promoting.Handler(p.Promoter, registry), grace) })
	return g.Wait()
}
