package receiver

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/pkg/events"
)

// memory is a bus that keeps everything.
type memory struct {
	mu       sync.Mutex
	messages []events.Message
	err      error
}

func (m *memory) Publish(_ context.Context, msg events.Message) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return false, m.err
	}
	for _, old := range m.messages {
		if old.ID() == msg.ID() {
			return true, nil
		}
	}
	m.messages = append(m.messages, msg)
	return false, nil
}

func (m *memory) Ready(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.err
}

func (m *memory) fail(err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.err = err
}

func (m *memory) take() []events.Message {
	m.mu.Lock()
	defer m.mu.Unlock()
	taken := m.messages
	m.messages = nil
	return taken
}

// plainFlux signs with the bare key and spells events as reports.
type plainFlux struct{}

func (plainFlux) Verify(key core.Secret, signature string, _ []byte) error {
	if signature != "by:"+key.Reveal() {
		return core.Errorf(core.Denied, "no")
	}
	return nil
}

func (plainFlux) Decode(body []byte) (r events.Report, err error) {
	return r, json.Unmarshal(body, &r)
}

// logbook keeps the log of a receiver.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// world is a receiver over HTTP with two clusters, both GitLab secrets in
// rotation, and the bus it was given.
type world struct {
	*testing.T
	*Receiver
	url string
	log *logbook
}

func config() Config {
	return Config{
		GitLab: GitLab{SigningKeys: []core.Secret{keyB, keyA}, Tokens: []core.Secret{"next token", token}},
		Clusters: map[core.Cluster][]core.Secret{
			"dev": {"new-dev-key", "dev-key"},
			"prd": {"prd-key"},
		},
	}
}

func newWorld(t *testing.T, bus Publisher) *world {
	t.Helper()
	w := &world{T: t, log: &logbook{}}
	w.Receiver = mustNew(t, config(), bus, slog.New(slog.NewTextHandler(w.log, nil)))
	s := httptest.NewServer(w.Handler())
	t.Cleanup(s.Close)
	w.url = s.URL
	return w
}

func mustNew(t testing.TB, cfg Config, bus Publisher, log *slog.Logger) *Receiver {
	t.Helper()
	r, err := New(cfg, Deps{Publisher: bus, Flux: plainFlux{}, Now: func() time.Time { return noon }, Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// send posts a body and returns the answer, which must have no body itself.
// Headers are pairs of name and value. It may be called on any goroutine.
func (w *world) send(path string, body io.Reader, headers ...string) *http.Response {
	w.Helper()
	req, err := http.NewRequestWithContext(w.Context(), http.MethodPost, w.url+path, body)
	if err != nil {
		w.Error(err)
		return &http.Response{}
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Add(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Error(err)
		return &http.Response{}
	}
	defer resp.Body.Close()
	if raw, err := io.ReadAll(resp.Body); err != nil || len(raw) != 0 {
		w.Errorf("%s answered with the body %q, %v; want none", path, raw, err)
	}
	return resp
}

// push sends a push with a token and returns the status.
func (w *world) push(id string) int {
	w.Helper()
	return w.send("/hooks/gitlab", strings.NewReader(sentBody), headerToken, token, "X-Gitlab-Event", "Push Hook", "Idempotency-Key", id).StatusCode
}

// get returns the status and the body of a page.
func (w *world) get(path string) (int, string) {
	w.Helper()
	resp, err := http.Get(w.url + path)
	if err != nil {
		w.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.Fatal(err)
	}
	return resp.StatusCode, string(raw)
}

// signature256 is a good one of now for a body, as pairs of headers.
func signature256(t testing.TB, body string) []string {
	at := strconv.FormatInt(noon.Unix(), 10)
	return []string{headerID, anID, headerTimestamp, at, headerSignature, sign(t, keyA, anID, at, body)}
}

// eventually polls until ok, and says what was waited for when it never is.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
