package chatops_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core/chatops"
)

const page = "../../../docs/chatops.md"

func TestDocumentationIsUpToDate(t *testing.T) {
	want := chatops.Manual()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatalf("%v: run go test ./internal/core/chatops -run TestDocumentationIsUpToDate -update", err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/chatops.md is stale, run go test ./internal/core/chatops -run TestDocumentationIsUpToDate -update (-want +got):\n%s", diff)
	}
}

// TestDocumentedExamplesAreCommands keeps the page from showing what would do
// nothing when somebody copies it into a comment.
func TestDocumentedExamplesAreCommands(t *testing.T) {
	for _, v := range chatops.Verbs() {
		got := chatops.Parse(v.Example, "")
		if len(got) != 1 || got[0].Verb != v.Name || !got[0].Known {
			t.Errorf("%q: parsed as %+v, want the command %s", v.Example, got, v.Name)
		}
	}
}
