package embed_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/sluice-gitops/sluice/internal/adapter/bus/embed"
	"github.com/sluice-gitops/sluice/internal/core"
)

func start(t *testing.T, cfg embed.Config) *embed.Server {
	t.Helper()
	s, err := embed.Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Shutdown)
	return s
}

func TestSecondUserOfADirectoryIsToldWhoHasIt(t *testing.T) {
	dir := t.TempDir()
	first := start(t, embed.Config{Dir: dir})
	_, err := embed.Start(t.Context(), embed.Config{Dir: dir})
	if core.KindOf(err) != core.Conflict {
		t.Fatalf("error %v, want one of kind conflict", err)
	}
	for _, want := range []string{dir, "pid " + strconv.Itoa(os.Getpid())} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not name %q", err, want)
		}
	}
	first.Shutdown()
	first.Shutdown()
	start(t, embed.Config{Dir: dir})
}

func TestMessagesSurviveARestart(t *testing.T) {
	dir := t.TempDir()
	s := start(t, embed.Config{Dir: dir})
	js := client(t, s)
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "s", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	js.Conn().Close()
	s.Shutdown()

	js = client(t, start(t, embed.Config{Dir: dir}))
	stream, err := js.Stream(t.Context(), "S")
	if err != nil {
		t.Fatal(err)
	}
	m, err := stream.GetMsg(t.Context(), 1)
	if err != nil || string(m.Data) != "kept" {
		t.Fatalf("message %v, %v; want the one stored before the restart", m, err)
	}
}

func TestListensOnlyWhenAskedAndOnlyOnLoopback(t *testing.T) {
	if u := start(t, embed.Config{Dir: t.TempDir()}).URL(); u != "" {
		t.Errorf("the server listens at %s without having been asked", u)
	}
	u, err := url.Parse(start(t, embed.Config{Dir: t.TempDir(), Listen: "127.0.0.1:0"}).URL())
	if err != nil || u.Hostname() != "127.0.0.1" {
		t.Fatalf("the server listens at %v, %v; want 127.0.0.1", u, err)
	}
	nc, err := nats.Connect(u.String())
	if err != nil {
		t.Fatal(err)
	}
	nc.Close()
	for _, listen := range []string{"0.0.0.0:4222", ":4222", "10.0.0.1:4222", "example.org:1", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000"} {
		if _, err := embed.Start(t.Context(), embed.Config{Dir: t.TempDir(), Listen: listen}); core.KindOf(err) != core.Invalid {
			t.Errorf("listen address %s: error %v, want one of kind invalid", listen, err)
		}
	}
}

func TestRefusesDirectoriesThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"", file} {
		if _, err := embed.Start(t.Context(), embed.Config{Dir: dir}); core.KindOf(err) != core.Invalid || !strings.Contains(fmt.Sprint(err), dir) {
			t.Errorf("directory %q: error %v, want one of kind invalid that names it", dir, err)
		}
	}
}

func client(t *testing.T, s *embed.Server) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect("", nats.InProcessServer(s))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return js
}
