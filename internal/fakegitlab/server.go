package fakegitlab

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Version is what GET /version reports, unless the edition has another one.
const Version = "19.5.0-fake"

// Config is what a Server needs to exist. Only Dir is required.
type Config struct {
	// Dir holds the bare repositories. It must exist and belong to the server
	// alone; nothing in it survives as state for another one.
	Dir string
	// URL is the external address, without a slash at the end, as it appears in
	// links and clone URLs. SetURL changes it later.
	URL string
	// Clock is asked for every time stamp and every delay. nil means time.Now.
	Clock func() time.Time
	// Logger gets one line per delivery that failed. nil discards.
	Logger *slog.Logger
	// Edition says which GitLab this is; the zero one is a recent Premium.
	Edition Edition
	// HookTimeout ends a delivery; 0 means GitLab's 10 s.
	HookTimeout time.Duration
}

// Server is one fake GitLab. All its methods are safe for concurrent use.
type Server struct {
	cfg    Config
	log    *slog.Logger
	faults *Faults
	reqs   *requestLog
	hooks  *courier
	routes *http.ServeMux

	mu       sync.Mutex // guards everything below
	url      string
	seq      int64
	users    []*user
	groups   []*group
	projects []*project
	moved    map[string]*project
	timers   []timer
	throttle map[string]*window
}

// timer is a change of state that is due at a moment of the clock.
type timer struct {
	at time.Time
	do func()
}

// New prepares a server without users, groups or projects. It fails when git
// is not in PATH.
func New(cfg Config) (*Server, error) {
	if _, err := exec.LookPath("git"); err != nil {
		return nil, fmt.Errorf("fakegitlab needs the git binary: %w", err)
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.HookTimeout <= 0 {
		cfg.HookTimeout = hookTimeout
	}
	s := &Server{
		cfg: cfg, log: cfg.Logger, url: cfg.URL, seq: 100,
		faults: newFaults(), reqs: &requestLog{}, hooks: newCourier(cfg),
		moved: map[string]*project{}, throttle: map[string]*window{},
	}
	s.routes = s.mux()
	return s, nil
}

// Handler serves the API, Git and the small web pages.
func (s *Server) Handler() http.Handler { return s.front(s.routes) }

// Faults is the switchboard of misbehaviour.
func (s *Server) Faults() *Faults { return s.faults }

// SetURL changes the external address that links and clone URLs start with.
func (s *Server) SetURL(base string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.url = strings.TrimSuffix(base, "/")
}

// Run delivers webhooks and lets delayed changes come due, until ctx ends. It
// returns when its goroutines are gone. Without it, hooks only queue up and
// delayed changes wait for the next request.
func (s *Server) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.clockwork(ctx) })
	for range deliveryWorkers {
		g.Go(func() error { return s.deliverAll(ctx) })
	}
	if err := g.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// clockwork polls because the clock may be a fake one that nobody can wait for.
func (s *Server) clockwork(ctx context.Context) error {
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.C:
			s.mu.Lock()
			s.runDue()
			s.mu.Unlock()
			s.hooks.release(s.now())
		}
	}
}

// Serve runs the server on a listener, with Run, until ctx ends; then it lets
// requests in flight finish for a few seconds. If no URL was set, it takes the
// listener's address.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	s.mu.Lock()
	if s.url == "" {
		s.url = "http://" + l.Addr().String()
	}
	s.mu.Unlock()
	srv := &http.Server{
		Handler:           s.Handler(),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       5 * time.Minute,
		WriteTimeout:      5 * time.Minute,
		IdleTimeout:       2 * time.Minute,
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.Run(ctx) })
	g.Go(func() error {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve fake gitlab on %s: %w", l.Addr(), err)
		}
		return nil
	})
	g.Go(func() error {
		<-ctx.Done()
		bye, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
		defer cancel()
		return srv.Shutdown(bye)
	})
	return g.Wait()
}

// now is in UTC, as GitLab answers.
func (s *Server) now() time.Time { return s.cfg.Clock().UTC() }

// next hands out ids. One counter serves all kinds, so that no test can pass
// by mistaking an id for an iid.
func (s *Server) next() int64 {
	s.seq++
	return s.seq
}

// after does something once the clock has moved on by d: at once if d is 0.
func (s *Server) after(d time.Duration, do func()) {
	if d <= 0 {
		do()
		return
	}
	s.timers = append(s.timers, timer{at: s.now().Add(d), do: do})
}

// runDue makes the changes whose time has come, in the order they were planned.
func (s *Server) runDue() {
	now := s.now()
	var due []timer
	keep := s.timers[:0:0]
	for _, t := range s.timers {
		if t.at.After(now) {
			keep = append(keep, t)
			continue
		}
		due = append(due, t)
	}
	s.timers = keep
	for _, t := range due {
		t.do()
	}
}
