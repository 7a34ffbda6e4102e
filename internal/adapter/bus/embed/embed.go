// Package embed runs a NATS server with JetStream inside the process, for
// installations that want one program and no second service. It is apart from
// package bus so that a program which only talks to NATS does not contain a
// server.
//
// Every acknowledged write has reached the disk, and its directory belongs to
// one process at a time: two servers on one directory would both take writes
// and destroy each other's. The server has no users, so it is not reachable
// over the network at all, or on a loopback address when asked; other processes
// reach it through a socket in its directory ([Visitor]). It never
// reacts to signals; whoever started it shuts it down.
package embed

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"github.com/nats-io/nats-server/v2/server"

	"github.com/sluice-gitops/sluice/internal/core"
)

const (
	// maxPayload is above everything we publish; above it NATS itself warns.
	maxPayload = 8 << 20
	// defaultMaxStore holds the default streams and buckets twice.
	defaultMaxStore = 2 << 30
	// maxMemory bounds streams in memory, of which we have none.
	maxMemory = 64 << 20
	// startTimeout is generous: at the start all stored messages are read.
	startTimeout = 60 * time.Second
	// pollEvery is how often a starting server is asked whether it is ready.
	pollEvery = 10 * time.Millisecond

	// maxVisitors bounds the connections of other processes at once.
	maxVisitors = 32

	lockName = "sluice.lock"
	pidName  = "sluice.pid"
)

// Config says where the server keeps its data.
type Config struct {
	Dir      string // created if absent; belongs to this server alone
	MaxStore int64  // bytes of all streams together; 0 means 2 GiB
	// Listen is a loopback address with a port, such as 127.0.0.1:4222 (port 0
	// takes any free one), for looking in with the nats tool. Empty, the
	// default, opens no port.
	Listen string
	Logger *slog.Logger
}

// Server is a running server. It satisfies the interface by which the client
// library connects within a process.
type Server struct {
	nats *server.Server
	door *door // nil if there is none
	lock *flock.Flock
	dir  string
}

// Start returns a server that takes connections and has recovered all its
// streams. A directory that another process uses is a Conflict, an address
// that is not a loopback one is Invalid, and a server that is not ready when
// ctx ends, or after a minute, is Transient; nothing stays behind then.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	opts, err := options(cfg)
	if err != nil {
		return nil, err
	}
	lock, err := acquire(cfg.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{lock: lock, dir: cfg.Dir}
	s.nats, err = server.NewServer(opts)
	if err != nil {
		s.release()
		return nil, core.Errorf(core.Invalid, "set up the embedded NATS server in %s: %w", cfg.Dir, err)
	}
	if cfg.Logger != nil {
		s.nats.SetLoggerV2(logger{cfg.Logger}, false, false, false)
	}
	s.nats.Start()
	if err := s.ready(ctx); err != nil {
		s.Shutdown()
		return nil, err
	}
	s.door = openDoor(cfg.Dir, s.nats.InProcessConn, cfg.Logger)
	return s, nil
}

func options(cfg Config) (*server.Options, error) {
	if cfg.Dir == "" {
		return nil, core.Errorf(core.Invalid, "embedded NATS server: no directory is given, and data in a temporary one would be lost")
	}
	opts := &server.Options{
		ServerName:         "sluice",
		JetStream:          true,
		StoreDir:           cfg.Dir,
		SyncAlways:         true,
		JetStreamMaxStore:  cfg.MaxStore,
		JetStreamMaxMemory: maxMemory,
		MaxPayload:         maxPayload,
		NoSigs:             true,
		NoLog:              cfg.Logger == nil,
		DontListen:         cfg.Listen == "",
	}
	if opts.JetStreamMaxStore == 0 {
		opts.JetStreamMaxStore = defaultMaxStore
	}
	if cfg.Listen == "" {
		return opts, nil
	}
	host, port, err := loopback(cfg.Listen)
	if err != nil {
		return nil, err
	}
	opts.Host, opts.Port = host, port
	return opts, nil
}

