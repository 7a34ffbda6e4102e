package fluxtool_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/fakeflux"
)

// cluster serves a stand-in for Flux with a token of its own, as it is in the
// cluster, and returns a file of Receivers with what Sluice was given.
func cluster(t *testing.T, inCluster, here, kind string, wrap func(http.Handler) http.Handler) (receivers string) {
	t.Helper()
	f, err := fakeflux.New(fakeflux.Config{Cluster: "dev", RepoURL: "http://127.0.0.1:1/x.git", ReceiverName: "sluice", ReceiverToken: core.Secret(inCluster)})
	if err != nil {
		t.Fatal(err)
	}
	handler := f.Handler()
	if wrap != nil {
		handler = wrap(handler)
	}
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return receiversFile(t, s.URL, here, kind)
}

func receiversFile(t *testing.T, url, token, kind string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "token"), []byte(token), 0o600); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("receivers:\n- {cluster: dev, url: %q, name: sluice, type: %s, token-file: %q}\n", url, kind, filepath.Join(dir, "token"))
	file := filepath.Join(dir, "receivers.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestDoctorFindsWhatIsWrong(t *testing.T) {
	status := func(code int) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/" {
					next.ServeHTTP(w, r)
					return
				}
				w.WriteHeader(code)
			})
		}
	}
	late := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
			next.ServeHTTP(w, r)
		})
	}
	for name, c := range map[string]struct {
		file func(t *testing.T) string
		code int
		want []string
	}{
		"all is well": {func(t *testing.T) string { return cluster(t, "s3cr3t", "s3cr3t", "generic-hmac", nil) }, process.OK,
			[]string{"[  ok] reach", "[  ok] clock", "[  ok] call: the Receiver took a call"}},
		"a line break in the cluster": {func(t *testing.T) string { return cluster(t, "s3cr3t\n", "s3cr3t", "generic-hmac", nil) }, process.Failed,
			[]string{"[FAIL] call: 404: the token in the cluster ends in a line break, and the one here does not"}},
		"a line break here": {func(t *testing.T) string { return cluster(t, "s3cr3t", "s3cr3t\n", "generic-hmac", nil) }, process.Failed,
			[]string{"[warn] token", "[FAIL] call: 404: the token here ends in a line break, and that in the cluster does not"}},
		"another token": {func(t *testing.T) string { return cluster(t, "other", "s3cr3t", "generic-hmac", nil) }, process.Failed,
			[]string{"404: no Receiver has the path", "flux get receivers -n flux-system"}},
		"another type": {func(t *testing.T) string { return cluster(t, "s3cr3t", "s3cr3t", "generic", nil) }, process.Failed,
			[]string{"it took a call as generic-hmac", "write type: generic-hmac"}},
		"suspended": {func(t *testing.T) string { return cluster(t, "s3cr3t", "s3cr3t", "generic-hmac", status(503)) }, process.Failed,
			[]string{"suspended or not ready"}},
		"too large for a proxy": {func(t *testing.T) string { return cluster(t, "s3cr3t", "s3cr3t", "generic-hmac", status(413)) }, process.Failed,
			[]string{"413"}},
		"nobody there": {func(t *testing.T) string { return receiversFile(t, "http://127.0.0.1:1", "s3cr3t", "generic-hmac") }, process.Failed,
			[]string{"[FAIL] reach", "webhook-receiver, port 80"}},
		"a clock that is off": {func(t *testing.T) string { return cluster(t, "s3cr3t", "s3cr3t", "generic-hmac", late) }, process.OK,
			[]string{"[warn] clock: its clock is -1h0m"}},
		"a certificate that nobody trusts": {func(t *testing.T) string {
			s := httptest.NewTLSServer(http.NotFoundHandler())
			t.Cleanup(s.Close)
			return receiversFile(t, s.URL, "s3cr3t", "generic-hmac")
		}, process.Failed, []string{"[FAIL] reach", "add ca-file"}},
	} {
		t.Run(name, func(t *testing.T) {
			code, out := run(t, "doctor", "--receivers-file", c.file(t))
			if code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, want := range c.want {
				if !strings.Contains(out, want) {
					t.Errorf("it does not say %q:\n%s", want, out)
				}
			}
			if strings.Contains(out, "s3cr3t") || strings.Contains(out, "/hook/"+"3") {
				t.Errorf("it shows a secret:\n%s", out)
			}
		})
	}
}

func TestDoctorAsksSluice(t *testing.T) {
	now := time.Now().UTC()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/status" {
			http.NotFound(w, r)
			return
		}
		fmt.Fprintf(w, `{"monorepos": [{"clusters": [
			{"name": "a", "heard": %q, "every": "10m0s", "revision": "0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33"},
			{"name": "b", "heard": %q, "every": "10m0s"},
			{"name": "c", "trigger": {"trouble": "it answered 400"}}]}]}`, now.Add(-time.Minute).Format(time.RFC3339), now.Add(-time.Hour).Format(time.RFC3339))
	}))
	defer s.Close()
	code, out := run(t, "doctor", "--sluice", s.URL, "--format", "json")
	var found []struct{ Cluster, Check, State, Says, Fix string }
	if err := json.Unmarshal([]byte(out), &found); err != nil || code != process.Failed {
		t.Fatalf("exit code %d, %v: %s", code, err, out)
	}
	var got []string
	for _, f := range found {
		got = append(got, f.Cluster+" "+f.Check+" "+f.State)
	}
	if text := strings.Join(got, ", "); text != "a heartbeat ok, b heartbeat FAIL, c heartbeat FAIL, c calls FAIL" {
		t.Errorf("found %s", text)
	}
	if code, out := run(t, "doctor", "--sluice", "http://127.0.0.1:1"); code != process.Failed || !strings.Contains(out, "ask Sluice") {
		t.Errorf("exit code %d: %s", code, out)
	}
}

func TestDoctorReadsTheManifests(t *testing.T) {
	dir := clone(t)
	components := filepath.Join(dir, root, "flux-system", "gotk-components.yaml")
	for version, want := range map[string]string{"v2.8.3": "[FAIL] version: Flux v2.8.3 leaves the heartbeat out", "v2.8.6": "[  ok] version: Flux v2.8.6", "v2.9.4": "[  ok] version: Flux v2.9.4"} {
		text := "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: flux-system\n  labels:\n    app.kubernetes.io/version: " + version + "\n"
		if err := os.WriteFile(components, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		code, out := run(t, "doctor", "--dir", dir, "--cluster", "platform-core-dev-aks")
		if !strings.Contains(out, want) || !strings.Contains(out, "[  ok] manifests") || (code == process.Failed) != strings.Contains(want, "FAIL") {
			t.Errorf("%s: exit code %d: %s", version, code, out)
		}
	}
	if code, out := run(t, "doctor", "--dir", dir, "--cluster", "nowhere"); code != process.Usage || !strings.Contains(out, `nothing is known of a cluster "nowhere"`) {
		t.Errorf("exit code %d: %s", code, out)
	}
	if code, _ := run(t, "doctor"); code != process.Usage {
		t.Errorf("without anything: exit code %d", code)
	}
}
