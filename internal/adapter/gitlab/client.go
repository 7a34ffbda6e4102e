package gitlab

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	gl "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/core"
)

// tokenHeader carries personal, project and group access tokens alike.
const tokenHeader = "Private-Token"

// Config is what a Client needs. BaseURL and Token are required.
type Config struct {
	// BaseURL is the instance's address, such as "https://gitlab.com", with the
	// path if GitLab lives under one. It must not contain credentials.
	BaseURL string
	// Token gives a personal, project or group access token with the scope
	// "api". It is called for each request, so that the token can rotate, and
	// must be safe for concurrent use.
	Token func() (core.Secret, error)
	// Transport carries the requests; nil is net/http's default one. It is where
	// a private CA or a proxy is set.
	Transport http.RoundTripper
	UserAgent string           // empty means "sluice"
	Clock     func() time.Time // nil means the system's
	Logger    *slog.Logger     // nil means none
	// Remember is for how long what was read of an open merge request is relied on
	// at most, while lists say that it is the same and Heard has not named it. Zero
	// means not at all.
	Remember time.Duration
}

// Client talks to one GitLab instance with one token. It is safe for
// concurrent use; all its projects share the time until which GitLab asked to
// be left alone.
type Client struct {
	api   *gl.Client
	now   func() time.Time
	log   *slog.Logger
	gate  *gate
	notes *budget

	remember time.Duration

	mu     sync.Mutex
	warned map[string]bool // groups that could not be seen
}

// New makes a client without calling GitLab. Its errors are core.Invalid and
// never repeat the address, for that may hold a password.
func New(cfg Config) (*Client, error) {
	if err := checkBaseURL(cfg.BaseURL); err != nil {
		return nil, err
	}
	if cfg.Token == nil {
		return nil, core.Errorf(core.Invalid, "gitlab client: no source of a token is given")
	}
	cfg = withDefaults(cfg)
	c := &Client{now: cfg.Clock, log: cfg.Logger, gate: &gate{now: cfg.Clock}, notes: &budget{now: cfg.Clock}, remember: cfg.Remember, warned: map[string]bool{}}
	// Three of the library's defaults would be wrong here. Its limiter is set up
	// by the first answer and races with the calls beside it; its retries repeat
	// writes, and wait out a 429 inside the call; and its warnings about an
	// address show the whole of it. The HTTP client has no timeout of its own,
	// because that would wrap the bodies that failure looks for: see callTimeout.
	api, err := gl.NewAuthSourceClient(tokenSource(cfg.Token),
		gl.WithURLWarningLogger(slog.New(slog.DiscardHandler)),
		gl.WithBaseURL(cfg.BaseURL),
		gl.WithUserAgent(cfg.UserAgent),
		gl.WithHTTPClient(&http.Client{Transport: &transport{next: cfg.Transport, gate: c.gate}, CheckRedirect: sameHost}),
		gl.WithCustomLimiter(c.gate),
		gl.WithCustomRetry(retryReads),
		gl.WithCustomRetryMax(readRetries),
		gl.WithCustomBackoff(func(_, _ time.Duration, attempt int, _ *http.Response) time.Duration {
			return time.Duration(attempt+1) * retryPause
		}),
	)
	if err != nil {
		return nil, core.Errorf(core.Invalid, "gitlab client: the library refuses the configuration")
	}
	c.api = api
	return c, nil
}

// withDefaults fills in what may be left out.
func withDefaults(cfg Config) Config {
	if cfg.Transport == nil {
		cfg.Transport = http.DefaultTransport
	}
	if cfg.UserAgent == "" {
		cfg.UserAgent = "sluice"
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return cfg
}

// checkBaseURL is stricter than the client library, which only warns, and does
// so with the whole address in the log.
func checkBaseURL(text string) error {
	const want = "want the instance's address, such as https://gitlab.com"
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return core.Errorf(core.Invalid, "gitlab base url cannot be parsed: %s", want)
	case u.User != nil:
		return core.Errorf(core.Invalid, "gitlab base url contains credentials: give the token on its own")
	case u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		return core.Errorf(core.Invalid, "gitlab base url has no http or https host: %s", want)
	case u.RawQuery != "" || u.Fragment != "":
		return core.Errorf(core.Invalid, "gitlab base url has a query or a fragment: %s", want)
	}
	return nil
}

// tokenSource hands the present token to the client library, request by
// request.
type tokenSource func() (core.Secret, error)

// Init implements the library's AuthSource; there is nothing to prepare.
func (tokenSource) Init(context.Context, *gl.Client) error { return nil }

// Header implements the library's AuthSource. A token that cannot be had is
// core.Denied unless its source says otherwise.
func (s tokenSource) Header(context.Context) (string, string, error) {
	token, err := s()
	switch {
	case err != nil && core.KindOf(err) == core.Internal:
		return "", "", core.Errorf(core.Denied, "gitlab token: %w", err)
	case err != nil:
		return "", "", err
	case token == "":
		return "", "", core.Errorf(core.Denied, "gitlab token: it is empty")
	case strings.ContainsFunc(token.Reveal(), notPrintable):
		return "", "", core.Errorf(core.Denied, "gitlab token: it contains blanks or control characters")
	}
	return tokenHeader, token.Reveal(), nil
}

// notPrintable holds for what cannot stand in a header; a line break at the end
// of a mounted file is the usual case.
func notPrintable(r rune) bool { return r <= ' ' || r > '~' }
