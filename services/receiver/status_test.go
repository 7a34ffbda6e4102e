package receiver

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/pkg/events"
)

const sentReport = `{"kind":"Kustomization","namespace":"flux-system","name":"apps","uid":"u","reason":"ReconciliationSucceeded","revision":"main@sha1:0b7c6d5e4f3a29181706f5e4d3c2b1a098765432","timestamp":"2026-06-01T11:59:00Z"}`

// spaces is a body of a given length that is no document.
func spaces(n int64) io.Reader { return io.LimitReader(blank{}, n) }

type blank struct{}

func (blank) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestStatuses(t *testing.T) {
	text := func(s string) func() io.Reader { return func() io.Reader { return strings.NewReader(s) } }
	size := func(n int64) func() io.Reader { return func() io.Reader { return spaces(n) } }
	withToken := []string{headerToken, token}
	event := func(name string, more ...string) []string { return append([]string{"X-Gitlab-Event", name}, more...) }
	const gitlab, dev, prd = "/hooks/gitlab", "/hooks/flux/dev", "/hooks/flux/prd"
	for _, tc := range []struct {
		name    string
		path    string
		headers []string
		body    func() io.Reader
		status  int
		kind    string // of the message; empty where none is published
	}{
		{"push by token", gitlab, event("Push Hook", withToken...), text(sentBody), 202, "push"},
		{"push by the token to come", gitlab, event("Push Hook", headerToken, "next token"), text(sentBody), 202, "push"},
		{"push by signature", gitlab, event("Push Hook", signature256(t, sentBody)...), text(sentBody), 202, "push"},
		{"no JSON by signature", gitlab, event("Push Hook", signature256(t, "{")...), text("{"), 202, "everything"},
		{"form encoding", gitlab, event("Push Hook", headerToken, token, "Content-Type", "application/x-www-form-urlencoded"), text("a=b"), 202, "everything"},
		{"no content type, no event", gitlab, withToken, text(sentBody), 202, "push"},
		{"empty body", gitlab, event("Note Hook", withToken...), text(""), 202, "everything"},
		{"not of use", gitlab, event("Wiki Page Hook", withToken...), text("{}"), 204, ""},
		{"wrong token", gitlab, event("Push Hook", headerToken, "wrong"), text(sentBody), 401, ""},
		{"no token", gitlab, event("Push Hook"), text(sentBody), 401, ""},
		{"bad signature beside a good token", gitlab, event("Push Hook", append(signature256(t, "other"), withToken...)...), text(sentBody), 401, ""},
		{"Flux's signature for GitLab", gitlab, event("Push Hook", "X-Signature", "by:dev-key"), text(sentBody), 401, ""},
		{"as large as allowed", gitlab, event("Push Hook", withToken...), size(maxGitLabBody), 202, "everything"},
		{"too large", gitlab, event("Push Hook", withToken...), size(maxGitLabBody + 1), 413, ""},
		{"too large for a stranger", gitlab, event("Push Hook"), size(maxGitLabBody + 1), 401, ""},

		{"report", dev, []string{"X-Signature", "by:dev-key"}, text(sentReport), 202, "report"},
		{"report by the key to come", dev, []string{"X-Signature", "by:new-dev-key"}, text(sentReport), 202, "report"},
		{"report no JSON", dev, []string{"X-Signature", "by:dev-key"}, text("{"), 204, ""},
		{"report with another cluster's key", dev, []string{"X-Signature", "by:prd-key"}, text(sentReport), 401, ""},
		{"report of an unknown cluster", "/hooks/flux/none", []string{"X-Signature", "by:dev-key"}, text(sentReport), 401, ""},
		{"report without a signature", prd, nil, text(sentReport), 401, ""},
		{"report with a token", prd, withToken, text(sentReport), 401, ""},
		{"report too large", prd, []string{"X-Signature", "by:prd-key"}, size(maxFluxBody + 1), 413, ""},

		{"unknown path", "/hooks", withToken, text(sentBody), 404, ""},
		{"path below", "/hooks/gitlab/more", withToken, text(sentBody), 404, ""},
		{"not to be posted", "/readyz", withToken, text(sentBody), 405, ""},
	} {
		for _, how := range []string{"with length", "chunked"} {
			t.Run(tc.name+" "+how, func(t *testing.T) {
				bus := &memory{}
				body := tc.body()
				if s, ok := body.(*strings.Reader); ok && how == "chunked" {
					body = io.MultiReader(s) // hides the length
				} else if !ok && how == "with length" {
					raw, err := io.ReadAll(body)
					if err != nil {
						t.Fatal(err)
					}
					body = strings.NewReader(string(raw))
				}
				resp := newWorld(t, bus).send(tc.path, body, tc.headers...)
				if resp.StatusCode != tc.status {
					t.Errorf("status %d, want %d", resp.StatusCode, tc.status)
				}
				if got := kinds(t, bus.take()); got != tc.kind {
					t.Errorf("published %q, want %q", got, tc.kind)
				}
			})
		}
	}
}

