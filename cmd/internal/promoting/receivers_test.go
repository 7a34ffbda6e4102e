package promoting

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/cmd/internal/settings"
	"github.com/sluice-gitops/sluice/internal/adapter/flux"
	"github.com/sluice-gitops/sluice/internal/core"
)

func TestReadReceivers(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	token := write("token", "s3cr3t-token\n")
	for name, c := range map[string]struct {
		file string
		want map[core.Cluster]flux.Receiver
		err  string
	}{
		"short and full": {
			file: "receivers:\n- {cluster: dev, url: 'https://flux.dev', name: sluice, token-file: " + token + "}\n" +
				"- {cluster: prd, url: 'https://flux.prd', name: s, namespace: ops, type: generic, token-file: " + token + "}\n",
			want: map[core.Cluster]flux.Receiver{
				"dev": {Cluster: "dev", BaseURL: "https://flux.dev", Name: "sluice", Namespace: "flux-system", Token: "s3cr3t-token\n", Type: flux.HMAC},
				"prd": {Cluster: "prd", BaseURL: "https://flux.prd", Name: "s", Namespace: "ops", Token: "s3cr3t-token\n", Type: flux.Generic},
			},
		},
		"json":          {file: `{"receivers": []}`, want: map[core.Cluster]flux.Receiver{}},
		"empty":         {file: "", want: map[core.Cluster]flux.Receiver{}},
		"unknown key":   {file: "receivers:\n- {cluster: dev, urll: x}\n", err: "urll"},
		"twice":         {file: strings.Repeat("- {cluster: dev, url: 'https://x', name: n, token-file: "+token+"}\n", 2), err: `receivers[1]: cluster "dev"`},
		"no token file": {file: "- {cluster: dev, url: 'https://x', name: n, token-file: /nowhere}\n", err: "receivers[0].token-file"},
		"no name":       {file: "- {cluster: dev, url: 'https://x', token-file: " + token + "}\n", err: "receivers[0]"},
	} {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(c.file, "- ") {
				c.file = "receivers:\n" + c.file
			}
			got, err := readReceivers(write("receivers.yaml", c.file))
			if c.err != "" {
				if err == nil || core.KindOf(err) != core.Invalid || !strings.Contains(err.Error(), c.err) || strings.Contains(err.Error(), "s3cr3t") {
					t.Fatalf("error %v, want one of kind invalid about %s", err, c.err)
				}
				return
			}
			if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
				t.Error(err, diff)
			}
		})
	}
	if got, err := readReceivers(""); err != nil || len(got) != 0 {
		t.Errorf("without a file: %v, %v", got, err)
	}
}

func TestGitAccess(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"key": "PRIVATE", "hosts": "gitlab.example.com ssh-ed25519 AAAA\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	base := []string{"SLUICE_GITLAB_URL=https://gitlab.example.com:8443", "SLUICE_GITLAB_TOKEN=t", "SLUICE_PROJECTS=g/p"}
	ssh := append(base[:3:3], "SLUICE_GIT_SSH_KEY_FILE="+filepath.Join(dir, "key"), "SLUICE_GIT_KNOWN_HOSTS_FILE="+filepath.Join(dir, "hosts"))
	for name, c := range map[string]struct {
		environ []string
		url     string
	}{
		"https":         {base, "https://gitlab.example.com:8443/g/p.git"},
		"ssh":           {ssh, "ssh://git@gitlab.example.com/g/p.git"},
		"ssh elsewhere": {append(ssh[:5:5], "SLUICE_GIT_SSH_HOST=ssh.example.com:2222"), "ssh://git@ssh.example.com:2222/g/p.git"},
	} {
		v, err := settings.Resolve(settings.Promoter(), nil, c.environ, settings.ReadFile)
		if err != nil {
			t.Fatal(err)
		}
		auth, url, err := gitAccess(v, "g/p")
		if err != nil || url != c.url || (auth.Key != "") != strings.HasPrefix(url, "ssh:") || (auth.Token != nil) != strings.HasPrefix(url, "https:") {
			t.Errorf("%s: %s, %v; want %s", name, url, err, c.url)
		}
	}
}
