package clusters

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"net/http"

	"github.com/sluice-gitops/sluice/internal/adapter/flux"
	"github.com/sluice-gitops/sluice/internal/core"
)

// Callers call the Receivers of all clusters, each with its cluster's own TLS,
// proxy and time limit. Connections are kept per host, so a cluster that does
// not answer takes none from another. They are safe for concurrent use.
type Callers struct {
	by map[core.Cluster]*flux.Client
}

// NewCallers makes a client for each cluster that has a Receiver; clusters with
// the same settings share one. Its errors are Invalid, and none is possible
// for what [Read] returned.
func NewCallers(all map[core.Cluster]Cluster) (*Callers, error) {
	c := &Callers{by: map[core.Cluster]*flux.Client{}}
	shared := map[[sha256.Size]byte]*flux.Client{}
	for name, cluster := range all {
		if !cluster.Triggered() {
			continue
		}
		id := cluster.settings()
		if shared[id] == nil {
			client, err := flux.NewClient(cluster.ClientConfig())
			if err != nil {
				return nil, core.Errorf(core.KindOf(err), "cluster %s: %w", name, err)
			}
			shared[id] = client
		}
		c.by[name] = shared[id]
	}
	return c, nil
}

// Trigger calls the Receiver with its cluster's client; see
// [flux.Client.Trigger] for its errors. A cluster that the file does not give
// a Receiver is Invalid.
func (c *Callers) Trigger(ctx context.Context, r flux.Receiver, p flux.Payload) error {
	client := c.by[r.Cluster]
	if client == nil {
		return core.Errorf(core.Invalid, "trigger receiver of cluster %s: no way to it is configured: add its url to the file of Flux Receivers", r.Cluster)
	}
	return client.Trigger(ctx, r, p)
}

// Close closes the connections that no call is using.
func (c *Callers) Close() {
	for _, client := range c.by {
		client.Close()
	}
}

// ClientConfig is what a client for the cluster's Receiver is made from.
func (c Cluster) ClientConfig() flux.Config {
	cfg := flux.Config{Timeout: c.Timeout, CA: c.TLS.CA, Certificate: c.TLS.Certificate, Key: c.TLS.Key, ServerName: c.TLS.ServerName, Proxy: http.ProxyFromEnvironment}
	if c.Proxy != nil {
		cfg.Proxy = http.ProxyURL(c.Proxy)
	}
	return cfg
}

// settings is equal for clusters whose clients would be the same.
func (c Cluster) settings() [sha256.Size]byte {
	proxy := ""
	if c.Proxy != nil {
		proxy = c.Proxy.String()
	}
	h := sha256.New()
	for _, part := range []string{string(c.TLS.CA), string(c.TLS.Certificate), c.TLS.Key.Reveal(), c.TLS.ServerName, proxy, c.Timeout.String()} {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part))) // a hash takes everything
		h.Write([]byte(part))
	}
	return [sha256.Size]byte(h.Sum(nil))
}
