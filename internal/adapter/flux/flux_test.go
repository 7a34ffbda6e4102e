package flux

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
)

const commit = core.SHA("0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33")

func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReceiverPathIsTheOneThatFluxComputes(t *testing.T) {
	const want = "/hook/3ce26c9de1837dc5e592b4b0158fc80372360cce7481b7f2896c777ba1372207"
	if got := ReceiverPath("s3cr3t-token", "promoter", "flux-system"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if ReceiverPath("s3cr3t-token\n", "promoter", "flux-system") == want {
		t.Error("a line break at the token's end must make another path, as it does in Flux")
	}
}

func TestSignIsWhatFluxVerifies(t *testing.T) {
	got := Sign("s3cr3t-token", []byte(`{"project":"g/p","sha":"deadbeef"}`))
	const want = "sha256=a4cf9ca50e1f93524c75579e5d441a6db88ad4ef81c095a5d27e151b392d7ca4"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestVerifyEvent(t *testing.T) {
	const body = `{"project":"g/p","sha":"deadbeef"}`
	const good = "sha256=a4cf9ca50e1f93524c75579e5d441a6db88ad4ef81c095a5d27e151b392d7ca4"
	const sha512sum = "sha512=e1b39ed52103655ed4ecd49afd9b33c1c14c4c5c11a2b2d2d9c5b0ddf2d2a7a1"
	for name, c := range map[string]struct {
		key    core.Secret
		header string
		want   string // part of the message; "" for acceptance
	}{
		"right":             {"s3cr3t-token", good, ""},
		"upper case digits": {"s3cr3t-token", "sha256=" + strings.ToUpper(good[7:]), ""},
		"no key":            {"", good, "no key is configured"},
		"no header":         {"s3cr3t-token", "", "header X-Signature is missing"},
		"no algorithm":      {"s3cr3t-token", good[7:], `no "="`},
		"weak algorithm":    {"s3cr3t-token", "sha1=" + good[7:47], `algorithm "sha1"`},
		"not hexadecimal":   {"s3cr3t-token", "sha256=zz", "hexadecimal"},
		"cut short":         {"s3cr3t-token", good[:len(good)-2], "does not fit the body"},
		"other key":         {"s3cr3t-token\n", good, "a line break at its end counts"},
		"other sha512":      {"s3cr3t-token", sha512sum, "does not fit the body"},
	} {
		t.Run(name, func(t *testing.T) {
			err := VerifyEvent(c.key, c.header, []byte(body))
			if c.want == "" {
				if err != nil {
					t.Fatalf("refused: %v", err)
				}
				return
			}
			if core.KindOf(err) != core.Denied || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v (%v), want a denial that says %q", err, core.KindOf(err), c.want)
			}
			for _, secret := range []string{"s3cr3t", good[7:]} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error shows %q: %v", secret, err)
				}
			}
		})
	}
}

func TestVerifyEventTakesSHA512(t *testing.T) {
	// HMAC-SHA-512 of "body" under "key", from another implementation.
	const header = "sha512=b71e82b42ece244182aae00f5c418d84b5b0ac844874765e658e91b26261b32df39e9fcbf44424d0e3b53bab192e78a4936224ec940cf953164b70aacdd4c845"
	if err := VerifyEvent("key", header, []byte("body")); err != nil {
		t.Error(err)
	}
}

func FuzzVerifyEvent(f *testing.F) {
	f.Add("sha256=00", []byte("body"))
	f.Add("sha512=", []byte(nil))
	f.Add("=", []byte("{}"))
	f.Fuzz(func(t *testing.T, header string, body []byte) {
		const key = core.Secret("key that the fuzzer does not know")
		err := VerifyEvent(key, header, body)
		if err == nil || core.KindOf(err) != core.Denied {
			t.Errorf("%q was taken for a signature of %q: %v", header, body, err)
		}
		if err := VerifyEvent(key, Sign(key, body), body); err != nil {
			t.Errorf("our own signature of %q is refused: %v", body, err)
		}
	})
}

func TestParseRevision(t *testing.T) {
	for line := range strings.Lines(string(read(t, "revisions.txt"))) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") {
			continue
		}
		in, want, _ := strings.Cut(line, " => ")
		t.Run(in, func(t *testing.T) {
			if got := describe(in); got != want {
				t.Errorf("%q\n got %s\nwant %s", in, got, want)
			}
		})
	}
}

