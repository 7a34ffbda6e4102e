package e2eflux

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

// cluster is one API server with Flux's controllers beside it.
type cluster struct {
	*stage
	name     string
	env      string
	api      client.Client
	config   *rest.Config
	kube     string // the kubeconfig's file
	receiver string // the base URL of notification-controller's receiver server
	events   string // where controllers send events
	artifact string // where source-controller serves artifacts
}

// authority signs the certificates of a run.
type authority struct {
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  string
}

func (s *stage) newAuthority() authority {
	s.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "e2e"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour * 24),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		s.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		s.Fatal(err)
	}
	return authority{key: key, cert: cert, pem: block("CERTIFICATE", der)}
}

func block(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

// serving returns the files of a certificate for loopback, and of its key.
func (s *stage) serving(a authority, name string) (cert, key string) {
	s.Helper()
	own, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		s.Fatal(err)
	}
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "localhost"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour * 24),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost", "kubernetes"},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, a.cert, &own.PublicKey, a.key)
	if err != nil {
		s.Fatal(err)
	}
	encoded, err := x509.MarshalECPrivateKey(own)
	if err != nil {
		s.Fatal(err)
	}
	return s.write(name+".crt", block("CERTIFICATE", der)), s.write(name+".key", block("EC PRIVATE KEY", encoded))
}

// startEtcd returns the address of an etcd that forgets everything.
func (s *stage) startEtcd() string {
	s.Helper()
	client, peer := "http://127.0.0.1:"+s.port(), "http://127.0.0.1:"+s.port()
	s.start("etcd", "etcd", nil, "--data-dir="+filepath.Join(s.dir, "etcd"), "--unsafe-no-fsync", "--log-level=warn",
		"--listen-client-urls="+client, "--advertise-client-urls="+client, "--listen-peer-urls="+peer,
		"--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer)
	return client
}

const apiToken = "e2e-administrator"

// startAPI starts the API server of a cluster, and does not wait for it.
func (s *stage) startAPI(a authority, etcd, name, env string) *cluster {
	s.Helper()
	c := &cluster{stage: s, name: name, env: env}
	cert, key := s.serving(a, name)
	port := s.port()
	s.start(name+"-apiserver", "kube-apiserver", nil,
		"--etcd-servers="+etcd, "--etcd-prefix=/"+name, "--bind-address=127.0.0.1", "--secure-port="+port,
		"--tls-cert-file="+cert, "--tls-private-key-file="+key, "--cert-dir="+filepath.Join(s.dir, name),
		"--token-auth-file="+s.write("tokens.csv", apiToken+",admin,1,system:masters\n"), "--authorization-mode=RBAC",
		"--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file="+key, "--service-account-signing-key-file="+key,
		"--service-cluster-ip-range=10.96.0.0/16", "--disable-admission-plugins=ServiceAccount", "--v=1")
	c.kube = s.write(name+".kubeconfig", fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: e2e
clusters: [{name: e2e, cluster: {server: "https://127.0.0.1:%s", certificate-authority: %q}}]
users: [{name: e2e, user: {token: %s}}]
contexts: [{name: e2e, context: {cluster: e2e, user: e2e}}]
`, port, s.write("ca.crt", a.pem), apiToken))
	c.config = &rest.Config{Host: "https://127.0.0.1:" + port, BearerToken: apiToken, TLSClientConfig: rest.TLSClientConfig{CAData: []byte(a.pem)}, QPS: 200, Burst: 400}
	return c
}

// ready waits for the API server and connects to it.
func (c *cluster) ready() {
	c.Helper()
	c.eventually("API server of "+c.name, 3*time.Minute, func(ctx context.Context) error {
		var err error
		if c.api, err = client.New(c.config, client.Options{}); err != nil {
			return err
		}
		list := &unstructured.UnstructuredList{}
		list.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: "NamespaceList"})
		return c.api.List(ctx, list)
	})
}

// startFlux starts the three controllers. Dependencies are looked at again every
// second, where Flux's default is 30: with the default, a version waits half a
// minute in each cluster, because apps depends on infra-namespaces, and both see
// a new revision at once. Times printed here are without that wait.
func (c *cluster) startFlux() {
	c.Helper()
	c.receiver, c.events = "http://127.0.0.1:"+c.port(), "127.0.0.1:"+c.port()
	c.artifact = "127.0.0.1:" + c.port()
	env := []string{"KUBECONFIG=" + c.kube, "RUNTIME_NAMESPACE=flux-system"}
	common := []string{"--metrics-addr=0", "--log-level=info", "--enable-leader-election=false"}
	c.start(c.name+"-notification-controller", "notification-controller", env, append(common, "--health-addr=127.0.0.1:"+c.port(),
		"--events-addr="+c.events, "--receiverAddr="+strings.TrimPrefix(c.receiver, "http://"))...)
	c.start(c.name+"-source-controller", "source-controller", env, append(common, "--health-addr=127.0.0.1:"+c.port(),
		"--events-addr=http://"+c.events+"/", "--storage-path="+filepath.Join(c.dir, c.name+"-artifacts"),
		"--storage-addr="+c.artifact, "--storage-adv-addr="+c.artifact)...)
	c.start(c.name+"-kustomize-controller", "kustomize-controller", env, append(common, "--health-addr=127.0.0.1:"+c.port(),
		"--events-addr=http://"+c.events+"/", "--requeue-dependency=1s")...)
	if err := os.MkdirAll(filepath.Join(c.dir, c.name+"-artifacts"), 0o700); err != nil {
		c.Fatal(err)
	}
}

// apply makes or replaces the objects of a YAML stream.
func (c *cluster) apply(manifests string) {
	c.Helper()
	for _, doc := range strings.Split(manifests, "\n---\n") {
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal([]byte(doc), &o.Object); err != nil {
			c.Fatalf("read a manifest: %v\n%s", err, doc)
		}
		if len(o.Object) == 0 {
			continue
		}
		c.eventually(fmt.Sprintf("%s: %s %s is there", c.name, o.GetKind(), o.GetName()), time.Minute, func(ctx context.Context) error {
			return c.put(ctx, o.DeepCopy())
		})
	}
}

func (c *cluster) put(ctx context.Context, o *unstructured.Unstructured) error {
	err := c.api.Create(ctx, o)
	if !apierrors.IsAlreadyExists(err) {
		return err
	}
	old, err := c.get(ctx, o.GroupVersionKind(), o.GetNamespace(), o.GetName())
	if err != nil {
		return err
	}
	o.SetResourceVersion(old.GetResourceVersion())
	return c.api.Update(ctx, o)
}

func (c *cluster) get(ctx context.Context, kind schema.GroupVersionKind, namespace, name string) (*unstructured.Unstructured, error) {
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(kind)
	return o, c.api.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, o)
}

// define makes custom resources known, from the files of Flux's modules.
func (c *cluster) define(files []string) {
	c.Helper()
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			c.Fatal(err)
		}
		o := &unstructured.Unstructured{}
		if err := yaml.Unmarshal(content, &o.Object); err != nil {
			c.Fatalf("read %s: %v", file, err)
		}
		if err := c.put(c.Context(), o); err != nil {
			c.Fatalf("define %s: %v", o.GetName(), err)
		}
	}
}

var errNotThereYet = errors.New("not there yet")
