package events

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files anew")

var at = time.Date(2026, 5, 4, 9, 30, 0, 123000000, time.FixedZone("", 2*3600))

var goldens = map[string]Event{
	"hint_push": {ID: "3f0c1c8e-9d4a-4b4e-8f4e-0a7f5f1f2a11", Time: at, Payload: Hint{
		Instance: "https://git.example.org:8443/gitlab", ProjectID: 42, Project: "platform/flux.config", Kind: KindPush,
		Ref: "refs/heads/main", SHA: "8d7e1f0c2b3a495867f6e5d4c3b2a19087654321", Delivery: "3f0c1c8e-9d4a-4b4e-8f4e-0a7f5f1f2a11",
	}},
	"hint_note": {ID: "note-1", Time: at, Payload: Hint{
		Instance: "https://git.example.org", ProjectID: 42, Project: "plattform/flüsse 100%", Kind: KindNote, MR: 17, Note: 9001,
	}},
	"hint_everything": {ID: "sha256-of-something", Payload: Hint{Kind: KindEverything}},
	"report_full": {ID: "r-1", Time: at, Payload: Report{
		Cluster: "platform-core-dev-aks", Kind: "Kustomization", Namespace: "flux-system", Name: "apps",
		UID: "b1f9a0de-1111-4222-8333-444455556666", ResourceVersion: "1234567", Severity: "error", Reason: "HealthCheckFailed",
		Revision: "main@sha1:8d7e1f0c2b3a495867f6e5d4c3b2a19087654321", OriginRevision: "main@sha1:8d7e1f0c2b3a495867f6e5d4c3b2a19087654321",
		Message: "timeout waiting for: [Deployment/chat/gateway status: 'InProgress']", Timestamp: at.Truncate(time.Second),
		Controller: "kustomize-controller", Metadata: map[string]string{"env": "dev", "commit_status": "update"},
	}},
	"trigger": {ID: "t-1", Time: at, Payload: Trigger{
		Cluster: "platform-core.dev", ProjectID: 42, Project: "platform/flux.config", Ref: "refs/heads/main",
		SHA: "8d7e1f0c2b3a495867f6e5d4c3b2a19087654321", Paths: []string{"clusters/dev/ü.yaml"}, Attempt: 2, Reason: "it was behind",
	}},
	"report_bare": {ID: "r-2", Payload: Report{Cluster: "c", Kind: "HelmRelease", Name: "x"}},
}

func TestGoldenBytes(t *testing.T) {
	for name, event := range goldens {
		t.Run(name, func(t *testing.T) {
			m, err := Encode(event)
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join("testdata", name+".golden")
			if *update {
				if err := os.WriteFile(path, render(m), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(render(m))); diff != "" {
				t.Errorf("the wire form changed; old messages may still be stored in this form (-want +got):\n%s", diff)
			}
		})
	}
}

func TestGoldenRoundTrip(t *testing.T) {
	for name, event := range goldens {
		m, err := Encode(event)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(m.Headers, m.Body)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(event, got); diff != "" {
			t.Errorf("%s changed on the way (-sent +read):\n%s", name, diff)
		}
	}
}

func render(m Message) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\n", m.Subject)
	for _, k := range slices.Sorted(maps.Keys(m.Headers)) {
		for _, v := range m.Headers[k] {
			fmt.Fprintf(&b, "%s: %s\n", k, v)
		}
	}
	fmt.Fprintf(&b, "\n%s\n", m.Body)
	return b.Bytes()
}
