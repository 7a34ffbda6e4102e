package clusters

import (
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/flux"
	"github.com/sluice-gitops/sluice/internal/core"
)

// Cluster is how one cluster is reached.
type Cluster struct {
	Name core.Cluster
	// Receiver is the cluster's Flux Receiver. Without one (see Triggered) the
	// cluster is never called and follows at its own interval.
	Receiver  flux.Receiver
	TokenFile string // where the Receiver's token was read
	TLS       TLS
	Proxy     *url.URL      // nil means what the environment says; may hold a password
	Timeout   time.Duration // of one call; 0 means the client's own
	// Kubeconfig leads to the cluster's API server; its File is "" where that is
	// not to be asked.
	Kubeconfig Kubeconfig
	// CommitStatuses is set if the cluster's Flux writes commit statuses to
	// GitLab that Sluice may believe, as the user StatusAuthor.
	CommitStatuses bool
	StatusAuthor   string
}

// TLS is what a cluster's HTTPS needs beyond the usual; the zero value is the usual.
type TLS struct {
	CA          []byte // certificates in PEM that are trusted besides the system's
	Certificate []byte // our own, in PEM
	Key         core.Secret
	ServerName  string // the name that the server's certificate must have; "" means the URL's host
}

// Kubeconfig names a kubeconfig and a context in it. The file could be opened
// when it was read here; nothing in it was looked at.
type Kubeconfig struct {
	File    string
	Context string // "" means the file's current one
}

// Triggered tells whether the cluster has a Receiver to call.
func (c Cluster) Triggered() bool { return c.Receiver.BaseURL != "" }

// Receivers are the Receivers of the clusters that have one.
func Receivers(all map[core.Cluster]Cluster) map[core.Cluster]flux.Receiver {
	out := map[core.Cluster]flux.Receiver{}
	for name, c := range all {
		if c.Triggered() {
			out[name] = c.Receiver
		}
	}
	return out
}

// Warn logs what is legal and most likely a mistake: a token that ends in a
// line break.
func Warn(all map[core.Cluster]Cluster, logger *slog.Logger) {
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if c := all[name]; EndsInLineBreak(c.Receiver.Token) {
			logger.Warn("the Receiver's token ends in a line break, which Flux takes for a part of it: write the file without one, unless the Secret in the cluster has it as well",
				"cluster", string(name), "file", c.TokenFile)
		}
	}
}

// EndsInLineBreak tells whether a token ends the way that files written by
// editors and echo do.
func EndsInLineBreak(token core.Secret) bool {
	return strings.HasSuffix(token.Reveal(), "\n") || strings.HasSuffix(token.Reveal(), "\r")
}
