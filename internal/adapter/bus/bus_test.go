package bus_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/internal/adapter/bus"
	"github.com/sluice-gitops/sluice/internal/adapter/bus/embed"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/pkg/events"
)

// connect gives a bus on a server of its own, with the default definitions.
func connect(t *testing.T) *bus.Bus {
	t.Helper()
	s := serve(t, embed.Config{Dir: t.TempDir()})
	b := dial(t, bus.Config{InProcess: s})
	if err := b.Ensure(t.Context(), events.Default(1)); err != nil {
		t.Fatal(err)
	}
	return b
}

func serve(t *testing.T, cfg embed.Config) *embed.Server {
	t.Helper()
	s, err := embed.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Shutdown)
	return s
}

func dial(t *testing.T, cfg bus.Config) *bus.Bus {
	t.Helper()
	b, err := bus.Connect(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

func hint(t *testing.T, id string) events.Message {
	t.Helper()
	m, err := events.Encode(events.Event{ID: id, Payload: events.Hint{Instance: "https://git.example.org", ProjectID: 1, Kind: events.KindPush}})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// eventually polls until ok, and says what was waited for when it never is.
func eventually(t *testing.T, what string, ok func() bool) {
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

// within fails when a call takes longer than what callers may rely on.
func within(t *testing.T, limit time.Duration, call func() error) error {
	t.Helper()
	begin := time.Now()
	err := call()
	if took := time.Since(begin); took > limit {
		t.Errorf("the call took %s, more than %s", took, limit)
	}
	return err
}

func TestPublishReportsDuplicates(t *testing.T) {
	b := connect(t)
	for i, want := range []bool{false, true, true} {
		duplicate, err := b.Publish(t.Context(), hint(t, "one"))
		if err != nil || duplicate != want {
			t.Errorf("publish %d: duplicate %t, error %v; want %t and none", i, duplicate, err, want)
		}
	}
}

func TestPublishRefusesWhatCannotBeStored(t *testing.T) {
	b := connect(t)
	if _, err := b.Publish(t.Context(), events.Message{Subject: "sluice.v1.hint.x"}); core.KindOf(err) != core.Invalid {
		t.Errorf("no id: error %v, want one of kind invalid", err)
	}
	large := hint(t, "large")
	large.Body = make([]byte, 1<<20)
	if _, err := b.Publish(t.Context(), large); core.KindOf(err) != core.Invalid {
		t.Errorf("too large: error %v, want one of kind invalid", err)
	}
	nowhere := hint(t, "nowhere")
	nowhere.Subject = "nobody.stores.this"
	err := within(t, 4*time.Second, func() error { _, err := b.Publish(t.Context(), nowhere); return err })
	if core.KindOf(err) != core.Transient {
		t.Errorf("no stream: error %v, want one of kind transient", err)
	}
}

func TestAbsentServerFailsFastAndIsFoundLater(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	b := dial(t, bus.Config{URL: "nats://user:geheim@" + addr, Name: "test"})
	for name, call := range map[string]func() error{
		"publish": func() error { _, err := b.Publish(t.Context(), hint(t, "early")); return err },
		"get":     func() error { _, err := b.Get(t.Context(), events.BucketReports, "k"); return err },
		"ensure":  func() error { return b.Ensure(t.Context(), events.Default(1)) },
		"ready":   func() error { return b.Ready(t.Context()) },
	} {
		err := within(t, time.Second, call)
		if core.KindOf(err) != core.Transient || strings.Contains(fmt.Sprint(err), "geheim") {
			t.Errorf("%s: error %v, want one of kind transient without the password", name, err)
		}
	}

	eventually(t, "an error that says why", func() bool { return strings.Contains(b.Ready(t.Context()).Error(), "refused") })

	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Maintain(ctx, events.Default(1)) }()
	dir := t.TempDir()
	s := serve(t, embed.Config{Dir: dir, Listen: addr})
	eventually(t, "readiness after the server appeared", func() bool { return b.Ready(t.Context()) == nil })

	s.Shutdown()
	eventually(t, "unreadiness after the server went", func() bool { return b.Ready(t.Context()) != nil })
	serve(t, embed.Config{Dir: t.TempDir(), Listen: addr})
	eventually(t, "streams made anew on an empty server", func() bool { _, err := b.Publish(t.Context(), hint(t, "late")); return err == nil })
	stop()
	if err := <-done; err != nil {
		t.Errorf("Maintain ended with %v", err)
	}
}

// A server that takes everything and never answers is the worst one.
func TestSilentServerDoesNotHangCallers(t *testing.T) {
	s := serve(t, embed.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"})
	p := newProxy(t, strings.TrimPrefix(s.URL(), "nats://"))
	b := dial(t, bus.Config{URL: "nats://" + p.addr()})
	if err := b.Ensure(t.Context(), events.Default(1)); err != nil {
		t.Fatal(err)
	}
	p.pause()
	type result struct {
		name string
		err  error
	}
	calls := map[string]func() error{
		"publish": func() error { _, err := b.Publish(t.Context(), hint(t, "x")); return err },
		"get":     func() error { _, err := b.Get(t.Context(), events.BucketReports, "k"); return err },
		"update":  func() error { _, err := b.Update(t.Context(), events.BucketReports, "k", nil, 1); return err },
		"keys":    func() error { _, err := b.Keys(t.Context(), events.BucketReports); return err },
		"ready":   func() error { return b.Ready(t.Context()) },
	}
	for i := range 64 { // enough to fill what the operating system buffers
		m := hint(t, fmt.Sprint(i))
		m.Body = make([]byte, 256<<10)
		calls[fmt.Sprintf("publish %d", i)] = func() error { _, err := b.Publish(t.Context(), m); return err }
	}
	results := make(chan result)
	for name, call := range calls {
		go func() { results <- result{name, within(t, 4*time.Second, call)} }()
	}
	for range calls {
		if r := <-results; core.KindOf(r.err) != core.Transient {
			t.Errorf("%s: error %v, want one of kind transient", r.name, r.err)
		}
	}
	p.resume()
	eventually(t, "publishing after the server answers again", func() bool { _, err := b.Publish(t.Context(), hint(t, "again")); return err == nil })
}

func TestConnectRefusesContradictions(t *testing.T) {
	for name, cfg := range map[string]bus.Config{
		"bad URL":       {URL: "nats://127.0.0.1:1,nats://u:geheim@host:port"},
		"no host":       {URL: "nats://"},
		"no server":     {},
		"two ways":      {URL: "nats://127.0.0.1:1", User: "u", Token: "t"},
		"half a pair":   {URL: "nats://127.0.0.1:1", CertFile: "x"},
		"no such file":  {URL: "nats://127.0.0.1:1", CAFile: "/does/not/exist"},
		"no such creds": {URL: "nats://127.0.0.1:1", CredentialsFile: "/does/not/exist"},
	} {
		if _, err := bus.Connect(t.Context(), cfg); core.KindOf(err) != core.Invalid || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: error %v, want one of kind invalid that shows no password", name, err)
		}
	}
}

func TestEnsureNamesWhatDiffers(t *testing.T) {
	b := connect(t)
	if err := b.Ensure(t.Context(), events.Default(1)); err != nil {
		t.Errorf("ensuring twice: %v", err)
	}
	if err := b.Ready(t.Context()); err != nil {
		t.Errorf("not ready: %v", err)
	}
	d := events.Default(1)
	d.Streams[0].MaxAge = time.Hour
	d.Buckets[1].MaxBytes = 1 << 20
	err := b.Ensure(t.Context(), d)
	if core.KindOf(err) != core.Invalid {
		t.Fatalf("error %v, want one of kind invalid", err)
	}
	for _, want := range []string{"stream SLUICE_HINTS", "max age: found 168h0m0s, want 1h0m0s", "bucket sluice-triggers", "max bytes: found 67108864, want 1048576"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q:\n%v", want, err)
		}
	}
	if err := b.Ready(t.Context()); core.KindOf(err) != core.Invalid {
		t.Errorf("ready says %v after a drift was found", err)
	}
	if err := b.Ensure(t.Context(), events.Default(1)); err != nil {
		t.Errorf("the check changed something: %v", err)
	}
}
