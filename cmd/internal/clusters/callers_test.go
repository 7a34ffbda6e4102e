package clusters_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/cmd/internal/clusters"
	"github.com/sluice-gitops/sluice/internal/adapter/flux"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/services/promoter"
)

var _ promoter.Caller = (*clusters.Callers)(nil)

// authority is a certificate authority of a test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

// leaf returns a certificate for a name and for 127.0.0.1, and its key, in PEM.
func (a *authority) leaf(t *testing.T, name string) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &k.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	bytes, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: bytes}))
}

// serve serves a Receiver that always agrees, for a name of the authority's. If
// clients is given, it wants a certificate of theirs.
func (a *authority) serve(t *testing.T, name string, clients *authority) (address string, calls *atomic.Int32) {
	t.Helper()
	cert, key := a.leaf(t, name)
	pair, err := tls.X509KeyPair([]byte(cert), []byte(key))
	if err != nil {
		t.Fatal(err)
	}
	calls = new(atomic.Int32)
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	s.Config.ErrorLog = quiet()
	if clients != nil {
		pool := x509.NewCertPool()
		pool.AddCert(clients.cert)
		s.TLS.ClientCAs, s.TLS.ClientAuth = pool, tls.RequireAndVerifyClientCert
	}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.URL, calls
}

// trigger reads the file and calls the Receiver of dev.
func (f files) trigger(content string) error {
	f.t.Helper()
	f.write("token", "s3cr3t-token")
	all, err := f.read(content)
	if err != nil {
		f.t.Fatal(err)
	}
	callers, err := clusters.NewCallers(all)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(callers.Close)
	return callers.Trigger(f.t.Context(), clusters.Receivers(all)["dev"], flux.Payload{Project: "g/p", Ref: "refs/heads/main", SHA: core.SHA(strings.Repeat("a", 40))})
}

// quiet drops what a server says of failed handshakes.
func quiet() *log.Logger { return log.New(io.Discard, "", 0) }

func TestTLS(t *testing.T) {
	servers, clients, strangers := newAuthority(t), newAuthority(t), newAuthority(t)
	f := newFiles(t)
	f.write("ca.pem", servers.pem)
	f.write("wrong-ca.pem", strangers.pem)
	for name, a := range map[string]*authority{"client": clients, "stranger": strangers} {
		cert, key := a.leaf(t, "sluice")
		f.write(name+".pem", cert)
		f.write(name+".key", key)
	}
	for name, c := range map[string]struct {
		keys    string
		clients *authority
		kind    core.Kind
		err     []string // none means that the call works
	}{
		"custom CA":                {keys: "ca-file: $DIR/ca.pem, server-name: flux.dev"},
		"no CA":                    {keys: "server-name: flux.dev", kind: core.Denied, err: []string{"is not trusted: add the CA that signed it", "unknown authority"}},
		"wrong CA":                 {keys: "ca-file: $DIR/wrong-ca.pem, server-name: flux.dev", kind: core.Denied, err: []string{"is not trusted", "unknown authority"}},
		"wrong name":               {keys: "ca-file: $DIR/ca.pem, server-name: flux.prd", kind: core.Denied, err: []string{"flux.dev", "not flux.prd"}},
		"name of the URL":          {keys: "ca-file: $DIR/ca.pem", kind: core.Denied, err: []string{"127.0.0.1"}},
		"client certificate":       {keys: "ca-file: $DIR/ca.pem, server-name: flux.dev, cert-file: $DIR/client.pem, key-file: $DIR/client.key", clients: clients},
		"no client certificate":    {keys: "ca-file: $DIR/ca.pem, server-name: flux.dev", clients: clients, kind: core.Transient, err: []string{"certificate required"}},
		"wrong client certificate": {keys: "ca-file: $DIR/ca.pem, server-name: flux.dev, cert-file: $DIR/stranger.pem, key-file: $DIR/stranger.key", clients: clients, kind: core.Transient, err: []string{"tls: "}},
	} {
		t.Run(name, func(t *testing.T) {
			address, calls := servers.serve(t, "flux.dev", c.clients)
			f := files{t, f.dir}
			err := f.trigger("receivers:\n- {cluster: dev, url: '" + address + "', name: n, token-file: $DIR/token, " + c.keys + "}\n")
			if len(c.err) == 0 {
				if err != nil || calls.Load() != 1 {
					t.Errorf("%d calls, %v", calls.Load(), err)
				}
				return
			}
			if err == nil || core.KindOf(err) != c.kind || calls.Load() != 0 {
				t.Fatalf("%d calls, error of kind %v: %v; want none and kind %v", calls.Load(), core.KindOf(err), err, c.kind)
			}
			for _, want := range c.err {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error lacks %q: %v", want, err)
				}
			}
			if strings.Contains(err.Error(), "/hook/") {
				t.Errorf("the error shows the secret path: %v", err)
			}
		})
	}
}

