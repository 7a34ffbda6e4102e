package promoting

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/cmd/internal/settings"
)

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
