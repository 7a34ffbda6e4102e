package promoting

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/cmd/internal/clusters"
	"github.com/sluice-gitops/sluice/internal/core"
)

// A kubeconfig that cannot be used is a mistake of who configured it, and is
// said at once; clusters without one are not asked.
func TestAPIServers(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kubeconfig")
	write := func(user string) {
		t.Helper()
		text := "current-context: x\ncontexts: [{name: x, context: {cluster: c, user: u}}]\nclusters: [{name: c, cluster: {server: 'https://stg.example'}}]\nusers: [{name: u, user: " + user + "}]\n"
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	reached := map[core.Cluster]clusters.Cluster{"dev": {Name: "dev"}, "stg": {Name: "stg", Kubeconfig: clusters.Kubeconfig{File: file}}}
	write("{token: t}")
	servers, err := apiServers(reached)
	if err != nil || len(witnesses(servers)) != 1 || servers["stg"] == nil {
		t.Errorf("%v, %v", servers, err)
	}
	write("{exec: {command: aws}}")
	if _, err := apiServers(reached); core.KindOf(err) != core.Invalid || !strings.Contains(err.Error(), "cluster stg: ") || !strings.Contains(err.Error(), "exec is refused") {
		t.Errorf("%v", err)
	}
}
