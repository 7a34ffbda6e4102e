// Package bus is the one way to NATS JetStream: it connects, makes sure that
// the streams and buckets of pkg/events exist, publishes with an
// acknowledgement, consumes with explicit answers, and keeps small values with
// compare-and-swap.
//
// A NATS that is slow or absent never hangs a caller: every call ends within
// four seconds with an error of kind Transient. Nothing is buffered while the
// connection is down, because a message that only seems to be sent is worse
// than one that is refused. The connection itself is tried again forever.
//
// The package refuses to change what exists: a stream that differs from its
// definition is an error that a person resolves. It does not know the messages
// that it carries, and it does not contain a server; package embed does.
package bus

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/sluice-gitops/sluice/internal/core"
)

// InProcess is a NATS server in the same process.
type InProcess interface {
	InProcessConn() (net.Conn, error)
}

// Config says how to reach NATS and as whom. At most one of CredentialsFile,
// User with Password, and Token may be set. Nothing is taken from the
// environment.
type Config struct {
	URL       string    // one or several, separated by commas; ignored where InProcess is set
	InProcess InProcess // takes the place of URL

	CredentialsFile string
	User            string
	Password        core.Secret
	Token           core.Secret

	CAFile   string // certificates that the server's must lead to; the system's where empty
	CertFile string // the client's certificate; needs KeyFile
	KeyFile  string

	Name   string // shown in the server's list of clients
	Logger *slog.Logger
}

// Bus is a connection to NATS. Its methods may be called concurrently.
type Bus struct {
	nc    *nats.Conn
	js    jetstream.JetStream
	log   *slog.Logger
	calls chan struct{} // holds one element per call that waits for NATS
	up    atomic.Bool   // whether the connection is there; asking the client would wait for its lock

	trouble atomic.Pointer[error] // why the latest attempt to connect did not work; nil while it is there

	mu      sync.Mutex
	buckets map[string]jetstream.KeyValue

	ensured     atomic.Pointer[outcome] // of the latest Ensure
	reconnected chan struct{}           // wakes Maintain; holds at most one element
}

// outcome is a box for an error that may be nil.
type outcome struct{ err error }

// Connect tries each server once, for at most two seconds, and returns without
// an error also when none answers: they are tried again forever, and Ready
// tells when one is there. Errors are of kind Invalid and speak of the
// configuration, unless ctx has ended. Close ends the connection; ctx does not.
func Connect(ctx context.Context, cfg Config) (*Bus, error) {
	b := &Bus{
		log:         cfg.Logger,
		calls:       make(chan struct{}, maxCalls),
		buckets:     map[string]jetstream.KeyValue{},
		reconnected: make(chan struct{}, 1),
	}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	b.ensured.Store(&outcome{core.Errorf(core.Transient, "the streams and buckets have not been checked yet")})
	opts, err := options(cfg)
	if err != nil {
		return nil, err
	}
	opts = append(opts, b.observe()...)
	if err := ctx.Err(); err != nil {
		return nil, core.Errorf(core.Transient, "connect to NATS at %s: %w", shownURL(cfg), err)
	}
	nc, err := nats.Connect(cfg.URL, opts...)
	if err != nil {
		return nil, core.Errorf(core.Invalid, "connect to NATS at %s: %w", shownURL(cfg), err)
	}
	b.nc = nc
	if nc.IsConnected() {
		b.up.Store(true)
	} else {
		b.log.Warn("NATS is not reached yet and tried again", "server", shownURL(cfg))
	}
	b.js, err = jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, core.Errorf(core.Invalid, "use JetStream at %s: %w", shownURL(cfg), err)
	}
	return b, nil
}

// options are chosen so that the connection is never given up and nothing is
// buffered while it is away.
func options(cfg Config) ([]nats.Option, error) {
	if err := check(cfg); err != nil {
		return nil, err
	}
	opts := []nats.Option{
		nats.Name(cfg.Name),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		nats.IgnoreAuthErrorAbort(), // credentials may be put right while we run
		nats.ReconnectBufSize(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectJitter, reconnectJitter),
		nats.Timeout(dialTimeout),
		nats.FlusherTimeout(writeTimeout),
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(maxPings),
		nats.DrainTimeout(drainTimeout),
	}
	if cfg.InProcess != nil {
		opts = append(opts, nats.InProcessServer(cfg.InProcess))
	}
	return append(opts, identity(cfg)...), nil
}

// identity is who we are to the server and by what we know it.
func identity(cfg Config) []nats.Option {
	var opts []nats.Option
	if cfg.CredentialsFile != "" {
		opts = append(opts, nats.UserCredentials(cfg.CredentialsFile))
	}
	if cfg.User != "" {
		opts = append(opts, nats.UserInfo(cfg.User, cfg.Password.Reveal()))
	}
	if cfg.Token != "" {
		opts = append(opts, nats.Token(cfg.Token.Reveal()))
	}
	if cfg.CAFile != "" {
		opts = append(opts, nats.RootCAs(cfg.CAFile))
	}
	if cfg.CertFile != "" {
		opts = append(opts, nats.ClientCert(cfg.CertFile, cfg.KeyFile))
	}
	return opts
}

