package version_test

import (
	"testing"

	"github.com/sluice-gitops/sluice/internal/core/version"
)

func TestIsRange(t *testing.T) {
	for text, want := range map[string]bool{
		">=1.0.0": true, ">=1.0.0-alpha": true, "1.x": true, "x.x.x": true, "1.2.X": true, "*": true, "~1.2": true, "^2": true,
		"1.0.0 - 2.0.0": true, ">=1 <2": true, "1.2.3 || 2.0.0": true, "=1.2.3": true, ">=0.0.0-0": true,
		"1.2.3": false, "v1.2.3": false, "1.2": false, "": false, "latest": false, "main-x86": false, "1.2.3-x86-64": false,
		"sha256:ab": false, "1.2.3-fixup": false, "${VERSION}": false, "nginx": false, "2026-11-03": false, "1.2.3@sha256:00": false,
	} {
		if got := version.IsRange(text); got != want {
			t.Errorf("IsRange(%q) = %t", text, got)
		}
	}
}