func describe(s string) string {
	r, err := ParseRevision(s)
	if err != nil {
		if core.KindOf(err) != core.Invalid {
			return "error of the wrong kind: " + err.Error()
		}
		return "error"
	}
	names := "no"
	if sha, ok := r.Commit(); ok && string(sha) == r.Digest {
		names = "yes"
	}
	return strings.Join([]string{r.Ref, r.Algorithm, r.Digest[:8], r.Branch(), names}, " | ")
}

func FuzzParseRevision(f *testing.F) {
	for line := range strings.Lines(string(read(f, "revisions.txt"))) {
		in, _, _ := strings.Cut(line, " => ")
		f.Add(in)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := ParseRevision(s)
		if err != nil {
			return
		}
		again, err := ParseRevision(r.String())
		if err != nil || again != r {
			t.Errorf("%q is %+v, but its text %q is %+v (%v)", s, r, r.String(), again, err)
		}
	})
}

func TestDecodeEventAsDelivered(t *testing.T) {
	got, err := DecodeEvent(read(t, "events/heartbeat.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := Event{
		Object: Object{
			Kind: "Kustomization", Namespace: "flux-system", Name: "apps",
			UID: "5d1f3b1e-3b0c-4a43-9ab1-6f6d6e7a2f10", APIVersion: "kustomize.toolkit.fluxcd.io/v1", ResourceVersion: "8231",
		},
		Severity: "info",
		At:       time.Date(2026, 11, 23, 7, 9, 12, 0, time.UTC),
		Reason:   "ReconciliationSucceeded",
		Message:  "Reconciliation finished in 2.081s, next run in 10m0s",
		Metadata: map[string]string{
			"cluster": "platform-core-dev-aks", "env": "dev", "commit_status": "update",
			"revision": "main@sha1:" + string(commit),
		},
		Controller: "kustomize-controller",
		Instance:   "kustomize-controller-7b9f6d5c9d-x2x5k",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if sha, ok := got.Commit(); !ok || sha != commit {
		t.Errorf("commit is %q, %v", sha, ok)
	}
	if o := got.Outcome(); o != Succeeded {
		t.Errorf("outcome is %v", o)
	}
}

func TestDecodeEventWithPrefixedKeys(t *testing.T) {
	got, err := DecodeEvent(read(t, "events/prefixed.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"cluster":          "platform-core-dev-aks",
		"revision":         "main@sha1:" + string(commit),
		"example.com/team": "platform",
	}
	if d := cmp.Diff(want, got.Metadata); d != "" {
		t.Error(d)
	}
	if o := got.Outcome(); o != Failed {
		t.Errorf("outcome is %v", o)
	}
}

func TestDecodeEventToleratesWhatIsMissing(t *testing.T) {
	for _, body := range []string{`{}`, `null`, `{"metadata":null,"timestamp":null}`} {
		e, err := DecodeEvent([]byte(body))
		if err != nil {
			t.Errorf("%s: %v", body, err)
		}
		if e.Outcome() != Irrelevant {
			t.Errorf("%s: outcome is %v", body, e.Outcome())
		}
		if _, err := e.Revision(); core.KindOf(err) != core.NotFound {
			t.Errorf("%s: revision: %v", body, err)
		}
	}
}

func TestDecodeEventSaysWhereItIsWrong(t *testing.T) {
	for body, want := range map[string]string{
		``:                             "byte 0",
		`{"reason":`:                   "byte 10",
		`[]`:                           "found a JSON array",
		`{"reason":7}`:                 `field "reason", byte 11: found a JSON number`,
		`{"metadata":{"revision":{}}}`: `field "metadata", byte 25: found a JSON object, want a string`,
		`{"timestamp":"yesterday"}`:    `field "timestamp": found "yesterday"`,
		`{} {}`:                        "byte 4",
		strings.Repeat(" ", MaxEventBytes) + "{}": "no real event has more than",
	} {
		_, err := DecodeEvent([]byte(body))
		if core.KindOf(err) != core.Invalid || err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: got %v, want an invalid error that says %q", body, err, want)
		}
	}
}

func FuzzDecodeEvent(f *testing.F) {
	f.Add(read(f, "events/heartbeat.json"))
	f.Add(read(f, "events/prefixed.json"))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := DecodeEvent(body)
		if err != nil {
			return
		}
		if e.Metadata == nil {
			t.Error("metadata is nil")
		}
		again, err := DecodeEvent(body)
		if err != nil || again.Fingerprint("c") != e.Fingerprint("c") || again.Outcome() != e.Outcome() {
			t.Errorf("a second decoding differs: %v", err)
		}
	})
}

