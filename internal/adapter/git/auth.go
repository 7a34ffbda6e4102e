package git

import (
	"net/url"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/transport"
	githttp "github.com/go-git/go-git/v5/plumbing/transport/http"

	"github.com/sluice-gitops/sluice/internal/core"
)

// defaultUser is the user name that GitLab takes with every kind of token.
const defaultUser = "oauth2"

// Auth is how to prove to the server who we are. A URL over HTTPS uses Token,
// one over SSH uses Key and KnownHosts.
type Auth struct {
	// Token is asked at each use, so that a token may be rotated while the
	// service runs. Nil means no credentials.
	Token func() (core.Secret, error)
	User  string // goes with Token; default "oauth2"

	Key        core.Secret // SSH private key, PEM
	Passphrase core.Secret // of Key, if it is encrypted
	// KnownHosts is the content of a known_hosts file. A server whose key it
	// does not list is refused.
	KnownHosts string
}

// basic returns the credentials for one connection over HTTP.
func (a Auth) basic() (transport.AuthMethod, core.Secret, error) {
	if a.Token == nil {
		return nil, "", nil
	}
	token, err := a.Token()
	if err != nil {
		return nil, "", core.Errorf(core.KindOf(err), "read the token: %w", err)
	}
	if token == "" {
		return nil, "", core.Errorf(core.Denied, "the token is empty")
	}
	user := a.User
	if user == "" {
		user = defaultUser
	}
	return &githttp.BasicAuth{Username: user, Password: token.Reveal()}, token, nil
}

// parseURL accepts what the mirror can talk to. A URL with a password in it is
// refused without being shown.
func parseURL(raw string) (*transport.Endpoint, error) {
	if u, err := url.Parse(raw); err == nil && u.User != nil && (u.Scheme != "ssh" || hasPassword(u)) {
		return nil, core.Errorf(core.Invalid, "the monorepo's URL carries credentials: take them out and configure the token by itself")
	}
	ep, err := transport.NewEndpoint(raw)
	if err != nil || raw == "" {
		return nil, core.Errorf(core.Invalid, "the monorepo's URL cannot be read: want https://host/group/project.git or ssh://git@host/group/project.git")
	}
	switch ep.Protocol {
	case "https", "http", "ssh", "file":
		ep.Path = strings.TrimSuffix(ep.Path, "/")
		return ep, nil
	}
	return nil, core.Errorf(core.Invalid, "the monorepo's URL has the scheme %q: want https or ssh", ep.Protocol)
}

func hasPassword(u *url.URL) bool {
	_, ok := u.User.Password()
	return ok
}
