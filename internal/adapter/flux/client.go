package flux

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Config configures a [Client]. The zero value is usable.
type Config struct {
	Timeout time.Duration // of one call, its answer included; 0 means 10 s
	// CA holds certificates in PEM that are trusted besides the system's.
	CA []byte
	// Certificate and Key are the client's own, in PEM; both or neither.
	Certificate []byte
	Key         core.Secret
	// ServerName is the name that servers' certificates must have; "" means the
	// host of the URL.
	ServerName string
	// Proxy chooses a proxy for a request; nil means none. It is called with
	// requests whose URL is secret, and must not log them.
	Proxy func(*http.Request) (*url.URL, error)
}

// Client calls Flux Receivers. It is safe for concurrent use.
type Client struct {
	http *http.Client
}

// NewClient returns a client. Its errors are Invalid: certificates or a key
// that cannot be read.
func NewClient(c Config) (*Client, error) {
	tlsConfig, err := c.tls()
	if err != nil {
		return nil, err
	}
	timeout := c.Timeout
	if timeout <= 0 {
		timeout = defaultTimeout
	}
	return &Client{http: &http.Client{
		Timeout: timeout,
		Transport: &http.Transport{
			Proxy:                  c.Proxy,
			TLSClientConfig:        tlsConfig,
			ForceAttemptHTTP2:      true,
			MaxConnsPerHost:        maxConnsPerHost,
			IdleConnTimeout:        idleTimeout,
			MaxResponseHeaderBytes: maxAnswerHeaderBytes,
		},
		// A redirect would carry the token to another host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}, nil
}

func (c Config) tls() (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	if len(c.CA) > 0 {
		pool, err := x509.SystemCertPool()
		if err != nil {
			pool = x509.NewCertPool()
		}
		if !pool.AppendCertsFromPEM(c.CA) {
			return nil, core.Errorf(core.Invalid, "flux client: the CA holds no certificate in PEM")
		}
		t.RootCAs = pool
	}
	if len(c.Certificate) == 0 && c.Key == "" {
		return t, nil
	}
	pair, err := tls.X509KeyPair(c.Certificate, []byte(c.Key.Reveal()))
	if err != nil {
		return nil, core.Errorf(core.Invalid, "flux client: client certificate and key: %w", err)
	}
	t.Certificates = []tls.Certificate{pair}
	return t, nil
}

// Close closes the connections that no call is using.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Payload is what a Receiver gets to know, so that its CEL filters can choose
// by req.project, req.ref, req.sha and req.paths. Flux itself uses nothing of
// it: it fetches the head of the branch, whatever was said here.
type Payload struct {
	Project string   // the monorepo's full path on GitLab
	Ref     string   // such as "refs/heads/main"
	SHA     core.SHA // the commit that is expected to be fetched
	// Paths are the files that changed. A list of more than 1000 is left out
	// of the request, so a filter must take an absent list for "anything".
	Paths []string
}

// wirePayload is the JSON of a Payload.
type wirePayload struct {
	Project string   `json:"project"`
	Ref     string   `json:"ref"`
	SHA     string   `json:"sha"`
	Paths   []string `json:"paths,omitempty"`
}

func (p Payload) encode() ([]byte, error) {
	w := wirePayload{Project: p.Project, Ref: p.Ref, SHA: string(p.SHA), Paths: p.Paths}
	if len(w.Paths) > maxPaths {
		w.Paths = nil
	}
	body, err := json.Marshal(w)
	if err != nil {
		return nil, core.Errorf(core.Internal, "encode payload: %w", err)
	}
	if len(body) > maxPayloadBytes {
		return nil, core.Errorf(core.Invalid, "payload has %d bytes, and a Receiver reads at most %d", len(body), maxPayloadBytes)
	}
	return body, nil
}

// Trigger makes one call to a Receiver. Nil means that every resource of the
// Receiver was asked to reconcile; it does not mean that Flux has seen the
// commit. A second call is harmless. Nothing is retried here.
//
// Invalid, NotFound and Denied mean that the configuration is wrong on one of
// the two sides and that the same call will not work later, but for NotFound
// right after the Receiver was made. Transient is worth another call, after
// the time that [core.WaitOf] names. No error shows the Receiver's path.
func (c *Client) Trigger(ctx context.Context, r Receiver, p Payload) error {
	if err := c.trigger(ctx, r, p); err != nil {
		return fmt.Errorf("trigger receiver %s of cluster %s: %w", r.label(), r.Cluster, err)
	}
	return nil
}

func (c *Client) trigger(ctx context.Context, r Receiver, p Payload) error {
	body, err := p.encode()
	if err != nil {
		return err
	}
	req, err := r.request(ctx, body)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return connectionError(req.URL.Host, err)
	}
	defer resp.Body.Close()
	// What cannot be drained costs a connection and says nothing about the call.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswerBytes))
	return answer(resp)
}

func (r Receiver) request(ctx context.Context, body []byte) (*http.Request, error) {
	target, err := r.url()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return nil, core.Errorf(core.Internal, "make request: %w", withoutURL(err))
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "sluice")
	switch r.Type {
	case HMAC:
		req.Header.Set(SignatureHeader, Sign(r.Token, body))
	case GitLab:
		req.Header.Set("X-Gitlab-Token", r.Token.Reveal())
		req.Header.Set("X-Gitlab-Event", "Push Hook")
	}
	return req, nil
}

// connectionError says why there is no answer, without the URL that
// net/http puts into its errors.
func connectionError(host string, err error) error {
	cause := withoutURL(err)
	if e := (*tls.CertificateVerificationError)(nil); errors.As(err, &e) {
		return core.Errorf(core.Denied, "the certificate of %s is not trusted: add the CA that signed it: %w", host, cause)
	}
	return core.Errorf(core.Transient, "no answer from %s: %w", host, cause)
}

func withoutURL(err error) error {
	if e := (*url.Error)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}
