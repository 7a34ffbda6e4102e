package kube_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/kube"
	"github.com/sluice-gitops/sluice/internal/core"
)

const secret = "kube-token-that-nobody-may-see"

// server is an API server that answers with what the test says.
func server(t *testing.T, answer http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewTLSServer(answer)
	t.Cleanup(s.Close)
	return s
}

// config writes a kubeconfig for a server, with lines for its user.
func config(t *testing.T, s *httptest.Server, user string) string {
	t.Helper()
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	return write(t, fmt.Sprintf(`apiVersion: v1
kind: Config
current-context: main
contexts: [{name: main, context: {cluster: c, user: u}}]
clusters: [{name: c, cluster: {server: "%s", certificate-authority-data: %s}}]
users: [{name: u, user: {%s}}]
`, s.URL, base64.StdEncoding.EncodeToString(ca), user))
}

func write(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func client(t *testing.T, s *httptest.Server) *kube.Client {
	t.Helper()
	a, err := kube.Load(config(t, s, "token: "+secret), "")
	if err != nil {
		t.Fatal(err)
	}
	c := kube.NewClient(a)
	t.Cleanup(c.Close)
	return c
}

func list(w http.ResponseWriter, kind, rest string, items ...string) {
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"apiVersion":"x/v1","kind":"%sList","metadata":{"resourceVersion":"900","continue":"%s"},"items":[%s]}`, kind, rest, strings.Join(items, ","))
}

const applied = `{"metadata":{"name":"apps","namespace":"flux-system","uid":"u1","resourceVersion":"77","generation":3,"managedFields":[{}]},
 "spec":{"interval":"10m0s","path":"./x","wait":true},
 "status":{"observedGeneration":3,"lastAppliedRevision":"main@sha1:aa","lastAttemptedRevision":"main@sha1:aa","inventory":{"entries":[{"id":"x","v":"v1"}]},
 "conditions":[{"type":"Ready","status":"True","reason":"ReconciliationSucceeded","message":"Applied revision: main@sha1:aa","observedGeneration":3,"lastTransitionTime":"2026-11-03T08:00:00Z"}]}}`

const broken = `{"metadata":{"name":"infra","namespace":"flux-system","uid":"u2","resourceVersion":"78","generation":1},"spec":{"interval":"1h","suspend":true},
 "status":{"observedGeneration":1,"lastAppliedRevision":"main@sha1:aa","lastAttemptedRevision":"main@sha1:bb",
 "conditions":[{"type":"Reconciling","status":"True","reason":"ProgressingWithRetry"},{"type":"Ready","status":"False","reason":"HealthCheckFailed","message":"timeout waiting for: [Deployment/x]"}]}}`

const release = `{"metadata":{"name":"gateway","namespace":"apps","uid":"u3","resourceVersion":"79","generation":1},"spec":{"interval":"bad"},
 "status":{"observedGeneration":1,"conditions":[{"type":"Ready","status":"True","reason":"UpgradeSucceeded"}]}}`

func TestObjectsReadsAllPages(t *testing.T) {
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.Header.Get("Authorization") != "Bearer "+secret || r.URL.Query().Get("limit") == "" {
			t.Errorf("%s %s with %q", r.Method, r.URL, r.Header)
		}
		switch r.URL.Path + r.URL.Query().Get("continue") {
		case "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizations":
			list(w, "Kustomization", "more", applied)
		case "/apis/kustomize.toolkit.fluxcd.io/v1/kustomizationsmore":
			list(w, "Kustomization", "", broken)
		case "/apis/helm.toolkit.fluxcd.io/v2/helmreleases":
			list(w, "HelmRelease", "", release)
		default:
			t.Errorf("asked for %s", r.URL)
		}
	})
	got, err := client(t, s).Objects(t.Context())
	if err != nil || len(got) != 3 {
		t.Fatalf("%d objects, %v", len(got), err)
	}
	want := []kube.Object{
		{Kind: "Kustomization", Namespace: "flux-system", Name: "apps", UID: "u1", ResourceVersion: "77", Revision: "main@sha1:aa", Interval: 10 * time.Minute, State: kube.Ready, Reason: "ReconciliationSucceeded", Message: "Applied revision: main@sha1:aa"},
		{Kind: "Kustomization", Namespace: "flux-system", Name: "infra", UID: "u2", ResourceVersion: "78", Revision: "main@sha1:bb", Interval: time.Hour, Suspended: true, State: kube.Failed, Reason: "HealthCheckFailed", Message: "timeout waiting for: [Deployment/x]"},
		{Kind: "HelmRelease", Namespace: "apps", Name: "gateway", UID: "u3", ResourceVersion: "79", State: kube.Ready, Reason: "UpgradeSucceeded"},
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("got  %+v\nwant %+v", got[i], want[i])
		}
	}
}

func TestAnswersThatAreNoLists(t *testing.T) {
	status := func(code int, message string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(code)
			json.NewEncoder(w).Encode(map[string]string{"kind": "Status", "message": message})
		}
	}
	for name, tc := range map[string]struct {
		answer http.HandlerFunc
		kind   core.Kind
		words  string
	}{
		"unknown user": {status(401, "Unauthorized"), core.Denied, "renew its token"},
		"no rights":    {status(403, "kustomizations is forbidden"), core.Denied, "kustomizations is forbidden: allow the kubeconfig's user to list"},
		"no Flux":      {status(404, "not here"), core.NotFound, "is Flux installed there?"},
		"always gone":  {status(410, "too old"), core.Transient, "changed too much"},
		"busy":         {status(429, "slow down"), core.Transient, "slow down"},
		"broken":       {status(500, "etcd is away"), core.Transient, "etcd is away"},
		"somewhere":    {status(302, ""), core.Invalid, "302"},
		"a web page":   {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") }, core.Invalid, "is this the address of an API server?"},
		"another kind": {func(w http.ResponseWriter, _ *http.Request) { list(w, "Pod", "") }, core.Invalid, `found a "PodList"`},
		"half": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"kind":`)
		}, core.Transient, "broke off"},
		"no JSON": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `]`)
		}, core.Invalid, "read the answer"},
		"without end": {func(w http.ResponseWriter, _ *http.Request) { list(w, "Kustomization", "again") }, core.Invalid, "no cluster has as many"},
		"huge": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"x":"`)
			for range 65 {
				fmt.Fprint(w, strings.Repeat("x", 1<<20))
			}
		}, core.Invalid, "more than 64 MiB"},
		"header no end": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 1<<20)) }, core.Transient, ""},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := client(t, server(t, tc.answer)).Objects(t.Context())
			if core.KindOf(err) != tc.kind || err == nil || !strings.Contains(err.Error(), tc.words) || strings.Contains(err.Error(), secret) {
				t.Errorf("%v: %v; want %v with %q", core.KindOf(err), err, tc.kind, tc.words)
			}
			if name == "busy" && core.WaitOf(err) != 7*time.Second {
				t.Errorf("asks to wait %s", core.WaitOf(err))
			}
		})
	}
}

