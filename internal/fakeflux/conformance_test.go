package fakeflux

import (
	"testing"

	"github.com/sluice-gitops/sluice/internal/adapter/flux"
	"github.com/sluice-gitops/sluice/internal/core"
)

// The adapter for Flux and this stand-in are written independently of each
// other; here they meet.
func TestTheAdapterUnderstandsThisFlux(t *testing.T) {
	w := newWorld(t, nil)
	first := core.SHA(w.git("rev-parse", "HEAD"))
	w.run()
	w.events(heartbeat("apps", first))

	client, err := flux.NewClient(flux.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	receiver := flux.Receiver{
		Cluster: "dev-1", BaseURL: w.base, Name: "promoter", Namespace: "flux-system", Token: receiverToken, Type: flux.HMAC,
	}
	second := w.commit()
	w.flux.Behave(Behaviour{Fail: &Failure{}})
	if err := client.Trigger(t.Context(), receiver, flux.Payload{Project: "g/p", Ref: "refs/heads/main", SHA: second}); err != nil {
		t.Fatal(err)
	}
	w.events(heartbeat("apps", first), "apps HealthCheckFailed "+string(second))

	want := map[core.SHA]flux.Outcome{first: flux.Succeeded, second: flux.Failed}
	for i, body := range w.inbox.bodies {
		if err := flux.VerifyEvent(eventKey, w.inbox.requests[i].Header.Get("X-Signature"), body); err != nil {
			t.Error(err)
		}
		e, err := flux.DecodeEvent(body)
		if err != nil {
			t.Fatal(err)
		}
		sha, _ := e.Commit()
		if e.Outcome() != want[sha] || e.Metadata["cluster"] != "dev-1" {
			t.Errorf("%s at %s is %v from %s", e.Object, sha, e.Outcome(), e.Metadata["cluster"])
		}
	}

	w.flux.Behave(Behaviour{Suspended: true})
	refusals := map[core.Kind]func(*flux.Receiver){
		core.Transient: func(*flux.Receiver) {},
		core.NotFound:  func(r *flux.Receiver) { r.Token = "s3cr3t-token" },
	}
	for kind, change := range refusals {
		r := receiver
		change(&r)
		if err := client.Trigger(t.Context(), r, flux.Payload{}); err == nil || core.KindOf(err) != kind {
			t.Errorf("got %v, want it to be %v", err, kind)
		}
	}
}
