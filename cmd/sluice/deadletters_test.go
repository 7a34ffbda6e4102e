package main

import (
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
	"github.com/sluice-gitops/sluice/internal/adapter/bus"
	"github.com/sluice-gitops/sluice/internal/adapter/bus/embed"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/pkg/events"
)

// A person finds what a running "sluice serve" gave up, has it tried again, and
// needs no address for that: the directory is enough.
func TestDeadLettersOfARunningServer(t *testing.T) {
	dir := t.TempDir()
	server, err := embed.Start(t.Context(), embed.Config{Dir: filepath.Join(dir, "nats")})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()
	b, err := bus.Connect(t.Context(), bus.Config{InProcess: server})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := b.Ensure(t.Context(), events.Default(1)); err != nil {
		t.Fatal(err)
	}
	ask := func(want int, args ...string) string {
		t.Helper()
		code, out, problems := run(t, nil, append([]string{"dead-letters", "--data-dir", dir}, args...)...)
		if code != want {
			t.Fatalf("%v: exit code %d, want %d\n%s%s", args, code, want, out, problems)
		}
		return out + problems
	}
	if got := ask(process.OK); got != "nothing has been given up\n" {
		t.Errorf("got %q", got)
	}
	m, err := events.Encode(events.Event{ID: "t-1", Payload: events.Trigger{Cluster: "dev", Project: "g/p", SHA: "abc"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Publish(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	tries := make(chan struct{}, 4)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- b.Consume(ctx, bus.Reading{Stream: events.StreamTriggers, Durable: "test", Filter: events.AllTriggers}, func(context.Context, bus.Delivery) error {
			tries <- struct{}{}
			return core.Errorf(core.Invalid, "answered 400: compare the token")
		})
	}()
	<-tries
	var listed string
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline) && !strings.Contains(listed, "answered 400"); {
		listed = ask(process.OK)
	}
	for _, want := range []string{"1  20", "trigger.dev", "tried 1 times", "answered 400: compare the token"} {
		if !strings.Contains(listed, want) {
			t.Errorf("the list lacks %q:\n%s", want, listed)
		}
	}
	var row struct {
		Number  uint64
		Message struct{ Cluster string }
	}
	if err := json.Unmarshal([]byte(ask(process.OK, "--json")), &row); err != nil || row.Number != 1 || row.Message.Cluster != "dev" {
		t.Errorf("as JSON: %+v, %v", row, err)
	}
	if got := ask(process.OK, "--replay", "1"); got != "1 is tried again\n" {
		t.Errorf("got %q", got)
	}
	<-tries
	if got := ask(process.Failed, "--drop", "77"); !strings.Contains(got, "dead letter 77") {
		t.Errorf("got %q", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestDeadLettersWithoutAServer(t *testing.T) {
	code, _, problems := run(t, nil, "dead-letters", "--data-dir", t.TempDir())
	if code != process.Failed || !strings.Contains(problems, "is sluice serve running with this directory?") {
		t.Errorf("exit code %d: %s", code, problems)
	}
}
