package promoter

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"

	"github.com/sluice-gitops/sluice/internal/adapter/kube"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/pkg/events"
)

func TestObserved(t *testing.T) {
	now := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	apps := kube.Object{Kind: "Kustomization", Namespace: "flux-system", Name: "apps", UID: "u", ResourceVersion: "42", Revision: "main@sha1:" + string(shaA), State: kube.Ready}
	with := func(change func(*kube.Object)) kube.Object {
		o := apps
		change(&o)
		return o
	}
	event := gate.Event{Object: gate.Object{Kind: "Kustomization", Namespace: "flux-system", Name: "apps"}, Revision: shaA, Ready: true, At: now, UID: "u", Order: 42, Received: now, Every: askEvery}
	failed := func(reason string) *gate.Event {
		e := event
		e.Ready, e.Reason = false, reason
		return &e
	}
	for name, tc := range map[string]struct {
		object kube.Object
		want   *gate.Event
	}{
		"ready":     {apps, &event},
		"at work":   {with(func(o *kube.Object) { o.State = kube.Progressing }), nil},
		"suspended": {with(func(o *kube.Object) { o.Suspended = true }), failed(gate.Suspended)},
		"failed": {with(func(o *kube.Object) {
			o.State, o.Reason, o.Message = kube.Failed, "BuildFailed", "token=t0p-s3cret is wrong"
		}), failed("BuildFailed: token=[masked] is wrong")},
		"made from no commit": {with(func(o *kube.Object) { o.Revision = "latest@sha512:" + strings.Repeat("a", 128) }), nil},
	} {
		got, ok := observed(tc.object, now, askEvery)
		if ok != (tc.want != nil) {
			t.Errorf("%s: of use: %t", name, ok)
		} else if ok {
			if diff := cmp.Diff(*tc.want, got); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	}
}

// answers is an API server that answers with what the test says.
type answers struct {
	objects []kube.Object
	err     error
}

func (a *answers) Objects(context.Context) ([]kube.Object, error) { return a.objects, a.err }

// A witness's word is kept like an event's, but counts only while it is given: by
// who has begun anew, or cannot ask any more, it is not.
func TestWhatAWitnessSaysIsKept(t *testing.T) {
	l := newLine(t, nil)
	defer l.stop()
	now := time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC)
	l.p.cfg.Clock = func() time.Time { return now }
	apps := kube.Object{Kind: "Kustomization", Namespace: "flux-system", Name: "apps", UID: "u", ResourceVersion: "42", Revision: "main@sha1:" + string(shaA), State: kube.Ready}
	server := &answers{objects: []kube.Object{apps}}
	l.p.cfg.APIServers = map[core.Cluster]APIServer{"stg": server}
	l.p.watches = newWatches(l.p)
	w := l.p.watches[0]
	said := func() gate.Witness { return l.p.clusterWitnesses()["stg"][0] }
	if got := said(); len(got.Reports) != 0 || got.Trouble != "" {
		t.Fatalf("before it was asked: %+v", got)
	}
	for range 3 {
		if err := w.once(t.Context()); err != nil {
			t.Fatal(err)
		}
		now = now.Add(askEvery)
	}
	got := said()
	run, _ := got.Reports[0].Now()
	if want := now.Add(-3 * askEvery); run.Revision != shaA || !run.ReadyAt.Equal(want) || !got.Reports[0].Received.Equal(now.Add(-askEvery)) {
		t.Fatalf("ready since %s, want %s; received %s", run.ReadyAt, want, got.Reports[0].Received)
	}
	e, err := l.bus.Get(t.Context(), events.BucketAPIServers, events.ReportKey("stg", "Kustomization", "flux-system", "apps"))
	if err != nil || e.Revision != 1 {
		t.Errorf("what did not change was written %d times, %v", e.Revision, err)
	}
	if events := l.p.clusterReports(); len(events) != 0 {
		t.Errorf("it was taken for the word of Flux's events: %v", events)
	}

	server.err = core.Errorf(core.Denied, "password=t0p-s3cret is wrong")
	if err := w.once(t.Context()); err == nil {
		t.Fatal("no error")
	}
	if got := said(); got.Trouble != "password=[masked] is wrong" || len(got.Reports) != 1 {
		t.Errorf("after it could not be asked: %+v", got)
	}
	server.err, server.objects[0].State, server.objects[0].Reason, server.objects[0].ResourceVersion = nil, kube.Failed, "HealthCheckFailed", "43"
	if err := w.once(t.Context()); err != nil {
		t.Fatal(err)
	}
	if run, _ := said().Reports[0].Now(); run.Ready || said().Trouble != "" {
		t.Errorf("after it failed: %+v", said())
	}

	again := newWatches(l.p)
	if got := again[0].witness(l.p.servers.all()); len(got.Reports) != 0 {
		t.Errorf("a promoter that began anew believes what nobody told it: %+v", got)
	}
	var m dto.Metric
	if err := l.p.meter.asked.WithLabelValues("stg", "api-server", "denied").Write(&m); err != nil || m.GetCounter().GetValue() != 1 {
		t.Errorf("counted %v refusals, %v", m.GetCounter().GetValue(), err)
	}
}
