package flux

import (
	"context"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
)

const token = core.Secret("s3cr3t-token")

// seen is what a server got of one request.
type seen struct {
	URI, Body string
	Header    http.Header
}

// receiverServer answers every request in the same way and remembers the last.
func receiverServer(t *testing.T, answer http.HandlerFunc) (*httptest.Server, *atomic.Pointer[seen]) {
	t.Helper()
	last := new(atomic.Pointer[seen])
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		last.Store(&seen{URI: r.Method + " " + r.RequestURI, Body: string(body), Header: r.Header})
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s, last
}

func status(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code) }
}

func newClient(t *testing.T, c Config) *Client {
	t.Helper()
	client, err := NewClient(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

func receiver(base string) Receiver {
	return Receiver{Cluster: "dev-1", BaseURL: base, Name: "promoter", Namespace: "flux-system", Token: token, Type: HMAC}
}

func payload() Payload {
	return Payload{Project: "ai-platform/flux", Ref: "refs/heads/main", SHA: commit, Paths: []string{"clusters/dev/a.yaml"}}
}

func TestTriggerPerType(t *testing.T) {
	const uri = "POST /hook/3ce26c9de1837dc5e592b4b0158fc80372360cce7481b7f2896c777ba1372207"
	const body = `{"project":"ai-platform/flux","ref":"refs/heads/main","sha":"0beec7b5ea3f0fdbc95d0dd47f3c5bc275da8a33","paths":["clusters/dev/a.yaml"]}`
	for kind, want := range map[ReceiverType]map[string]string{
		HMAC:    {"X-Signature": Sign(token, []byte(body)), "X-Gitlab-Token": "", "X-Gitlab-Event": ""},
		Generic: {"X-Signature": "", "X-Gitlab-Token": "", "X-Gitlab-Event": ""},
		GitLab:  {"X-Signature": "", "X-Gitlab-Token": "s3cr3t-token", "X-Gitlab-Event": "Push Hook"},
	} {
		t.Run(string(kind), func(t *testing.T) {
			s, last := receiverServer(t, status(http.StatusOK))
			r := receiver(s.URL)
			r.Type = kind
			if err := newClient(t, Config{}).Trigger(t.Context(), r, payload()); err != nil {
				t.Fatal(err)
			}
			got := last.Load()
			if got.URI != uri || got.Body != body {
				t.Errorf("got %s\n%s", got.URI, got.Body)
			}
			want["Content-Type"] = "application/json"
			for header, value := range want {
				if d := cmp.Diff(value, got.Header.Get(header)); d != "" {
					t.Errorf("%s: %s", header, d)
				}
			}
		})
	}
}

func TestTriggerThroughAPathOfAnIngress(t *testing.T) {
	s, last := receiverServer(t, status(http.StatusNoContent))
	if err := newClient(t, Config{}).Trigger(t.Context(), receiver(s.URL+"/dev-1/"), payload()); err != nil {
		t.Fatal(err)
	}
	if got := last.Load().URI; !strings.HasPrefix(got, "POST /dev-1/hook/3ce26c") {
		t.Errorf("got %s", got)
	}
}

func TestTriggerLeavesOutAListOfPathsThatIsTooLong(t *testing.T) {
	s, last := receiverServer(t, status(http.StatusOK))
	p := payload()
	p.Paths = make([]string, maxPaths+1)
	if err := newClient(t, Config{}).Trigger(t.Context(), receiver(s.URL), p); err != nil {
		t.Fatal(err)
	}
	if got := last.Load().Body; strings.Contains(got, "paths") {
		t.Errorf("got %.200s", got)
	}
}

func TestTriggerAnswers(t *testing.T) {
	for _, c := range []struct {
		status int
		kind   core.Kind
		want   string
	}{
		{301, core.Invalid, "redirects are not followed"},
		{307, core.Invalid, "redirects are not followed"},
		{400, core.Invalid, "compare its type, the token byte for byte"},
		{401, core.Denied, "in front of it"},
		{404, core.NotFound, "the path exists only after the Receiver has reconciled"},
		{405, core.Invalid, "in front of it"},
		{413, core.Invalid, "too large"},
		{429, core.Transient, "overloaded"},
		{500, core.Transient, "could not mark all"},
		{503, core.Transient, "suspended or not ready"},
	} {
		s, last := receiverServer(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", r.URL.Path+"/elsewhere")
			w.WriteHeader(c.status)
			io.WriteString(w, r.URL.Path)
		})
		err := newClient(t, Config{}).Trigger(t.Context(), receiver(s.URL), payload())
		if core.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%d: got %v (%v), want %v that says %q", c.status, err, core.KindOf(err), c.kind, c.want)
			continue
		}
		for _, identifier := range []string{"flux-system/promoter", "cluster dev-1", strings.TrimPrefix(s.URL, "http://")} {
			if !strings.Contains(err.Error(), identifier) {
				t.Errorf("%d: the error does not name %s: %v", c.status, identifier, err)
			}
		}
		mustHideThePath(t, err)
		if strings.Contains(last.Load().URI, "elsewhere") {
			t.Errorf("%d: the redirect was followed", c.status)
		}
	}
}

