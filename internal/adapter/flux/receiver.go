package flux

import (
	"net/url"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// ReceiverType is the spec.type of a Flux Receiver, as far as Sluice can call it.
type ReceiverType string

// The types. HMAC is the one to use; the others exist for Receivers that are
// there already.
const (
	HMAC    ReceiverType = "generic-hmac" // the body is signed with the token
	Generic ReceiverType = "generic"      // nothing but the secret path
	GitLab  ReceiverType = "gitlab"       // the token in a header; its spec.events must hold "Push Hook"
)

// Receiver is one cluster's Flux Receiver and the way to it.
type Receiver struct {
	Cluster core.Cluster
	// BaseURL leads to the cluster's webhook-receiver service, such as
	// "https://flux.dev.example.com". A path in it is put before "/hook/…", for
	// an ingress that removes it again.
	BaseURL   string
	Name      string
	Namespace string
	Token     core.Secret // Secret data "token" of the Receiver, byte for byte
	Type      ReceiverType
}

// Check reports what makes a Receiver impossible to call, as an Invalid error
// without any part of the token. Call it on configuration, before the first
// trigger finds out.
func (r Receiver) Check() error {
	_, err := r.url()
	return err
}

func (r Receiver) label() string { return r.Namespace + "/" + r.Name }

// url is the Receiver's whole address, which is secret.
func (r Receiver) url() (string, error) {
	if err := r.checkIdentity(); err != nil {
		return "", err
	}
	base, err := url.Parse(r.BaseURL)
	if err != nil {
		return "", core.Errorf(core.Invalid, "receiver base URL: %w", withoutURL(err))
	}
	switch {
	case base.Scheme != "http" && base.Scheme != "https", base.Hostname() == "":
		return "", core.Errorf(core.Invalid, "receiver base URL: want a form such as https://flux.example.com")
	case base.User != nil, base.RawQuery != "", base.ForceQuery, base.Fragment != "":
		return "", core.Errorf(core.Invalid, "receiver base URL of host %s: user, query and fragment are not possible, because Flux compares the whole request line", base.Host)
	case strings.Contains(base.Path, "/hook/"):
		return "", core.Errorf(core.Invalid, `receiver base URL of host %s: leave out "/hook/…": it follows from token, name and namespace`, base.Host)
	}
	return strings.TrimRight(base.String(), "/") + ReceiverPath(r.Token, r.Name, r.Namespace), nil
}

func (r Receiver) checkIdentity() error {
	switch {
	case r.Name == "" || r.Namespace == "":
		return core.Errorf(core.Invalid, "receiver %q: name and namespace must both be set, because its path is made from them", r.label())
	case r.Token == "":
		return core.Errorf(core.Invalid, "receiver %s: the token is empty, so everybody could compute its path", r.label())
	case r.Type != HMAC && r.Type != Generic && r.Type != GitLab:
		return core.Errorf(core.Invalid, "receiver %s: type %q: want %s, %s or %s", r.label(), clip(string(r.Type)), HMAC, Generic, GitLab)
	case r.Type == GitLab && !fitsHeader(r.Token.Reveal()):
		return core.Errorf(core.Invalid, "receiver %s: the token has a line break, a space at an end or another character that no HTTP header can carry: type %s cannot work with it", r.label(), GitLab)
	}
	return nil
}

// fitsHeader tells whether a header's value arrives as it was sent.
func fitsHeader(s string) bool {
	return s == strings.TrimSpace(s) && strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}
