package world_test

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/kube"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/fakeflux"
	"github.com/sluice-gitops/sluice/services/promoter"
)

// apiServer is stg's API server over HTTPS, read with a kubeconfig. It shows
// apps where the stand-in of Flux is, in the state that the test says.
func (r *rig) apiServer(ready *atomic.Bool) *kube.Client {
	r.t.Helper()
	var version atomic.Int64
	version.Store(1 << 40)
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !strings.HasSuffix(req.URL.Path, "/kustomizations") {
			http.Error(w, "not here", http.StatusNotFound)
			return
		}
		status, reason := "False", "HealthCheckFailed"
		if ready.Load() {
			status, reason = "True", "ReconciliationSucceeded"
		}
		at := "main@sha1:" + string(r.flux("stg").Status().Applied)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"kind":"KustomizationList","metadata":{},"items":[{"metadata":{"name":"apps","namespace":"flux-system","uid":"of-the-server","resourceVersion":"%d","generation":1},`+
			`"spec":{"interval":"1s"},"status":{"observedGeneration":1,"lastAppliedRevision":%q,"lastAttemptedRevision":%q,"conditions":[{"type":"Ready","status":%q,"reason":%q,"message":"token=hunter2 of gateway"}]}}]}`,
			version.Add(1), at, at, status, reason)
	}))
	r.t.Cleanup(server.Close)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	file := filepath.Join(r.t.TempDir(), "kubeconfig")
	must(r.t, os.WriteFile(file, fmt.Appendf(nil, "current-context: stg\ncontexts: [{name: stg, context: {cluster: stg, user: sluice}}]\nclusters: [{name: stg, cluster: {server: '%s', certificate-authority-data: %s}}]\nusers: [{name: sluice, user: {token: t}}]\n",
		server.URL, base64.StdEncoding.EncodeToString(ca)), 0o600))
	access, err := kube.Load(file, "")
	must(r.t, err)
	client := kube.NewClient(access)
	r.t.Cleanup(client.Close)
	return client
}

// TestTheAPIServerIsHeardBesideFluxsEvents has stg's events and its API server
// disagree, and then the events fall silent: the API server stands in.
func TestTheAPIServerIsHeardBesideFluxsEvents(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.policy(healthy("1s"))
	var ready atomic.Bool
	r.servers = map[core.Cluster]promoter.APIServer{"platform-core-stg-aks": r.apiServer(&ready)}
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), 300*time.Millisecond, nil)()
	want := bumped(r.content("prd"))
	r.bump()
	mr := r.openForPrd()
	r.shows(mr, "[ ] **healthy**: the reports of platform-core-stg-aks disagree on Kustomization flux-system/apps: Flux's events say ready at ")
	r.shows(mr, "the API server says HealthCheckFailed: token=")
	if strings.Contains(r.request(mr).Description, "hunter2") {
		t.Error("the secret in Flux's message is shown")
	}
	r.flux("stg").Behave(fakeflux.Behaviour{Silent: true})
	ready.Store(true)
	r.shows(mr, "[x] **healthy**: ready in platform-core-stg-aks (read from the API server) since ")
	r.approveOnce()
	r.carries("prd", want)
}