func kinds(t *testing.T, messages []events.Message) string {
	t.Helper()
	var out []string
	for _, m := range messages {
		e, err := events.Decode(m.Headers, m.Body)
		if err != nil {
			t.Fatal(err)
		}
		switch p := e.Payload.(type) {
		case events.Hint:
			out = append(out, string(p.Kind))
		case events.Report:
			out = append(out, "report")
		}
	}
	return strings.Join(out, " ")
}

func TestGetOfAHookIsNotAllowed(t *testing.T) {
	if status, body := newWorld(t, &memory{}).get("/hooks/gitlab"); status != 405 || body != "" {
		t.Errorf("status %d and body %q, want 405 and none", status, body)
	}
}

func TestReportNamesTheClusterOfItsAddress(t *testing.T) {
	bus := &memory{}
	w := newWorld(t, bus)
	for range 3 {
		w.send("/hooks/flux/prd", strings.NewReader(`{"cluster":"dev",`+sentReport[1:]), "X-Signature", "by:prd-key")
	}
	sent := bus.take()
	if len(sent) != 1 || sent[0].Subject != "sluice.v1.report.prd" {
		t.Fatalf("published %+v, want one report of prd", sent)
	}
	got, err := events.Decode(sent[0].Headers, sent[0].Body)
	if err != nil {
		t.Fatal(err)
	}
	want := events.Report{
		Cluster: "prd", Kind: "Kustomization", Namespace: "flux-system", Name: "apps", UID: "u", Reason: "ReconciliationSucceeded",
		Revision: "main@sha1:0b7c6d5e4f3a29181706f5e4d3c2b1a098765432", Timestamp: noon.Add(-time.Minute),
	}
	if diff := cmp.Diff(events.Event{ID: want.ID(), Time: want.Timestamp, Payload: want}, got); diff != "" {
		t.Error(diff)
	}
}

func TestBusDownIs503WithRetryAfter(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		wait string
	}{
		"no wait asked":   {core.Errorf(core.Transient, "gone"), "5"},
		"wait asked":      {core.RetryAfter(42*time.Second, errors.New("busy")), "42"},
		"of another kind": {core.Errorf(core.Denied, "no permission"), "5"},
	} {
		bus := &memory{err: tc.err}
		w := newWorld(t, bus)
		resp := w.send("/hooks/gitlab", strings.NewReader(sentBody), headerToken, token, "X-Gitlab-Event", "Push Hook")
		if resp.StatusCode != 503 || resp.Header.Get("Retry-After") != tc.wait {
			t.Errorf("%s: status %d after %q, want 503 after %s", name, resp.StatusCode, resp.Header.Get("Retry-After"), tc.wait)
		}
		if status, _ := w.get("/readyz"); status != 503 {
			t.Errorf("%s: readyz is %d, want 503", name, status)
		}
		if status := w.send("/hooks/gitlab", strings.NewReader("{}"), headerToken, token, "X-Gitlab-Event", "Issue Hook").StatusCode; status != 204 {
			t.Errorf("%s: what is not of use got %d, want 204, it needs no bus", name, status)
		}
		bus.fail(nil)
		if status := w.push("again"); status != 202 {
			t.Errorf("%s: afterwards %d, want 202", name, status)
		}
	}
}