func mustHideThePath(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{"/hook", "3ce26c9d", token.Reveal()} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("the error shows %q: %v", secret, err)
		}
	}
}

func TestTriggerHonoursRetryAfter(t *testing.T) {
	for _, c := range []struct {
		after, date string
		want        time.Duration
	}{
		{"7", "", 7 * time.Second},
		{"86400", "", maxRetryAfter},
		{"Mon, 23 Nov 2026 07:00:30 GMT", "Mon, 23 Nov 2026 07:00:00 GMT", 30 * time.Second},
		{"Mon, 23 Nov 2026 06:00:00 GMT", "Mon, 23 Nov 2026 07:00:00 GMT", 0},
		{"soon", "", 0},
		{"", "", 0},
	} {
		s, _ := receiverServer(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", c.after)
			if c.date != "" {
				w.Header().Set("Date", c.date)
			}
			w.WriteHeader(http.StatusServiceUnavailable)
		})
		err := newClient(t, Config{}).Trigger(t.Context(), receiver(s.URL), payload())
		if got := core.WaitOf(err); got != c.want {
			t.Errorf("Retry-After %q: got %v, want %v", c.after, got, c.want)
		}
	}
}

func TestTriggerWithoutAnAnswer(t *testing.T) {
	t.Run("nobody listens", func(t *testing.T) {
		s, _ := receiverServer(t, status(http.StatusOK))
		s.Close()
		err := newClient(t, Config{}).Trigger(t.Context(), receiver(s.URL), payload())
		mustBeTransient(t, err)
	})
	t.Run("timeout", func(t *testing.T) {
		s, _ := receiverServer(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
		err := newClient(t, Config{Timeout: 50 * time.Millisecond}).Trigger(t.Context(), receiver(s.URL), payload())
		mustBeTransient(t, err)
	})
	t.Run("cancelled", func(t *testing.T) {
		s, _ := receiverServer(t, status(http.StatusOK))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		mustBeTransient(t, newClient(t, Config{}).Trigger(ctx, receiver(s.URL), payload()))
	})
	t.Run("connection cut", func(t *testing.T) {
		s, _ := receiverServer(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
		mustBeTransient(t, newClient(t, Config{}).Trigger(t.Context(), receiver(s.URL), payload()))
	})
}

func mustBeTransient(t *testing.T, err error) {
	t.Helper()
	if core.KindOf(err) != core.Transient {
		t.Fatalf("got %v (%v)", err, core.KindOf(err))
	}
	mustHideThePath(t, err)
}

func TestTriggerOverTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(status(http.StatusOK))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	err := newClient(t, Config{}).Trigger(t.Context(), receiver(s.URL), payload())
	if core.KindOf(err) != core.Denied || !strings.Contains(err.Error(), "add the CA") {
		t.Errorf("without the CA: %v (%v)", err, core.KindOf(err))
	}
	mustHideThePath(t, err)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := newClient(t, Config{CA: ca}).Trigger(t.Context(), receiver(s.URL), payload()); err != nil {
		t.Errorf("with the CA: %v", err)
	}
}

func TestNewClientRefusesCertificatesItCannotRead(t *testing.T) {
	for name, c := range map[string]Config{
		"CA":                      {CA: []byte("no PEM")},
		"certificate":             {Certificate: []byte("no PEM"), Key: "no PEM"},
		"certificate without key": {Certificate: []byte("no PEM")},
		"key without certificate": {Key: "no PEM"},
	} {
		if _, err := NewClient(c); core.KindOf(err) != core.Invalid || err == nil {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestReceiverCheck(t *testing.T) {
	good := receiver("https://flux.dev.example.com")
	if err := good.Check(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*Receiver)
		want   string
	}{
		"no name":       {func(r *Receiver) { r.Name = "" }, "must both be set"},
		"no token":      {func(r *Receiver) { r.Token = "" }, "the token is empty"},
		"unknown type":  {func(r *Receiver) { r.Type = "github" }, `type "github": want generic-hmac`},
		"no scheme":     {func(r *Receiver) { r.BaseURL = "flux.dev.example.com" }, "want a form such as"},
		"odd scheme":    {func(r *Receiver) { r.BaseURL = "ftp://flux.dev.example.com" }, "want a form such as"},
		"query":         {func(r *Receiver) { r.BaseURL += "?a=b" }, "query and fragment"},
		"user":          {func(r *Receiver) { r.BaseURL = "https://u:p4ssw0rd@flux.dev.example.com" }, "query and fragment"},
		"bad port":      {func(r *Receiver) { r.BaseURL = "https://u:p4ssw0rd@flux.dev.example.com:x" }, "base URL"},
		"a whole path":  {func(r *Receiver) { r.BaseURL += "/hook/3ce26c9d" }, `leave out "/hook/…"`},
		"gitlab header": {func(r *Receiver) { r.Type, r.Token = GitLab, token+"\n" }, "line break"},
	} {
		r := good
		c.change(&r)
		err := r.Check()
		if core.KindOf(err) != core.Invalid || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want an invalid error that says %q", name, err, c.want)
			continue
		}
		for _, secret := range []string{"3ce26c9d", "s3cr3t", "p4ssw0rd"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%s: the error shows %q: %v", name, secret, err)
			}
		}
	}
}
