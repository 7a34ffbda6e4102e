// Package process is what the programs share around their work: signals, the
// logger, exit codes, an HTTP server that ends politely, and the way to NATS.
// It holds no decision of the services.
package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/sluice-gitops/sluice/cmd/internal/settings"
	"github.com/sluice-gitops/sluice/internal/adapter/bus"
	"github.com/sluice-gitops/sluice/internal/core"
)

// Exit codes of every program.
const (
	OK     = 0
	Failed = 1 // what was asked for could not be done
	Usage  = 2 // the command line or the configuration is wrong
)

// Env is the process's surroundings. Programs get it as a value so that tests
// can run them inside another process.
type Env struct {
	Args    []string // without the program's name
	Environ []string
	Stdout  io.Writer
	Stderr  io.Writer
}

// Main runs a program until it ends or SIGINT or SIGTERM arrives, and exits
// with its code. A second signal ends the process at once.
func Main(run func(context.Context, Env) int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, Env{Args: os.Args[1:], Environ: os.Environ(), Stdout: os.Stdout, Stderr: os.Stderr}))
}

// Code says on stderr what went wrong, if anything did, and gives the exit
// code for it: an Exit's own, else the one of the error's kind.
func Code(env Env, err error) int {
	var exit *Exit
	chosen := errors.As(err, &exit)
	if err != nil && !(chosen && exit.Err == nil) {
		fmt.Fprintln(env.Stderr, err)
	}
	switch {
	case err == nil:
		return OK
	case chosen:
		return exit.Code
	case core.KindOf(err) == core.Invalid:
		return Usage
	default:
		return Failed
	}
}

// Logger makes the logger that the settings ask for.
func Logger(v settings.Values, w io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(v.String(settings.LogLevel))); err != nil {
		level = slog.LevelInfo // the table allows only levels that parse
	}
	options := &slog.HandlerOptions{Level: level}
	if v.String(settings.LogFormat) == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// Connect reaches for NATS as the settings say. The connection is made in the
// background; see bus.Connect.
func Connect(ctx context.Context, v settings.Values, name string, logger *slog.Logger) (*bus.Bus, error) {
	password, err := v.Secret(settings.NATSPassword)()
	if err != nil {
		return nil, err
	}
	token, err := v.Secret(settings.NATSToken)()
	if err != nil {
		return nil, err
	}
	return bus.Connect(ctx, bus.Config{
		URL: v.URL(settings.NATSURL).String(), CredentialsFile: v.Path(settings.NATSCredentialsFile),
		User: v.String(settings.NATSUser), Password: password, Token: token,
		CAFile: v.Path(settings.NATSCAFile), CertFile: v.Path(settings.NATSCertFile), KeyFile: v.Path(settings.NATSKeyFile),
		Name: name, Logger: logger,
	})
}

// Listen opens the address of the setting of that name.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, core.Errorf(core.Invalid, "listen on %s (--listen): %w", address, err)
	}
	return l, nil
}

// The timeouts of the small HTTP servers: what they serve is short.
const (
	headerTimeout = 5 * time.Second
	wholeTimeout  = 30 * time.Second
)

// ServeHTTP serves until ctx ends and then lets running requests finish, for
// at most grace.
func ServeHTTP(ctx context.Context, l net.Listener, h http.Handler, grace time.Duration) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: headerTimeout, ReadTimeout: wholeTimeout, WriteTimeout: wholeTimeout, IdleTimeout: wholeTimeout}
	ended := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
		defer cancel()
		ended <- server.Shutdown(drain)
	})
	err := server.Serve(l)
	if !errors.Is(err, http.ErrServerClosed) || stop() {
		return core.Errorf(core.Internal, "serve HTTP on %s: %w", l.Addr(), err)
	}
	return <-ended
}

// Getenv looks a variable up as os.Getenv does; of two with one name the later
// one counts.
func (e Env) Getenv(name string) string {
	for _, entry := range slices.Backward(e.Environ) {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}
