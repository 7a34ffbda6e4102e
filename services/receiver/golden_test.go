package receiver

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/sluice-gitops/sluice/pkg/events"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each archive is a delivery as it arrives and the message that it becomes.
func TestGoldenHints(t *testing.T) {
	for _, path := range hintArchives(t) {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := hintOf(t, readHeaders(t, archive.Files[0].Data), archive.Files[1].Data)
			if *update {
				archive.Files[2].Data = []byte(got)
				if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(archive.Files[2].Data), got); diff != "" {
				t.Errorf("the hint changed (-want +got):\n%s", diff)
			}
		})
	}
}

func hintOf(t *testing.T, h http.Header, body []byte) string {
	t.Helper()
	hint := classify(h, body)
	if hint.Kind == unused {
		return "nothing is published\n"
	}
	m, err := events.Encode(events.Event{ID: hint.Delivery, Payload: hint})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintln(&b, m.Subject)
	for _, k := range slices.Sorted(maps.Keys(m.Headers)) {
		fmt.Fprintf(&b, "%s: %s\n", k, m.Headers[k][0])
	}
	fmt.Fprintf(&b, "\n%s\n", m.Body)
	return b.String()
}

func hintArchives(t testing.TB) []string {
	t.Helper()
	paths, err := filepath.Glob("testdata/hints/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no archives: %v", err)
	}
	return paths
}

func readHeaders(t testing.TB, raw []byte) http.Header {
	t.Helper()
	h, err := textproto.NewReader(bufio.NewReader(bytes.NewReader(append(raw, '\n')))).ReadMIMEHeader()
	if err != nil {
		t.Fatal(err)
	}
	return http.Header(h)
}
