package receiver

import (
	"os/exec"
	"strings"
	"testing"
)

// The receiver faces the network and is to start fast: what it does not need
// for that must not come in by way of a dependency.
func TestStaysSlim(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range strings.FieldsSeq(string(out)) {
		for _, banned := range []string{"k8s.io/", "sigs.k8s.io/", "fluxcd/", "nats-server", "client-go", "go-git", "internal/adapter/"} {
			if strings.Contains(pkg, banned) {
				t.Errorf("the receiver depends on %s", pkg)
			}
		}
	}
}
