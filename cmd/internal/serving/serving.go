// Package serving runs both services in one process, with a NATS server inside
// unless the settings name another one. It is what "sluice serve" and the demo
// run, so that the demo shows nothing else than what users get. It adds nothing
// to the services and decides nothing for them.
package serving

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/cmd/internal/promoting"
	"github.com/sluice-gitops/sluice/cmd/internal/receiving"
	"github.com/sluice-gitops/sluice/cmd/internal/settings"
	"github.com/sluice-gitops/sluice/internal/adapter/bus"
	"github.com/sluice-gitops/sluice/internal/adapter/bus/embed"
	"github.com/sluice-gitops/sluice/pkg/events"
	"github.com/sluice-gitops/sluice/services/receiver"
)

// Serve works until ctx ends, and then stops in the order in which nothing is
// lost: no more webhooks, the pass under way, NATS.
func Serve(ctx context.Context, v settings.Values, l net.Listener, logger *slog.Logger) (err error) {
	b, stop, err := connect(ctx, v, logger)
	if err != nil {
		return err
	}
	defer stop()
	if err := b.Ensure(ctx, events.Default(1)); err != nil {
		return err
	}
	hooks, err := receiving.New(v, b, logger)
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	p, err := promoting.New(ctx, v, b, filepath.Join(v.Path(settings.DataDir), "mirrors"), logger, registry)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	logger.Info("sluice is serving", "address", l.Addr().String(), "act", v.Bool(settings.Act))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.Maintain(ctx, events.Default(1)) })
	g.Go(func() error { return p.Run(ctx) })
	g.Go(func() error {
		return process.ServeHTTP(ctx, l, handler(hooks, p, prometheus.Gatherers{registry, hooks.Gatherer()}), v.Duration(settings.ShutdownGrace))
	})
	return g.Wait()
}

func connect(ctx context.Context, v settings.Values, logger *slog.Logger) (*bus.Bus, func(), error) {
	if v.Given(settings.NATSURL) {
		b, err := process.Connect(ctx, v, "sluice", logger)
		if err != nil {
			return nil, nil, err
		}
		return b, b.Close, nil
	}
	server, err := embed.Start(ctx, embed.Config{Dir: filepath.Join(v.Path(settings.DataDir), "nats"), Logger: logger})
	if err != nil {
		return nil, nil, err
	}
	b, err := bus.Connect(ctx, bus.Config{InProcess: server, Name: "sluice", Logger: logger})
	if err != nil {
		server.Shutdown()
		return nil, nil, err
	}
	return b, func() { b.Close(); server.Shutdown() }, nil
}

// handler puts both services behind one address. /readyz is about the webhooks
// alone: to refuse them because a policy is broken would lose hints and have
// GitLab disable the hook. The promoter's progress has an address of its own.
func handler(hooks *receiver.Receiver, p *promoting.Promoter, metrics prometheus.Gatherer) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", hooks.Handler())
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /readyz/promoter", func(w http.ResponseWriter, _ *http.Request) {
		if err := p.Ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	return mux
}
