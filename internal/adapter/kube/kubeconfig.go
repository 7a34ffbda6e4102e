package kube

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Access is what a kubeconfig says of one API server and of who asks it.
type Access struct {
	Server    string // without a slash at its end
	TLS       *tls.Config
	Proxy     *url.URL // nil means what the environment says
	token     core.Secret
	tokenFile string // read for each list, because the tokens in such files change
}

// kubeconfig is the part of the file that is understood. What would be ignored
// to the harm of whoever wrote it is read, to be refused.
type kubeconfig struct {
	CurrentContext string `yaml:"current-context"`
	Contexts       []struct {
		Name    string `yaml:"name"`
		Context struct {
			Cluster string `yaml:"cluster"`
			User    string `yaml:"user"`
		} `yaml:"context"`
	} `yaml:"contexts"`
	Clusters []struct {
		Name    string      `yaml:"name"`
		Cluster wireCluster `yaml:"cluster"`
	} `yaml:"clusters"`
	Users []struct {
		Name string   `yaml:"name"`
		User wireUser `yaml:"user"`
	} `yaml:"users"`
}

type wireCluster struct {
	Server     string `yaml:"server"`
	CA         string `yaml:"certificate-authority"`
	CAData     string `yaml:"certificate-authority-data"`
	ServerName string `yaml:"tls-server-name"`
	Insecure   bool   `yaml:"insecure-skip-tls-verify"`
	ProxyURL   string `yaml:"proxy-url"`
}

type wireUser struct {
	Certificate     string    `yaml:"client-certificate"`
	CertificateData string    `yaml:"client-certificate-data"`
	Key             string    `yaml:"client-key"`
	KeyData         string    `yaml:"client-key-data"`
	Token           string    `yaml:"token"`
	TokenFile       string    `yaml:"tokenFile"`
	Username        string    `yaml:"username"`
	Exec            yaml.Node `yaml:"exec"`
	AuthProvider    yaml.Node `yaml:"auth-provider"`
	As              string    `yaml:"as"`
}

// Load reads a kubeconfig and the files it names, which are looked for beside
// it. An empty context means the file's current one. Its errors are Invalid and
// say what to change; none shows a token or a key.
func Load(file, context string) (Access, error) {
	a, err := load(file, context)
	if err != nil {
		return Access{}, core.Errorf(core.Invalid, "kubeconfig %s: %w", file, err)
	}
	return a, nil
}

func load(file, context string) (Access, error) {
	raw, err := readFile(file)
	if err != nil {
		return Access{}, err
	}
	var k kubeconfig
	if err := yaml.Unmarshal(raw, &k); err != nil {
		return Access{}, errors.New("not the YAML of a kubeconfig") // the parser's words would quote it
	}
	cluster, user, err := k.choose(context)
	if err != nil {
		return Access{}, err
	}
	dir := filepath.Dir(file)
	a := Access{Server: strings.TrimRight(cluster.Server, "/")}
	if err := errors.Join(cluster.check(), user.check()); err != nil {
		return Access{}, err
	}
	if cluster.ProxyURL != "" {
		if a.Proxy, err = url.Parse(cluster.ProxyURL); err != nil {
			return Access{}, errors.New("proxy-url is no URL")
		}
	}
	if a.TLS, err = cluster.tls(dir); err != nil {
		return Access{}, err
	}
	if err := user.certify(a.TLS, dir); err != nil {
		return Access{}, err
	}
	// A file wins over a token beside it, as in kubectl.
	a.token = core.Secret(user.Token)
	if user.TokenFile != "" {
		a.tokenFile = beside(dir, user.TokenFile)
	}
	_, err = a.bearer()
	return a, err
}