// forwardProxy tunnels like a proxy of a company and notes who was asked for.
func forwardProxy(t *testing.T) (address string, asked func() []string) {
	t.Helper()
	var mu sync.Mutex
	var hosts []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, _, _ := (&http.Request{Header: http.Header{"Authorization": r.Header["Proxy-Authorization"]}}).BasicAuth()
		mu.Lock()
		hosts = append(hosts, r.Method+" "+r.Host+" "+user)
		mu.Unlock()
		if r.Method != http.MethodConnect {
			return
		}
		there, err := net.Dial("tcp", r.Host)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer there.Close()
		here, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			return
		}
		defer here.Close()
		_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(there, here); _ = there.(*net.TCPConn).CloseWrite() }()
		_, _ = io.Copy(here, there)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() []string { mu.Lock(); defer mu.Unlock(); return append([]string(nil), hosts...) }
}

func TestProxyIsUsed(t *testing.T) {
	servers := newAuthority(t)
	address, calls := servers.serve(t, "flux.dev", nil)
	f := newFiles(t)
	f.write("ca.pem", servers.pem)
	proxy, asked := forwardProxy(t)
	proxy = strings.Replace(proxy, "http://", "http://someone:hunter2@", 1)
	if err := f.trigger("receivers:\n- {cluster: dev, url: '" + address + "', name: n, token-file: $DIR/token, ca-file: $DIR/ca.pem, server-name: flux.dev, proxy: '" + proxy + "'}\n"); err != nil {
		t.Fatal(err)
	}
	u, _ := url.Parse(address)
	if got := asked(); calls.Load() != 1 || len(got) != 1 || got[0] != "CONNECT "+u.Host+" someone" {
		t.Errorf("%d calls; the proxy was asked for %q", calls.Load(), got)
	}
	// A name that only the proxy can resolve.
	if err := f.trigger("receivers:\n- {cluster: dev, url: 'http://flux.inside.invalid', name: n, token-file: $DIR/token, proxy: '" + proxy + "'}\n"); err != nil {
		t.Fatal(err)
	}
	if got := asked(); len(got) != 2 || got[1] != "POST flux.inside.invalid someone" {
		t.Errorf("the proxy was asked for %q", got)
	}
}

// A cluster that takes calls and never answers disturbs no other, even where
// both share a client.
func TestADeadClusterDisturbsNoOther(t *testing.T) {
	f := newFiles(t)
	f.write("token", "s3cr3t-token")
	hold := make(chan struct{})
	arrived := make(chan struct{}, 16)
	dead := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { arrived <- struct{}{}; <-hold }))
	defer dead.Close()
	defer close(hold)
	alive := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer alive.Close()
	all, err := f.read("receivers:\n- {cluster: dev, url: '" + dead.URL + "', name: n, token-file: $DIR/token}\n- {cluster: prd, url: '" + alive.URL + "', name: n, token-file: $DIR/token}\n")
	if err != nil {
		t.Fatal(err)
	}
	callers, err := clusters.NewCallers(all)
	if err != nil {
		t.Fatal(err)
	}
	defer callers.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	for range 8 { // more than one host may have connections
		calls.Go(func() { _ = callers.Trigger(ctx, all["dev"].Receiver, flux.Payload{}) })
	}
	for range 4 {
		<-arrived
	}
	if err := callers.Trigger(t.Context(), all["prd"].Receiver, flux.Payload{}); err != nil {
		t.Error(err)
	}
	cancel()
	calls.Wait()
}

func TestClusterWithoutReceiverIsNotCalled(t *testing.T) {
	f := newFiles(t)
	all, err := f.read("receivers:\n- {cluster: edge, commit-statuses: true, commit-status-author: flux}\n")
	if err != nil || len(clusters.Receivers(all)) != 0 {
		t.Fatalf("%v, %v", all, err)
	}
	callers, err := clusters.NewCallers(all)
	if err != nil {
		t.Fatal(err)
	}
	if err := callers.Trigger(t.Context(), flux.Receiver{Cluster: "edge"}, flux.Payload{}); core.KindOf(err) != core.Invalid || !strings.Contains(err.Error(), "edge") {
		t.Errorf("error %v", err)
	}
}
