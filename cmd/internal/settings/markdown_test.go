package settings_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/cmd/internal/settings"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

const page = "../../../docs/configuration.md"

func TestDocumentationIsUpToDate(t *testing.T) {
	want := settings.Markdown(settings.Receiver(), settings.Promoter(), settings.Serve(), settings.DeadLetters(), settings.Setup())
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatalf("%v: run go test ./cmd/internal/settings -update", err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/configuration.md is stale, run go test ./cmd/internal/settings -update (-want +got):\n%s", diff)
	}
}

func TestMarkdownMergesWhatProgramsShare(t *testing.T) {
	shared := settings.Setting{Name: "colour", Group: "Looks", Default: "red", Usage: "its colour"}
	key := settings.Setting{Name: "key", Group: "Looks", Kind: settings.Secret, Required: true, Usage: "key"}
	rule := settings.Rule{If: []string{"colour"}, Needs: []string{"key"}, Because: "it is so"}
	one := settings.Table{Program: "one", Settings: []settings.Setting{shared}}
	two := settings.Table{Program: "two", Settings: []settings.Setting{shared, key}, Rules: []settings.Rule{rule}}
	got := settings.Markdown(one, two)
	for _, line := range []string{
		"| `--colour` | `SLUICE_COLOUR` | text | `red` | one, two | its colour |\n",
		"| `--key-file` | `SLUICE_KEY` | secret | **required** | two | key |\n",
		"- `colour` needs `key`: it is so (two).\n",
	} {
		if strings.Count(got, line) != 1 {
			t.Errorf("want once in the page: %s", line)
		}
	}
}
