package events

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
)

func TestEncodeRefuses(t *testing.T) {
	for name, e := range map[string]Event{
		"no payload":      {ID: "x"},
		"no id":           {Payload: Hint{}},
		"long id":         {ID: strings.Repeat("x", MaxID+1), Payload: Hint{}},
		"id with space":   {ID: "a b", Payload: Hint{}},
		"id with break":   {ID: "a\r\nce-type: x", Payload: Hint{}},
		"id not in ASCII": {ID: "é", Payload: Hint{}},
	} {
		if _, err := Encode(e); core.KindOf(err) != core.Invalid {
			t.Errorf("%s: error %v, want one of kind invalid", name, err)
		}
	}
}

// The longest texts that can be sent, made of what JSON escapes most, still
// fit, and a reader takes them.
func TestOversizedTextsAreCutAndStillReadable(t *testing.T) {
	long := strings.Repeat("\x01", 1<<20)
	r := Report{
		Cluster: long, Kind: long, Namespace: long, Name: long, UID: long, ResourceVersion: long, Severity: long, Reason: long,
		Revision: long, OriginRevision: long, Message: long, Controller: long, Metadata: map[string]string{"\xff": long},
		Timestamp: time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	for i := range 100 {
		r.Metadata[fmt.Sprintf("%0*d", MaxID, i)] = long
	}
	m, err := Encode(Event{ID: "x", Payload: r})
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Body) > MaxBody {
		t.Fatalf("the body has %d bytes, more than MaxBody", len(m.Body))
	}
	e, err := Decode(m.Headers, m.Body)
	if err != nil {
		t.Fatal(err)
	}
	got := e.Payload.(Report)
	if len(got.Metadata) != MaxMetadata || len(got.Message) > MaxMessage || !strings.HasSuffix(got.Message, "…") {
		t.Errorf("%d metadata entries and a message of %d bytes, want %d and at most %d with an ellipsis", len(got.Metadata), len(got.Message), MaxMetadata, MaxMessage)
	}
}

// Half a list of files would make a filter of Flux decide wrongly.
func TestAListOfFilesThatIsTooLongIsLeftOutWhole(t *testing.T) {
	many, long := make([]string, MaxPaths+1), []string{strings.Repeat("\x01", maxPathBytes)}
	fits := []string{strings.Repeat("\x01", maxPathBytes-maxEscape)}
	for _, tc := range []struct {
		paths []string
		want  int
	}{{many, 0}, {many[1:], MaxPaths}, {long, 0}, {fits, 1}} {
		m, err := Encode(Event{ID: "x", Payload: Trigger{Cluster: "dev", Paths: tc.paths}})
		if err != nil || len(m.Body) > MaxBody {
			t.Fatalf("%d bytes, %v", len(m.Body), err)
		}
		e, err := Decode(m.Headers, m.Body)
		if got := e.Payload.(Trigger).Paths; err != nil || len(got) != tc.want {
			t.Errorf("%d of %d paths arrived, want %d; %v", len(got), len(tc.paths), tc.want, err)
		}
	}
}

func TestCutKeepsRunesWhole(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"12345678", "12345678"},
		{"123456789", "12345…"},
		{"1234é6789", "1234…"},
		{"a\xffb", "a\uFFFDb"},
	} {
		if got := cut(tc.in, 8); got != tc.want {
			t.Errorf("cut(%q, 8) = %q, want %q", tc.in, got, tc.want)
		}
	}
}

