package clusters_test

import (
	"bytes"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/cmd/internal/clusters"
	"github.com/sluice-gitops/sluice/internal/adapter/flux"
	"github.com/sluice-gitops/sluice/internal/core"
)

// files writes files into a directory of the test and returns their paths.
type files struct {
	t   *testing.T
	dir string
}

func newFiles(t *testing.T) files { return files{t, t.TempDir()} }

func (f files) write(name, content string) string {
	f.t.Helper()
	path := filepath.Join(f.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		f.t.Fatal(err)
	}
	return path
}

// read reads a file of clusters, with $DIR for the directory.
func (f files) read(content string) (map[core.Cluster]clusters.Cluster, error) {
	return clusters.Read(f.write("receivers.yaml", strings.ReplaceAll(content, "$DIR", f.dir)))
}

func TestRead(t *testing.T) {
	f := newFiles(t)
	a := newAuthority(t)
	cert, key := a.leaf(t, "sluice")
	f.write("token", "s3cr3t-token\n")
	f.write("ca.pem", a.pem)
	f.write("cert.pem", cert)
	f.write("key.pem", key)
	f.write("kubeconfig", "anything")
	dev := clusters.Cluster{
		Name:      "dev",
		Receiver:  flux.Receiver{Cluster: "dev", BaseURL: "https://flux.dev", Name: "sluice", Namespace: "flux-system", Token: "s3cr3t-token\n", Type: flux.HMAC},
		TokenFile: f.dir + "/token",
	}
	shared := dev
	shared.Name, shared.Receiver.Cluster = "stg", "stg"
	shared.Timeout = 5 * time.Second
	full := clusters.Cluster{
		Name:           "prd",
		Receiver:       flux.Receiver{Cluster: "prd", BaseURL: "https://flux.prd/prd", Name: "s", Namespace: "ops", Token: "s3cr3t-token\n", Type: flux.Generic},
		TokenFile:      f.dir + "/token",
		TLS:            clusters.TLS{CA: []byte(a.pem), Certificate: []byte(cert), Key: core.Secret(key), ServerName: "inside.example.com"},
		Proxy:          &url.URL{Scheme: "http", Host: "proxy:3128"},
		Timeout:        30 * time.Second,
		Kubeconfig:     clusters.Kubeconfig{File: f.dir + "/kubeconfig", Context: "prd"},
		CommitStatuses: true, StatusAuthor: "flux-prd",
	}
	for name, c := range map[string]struct {
		file string
		want map[core.Cluster]clusters.Cluster
	}{
		"empty":         {"", nil},
		"only comments": {"# nothing yet\n", nil},
		"no list":       {"receivers:\n", nil},
		"json":          {`{"receivers": []}`, nil},
		"short": {
			"receivers:\n- {cluster: dev, url: 'https://flux.dev', name: sluice, token-file: $DIR/token}\n",
			map[core.Cluster]clusters.Cluster{"dev": dev},
		},
		"every key": {`
receivers:
  - cluster: prd
    url: https://flux.prd/prd
    name: s
    namespace: ops
    type: generic
    token-file: $DIR/token
    ca-file: $DIR/ca.pem
    cert-file: $DIR/cert.pem
    key-file: $DIR/key.pem
    server-name: inside.example.com
    proxy: http://proxy:3128
    timeout: 30s
    kubeconfig-file: $DIR/kubeconfig
    context: prd
    commit-statuses: true
    commit-status-author: flux-prd
`, map[core.Cluster]clusters.Cluster{"prd": full}},
		"without an inbound path": {
			"receivers:\n- {cluster: edge, commit-statuses: true, commit-status-author: flux-edge, kubeconfig-file: $DIR/kubeconfig}\n",
			map[core.Cluster]clusters.Cluster{"edge": {Name: "edge", Kubeconfig: clusters.Kubeconfig{File: f.dir + "/kubeconfig"}, CommitStatuses: true, StatusAuthor: "flux-edge"}},
		},
		"anchors and merge keys": {`
receivers:
  - &dev {cluster: dev, url: 'https://flux.dev', name: sluice, token-file: &token $DIR/token}
  - {<<: *dev, cluster: stg, token-file: *token, timeout: 5s}
`, map[core.Cluster]clusters.Cluster{"dev": dev, "stg": shared}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := f.read(c.file)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == nil {
				c.want = map[core.Cluster]clusters.Cluster{}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got, err := clusters.Read(""); err != nil || len(got) != 0 {
		t.Errorf("without a file: %v, %v", got, err)
	}
}

// What is wrong is told with its place, all at once, and no secret is shown.
func TestReadProblems(t *testing.T) {
	f := newFiles(t)
	a, b := newAuthority(t), newAuthority(t)
	cert, key := a.leaf(t, "sluice")
	_, other := b.leaf(t, "sluice")
	f.write("token", "s3cr3t-token")
	f.write("broken", "s3cr3t-token\n")
	f.write("none", "")
	f.write("cert.pem", cert)
	f.write("key.pem", key)
	f.write("other.pem", other)
	const usable = "cluster: dev, url: 'https://x', name: n, token-file: $DIR/token"
	for name, c := range map[string]struct {
		entry string // an item of the list, or the whole file if it has a line break
		want  []string
	}{
		"no yaml":           {"receivers:\n- cluster: dev\n\tx: y\n", []string{":2:1: the file is no YAML"}},
		"two documents":     {"receivers: []\n---\na: b\n", []string{"second document"}},
		"no list":           {"receivers: {a: b}\n", []string{":1:12: receivers: found a mapping; write a list"}},
		"no mapping":        {"receivers:\n- dev\n", []string{`:2:3: receivers[0]: found "dev"; write a mapping`}},
		"other root":        {"clusters:\n- {}\n", []string{`:1:1: unknown key "clusters"; the keys here are receivers`}},
		"circle":            {"receivers:\n- &a {<<: *a, cluster: dev}\n", []string{"receivers[0]: found a mapping"}},
		"unknown key":       {"cluster: dev, urll: x", []string{`:2:18: receivers[0]: unknown key "urll", did you mean url?`}},
		"key twice":         {"cluster: dev, cluster: prd", []string{`:2:18: receivers[0]: the key cluster stands here twice`}},
		"cluster twice":     {"receivers:\n- {cluster: dev}\n- {cluster: dev}\n", []string{`:3:13: receivers[1].cluster: cluster "dev" stands here twice`}},
		"no cluster":        {"commit-statuses: true, commit-status-author: flux", []string{":2:3: receivers[0].cluster: the key is missing"}},
		"empty cluster":     {"cluster: ''", []string{`:2:13: receivers[0].cluster: found ""; write a text`}},
		"nothing":           {"cluster: ", []string{"receivers[0].cluster: found nothing; write a text"}},
		"no name":           {"cluster: dev, url: 'https://x', token-file: $DIR/token", []string{"receivers[0].name: the key is missing"}},
		"no token":          {"cluster: dev, url: 'https://x', name: n", []string{"receivers[0].token-file: the key is missing"}},
		"token nowhere":     {"cluster: dev, url: 'https://x', name: n, token-file: /nowhere", []string{`receivers[0].token-file: the file "/nowhere" cannot be read: no such file or directory`}},
		"token empty":       {"cluster: dev, url: 'https://x', name: n, token-file: $DIR/none", []string{"/none\" is empty"}},
		"type":              {usable + ", type: github", []string{`.type: found "github"; write generic-hmac, generic or gitlab`}},
		"token in header":   {"cluster: dev, url: 'https://x', name: n, type: gitlab, token-file: $DIR/broken", []string{"receivers[0].token-file: receiver flux-system/n: the token has a line break"}},
		"url":               {"cluster: dev, url: 'x', name: n, token-file: $DIR/token", []string{":2:23: receivers[0].url: receiver base URL: want a form"}},
		"secret in url":     {"cluster: dev, url: 'https://x/hook/abc', name: n, token-file: $DIR/token", []string{`receivers[0].url: receiver base URL of host x: leave out "/hook/…"`}},
		"without effect":    {"cluster: dev, name: n, proxy: 'http://p'", []string{"receivers[0].name: has no effect without url", "receivers[0].proxy: has no effect without url"}},
		"context alone":     {usable + ", context: a", []string{".context: has no effect without kubeconfig-file"}},
		"kubeconfig":        {usable + ", kubeconfig-file: /nowhere", []string{`.kubeconfig-file: the file "/nowhere" cannot be read`}},
		"commit-statuses":   {usable + ", commit-statuses: 'yes'", []string{`.commit-statuses: found "yes"; write true or false`}},
		"nobody's statuses": {usable + ", commit-statuses: true", []string{".commit-statuses: needs commit-status-author beside it"}},
		"author alone":      {usable + ", commit-status-author: flux", []string{".commit-status-author: has no effect without commit-statuses: true"}},
		"ca":                {usable + ", ca-file: $DIR/token", []string{".ca-file: the file holds no certificate in PEM"}},
		"cert alone":        {usable + ", cert-file: $DIR/cert.pem", []string{".cert-file: needs key-file beside it"}},
		"key alone":         {usable + ", key-file: $DIR/key.pem", []string{".key-file: needs cert-file beside it"}},
		"no pair":           {usable + ", cert-file: $DIR/cert.pem, key-file: $DIR/other.pem", []string{".cert-file: certificate and key do not go together"}},
		"tls without tls":   {"cluster: dev, url: 'http://x', name: n, token-file: $DIR/token, server-name: y", []string{".server-name: has no effect on a url that begins with http://"}},
		"proxy":             {usable + ", proxy: 'user:hunter2@proxy'", []string{".proxy: found no URL of a proxy"}},
		"timeout":           {usable + ", timeout: 10", []string{`.timeout: found "10"; write a time up to 1m0s`}},
		"timeout too long":  {usable + ", timeout: 5m", []string{`.timeout: found "5m"`}},
		"all at once":       {"receivers:\n- {cluster: dev, timeout: 1s}\n- {cluster: prd, nam: x}\n", []string{":2:27: receivers[0].timeout", ":3:18: receivers[1]: unknown key"}},
	} {
		t.Run(name, func(t *testing.T) {
			content := c.entry
			if !strings.Contains(content, "\n") {
				content = "receivers:\n- {" + content + "}\n"
			}
			_, err := f.read(content)
			if err == nil || core.KindOf(err) != core.Invalid {
				t.Fatalf("error %v, want one of kind invalid", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error lacks %q:\n%v", want, err)
				}
			}
			for _, line := range strings.Split(err.Error(), "\n") {
				if !strings.HasPrefix(line, f.dir+"/receivers.yaml:") {
					t.Errorf("a line without a place: %s", line)
				}
			}
			for _, secret := range []string{"s3cr3t", "hunter2", "PRIVATE"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows a secret:\n%v", err)
				}
			}
		})
	}
	if _, err := clusters.Read("/nowhere"); core.KindOf(err) != core.Invalid || !strings.Contains(err.Error(), "/nowhere") {
		t.Errorf("no file: %v", err)
	}
}

func TestManyProblemsAreCounted(t *testing.T) {
	f := newFiles(t)
	_, err := f.read("receivers:\n" + strings.Repeat("- {cluster: ''}\n", 100))
	if got := strings.Split(err.Error(), "\n"); len(got) != 21 || !strings.Contains(got[20], "80 more problems") && !strings.Contains(got[20], "more problems") {
		t.Errorf("%d lines, the last of which is %q", len(got), got[len(got)-1])
	}
}

// A token that ends in a line break is used as it is, and warned of.
func TestLineBreakInToken(t *testing.T) {
	f := newFiles(t)
	f.write("token", "s3cr3t-token\n")
	f.write("clean", "s3cr3t-token")
	got, err := f.read("receivers:\n- {cluster: dev, url: 'https://x', name: n, token-file: $DIR/token}\n- {cluster: prd, url: 'https://x', name: n, token-file: $DIR/clean}\n")
	if err != nil {
		t.Fatal(err)
	}
	if token := got["dev"].Receiver.Token.Reveal(); token != "s3cr3t-token\n" {
		t.Errorf("the token was changed to %q", token)
	}
	var log bytes.Buffer
	clusters.Warn(got, slog.New(slog.NewTextHandler(&log, nil)))
	if text := log.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "cluster=dev") || !strings.Contains(text, f.dir+"/token") || strings.Contains(text, "s3cr3t") {
		t.Errorf("the log says\n%s", text)
	}
}
