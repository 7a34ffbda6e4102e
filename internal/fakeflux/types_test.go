package fakeflux

import (
	"net/http"
	"testing"

	"github.com/sluice-gitops/sluice/internal/adapter/flux"
	"github.com/sluice-gitops/sluice/internal/core"
)

func TestWhatEachTypeOfReceiverAsksFor(t *testing.T) {
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	both := func(token, event string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("X-Gitlab-Token", token)
			r.Header.Set("X-Gitlab-Event", event)
		}
	}
	const token = "s3cr3t-token" // a header carries no line break
	for name, c := range map[string]struct {
		kind   string
		change func(*http.Request)
		want   int
	}{
		"generic asks for nothing":   {"generic", header("X-Signature", ""), 200},
		"gitlab, right":              {"gitlab", both(token, "push hook"), 200},
		"gitlab, without a token":    {"gitlab", header("X-Gitlab-Event", "Push Hook"), 400},
		"gitlab, another token":      {"gitlab", both(token+"x", "Push Hook"), 400},
		"gitlab, another event":      {"gitlab", both(token, "Note Hook"), 400},
		"gitlab, without any event":  {"gitlab", header("X-Gitlab-Token", token), 400},
		"generic-hmac, signed":       {"generic-hmac", nil, 200},
		"generic-hmac, a token only": {"generic-hmac", func(r *http.Request) { both(token, "Push Hook")(r); r.Header.Del("X-Signature") }, 400},
	} {
		w := newWorld(t, func(config *Config) {
			config.ReceiverType = c.kind
			if c.kind == "gitlab" {
				config.ReceiverToken = token
			}
		})
		if got := w.call(c.change); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

// What Sluice sends to each type is what that type takes.
func TestTheAdapterSatisfiesEachType(t *testing.T) {
	client, err := flux.NewClient(flux.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	for _, kind := range []flux.ReceiverType{flux.HMAC, flux.Generic, flux.GitLab} {
		w := newWorld(t, func(config *Config) { config.ReceiverType, config.ReceiverToken = string(kind), "s3cr3t-token" })
		r := flux.Receiver{Cluster: "dev-1", BaseURL: w.base, Name: "promoter", Namespace: "flux-system", Token: "s3cr3t-token", Type: kind}
		if err := client.Trigger(t.Context(), r, flux.Payload{Project: "g/p"}); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

func TestReceiversThatAreNotWell(t *testing.T) {
	w := newWorld(t, nil)
	first := core.SHA(w.git("rev-parse", "HEAD"))
	w.run()
	w.events(heartbeat("apps", first))
	w.flux.Behave(Behaviour{Unreconciled: true})
	if got := w.call(nil); got != 404 {
		t.Errorf("before it has reconciled: got %d", got)
	}
	second := w.commit()
	w.flux.Behave(Behaviour{Missing: true})
	if got := w.call(nil); got != 500 {
		t.Errorf("with a resource that is missing: got %d", got)
	}
	w.events(heartbeat("apps", first), heartbeat("apps", second)) // the others are reconciled
}

func TestSomeEventsGetLost(t *testing.T) {
	w := newWorld(t, nil)
	first := core.SHA(w.git("rev-parse", "HEAD"))
	w.flux.Behave(Behaviour{LoseEvery: 2})
	w.run()
	w.events(heartbeat("apps", first))
	w.commit()
	w.trigger()
	w.until("loses the second one", func() bool { return w.flux.Status().Lost == 1 })
	third := w.commit()
	w.trigger()
	w.events(heartbeat("apps", first), heartbeat("apps", third))
}
