// Package serving runs both services in one process, with a NATS server inside
// unless the settings name another one. It is what "sluice serve" and the demo
// run, so that the demo shows nothing else than what users get. It adds nothing
// to the services and decides nothing for them.
package serving

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/cmd/internal/promoting"
	"github.com/sluice-gitops/sluice/cmd/internal/receiving"
	"github.com/sluice-gitops/sluice/cmd/internal/settings"
	"github.com/sluice-gitops/sluice/internal/adapter/bus"
	"github.com/sluice-gitops/sluice/internal/adapter/bus/embed"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/pkg/events"
	"github.com/sluice-gitops/sluice/services/promoter"
	"github.com/sluice-gitops/sluice/services/receiver"
)

// Serve works until ctx ends, and then stops in the order in which nothing is
// lost: no more webhooks, the pass under way, NATS. Webhooks are taken from the
// start, also while GitLab does not answer.
func Serve(ctx context.Context, v settings.Values, l net.Listener, logger *slog.Logger) error {
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
	s := &server{settings: v, bus: b, logger: logger, registry: prometheus.NewRegistry()}
	logger.Info("sluice is serving", "address", l.Addr().String(), "act", v.Bool(settings.Act))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return b.Maintain(ctx, events.Default(1)) })
	g.Go(func() error { return s.promote(ctx) })
	g.Go(func() error {
		return process.ServeHTTP(ctx, l, s.handler(hooks), v.Duration(settings.ShutdownGrace))
	})
	return g.Wait()
}

// server is one run of Serve.
type server struct {
	settings settings.Values
	bus      *bus.Bus
	logger   *slog.Logger
	registry *prometheus.Registry
	promoter atomic.Pointer[promoting.Promoter] // nil until the projects have been found
}

// promote finds the projects and runs the promoter until ctx ends. To be
// stopped while GitLab does not answer is no failure.
func (s *server) promote(ctx context.Context) (err error) {
	p, err := promoting.New(ctx, s.settings, s.bus, filepath.Join(s.settings.Path(settings.DataDir), "mirrors"), s.logger, s.registry)
	if err != nil && ctx.Err() != nil {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	s.promoter.Store(p)
	return p.Run(ctx)
}

// ready is nil while the promoter makes progress.
func (s *server) ready() error {
	if p := s.promoter.Load(); p != nil {
		return p.Ready()
	}
	return core.Errorf(core.Transient, "the projects have not been found in GitLab yet; the log says why")
}

// boards are none until the projects have been found.
func (s *server) boards() []promoter.Board {
	if p := s.promoter.Load(); p != nil {
		return p.Boards()
	}
	return nil
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
func (s *server) handler(hooks *receiver.Receiver) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", hooks.Handler())
	mux.Handle("GET /metrics", promhttp.HandlerFor(prometheus.Gatherers{s.registry, hooks.Gatherer()}, promhttp.HandlerOpts{}))
	mux.Handle("GET /readyz/promoter", promoting.Readiness(s.ready))
	mux.Handle("GET /status", promoting.Status(s.boards))
	return mux
}
