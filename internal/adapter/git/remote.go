package git

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	gitfile "github.com/go-git/go-git/v5/plumbing/transport/file"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/sluice-gitops/sluice/internal/core"
)

// remote opens connections to the monorepo's server.
type remote struct {
	url  string // without credentials
	auth Auth
	ssh  *sshServer          // nil unless the URL is of SSH
	wire *http.Transport     // nil unless the URL is of HTTP
	git  transport.Transport // nil if the URL is of SSH
}

// newRemote prepares the way that the URL's scheme asks for. Nothing is dialled yet.
func newRemote(url string, auth Auth, dir string) (*remote, error) {
	ep, err := parseURL(url)
	if err != nil {
		return nil, err
	}
	r := &remote{url: url, auth: auth}
	switch ep.Protocol {
	case "ssh":
		r.ssh, err = newSSHServer(ep, auth, dir)
		return r, err
	case "file":
		r.git = gitfile.DefaultClient // runs the git program: for tests
	default:
		r.wire = &http.Transport{
			Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: handshakeTimeout, IdleConnTimeout: idleTimeout,
		}
		r.git = githttp.NewClient(&http.Client{Transport: bounded{r.wire}})
	}
	return r, nil
}

// close drops the connections that are kept for the next call.
func (r *remote) close() {
	if r.wire != nil {
		r.wire.CloseIdleConnections()
	}
}

// call is one conversation with the server.
type call struct {
	*remote
	doing  string      // what for, as errors say it
	secret core.Secret // never to be seen in what comes back
}

// call begins a conversation; doing and the URL open every error of it.
func (r *remote) call(doing string) *call {
	return &call{remote: r, doing: doing + " " + r.url}
}

// upload opens a connection for reading. The caller closes the session.
func (c *call) upload(ctx context.Context) (transport.UploadPackSession, error) {
	if c.ssh != nil {
		return c.ssh.dial(ctx, transport.UploadPackServiceName)
	}
	ep, auth, err := c.endpoint()
	if err != nil {
		return nil, err
	}
	return c.git.NewUploadPackSession(ep, auth)
}

// receive opens a connection for writing. The caller closes the session.
func (c *call) receive(ctx context.Context) (transport.ReceivePackSession, error) {
	if c.ssh != nil {
		return c.ssh.dial(ctx, transport.ReceivePackServiceName)
	}
	ep, auth, err := c.endpoint()
	if err != nil {
		return nil, err
	}
	return c.git.NewReceivePackSession(ep, auth)
}

// endpoint makes a fresh endpoint, because a redirection changes it.
func (c *call) endpoint() (*transport.Endpoint, transport.AuthMethod, error) {
	ep, err := parseURL(c.url)
	if err != nil || c.wire == nil {
		return ep, nil, err
	}
	auth, secret, err := c.auth.basic()
	c.secret = secret
	return ep, auth, err
}

// bounded limits every answer's body, since go-git reads lists of refs and the
// bodies of errors whole. An error's body is cut, so that its beginning is
// seen; anything else that is too long is an error, since a part is worthless.
type bounded struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	switch {
	case res.StatusCode/100 != 2:
		res.Body = cut{io.LimitReader(res.Body, maxErrorBody), res.Body}
	case strings.HasSuffix(req.URL.Path, "/info/refs"):
		res.Body = http.MaxBytesReader(nil, res.Body, maxAdvertisement)
	default:
		res.Body = http.MaxBytesReader(nil, res.Body, maxPack)
	}
	return res, nil
}

// cut is a body that ends early without an error.
type cut struct {
	io.Reader
	io.Closer
}
