package clusters

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/adapter/flux"
	"github.com/sluice-gitops/sluice/internal/core"
)

// Read reads the file and every file that it names, and returns the clusters by
// name; "" is a file without any. Its errors are Invalid, have a line
// "file:line:column: field: what was found, and what to do" for each problem,
// and show nothing of a secret.
func Read(file string) (map[core.Cluster]Cluster, error) {
	out := map[core.Cluster]Cluster{}
	if file == "" {
		return out, nil
	}
	src, err := readFile(file, maxFileBytes+1)
	if err != nil {
		return nil, core.Errorf(core.Invalid, "read the file of Flux Receivers %s: %w", file, err)
	}
	r := &reader{file: file}
	if root := r.document(src); root != nil && describe(root) != "nothing" {
		r.root(root, out)
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	return out, nil
}

func (r *reader) root(root *yaml.Node, out map[core.Cluster]Cluster) {
	list, ok := r.mapping(root, "", []string{"receivers"})["receivers"]
	if !ok || describe(list.value) == "nothing" {
		return
	}
	if list.value.Kind != yaml.SequenceNode {
		r.report(list.value, "receivers", "found %s; write a list with an item for each cluster", describe(list.value))
		return
	}
	for i, n := range list.value.Content {
		e := &entry{reader: r, at: n, path: "receivers[" + strconv.Itoa(i) + "]"}
		e.fields = r.mapping(n, e.path, keys())
		c := e.cluster()
		if _, twice := out[c.Name]; twice && c.Name != "" {
			r.report(e.fields["cluster"].value, e.path+".cluster", "cluster %s stands here twice; keep one", quote(string(c.Name)))
		}
		out[c.Name] = c
	}
}

// keys are those of an entry.
func keys() []string {
	return append([]string{"cluster", "url", "kubeconfig-file", "context", "commit-statuses", "commit-status-author"}, ofReceiver()...)
}

// ofReceiver are the keys that mean nothing without a URL.
func ofReceiver() []string {
	return []string{"name", "namespace", "type", "token-file", "ca-file", "cert-file", "key-file", "server-name", "proxy", "timeout"}
}

// entry is one item of the list.
type entry struct {
	*reader
	at     *yaml.Node
	path   string
	fields map[string]pair
}

func (e *entry) has(key string) bool { _, ok := e.fields[key]; return ok }

// wrong reports a problem at the value of a key, or at the entry if there is none.
func (e *entry) wrong(key, format string, args ...any) {
	at := e.at
	if e.has(key) {
		at = e.fields[key].value
	}
	e.report(at, e.path+"."+key, format, args...)
}

// text is the text of a key; "" if it is not there.
func (e *entry) text(key string) string {
	if !e.has(key) {
		return ""
	}
	n := e.fields[key].value
	if n.Kind != yaml.ScalarNode || n.ShortTag() == "!!null" || n.Value == "" {
		e.wrong(key, "found %s; write a text, or leave the key out", describe(n))
		return ""
	}
	return n.Value
}

func (e *entry) cluster() Cluster {
	c := Cluster{
		Name:       core.Cluster(e.text("cluster")),
		Kubeconfig: Kubeconfig{File: e.text("kubeconfig-file"), Context: e.text("context")},
	}
	if !e.has("cluster") {
		e.wrong("cluster", "the key is missing; write the cluster's name as the policy spells it")
	}
	if c.Kubeconfig.Context != "" && !e.has("kubeconfig-file") {
		e.wrong("context", "has no effect without kubeconfig-file; add that, or remove this")
	}
	if c.Kubeconfig.File != "" {
		e.content("kubeconfig-file")
	}
	if e.has("commit-statuses") {
		c.CommitStatuses = e.boolean("commit-statuses")
	}
	c.StatusAuthor = e.text("commit-status-author")
	if c.CommitStatuses && !e.has("commit-status-author") {
		e.wrong("commit-statuses", "needs commit-status-author beside it; write the GitLab user as whom the cluster's Flux writes them, because everybody who may push can write one")
	}
	if !c.CommitStatuses && e.has("commit-status-author") {
		e.wrong("commit-status-author", "has no effect without commit-statuses: true; add that, or remove this")
	}
	if !e.has("url") {
		for _, key := range ofReceiver() {
			if e.has(key) {
				e.wrong(key, "has no effect without url; add the url of the cluster's Receiver, or remove this")
			}
		}
		return c
	}
	e.receiver(&c)
	e.transport(&c)
	return c
}

func (e *entry) boolean(key string) bool {
	n := e.fields[key].value
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
		e.wrong(key, "found %s; write true or false", describe(n))
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

func (e *entry) receiver(c *Cluster) {
	before := len(e.problems)
	r := flux.Receiver{Cluster: c.Name, BaseURL: e.text("url"), Name: e.text("name"), Namespace: "flux-system", Type: flux.HMAC}
	if e.has("namespace") {
		r.Namespace = e.text("namespace")
	}
	if e.has("type") {
		r.Type = flux.ReceiverType(e.text("type"))
	}
	if types := []flux.ReceiverType{flux.HMAC, flux.Generic, flux.GitLab}; !slices.Contains(types, r.Type) && r.Type != "" {
		e.wrong("type", "found %s; write %s, %s or %s", quote(string(r.Type)), flux.HMAC, flux.Generic, flux.GitLab)
	}
	if !e.has("name") {
		e.wrong("name", "the key is missing; write the name of the Receiver in the cluster, from which its path is made")
	}
	if !e.has("token-file") {
		e.wrong("token-file", "the key is missing; write the file that holds the Receiver's token")
	}
	c.TokenFile = e.text("token-file")
	r.Token = core.Secret(e.content("token-file"))
	c.Receiver = r
	if len(e.problems) > before {
		return
	}
	// What is left to be wrong is the URL, or a token that no header can carry.
	signed := r
	signed.Type = flux.HMAC
	if err := signed.Check(); err != nil {
		e.wrong("url", "%v", err)
	} else if err := r.Check(); err != nil {
		e.wrong("token-file", "%v", err)
	}
}

func (e *entry) transport(c *Cluster) {
	c.TLS.ServerName = e.text("server-name")
	c.TLS.CA = e.content("ca-file")
	c.TLS.Certificate = e.content("cert-file")
	c.TLS.Key = core.Secret(e.content("key-file"))
	if len(c.TLS.CA) > 0 && !x509.NewCertPool().AppendCertsFromPEM(c.TLS.CA) {
		e.wrong("ca-file", "the file holds no certificate in PEM; write one or several, each with its BEGIN CERTIFICATE line")
	}
	e.pair(c.TLS)
	for _, key := range []string{"ca-file", "cert-file", "key-file", "server-name"} {
		if e.has(key) && strings.HasPrefix(c.Receiver.BaseURL, "http://") {
			e.wrong(key, "has no effect on a url that begins with http://; write https://, or remove this")
		}
	}
	if e.has("proxy") {
		c.Proxy = e.proxy()
	}
	if e.has("timeout") {
		c.Timeout = e.timeout()
	}
}

func (e *entry) pair(t TLS) {
	switch {
	case e.has("cert-file") && !e.has("key-file"):
		e.wrong("cert-file", "needs key-file beside it; add the certificate's private key")
	case !e.has("cert-file") && e.has("key-file"):
		e.wrong("key-file", "needs cert-file beside it; add the key's certificate")
	case len(t.Certificate) > 0 && t.Key != "":
		if _, err := tls.X509KeyPair(t.Certificate, []byte(t.Key.Reveal())); err != nil {
			e.wrong("cert-file", "certificate and key do not go together (%v); write both in PEM, of one pair", err)
		}
	}
}

// proxy reads the proxy's URL, which may hold a password and is never shown.
func (e *entry) proxy() *url.URL {
	u, err := url.Parse(e.text("proxy"))
	if err != nil || !slices.Contains([]string{"http", "https", "socks5"}, u.Scheme) || u.Hostname() == "" {
		e.wrong("proxy", "found no URL of a proxy; write a form such as http://proxy.example.com:3128, or leave the key out to use the environment's")
		return nil
	}
	return u
}

func (e *entry) timeout() time.Duration {
	text := e.text("timeout")
	d, err := time.ParseDuration(text)
	if text != "" && (err != nil || d <= 0 || d > maxTimeout) {
		e.wrong("timeout", "found %s; write a time up to %s, such as 10s", quote(text), maxTimeout)
	}
	return d
}

// content reads the file that a key names. A file that cannot be read or is
// empty is a problem.
func (e *entry) content(key string) []byte {
	file := e.text(key)
	if file == "" {
		return nil
	}
	data, err := readFile(file, maxSecretBytes)
	switch {
	case err != nil:
		e.wrong(key, "%v; write the path of a file that can be read", withoutPath(file, err))
	case len(data) == 0:
		e.wrong(key, "the file %s is empty", quote(file))
	}
	return data
}

// readFile reads at most so many bytes, and refuses more.
func readFile(file string, limit int64) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		return nil, core.Errorf(core.Invalid, "has more than %d bytes", limit)
	}
	return data, err
}

// withoutPath names the file once, quoted.
func withoutPath(file string, err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		err = e.Err
	}
	return core.Errorf(core.Invalid, "the file %s cannot be read: %w", quote(file), err)
}
