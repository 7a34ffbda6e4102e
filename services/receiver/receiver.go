package receiver

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/net/netutil"
	"golang.org/x/sync/semaphore"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/pkg/events"
)

// GitLab is what deliveries from GitLab are checked against. Several secrets
// at once are for their rotation. Without any secret every delivery is
// refused.
type GitLab struct {
	SigningKeys []core.Secret // signing tokens, whsec_…
	Tokens      []core.Secret // secret tokens
	// RequireSignature refuses deliveries that have only a token.
	RequireSignature bool
}

// Config is what the receiver is told once.
type Config struct {
	GitLab GitLab
	// Clusters are the keys by which each cluster's Flux signs.
	Clusters map[core.Cluster][]core.Secret
	// DrainDelay is how long requests are still taken after readyz has turned
	// to 503, for balancers to notice.
	DrainDelay time.Duration
	// DrainTimeout bounds the wait for requests that run; 0 means 20 s.
	DrainTimeout time.Duration
}

// Publisher is the bus. Publish returns once the message is stored, tells
// whether one with its id was stored before, and must return when ctx ends.
type Publisher interface {
	Publish(ctx context.Context, m events.Message) (duplicate bool, err error)
	Ready(ctx context.Context) error
}

// Flux knows how Flux signs and spells its events. Verify returns nil only
// for a signature that the key made over the body. The report that Decode
// returns need not name its cluster; the address of the delivery does.
type Flux interface {
	Verify(key core.Secret, signature string, body []byte) error
	Decode(body []byte) (events.Report, error)
}

// Deps is what the receiver works with. Nil for Now and Logger means the real
// clock and no log.
type Deps struct {
	Publisher Publisher
	Flux      Flux
	Now       func() time.Time
	Logger    *slog.Logger
}

// Receiver takes webhooks over HTTP.
type Receiver struct {
	cfg      Config
	bus      Publisher
	fluxCode Flux
	now      func() time.Time
	log      *slog.Logger
	keys     *keyring
	decoy    core.Secret // stands in for an unknown cluster's key, so that the time does not tell
	echo     *echo.Echo
	metrics  *metrics
	small    *semaphore.Weighted
	large    *semaphore.Weighted
	buffers  sync.Pool
	draining atomic.Bool
}

// New checks the configuration; errors are of kind Invalid, name the secret by
// its place and never show it.
func New(cfg Config, deps Deps) (*Receiver, error) {
	keys, err := newKeyring(cfg.GitLab)
	if err != nil {
		return nil, err
	}
	if err := checkClusters(cfg.Clusters); err != nil {
		return nil, err
	}
	if deps.Publisher == nil || deps.Flux == nil {
		return nil, core.Errorf(core.Invalid, "receiver: a publisher and the code for Flux are needed")
	}
	r := &Receiver{
		cfg: cfg, bus: deps.Publisher, fluxCode: deps.Flux, now: deps.Now, log: deps.Logger,
		keys: keys, decoy: core.Secret(rand.Text()), metrics: newMetrics(),
		small: semaphore.NewWeighted(smallBodies), large: semaphore.NewWeighted(largeBodies),
	}
	if r.now == nil {
		r.now = time.Now
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.echo = r.routes()
	return r, nil
}

// checkClusters refuses clusters that nobody could speak for, and empty keys,
// with which anybody could.
func checkClusters(clusters map[core.Cluster][]core.Secret) error {
	for cluster, keys := range clusters {
		if len(keys) == 0 || len(keys) > maxSecrets {
			return core.Errorf(core.Invalid, "cluster %s: %d keys, want 1 to %d", cluster, len(keys), maxSecrets)
		}
		for i, key := range keys {
			if key == "" {
				return core.Errorf(core.Invalid, "cluster %s: key %d is empty", cluster, i+1)
			}
		}
	}
	return nil
}

func (r *Receiver) routes() *echo.Echo {
	e := echo.New()
	e.HTTPErrorHandler = bareStatus
	e.POST("/hooks/gitlab", r.gitlab)
	e.POST("/hooks/flux/:cluster", r.flux)
	e.GET("/healthz", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	e.GET("/readyz", r.ready)
	e.GET("/metrics", echo.WrapHandler(r.metrics.handler()))
	return e
}

// bareStatus answers errors, which all come from routing, without a body.
func bareStatus(err error, c echo.Context) {
	status := http.StatusInternalServerError
	var routing *echo.HTTPError
	if errors.As(err, &routing) {
		status = routing.Code
	}
	if !c.Response().Committed {
		_ = c.NoContent(status) // the client is gone; there is nobody to tell
	}
}

// ready is 503 while the bus does not answer, and from the moment on that the
// receiver ends.
func (r *Receiver) ready(c echo.Context) error {
	if r.Ready(c.Request().Context()) != nil {
		return c.NoContent(http.StatusServiceUnavailable)
	}
	return c.NoContent(http.StatusOK)
}

// Ready is nil while deliveries can be taken: the bus answers, and the receiver
// is not ending.
func (r *Receiver) Ready(ctx context.Context) error {
	if r.draining.Load() {
		return core.Errorf(core.Transient, "the receiver is ending")
	}
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	return r.bus.Ready(ctx)
}

// Gatherer gives the receiver's metrics to a program that serves them together
// with others'.
func (r *Receiver) Gatherer() prometheus.Gatherer { return r.metrics.registry }

// Handler serves all addresses, for servers that others run.
func (r *Receiver) Handler() http.Handler { return r.echo }

// Serve takes requests until ctx ends. Then readyz turns to 503, after
// DrainDelay the listener closes, and Serve returns nil when every request
// that was accepted has its answer. Requests that outlast DrainTimeout are cut
// off, which is an error of kind Transient; a listener that breaks is one of
// kind Internal.
func (r *Receiver) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{
		Handler:           r.echo,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(r.log.Handler(), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(netutil.LimitListener(l, maxConnections)) }()
	select {
	case err := <-served:
		return core.Errorf(core.Internal, "serve webhooks on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	r.draining.Store(true)
	delay := time.NewTimer(r.cfg.DrainDelay)
	defer delay.Stop()
	select {
	case err := <-served:
		return core.Errorf(core.Internal, "serve webhooks on %s: %w", l.Addr(), err)
	case <-delay.C:
	}
	err := r.drain(context.WithoutCancel(ctx), srv)
	<-served
	return err
}

// drain waits for the requests that run, and cuts them off when that takes too
// long: whatever ends the process would do so with less warning.
func (r *Receiver) drain(ctx context.Context, srv *http.Server) error {
	limit := r.cfg.DrainTimeout
	if limit == 0 {
		limit = defaultDrainTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		_ = srv.Close() // cuts off what still runs; the error below says so
		return core.Errorf(core.Transient, "requests still ran %s after the end began and were cut off: %w", limit, err)
	}
	return nil
}