func TestSecretsAndBodiesAreNotLogged(t *testing.T) {
	w := newWorld(t, &memory{})
	w.push("one")
	w.send("/hooks/gitlab", strings.NewReader(`{"message":"private words"}`), headerToken, "wrong token", "X-Gitlab-Event", "Push Hook")
	w.send("/hooks/gitlab", strings.NewReader(`{"message":"private words"}`), headerToken, token, "X-Gitlab-Event", "Push Hook")
	w.send("/hooks/flux/dev", strings.NewReader(sentReport), "X-Signature", "by:dev-key")
	w.send("/hooks/flux/none", strings.NewReader(sentReport), "X-Signature", "by:dev-key")
	log := w.log.String()
	for _, secret := range []string{token, "wrong token", "dev-key", "private words"} {
		if strings.Contains(log, secret) {
			t.Errorf("the log shows %q:\n%s", secret, log)
		}
	}
	if got := strings.Count(log, "\n"); got != 5 {
		t.Errorf("%d lines for 5 deliveries:\n%s", got, log)
	}
	for _, want := range []string{"msg=published delivery=one kind=push", "reason=bad_token", "reason=unknown_cluster", "cluster=dev"} {
		if !strings.Contains(log, want) {
			t.Errorf("the log does not say %q:\n%s", want, log)
		}
	}
}

func TestMetrics(t *testing.T) {
	w := newWorld(t, &memory{})
	w.push("one")
	w.push("one")
	w.send("/hooks/gitlab", strings.NewReader("{}"), headerToken, token, "X-Gitlab-Event", "Issue Hook")
	w.send("/hooks/gitlab", strings.NewReader("{}"), headerToken, "wrong")
	w.send("/hooks/flux/something", strings.NewReader("{}"), "X-Signature", "x")
	_, page := w.get("/metrics")
	for _, want := range []string{
		`sluice_receiver_received_total{source="gitlab"} 4`,
		`sluice_receiver_published_total{kind="push",source="gitlab"} 1`,
		`sluice_receiver_duplicates_total{source="gitlab"} 1`,
		`sluice_receiver_ignored_total{reason="unused",source="gitlab"} 1`,
		`sluice_receiver_refused_total{reason="bad_token",source="gitlab"} 1`,
		`sluice_receiver_refused_total{reason="unknown_cluster",source="flux"} 1`,
		`sluice_receiver_publish_seconds_count{source="gitlab"} 2`,
		`sluice_receiver_body_bytes_count{source="gitlab"} 3`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page of metrics lacks %s", want)
		}
	}
	if strings.Contains(page, "something") {
		t.Error("a label took its value from a request")
	}
}

func TestNewRefusesConfigurationsThatCannotBe(t *testing.T) {
	deps := Deps{Publisher: &memory{}, Flux: plainFlux{}}
	for name, cfg := range map[string]Config{
		"empty token":         {GitLab: GitLab{Tokens: []core.Secret{""}}},
		"cluster without key": {Clusters: map[core.Cluster][]core.Secret{"dev": nil}},
		"cluster's key empty": {Clusters: map[core.Cluster][]core.Secret{"dev": {"x", ""}}},
	} {
		if _, err := New(cfg, deps); core.KindOf(err) != core.Invalid {
			t.Errorf("%s: error %v, want one of kind invalid", name, err)
		}
	}
	if _, err := New(Config{}, Deps{}); core.KindOf(err) != core.Invalid {
		t.Errorf("no bus: error %v, want one of kind invalid", err)
	}
}

func TestHealthz(t *testing.T) {
	if status, _ := newWorld(t, &memory{err: errors.New("down")}).get("/healthz"); status != http.StatusOK {
		t.Errorf("status %d; a bus that is down is no reason to be restarted", status)
	}
}