// A list that expires while it is read is begun anew; a cluster without
// HelmReleases has none.
func TestObjectsBeginsAnExpiredListAnew(t *testing.T) {
	asked := 0
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		switch asked++; {
		case strings.HasSuffix(r.URL.Path, "helmreleases"):
			w.WriteHeader(404)
		case r.URL.Query().Get("continue") == "":
			list(w, "Kustomization", "more", applied)
		case asked == 2:
			w.WriteHeader(410)
		default:
			list(w, "Kustomization", "", broken)
		}
	})
	got, err := client(t, s).Objects(t.Context())
	if err != nil || len(got) != 2 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestAServerThatIsSlowOrUnknownIsTransient(t *testing.T) {
	s := server(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	c := client(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := c.Objects(ctx); core.KindOf(err) != core.Transient {
		t.Errorf("slow: %v", err)
	}
	other := server(t, func(w http.ResponseWriter, _ *http.Request) {
		t.Error("a server without the right certificate was asked")
	})
	file := config(t, s, "token: "+secret)
	raw, _ := os.ReadFile(file)
	a, err := kube.Load(write(t, strings.Replace(string(raw), s.URL, strings.Replace(other.URL, "127.0.0.1", "localhost", 1), 1)), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kube.NewClient(a).Objects(t.Context()); core.KindOf(err) != core.Transient || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("another's certificate: %v", err)
	}
}

// The tokens that Kubernetes puts in files are renewed there.
func TestTheTokenFileIsReadAnew(t *testing.T) {
	var seen []string
	s := server(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.Header.Get("Authorization"))
		list(w, map[bool]string{true: "HelmRelease", false: "Kustomization"}[strings.HasSuffix(r.URL.Path, "helmreleases")], "")
	})
	file := config(t, s, "tokenFile: token")
	beside := filepath.Join(filepath.Dir(file), "token")
	var c *kube.Client
	for _, token := range []string{"first\n", "second"} {
		if err := os.WriteFile(beside, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		if c == nil {
			a, err := kube.Load(file, "main")
			if err != nil {
				t.Fatal(err)
			}
			c = kube.NewClient(a)
		}
		if _, err := c.Objects(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Join(seen, ",") != "Bearer first,Bearer first,Bearer second,Bearer second" {
		t.Errorf("sent %q", seen)
	}
}

func TestLoadRefuses(t *testing.T) {
	s := server(t, func(http.ResponseWriter, *http.Request) {})
	good := config(t, s, "token: "+secret)
	raw, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct{ old, new, words string }{
		"plain HTTP":        {"https://", "http://", "https://"},
		"insecure":          {"server:", "insecure-skip-tls-verify: true, server:", "insecure-skip-tls-verify is refused"},
		"exec":              {"token: " + secret, "exec: {command: aws}", "exec is refused"},
		"auth provider":     {"token: " + secret, "auth-provider: {name: gcp}", "auth-provider is refused"},
		"password":          {"token: " + secret, "username: a, password: " + secret, "refused"},
		"impersonation":     {"token: " + secret, "as: root, token: " + secret, `"as" is refused`},
		"nobody":            {"token: " + secret, "", "no token"},
		"a line break":      {"token: " + secret, `token: "` + secret + `\n"`, "no HTTP header can carry"},
		"no token file":     {"token: " + secret, "tokenFile: nowhere", "tokenFile"},
		"CA":                {"certificate-authority-data: ", "certificate-authority-data: AAAA", "no certificate in PEM"},
		"CA no base64":      {"certificate-authority-data: ", "certificate-authority-data: '%', x: ", "no base64"},
		"half a pair":       {"token: " + secret, "client-certificate-data: AAAA", "make a pair"},
		"other user":        {"user: u}", "user: v}", `the user "v"`},
		"no context":        {"current-context: main", "", "no current-context"},
		"unknown context":   {"current-context: main", "current-context: x", `no context "x"`},
		"not a kubeconfig":  {"contexts: ", "contexts: " + secret + " #", "not the YAML"},
		"a user in the URL": {"https://", "https://u:" + secret + "@", "leave out user"},
	} {
		_, err := kube.Load(write(t, strings.Replace(string(raw), tc.old, tc.new, 1)), "")
		if core.KindOf(err) != core.Invalid || err == nil || !strings.Contains(err.Error(), tc.words) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v; want %q", name, err, tc.words)
		}
	}
	if _, err := kube.Load(filepath.Join(t.TempDir(), "none"), ""); core.KindOf(err) != core.Invalid {
		t.Errorf("no file: %v", err)
	}
}

func TestJudge(t *testing.T) {
	c := func(kind, status, reason string) kube.Condition {
		return kube.Condition{Type: kind, Status: status, Reason: reason}
	}
	for name, tc := range map[string]struct {
		generation, observed int64
		conditions           []kube.Condition
		want                 kube.State
	}{
		"ready":                   {1, 1, []kube.Condition{c("Ready", "True", "ReconciliationSucceeded")}, kube.Ready},
		"a spec nobody has seen":  {2, 1, []kube.Condition{c("Ready", "True", "ReconciliationSucceeded")}, kube.Progressing},
		"never seen":              {1, 0, nil, kube.Progressing},
		"a condition of before":   {2, 2, []kube.Condition{{Type: "Ready", Status: "True", ObservedGeneration: 1}}, kube.Progressing},
		"at work":                 {1, 1, []kube.Condition{c("Reconciling", "True", "Progressing"), c("Ready", "Unknown", "Progressing")}, kube.Progressing},
		"ready, and at work":      {1, 1, []kube.Condition{c("Reconciling", "True", "Progressing"), c("Ready", "True", "x")}, kube.Progressing},
		"failed, and tries again": {1, 1, []kube.Condition{c("Reconciling", "True", "ProgressingWithRetry"), c("Ready", "False", "HealthCheckFailed")}, kube.Failed},
		"stalled":                 {1, 1, []kube.Condition{c("Stalled", "True", "InvalidCELExpression"), c("Ready", "False", "InvalidCELExpression")}, kube.Failed},
		"waits for another":       {1, 1, []kube.Condition{c("Ready", "False", "DependencyNotReady")}, kube.Progressing},
		"rolled back":             {1, 1, []kube.Condition{c("Ready", "False", "RollbackSucceeded")}, kube.Failed},
		"no conditions":           {1, 1, nil, kube.Progressing},
	} {
		if got, _ := kube.Judge(tc.generation, tc.observed, tc.conditions); got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}