// loopback refuses addresses that other machines could reach: the server has
// no users and would serve anyone.
func loopback(listen string) (host string, port int, err error) {
	host, service, err := net.SplitHostPort(listen)
	if err != nil {
		return "", 0, core.Errorf(core.Invalid, "embedded NATS server: listen address %q: want host:port: %w", listen, err)
	}
	port, err = strconv.Atoi(service)
	if err != nil || port < 0 || port > 65535 {
		return "", 0, core.Errorf(core.Invalid, "embedded NATS server: listen address %q: port %q is not a number up to 65535", listen, service)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", 0, core.Errorf(core.Invalid, "embedded NATS server: listen address %q: want a loopback address such as 127.0.0.1, because the server has no users", listen)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	return host, port, nil
}

// acquire takes the directory for this process. The lock goes away with the
// process, however it ends; the file beside it only serves the error message.
func acquire(dir string) (*flock.Flock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, core.Errorf(core.Invalid, "embedded NATS server: make its directory: %w", err)
	}
	lock := flock.New(filepath.Join(dir, lockName))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, core.Errorf(core.Invalid, "embedded NATS server: lock directory %s: %w", dir, err)
	}
	if !ok {
		return nil, core.Errorf(core.Conflict, "embedded NATS server: directory %s is in use by %s; stop it or give another directory", dir, holder(dir))
	}
	if err := os.WriteFile(filepath.Join(dir, pidName), []byte(strconv.Itoa(os.Getpid())+"\n"), 0o600); err != nil {
		_ = lock.Unlock() // the process is about to give up; the first error says why
		return nil, core.Errorf(core.Invalid, "embedded NATS server: note the process in directory %s: %w", dir, err)
	}
	return lock, nil
}

// holder says who holds the directory, as far as that can be known.
func holder(dir string) string {
	raw, err := os.ReadFile(filepath.Join(dir, pidName))
	pid, convErr := strconv.Atoi(strings.TrimSpace(string(raw)))
	switch {
	case err != nil || convErr != nil:
		return "another process"
	case pid == os.Getpid():
		return fmt.Sprintf("this process (pid %d)", pid)
	default:
		return fmt.Sprintf("another process (pid %d)", pid)
	}
}

// ready waits for JetStream's recovery, of which taking connections says
// nothing.
func (s *Server) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		if s.nats.ReadyForConnections(pollEvery) && s.nats.JetStreamEnabled() {
			return s.healthy()
		}
		select {
		case <-ctx.Done():
			return core.Errorf(core.Transient, "wait for the embedded NATS server in %s: %w", s.dir, ctx.Err())
		case <-tick.C:
		}
	}
}

func (s *Server) healthy() error {
	h := s.nats.Healthz(nil)
	if h.StatusCode == 200 {
		return nil
	}
	return core.Errorf(core.Internal, "embedded NATS server in %s is not healthy after its start: %s %s", s.dir, h.Status, h.Error)
}

// InProcessConn opens a connection within the process.
func (s *Server) InProcessConn() (net.Conn, error) { return s.nats.InProcessConn() }

// URL is where the server listens, or empty where it opens no port.
func (s *Server) URL() string {
	if s.nats.Addr() == nil {
		return ""
	}
	return s.nats.ClientURL()
}

// Shutdown stops the server, waits until everything is written, and gives the
// directory free. Further calls do nothing. Close the clients first.
func (s *Server) Shutdown() {
	s.door.close()
	s.nats.Shutdown()
	s.nats.WaitForShutdown()
	s.release()
}

// release leaves the lock's file: removing it could take away the lock that
// another process just got on it.
func (s *Server) release() { _ = s.lock.Unlock() }

// logger passes on what the server says. Its own levels are kept, except that
// notices, of which there are many at each start, become debug lines.
type logger struct{ log *slog.Logger }

func (l logger) Noticef(format string, v ...any) { l.log.Debug(said(format, v)) }
func (l logger) Warnf(format string, v ...any)   { l.log.Warn(said(format, v)) }
func (l logger) Fatalf(format string, v ...any)  { l.log.Error(said(format, v)) }
func (l logger) Errorf(format string, v ...any)  { l.log.Error(said(format, v)) }
func (l logger) Debugf(format string, v ...any)  { l.log.Debug(said(format, v)) }
func (l logger) Tracef(string, ...any)           {}

func said(format string, v []any) string { return "NATS server: " + fmt.Sprintf(format, v...) }
