package fluxtool

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/cmd/internal/clusters"
	"github.com/sluice-gitops/sluice/internal/adapter/flux"
)

// A line break is blamed only where a call has shown it.
func TestDoctorBlamesNoLineBreakThatItDidNotSee(t *testing.T) {
	for name, c := range map[string]struct {
		kind flux.ReceiverType
		code int // of every call after the first
	}{
		"a header cannot carry one": {flux.GitLab, http.StatusNotFound},
		"too many calls":            {flux.HMAC, http.StatusTooManyRequests},
		"the ingress breaks down":   {flux.HMAC, http.StatusBadGateway},
		"a proxy wants credentials": {flux.HMAC, http.StatusProxyAuthRequired},
	} {
		t.Run(name, func(t *testing.T) {
			calls := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path != "/" {
					calls++
				}
				code := c.code
				if calls < 2 {
					code = http.StatusNotFound
				}
				w.WriteHeader(code)
			}))
			defer s.Close()
			d := &doctor{clock: time.Now}
			d.visit(t.Context(), clusters.Cluster{Name: "dev", Receiver: flux.Receiver{Cluster: "dev", BaseURL: s.URL, Name: "n", Namespace: "ns", Token: "tok", Type: c.kind}})
			last := d.found[len(d.found)-1]
			if last.Check != "call" || last.State != failed || !strings.Contains(last.Says, "no Receiver has the path") {
				t.Errorf("it says %q", last.Says)
			}
		})
	}
}