func TestDecodeTolerates(t *testing.T) {
	headers := map[string][]string{
		"ce-specversion": {"1.0"}, "ce-id": {"%61b"}, "ce-type": {TypeHint}, "ce-traceparent": {"00-1"}, "Nats-Expected-Stream": {"X"},
	}
	got, err := Decode(headers, []byte(`{"kind":"push","projectId":7,"added":{"later":[1]}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := Event{ID: "ab", Payload: Hint{Kind: KindPush, ProjectID: 7}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := map[string][]string{"ce-specversion": {"1.0"}, "ce-id": {"1"}, "ce-type": {TypeHint}}
	for _, tc := range []struct{ name, header, value, body, says string }{
		{"other spec", "ce-specversion", "2.0", `{}`, `header ce-specversion is "2.0", want "1.0"`},
		{"no id", "ce-id", "", `{}`, "an event needs an id"},
		{"bad escape", "ce-id", "%4", `{}`, "does not begin a percent-encoded byte"},
		{"bad time", "ce-time", "yesterday", `{}`, "want a time as in RFC 3339"},
		{"next major", "ce-type", "io.sluice.gitlab.hint.v2", `{}`, "upgrade the reader before the writer"},
		{"foreign type", "ce-type", "com.example.thing.v1", `{}`, "want " + TypeHint},
		{"no JSON", "ce-type", TypeHint, `{`, "read the body of a " + TypeHint},
		{"wrong type of a field", "ce-type", TypeHint, `{"projectId":"seven"}`, "projectId"},
		{"too large", "ce-type", TypeHint, strings.Repeat(" ", MaxBody+1), "at most"},
	} {
		h := maps.Clone(good)
		h[tc.header] = []string{tc.value}
		_, err := Decode(h, []byte(tc.body))
		if core.KindOf(err) != core.Invalid || !strings.Contains(fmt.Sprint(err), tc.says) {
			t.Errorf("%s: error %v, want one of kind invalid that says %q", tc.name, err, tc.says)
		}
	}
}

func TestReportIDDependsOnEveryPart(t *testing.T) {
	base := Report{Cluster: "c", Kind: "Kustomization", Namespace: "n", Name: "x", UID: "u", Reason: "r", Message: "m", Revision: "v", Timestamp: at}
	seen := map[string]string{base.ID(): "base"}
	for name, change := range map[string]func(*Report){
		"cluster":   func(r *Report) { r.Cluster = "d" },
		"kind":      func(r *Report) { r.Kind = "HelmRelease" },
		"namespace": func(r *Report) { r.Namespace = "nx"; r.Name = "" },
		"name":      func(r *Report) { r.Name = "y" },
		"uid":       func(r *Report) { r.UID = "w" },
		"reason":    func(r *Report) { r.Reason = "rm"; r.Message = "" },
		"message":   func(r *Report) { r.Message = "n" },
		"revision":  func(r *Report) { r.Revision = "w" },
		"timestamp": func(r *Report) { r.Timestamp = at.Add(time.Second) },
		"severity":  func(r *Report) { r.Severity = "error" },
		"version":   func(r *Report) { r.ResourceVersion = "7" },
	} {
		r := base
		change(&r)
		if other, ok := seen[r.ID()]; ok {
			t.Errorf("a change of %s has the id of %s", name, other)
		}
		seen[r.ID()] = name
	}
	r := base
	r.Timestamp, r.Controller, r.Metadata = at.UTC(), "kustomize-controller", map[string]string{"a": "b"}
	if r.ID() != base.ID() {
		t.Error("the same moment in another zone, or what is outside the identity, changed the id")
	}
}

func TestDefaultsFitNATS(t *testing.T) {
	for _, s := range Default(1).Streams {
		if s.Duplicates > s.MaxAge || s.MaxMessage <= MaxBody || s.MaxBytes <= 0 || s.Replicas != 1 {
			t.Errorf("stream %s cannot work: %+v", s.Name, s)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, e := range goldens {
		m, err := Encode(e)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(first(m.Headers, headerType), e.ID, first(m.Headers, headerTime), m.Body)
	}
	f.Fuzz(func(t *testing.T, typ, id, when string, body []byte) {
		h := map[string][]string{"ce-specversion": {"1.0"}, "ce-type": {typ}, "ce-id": {id}, "ce-time": {when}}
		e, err := Decode(h, body)
		if err != nil {
			return
		}
		m, err := Encode(e)
		if err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := Decode(m.Headers, m.Body)
		if err != nil {
			t.Fatalf("what was written cannot be read: %v", err)
		}
		third, err := Encode(again)
		if err != nil || !cmp.Equal(m, third) {
			t.Fatalf("the form is not stable: %v\n%s", err, cmp.Diff(m, third))
		}
	})
}
