package message_test

import (
	"testing"

	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/message"
)

func TestGatesLinkPlainAddressesAlone(t *testing.T) {
	for url, want := range map[string]string{
		"https://gl.example/a/-/pipelines/7": "- [ ] **pipeline**: failed [look](https://gl.example/a/-/pipelines/7); passes when it succeeds\n",
		"":                                   "- [ ] **pipeline**: failed; passes when it succeeds\n",
		"javascript:alert(1)":                "- [ ] **pipeline**: failed; passes when it succeeds\n",
		"https://x/) @all":                   "- [ ] **pipeline**: failed; passes when it succeeds\n",
	} {
		v := gate.Verdict{Gate: "pipeline", State: gate.Block, Reason: "failed", PassesWhen: "it succeeds", URL: url}
		if got := message.Gates([]gate.Verdict{v}); got != want {
			t.Errorf("%q: got %q, want %q", url, got, want)
		}
	}
}