func TestOutcome(t *testing.T) {
	for _, c := range []struct {
		kind, severity, reason string
		want                   Outcome
	}{
		{"Kustomization", "info", "ReconciliationSucceeded", Succeeded},
		{"Kustomization", "error", "HealthCheckFailed", Failed},
		{"Kustomization", "error", "BuildFailed", Failed},
		{"Kustomization", "error", "Progressing", Failed}, // seen in the wild
		{"Kustomization", "error", "SomethingNew", Failed},
		{"Kustomization", "info", "ReconciliationFailed", Failed},
		{"Kustomization", "info", "AccessDenied", Failed},
		{"Kustomization", "info", "Progressing", Progress},
		{"Kustomization", "info", "DependencyNotReady", Irrelevant},
		{"Kustomization", "info", "HealthCheckCanceled", Irrelevant},
		{"Kustomization", "info", "SomethingNew", Irrelevant},
		{"HelmRelease", "error", "UpgradeFailed", Failed},
		{"HelmRelease", "error", "error", Failed}, // before v2
		{"HelmRelease", "info", "UpgradeSucceeded", Progress},
		{"HelmRelease", "info", "RollbackSucceeded", Irrelevant},
		{"HelmRelease", "info", "ReconciliationSucceeded", Irrelevant},
		{"GitRepository", "error", "GitOperationFailed", Irrelevant},
		{"", "error", "BuildFailed", Irrelevant},
	} {
		e := Event{Object: Object{Kind: c.kind, Namespace: "flux-system", Name: "apps"}, Severity: c.severity, Reason: c.reason}
		if got := e.Outcome(); got != c.want {
			t.Errorf("%s %s %s: got %v, want %v", c.kind, c.severity, c.reason, got, c.want)
		}
	}
}

func TestOutcomeIgnoresObjectsThatAreNotOfFlux(t *testing.T) {
	e := Event{Object: Object{Kind: "Kustomization", Name: "x", APIVersion: "kustomize.config.k8s.io/v1beta1"}, Severity: "error"}
	if got := e.Outcome(); got != Irrelevant {
		t.Errorf("got %v", got)
	}
}

func TestCommit(t *testing.T) {
	const git = "main@sha1:" + string(commit)
	const artifact = "latest@sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"
	for name, c := range map[string]struct {
		kind     string
		metadata map[string]string
		want     core.SHA
	}{
		"git":                      {"Kustomization", map[string]string{"revision": git}, commit},
		"artifact made from git":   {"Kustomization", map[string]string{"revision": artifact, "originRevision": git}, commit},
		"origin of another form":   {"Kustomization", map[string]string{"revision": git, "originRevision": "build 7"}, commit},
		"no metadata":              {"Kustomization", nil, ""},
		"chart that looks like it": {"HelmRelease", map[string]string{"revision": string(commit)}, ""},
	} {
		got, ok := Event{Object: Object{Kind: c.kind}, Metadata: c.metadata}.Commit()
		if got != c.want || ok != (c.want != "") {
			t.Errorf("%s: got %q, %v", name, got, ok)
		}
	}
}

func TestFingerprint(t *testing.T) {
	base, err := DecodeEvent(read(t, "events/heartbeat.json"))
	if err != nil {
		t.Fatal(err)
	}
	redelivered := base
	redelivered.Instance = "another pod"
	if base.Fingerprint("c") != redelivered.Fingerprint("c") {
		t.Error("a redelivery has another fingerprint")
	}
	later := base
	later.At = later.At.Add(time.Second)
	moved := base
	moved.Metadata = map[string]string{"revision": "main@sha1:" + strings.Repeat("a", 40)}
	seen := map[string]string{base.Fingerprint("c"): "the event"}
	for name, f := range map[string]string{
		"another cluster": base.Fingerprint("d"), "another time": later.Fingerprint("c"), "another revision": moved.Fingerprint("c"),
	} {
		if other, found := seen[f]; found {
			t.Errorf("%s and %s share a fingerprint", name, other)
		}
		seen[f] = name
	}
}

func TestEveryIsWhatAHeartbeatPromises(t *testing.T) {
	for message, want := range map[string]time.Duration{
		"Reconciliation finished in 2.08s, next run in 10m0s": 10 * time.Minute,
		"Reconciliation finished in 1m2s, next run in 1h0m0s": time.Hour,
		"Reconciliation finished in 5ms, next run in 30s\n":   30 * time.Second,
		"Health check passed in 3s":                           0,
		"next run in soon":                                    0,
		"next run in -5s":                                     0,
		"":                                                    0,
	} {
		if got := (Event{Message: message}).Every(); got != want {
			t.Errorf("%q: got %s, want %s", message, got, want)
		}
	}
}