// choose finds the cluster and the user of a context.
func (k kubeconfig) choose(context string) (wireCluster, wireUser, error) {
	if context == "" {
		context = k.CurrentContext
	}
	for _, c := range k.Contexts {
		if c.Name != context {
			continue
		}
		for _, cluster := range k.Clusters {
			for _, user := range k.Users {
				if cluster.Name == c.Context.Cluster && user.Name == c.Context.User {
					return cluster.Cluster, user.User, nil
				}
			}
		}
		return wireCluster{}, wireUser{}, fmt.Errorf("context %q names the cluster %q and the user %q, and one of them is not in the file", context, c.Context.Cluster, c.Context.User)
	}
	if context == "" {
		return wireCluster{}, wireUser{}, errors.New("no current-context: set it, or name a context")
	}
	return wireCluster{}, wireUser{}, fmt.Errorf("no context %q", context)
}

func (c wireCluster) check() error {
	u, err := url.Parse(c.Server)
	switch {
	case err != nil || u.Scheme != "https" || u.Host == "":
		return errors.New("server must be an address that begins with https://: anybody on the way could answer in its place else")
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("server: leave out user, query and fragment")
	case c.Insecure:
		return errors.New("insecure-skip-tls-verify is refused, because anybody on the way could claim that a cluster is healthy: set certificate-authority-data")
	}
	return nil
}

func (u wireUser) check() error {
	switch {
	case !u.Exec.IsZero():
		return errors.New("the user's exec is refused, because it runs a program: give a service account that may list Kustomizations and HelmReleases, and its token or tokenFile")
	case !u.AuthProvider.IsZero():
		return errors.New("the user's auth-provider is refused, because it needs code of a cloud: give a service account that may list Kustomizations and HelmReleases, and its token or tokenFile")
	case u.Username != "":
		return errors.New("username and password are refused, because API servers have not known them for years: give a token or a client certificate")
	case u.As != "":
		return errors.New(`"as" is refused: give a user that needs no other's rights`)
	case u.Token == "" && u.TokenFile == "" && u.Certificate == "" && u.CertificateData == "":
		return errors.New("the user has no token, tokenFile or client certificate")
	}
	return nil
}

func (c wireCluster) tls(dir string) (*tls.Config, error) {
	t := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.ServerName}
	pem, err := material(dir, "certificate-authority", c.CA, c.CAData)
	if err != nil || pem == nil {
		return t, err
	}
	t.RootCAs = x509.NewCertPool()
	if !t.RootCAs.AppendCertsFromPEM(pem) {
		return nil, errors.New("certificate-authority holds no certificate in PEM")
	}
	return t, nil
}

func (u wireUser) certify(t *tls.Config, dir string) error {
	certificate, err := material(dir, "client-certificate", u.Certificate, u.CertificateData)
	if err != nil || certificate == nil {
		return err
	}
	key, err := material(dir, "client-key", u.Key, u.KeyData)
	if err != nil {
		return err
	}
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		return errors.New("client-certificate and client-key do not make a pair in PEM")
	}
	t.Certificates = []tls.Certificate{pair}
	return nil
}

// material is what stands in the file itself, or in one beside it. The former
// wins, as in kubectl.
func material(dir, field, file, data string) ([]byte, error) {
	if data != "" {
		raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(data), ""))
		if err != nil {
			return nil, fmt.Errorf("%s-data is no base64", field)
		}
		return raw, nil
	}
	if file == "" {
		return nil, nil
	}
	raw, err := readFile(beside(dir, file))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", field, err)
	}
	return raw, nil
}

// bearer is the token of now.
func (a Access) bearer() (core.Secret, error) {
	token := a.token.Reveal()
	if a.tokenFile != "" {
		raw, err := readFile(a.tokenFile)
		if err != nil {
			return "", fmt.Errorf("tokenFile: %w", err)
		}
		token = strings.TrimSpace(string(raw))
		if token == "" {
			return "", fmt.Errorf("tokenFile %s is empty", a.tokenFile)
		}
	}
	if strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", errors.New("the token has a line break, a space or another character that no HTTP header can carry")
	}
	return core.Secret(token), nil
}

func beside(dir, file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(dir, file)
}

func readFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, MaxKubeconfigBytes+1))
	if err == nil && len(raw) > MaxKubeconfigBytes {
		err = fmt.Errorf("%s has more than %d bytes", file, MaxKubeconfigBytes)
	}
	return raw, err
}
