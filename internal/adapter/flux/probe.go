package flux

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Probe is what an answer tells of whoever serves a Receiver, whatever it says.
type Probe struct {
	Date    time.Time // its clock; zero where it does not tell
	Expires time.Time // its certificate; zero without TLS
}

// Probe asks the root of a Receiver's address, where Flux answers 404, to learn
// whether anybody is there. Errors are those of the way: Transient for no
// answer, Denied for a certificate that is not trusted, Invalid for a URL that
// is none. It shows no Receiver and reconciles nothing.
func (c *Client) Probe(ctx context.Context, base string) (Probe, error) {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" {
		return Probe{}, core.Errorf(core.Invalid, "probe: the address is no URL")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimRight(base, "/")+"/", nil)
	if err != nil {
		return Probe{}, core.Errorf(core.Invalid, "probe %s: %w", u.Host, withoutURL(err))
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return Probe{}, fmt.Errorf("probe %s: %w", u.Host, connectionError(u.Host, err))
	}
	defer resp.Body.Close()
	// What cannot be drained costs a connection and says nothing.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, maxAnswerBytes))
	var p Probe
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		p.Date = date
	}
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		p.Expires = resp.TLS.PeerCertificates[0].NotAfter
	}
	return p, nil
}
