package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

const (
	kustomization = "Kustomization"
	helmRelease   = "HelmRelease"
)

// lists are what is read, by kind.
const (
	kustomizations = "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations"
	helmReleases   = "/apis/helm.toolkit.fluxcd.io/v2/helmreleases"
)

// Client reads from one API server. Its methods may be called concurrently.
type Client struct {
	access Access
	http   *http.Client
}

// NewClient makes a client; nothing is asked before Objects. Redirects are not
// followed: an API server sends none, and the token goes nowhere else.
func NewClient(a Access) *Client {
	proxy := http.ProxyFromEnvironment
	if a.Proxy != nil {
		proxy = http.ProxyURL(a.Proxy)
	}
	return &Client{access: a, http: &http.Client{
		Transport: &http.Transport{
			Proxy: proxy, TLSClientConfig: a.TLS.Clone(), TLSHandshakeTimeout: callTimeout, ResponseHeaderTimeout: callTimeout,
			MaxResponseHeaderBytes: maxHeaderBytes, MaxIdleConns: 1, MaxConnsPerHost: 1, IdleConnTimeout: callTimeout, ForceAttemptHTTP2: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close closes the connections that no call is using.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Objects lists all Kustomizations and HelmReleases of the cluster, as they are.
// A cluster that does not know HelmReleases has none; one that does not know
// Kustomizations has no Flux, and that is NotFound. Denied means that the
// kubeconfig or the rights in the cluster are wrong, Invalid that the answer is
// none of an API server or too large, Transient that asking again may help. No
// error shows a token.
func (c *Client) Objects(ctx context.Context) ([]Object, error) {
	out, err := c.list(ctx, kustomization, kustomizations)
	if err != nil {
		return nil, fmt.Errorf("list Kustomizations at %s: %w", c.access.Server, err)
	}
	releases, err := c.list(ctx, helmRelease, helmReleases)
	if err != nil && core.KindOf(err) != core.NotFound {
		return nil, fmt.Errorf("list HelmReleases at %s: %w", c.access.Server, err)
	}
	return append(out, releases...), nil
}

// page is the JSON of a part of a list.
type page struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Continue string `json:"continue"`
	} `json:"metadata"`
	Items []wireObject `json:"items"`
}

// errExpired says that the rest of a list was forgotten while it was read.
var errExpired = errors.New("the list changed too much while it was read")

// list reads all pages. One that has expired between two is begun anew, once.
func (c *Client) list(ctx context.Context, kind, path string) ([]Object, error) {
	out, err := c.pages(ctx, kind, path)
	if errors.Is(err, errExpired) {
		out, err = c.pages(ctx, kind, path)
	}
	return out, err
}

func (c *Client) pages(ctx context.Context, kind, path string) ([]Object, error) {
	var out []Object
	rest := ""
	for range maxPages {
		query := url.Values{"limit": {strconv.Itoa(pageSize)}}
		if rest != "" {
			query.Set("continue", rest)
		}
		p, err := c.page(ctx, path+"?"+query.Encode())
		if err != nil {
			return nil, err
		}
		if p.Kind != kind+"List" {
			return nil, core.Errorf(core.Invalid, "found a %q, want a %sList: is this the address of an API server?", clip(p.Kind), kind)
		}
		for _, item := range p.Items {
			out = append(out, item.object(kind))
		}
		if rest = p.Metadata.Continue; rest == "" {
			return out, nil
		}
	}
	return nil, core.Errorf(core.Invalid, "more than %d pages of %d objects: no cluster has as many", maxPages, pageSize)
}

func (c *Client) page(ctx context.Context, pathAndQuery string) (page, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.access.Server+pathAndQuery, nil)
	if err != nil {
		return page{}, core.Errorf(core.Invalid, "make the request: %w", err)
	}
	req.Header.Set("Accept", "application/json")
	token, err := c.access.bearer()
	if err != nil {
		return page{}, core.Errorf(core.Denied, "%w", err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token.Reveal())
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return page{}, core.Errorf(core.Transient, "%w", bare(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return page{}, refusal(resp)
	}
	return decode(resp)
}

func decode(resp *http.Response) (page, error) {
	if media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")); media != "application/json" {
		return page{}, core.Errorf(core.Invalid, "the answer is %q, want application/json: is this the address of an API server?", clip(media))
	}
	body := &io.LimitedReader{R: resp.Body, N: maxPageBytes + 1}
	var p page
	err := json.NewDecoder(body).Decode(&p)
	switch {
	case body.N <= 0:
		return page{}, core.Errorf(core.Invalid, "one page has more than %d MiB", maxPageBytes>>20)
	case err != nil && resp.Request.Context().Err() != nil, errors.Is(err, io.ErrUnexpectedEOF):
		return page{}, core.Errorf(core.Transient, "the answer broke off: %w", err)
	case err != nil:
		return page{}, core.Errorf(core.Invalid, "read the answer: %w", err)
	}
	return p, nil
}

// refusal reads what the server says of a request that it does not answer.
func refusal(resp *http.Response) error {
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorBytes)) // what came of it is still the best there is
	var status struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(raw, &status) // an answer in another form has no message
	said := resp.Status
	if status.Message != "" {
		said += ": " + clip(status.Message)
	}
	switch code := resp.StatusCode; {
	case code == http.StatusUnauthorized:
		return core.Errorf(core.Denied, "%s: the API server does not know the kubeconfig's user: renew its token or certificate", said)
	case code == http.StatusForbidden:
		return core.Errorf(core.Denied, "%s: allow the kubeconfig's user to list kustomizations.kustomize.toolkit.fluxcd.io and helmreleases.helm.toolkit.fluxcd.io in all namespaces", said)
	case code == http.StatusNotFound:
		return core.Errorf(core.NotFound, "%s: this API server does not know them: is Flux installed there?", said)
	case code == http.StatusGone:
		return core.Errorf(core.Transient, "%s: %w", said, errExpired)
	case code == http.StatusTooManyRequests, code >= 500:
		wait, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // none is zero
		return core.RetryAfter(time.Duration(max(0, min(wait, 3600)))*time.Second, errors.New(said))
	}
	return core.Errorf(core.Invalid, "%s", said)
}

// bare is an error of HTTP without the address that it repeats.
func bare(err error) error {
	if e := (*url.Error)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

func clip(s string) string { return s[:min(maxText, len(s))] }
