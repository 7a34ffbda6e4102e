package world_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sluice-gitops/sluice/cmd/internal/serving"
	"github.com/sluice-gitops/sluice/cmd/internal/settings"
	"github.com/sluice-gitops/sluice/cmd/sluice/internal/world"
	"github.com/sluice-gitops/sluice/internal/seed"
)

// TestTheBoardShowsWhereEverythingStands asks a whole Sluice where it stands,
// at the address that takes the webhooks.
func TestTheBoardShowsWhereEverythingStands(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	g, running := errgroup.WithContext(ctx)
	defer func() {
		cancel()
		if err := g.Wait(); err != nil {
			t.Errorf("the world ended with %v", err)
		}
	}()
	files, err := seed.Monorepo(seed.Options{Apps: 1, Policy: []byte(rules)})
	must(t, err)
	files[patchFile("dev")] = []byte(bumped(string(files[patchFile("dev")])))
	w, err := world.Start(running, g, world.Config{Dir: t.TempDir(), Monorepo: files, FluxInterval: time.Second, Logger: slog.New(slog.DiscardHandler)})
	must(t, err)
	environ, err := w.Environ()
	must(t, err)
	values, err := settings.Resolve(settings.Serve(), nil, environ, settings.ReadFile)
	must(t, err)
	g.Go(func() error { return serving.Serve(running, values, w.Hooks, slog.New(slog.DiscardHandler)) })

	get := func(path string) string {
		answer, err := http.Get(w.HooksURL() + path)
		if err != nil {
			return ""
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		must(t, err)
		return string(body)
	}
	ask := func(query string) string { return get("/status" + query) }
	eventually := func(what string, look func() (string, bool)) {
		t.Helper()
		for deadline := time.Now().Add(patience); ; {
			text, ok := look()
			if ok {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s did not happen; at last\n%s", what, text)
			}
			select {
			case <-running.Done():
				t.Fatal("the world ended")
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	var doc struct {
		Monorepos []struct {
			Project, Head, LastPass string
			Targets                 []struct {
				Env, App, Phase string
				Versions        []struct{ What, Has, Next string }
			}
			Clusters []struct{ Name, Env, Heard, Revision string }
		}
	}
	eventually("that all is heard and prd waits", func() (string, bool) {
		text := ask("")
		err := json.Unmarshal([]byte(text), &doc)
		return text, err == nil && strings.Contains(text, `"phase": "waiting"`) && strings.Count(text, `"heard"`) == 3
	})
	m := doc.Monorepos[0]
	if m.Project != world.Project || len(m.Head) != 40 || m.LastPass == "" || len(m.Targets) != 2 || len(m.Clusters) != 3 || len(m.Clusters[0].Revision) != 40 {
		t.Errorf("the board shows %+v", m)
	}
	if prd := m.Targets[1]; prd.Env != "prd" || prd.App != "ai-gateway" || len(prd.Versions) != 2 || prd.Versions[0].Next == "" {
		t.Errorf("of prd the board shows %+v", prd)
	}
	if text := ask("?format=text"); !strings.Contains(text, "prd  ai-gateway  waiting") || !strings.Contains(text, "platform-core-prd-aks  prd  2") {
		t.Errorf("the table is\n%s", text)
	}
	for name, secret := range map[string]string{"GitLab's token": w.Token(world.Bot).Reveal(), "a Receiver's token": w.Clusters["platform-core-prd-aks"].ReceiverToken.Reveal()} {
		if strings.Contains(ask(""), secret) {
			t.Errorf("the board shows %s", name)
		}
	}
	eventually("that the way of the versions into stg is measured", func() (string, bool) {
		text := get("/metrics")
		return text, strings.Contains(text, `sluice_flux_merge_to_healthy_seconds_count{cluster="platform-core-stg-aks"} 1`)
	})
}
