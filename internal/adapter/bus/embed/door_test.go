package embed_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/internal/adapter/bus"
	"github.com/sluice-gitops/sluice/internal/adapter/bus/embed"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/pkg/events"
)

func TestOtherProcessesOfTheSameUserReachTheServer(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "nats.sock"), nil, 0o600); err != nil { // of a process that died
		t.Fatal(err)
	}
	s, err := embed.Start(t.Context(), embed.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	b, err := bus.Connect(t.Context(), bus.Config{InProcess: embed.Visitor{Dir: dir}})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Ensure(t.Context(), events.Default(1)); err != nil {
		t.Error(err)
	}
	s.Shutdown() // with the visitor inside
	b.Close()
	if _, err := (embed.Visitor{Dir: dir}).InProcessConn(); core.KindOf(err) != core.NotFound || err == nil {
		t.Errorf("after the end: %v, want an error of kind not found", err)
	}
}

func TestAServerBelowALongPathWorksWithoutADoor(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("x", 120))
	s, err := embed.Start(t.Context(), embed.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	s.Shutdown()
}