// check finds what the client library would only find at the first connect,
// or never, or would report with the password.
func check(cfg Config) error {
	if cfg.URL == "" && cfg.InProcess == nil {
		return core.Errorf(core.Invalid, "NATS: neither a URL nor a server in this process is given")
	}
	for i, raw := range strings.Split(cfg.URL, ",") {
		if cfg.InProcess == nil && !address(strings.TrimSpace(raw)) {
			return core.Errorf(core.Invalid, "NATS: URL %d is not one, want nats://host:port", i+1)
		}
	}
	ways := 0
	for _, set := range []bool{cfg.CredentialsFile != "", cfg.User != "", cfg.Token != ""} {
		if set {
			ways++
		}
	}
	if ways > 1 {
		return core.Errorf(core.Invalid, "NATS: %d of credentials file, user and token are given, want at most one", ways)
	}
	if (cfg.CertFile == "") != (cfg.KeyFile == "") {
		return core.Errorf(core.Invalid, "NATS: client certificate %q and key %q are needed together", cfg.CertFile, cfg.KeyFile)
	}
	for _, file := range []string{cfg.CredentialsFile, cfg.CAFile, cfg.CertFile, cfg.KeyFile} {
		if file == "" {
			continue
		}
		if _, err := os.Stat(file); err != nil {
			return core.Errorf(core.Invalid, "NATS: %w", err)
		}
	}
	return nil
}

// address reports whether the client library would take a URL. Without a
// scheme it is a host and a port.
func address(raw string) bool {
	if !strings.Contains(raw, "://") {
		raw = "nats://" + raw
	}
	u, err := url.Parse(raw)
	return err == nil && u.Hostname() != ""
}

// observe logs what happens to the connection and wakes Maintain.
func (b *Bus) observe() []nats.Option {
	up := func(nc *nats.Conn) {
		b.trouble.Store(nil)
		b.up.Store(true)
		b.log.Info("connected to NATS", "server", nc.ConnectedServerName())
		select {
		case b.reconnected <- struct{}{}:
		default:
		}
	}
	return []nats.Option{
		nats.ConnectHandler(up),
		nats.ReconnectHandler(up),
		nats.ReconnectErrHandler(b.unreached),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			b.up.Store(false)
			if err != nil { // nil is our own Close
				b.log.Warn("lost the connection to NATS", "error", err)
			}
		}),
		nats.ClosedHandler(func(*nats.Conn) { b.up.Store(false) }),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { b.log.Warn("NATS", "error", err) }),
	}
}

// unreached keeps the reason of an attempt that did not work. It is logged when
// it is another one than before, since attempts are made every second or two.
func (b *Bus) unreached(_ *nats.Conn, err error) {
	before := b.trouble.Swap(&err)
	if before == nil || (*before).Error() != err.Error() {
		b.log.Warn("NATS cannot be reached", "error", err)
	}
}

// Close ends the connection. Calls that still run fail as Transient.
func (b *Bus) Close() { b.nc.Close() }

// Ready is nil when JetStream answers and the latest Ensure found everything
// as defined; else the error says what is wrong.
func (b *Bus) Ready(ctx context.Context) error {
	if err := b.connected(); err != nil {
		return err
	}
	if err := b.ensured.Load().err; err != nil {
		return err
	}
	if _, err := bounded(ctx, b, b.js.AccountInfo); err != nil {
		return core.Errorf(core.Transient, "ask JetStream for its state: %w", err)
	}
	return nil
}

// connected makes calls fail at once instead of after their timeout.
func (b *Bus) connected() error {
	if b.up.Load() {
		return nil
	}
	if why := b.trouble.Load(); why != nil {
		return core.Errorf(core.Transient, "not connected to NATS: %w", *why)
	}
	return core.Errorf(core.Transient, "not connected to NATS")
}

// classified gives an error of the client library its kind. Timeouts, lost
// connections and servers that do not answer are all Transient.
func classified(err error) core.Kind {
	var own *core.Error
	var api *jetstream.APIError
	switch {
	case errors.As(err, &own):
		return own.Kind
	case errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, jetstream.ErrBucketNotFound),
		errors.Is(err, jetstream.ErrConsumerNotFound), errors.Is(err, jetstream.ErrKeyNotFound):
		return core.NotFound
	case errors.Is(err, nats.ErrMaxPayload), errors.Is(err, nats.ErrBadSubject), errors.Is(err, jetstream.ErrInvalidKey),
		errors.Is(err, jetstream.ErrInvalidBucketName), errors.Is(err, nats.ErrBadHeaderMsg),
		errors.Is(err, jetstream.ErrStreamMessageExceedsMaximum):
		return core.Invalid
	case errors.Is(err, nats.ErrPermissionViolation), errors.Is(err, nats.ErrAuthorization),
		errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return core.Denied
	case errors.As(err, &api) && api.Code == 400:
		return core.Invalid
	default:
		return core.Transient
	}
}

// shownURL is the configured address without user and password.
func shownURL(cfg Config) string {
	if cfg.InProcess != nil {
		return "the server in this process"
	}
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" {
		return "the configured address"
	}
	u.User = nil
	return u.String()
}
