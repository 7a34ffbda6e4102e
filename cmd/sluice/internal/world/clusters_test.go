package world_test

import (
	"bytes"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/fakeflux"
)

// The clusters of an environment of three.
const (
	stgA = core.Cluster("platform-core-stg-aks")
	stgB = core.Cluster("platform-core-stg-b")
	stgC = core.Cluster("platform-core-stg-c")
)

const threeClusters = `version: 1
layout:
  - flux-config/clusters/{cluster}/apps/{app}
environments:
  - {name: dev, clusters: [platform-core-dev-aks]}
  - {name: stg, from: dev, clusters: [platform-core-stg-aks, platform-core-stg-b, platform-core-stg-c], merge: auto}
  - {name: prd, from: stg, clusters: [platform-core-prd-aks], merge: auto, gates: {healthy: true}}
`

// twoMore gives stg two more clusters that are like its first.
func twoMore(files map[string][]byte) {
	for path, content := range files {
		for _, name := range []core.Cluster{stgB, stgC} {
			if copied := strings.Replace(path, string(stgA), string(name), 1); copied != path {
				files[copied] = bytes.ReplaceAll(content, []byte(stgA), []byte(name))
			}
		}
	}
}

// silence takes connections and never answers on them.
func silence(t *testing.T) (url string, callers func() int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var mu sync.Mutex
	var conns []net.Conn
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
		}
	}()
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		defer mu.Unlock()
		for _, c := range conns {
			c.Close()
		}
	})
	return "http://" + l.Addr().String(), func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(conns)
	}
}

// TestThreeClustersInTrouble has one cluster that is dead, one of which the
// Receiver answers 503 for a while, and one in which the version fails. Each
// is told apart, none keeps another waiting, and what heals goes on by itself.
func TestThreeClustersInTrouble(t *testing.T) {
	t.Parallel()
	r := newRigEvery(t, threeClusters, 2*time.Second, twoMore)
	flux := func(c core.Cluster) *fakeflux.Flux { return r.Clusters[c].Flux }
	alive := r.Clusters[stgA].URL
	dead, callers := silence(t)
	r.Clusters[stgA].URL = dead
	flux(stgA).Behave(fakeflux.Behaviour{Silent: true})
	flux(stgB).Behave(fakeflux.Behaviour{Suspended: true})
	flux(stgC).Behave(fakeflux.Behaviour{Fail: &fakeflux.Failure{Message: "Deployment/ai-platform/ai-gateway: container crashes"}})
	stop := r.startPromoter(filepath.Join(r.dir, "mirror"), time.Second, nil)

	stg, want := bumped(r.content("stg")), bumped(r.content("prd"))
	r.bump()
	r.eventually("stg has the versions", func() bool { return r.content("stg") == stg })
	merged := r.head()
	r.eventually("the call of the dead cluster hangs", func() bool { return callers() > 0 })
	r.eventually("the others are called all the same", func() bool { return flux(stgC).Status().Triggers > 0 && flux(stgB).Status().Refused > 0 })
	r.eventually("a Receiver that answers 503 is called again and again", func() bool { return flux(stgB).Status().Refused >= 3 })
	r.eventually("they look at Git by themselves as well", func() bool {
		return string(flux(stgB).Status().Applied) == merged && string(flux(stgC).Status().Fetched) == merged
	})
	mr := r.openForPrd()
	r.shows(mr, "[ ] **healthy**: no report from platform-core-stg-aks")
	r.shows(mr, "its Flux Receiver is being called again and again")

	flux(stgB).Behave(fakeflux.Behaviour{})
	r.eventually("the suspended Receiver takes the call once it can", func() bool { return flux(stgB).Status().Triggers > 0 })

	stop()
	r.Clusters[stgA].URL = alive
	flux(stgA).Behave(fakeflux.Behaviour{})
	defer r.startPromoter(filepath.Join(r.dir, "mirror"), time.Second, nil)()
	r.shows(mr, "platform-core-stg-c: Kustomization flux-system/apps failed at revision "+merged[:8])
	r.shows(mr, "container crashes")
	if r.request(mr).State != "opened" || r.content("prd") == want {
		t.Fatal("prd has what fails in stg")
	}
	flux(stgC).Behave(fakeflux.Behaviour{})
	r.eventually("prd has the versions", func() bool { return r.content("prd") == want })
	if letters, err := r.bus.DeadLetters(r.ctx, 10); err != nil || len(letters) > 0 {
		t.Errorf("%d calls were given up, %v: all of this passes by itself", len(letters), err)
	}
}
