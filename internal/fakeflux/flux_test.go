package fakeflux

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
)

func heartbeat(name string, sha core.SHA) string {
	return name + " ReconciliationSucceeded " + string(sha)
}

func TestReceiverPathIsFluxs(t *testing.T) {
	f, err := New(Config{Cluster: "c", RepoURL: "http://git.example.com/r.git", ReceiverName: "promoter", ReceiverToken: "s3cr3t-token"})
	if err != nil {
		t.Fatal(err)
	}
	const want = "http://flux.example.com/hook/3ce26c9de1837dc5e592b4b0158fc80372360cce7481b7f2896c777ba1372207"
	if got := f.ReceiverURL("http://flux.example.com/"); got != want {
		t.Errorf("got %s", got)
	}
}

func TestNewRefusesWhatCannotWork(t *testing.T) {
	good := Config{Cluster: "c", RepoURL: "http://git.example.com/r.git", ReceiverName: "promoter", ReceiverToken: "token"}
	for name, change := range map[string]func(*Config){
		"no cluster":            func(c *Config) { c.Cluster = "" },
		"no token":              func(c *Config) { c.ReceiverToken = "" },
		"no repository":         func(c *Config) { c.RepoURL = "" },
		"password in a URL":     func(c *Config) { c.RepoURL = "http://u:p@git.example.com/r.git" },
		"events to nowhere":     func(c *Config) { c.EventURL = "/hooks/flux/c" },
		"repository is no host": func(c *Config) { c.RepoURL = "/srv/git" },
	} {
		c := good
		change(&c)
		if _, err := New(c); err == nil || core.KindOf(err) != core.Invalid {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestReceiverAnswers(t *testing.T) {
	w := newWorld(t, nil)
	for name, c := range map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"right":           {nil, 200},
		"any method":      {func(r *http.Request) { r.Method = http.MethodPut }, 200},
		"unknown path":    {func(r *http.Request) { r.URL.Path = "/hook/" + strings.Repeat("0", 64) }, 404},
		"query":           {func(r *http.Request) { r.URL.RawQuery = "a=b" }, 404},
		"prefix":          {func(r *http.Request) { r.URL.Path = "/flux" + r.URL.Path }, 404},
		"no signature":    {func(r *http.Request) { r.Header.Del("X-Signature") }, 400},
		"wrong signature": {func(r *http.Request) { r.Header.Set("X-Signature", sign("s3cr3t-token", []byte(`{"sha":"deadbeef"}`))) }, 400},
		"odd algorithm":   {func(r *http.Request) { r.Header.Set("X-Signature", "md5=00") }, 400},
		"too large": {func(r *http.Request) {
			body := bytes.Repeat([]byte("a"), maxReceiverBody+1)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
			r.Header.Set("X-Signature", sign(receiverToken, body))
		}, 413},
	} {
		t.Run(name, func(t *testing.T) {
			if got := w.call(c.change); got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
	w.flux.Behave(Behaviour{Suspended: true})
	if got := w.call(func(r *http.Request) { r.Header.Del("X-Signature") }); got != 503 {
		t.Errorf("suspended: got %d", got)
	}
	s := w.flux.Status()
	if s.Triggers != 2 || s.Refused != 8 || string(s.LastTrigger) != `{"sha":"deadbeef"}` {
		t.Errorf("status: %+v", s)
	}
}

func TestTheFirstFetchIsReportedByEveryKustomization(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Kustomizations = nil })
	first := core.SHA(w.git("rev-parse", "HEAD"))
	w.run()
	w.events(heartbeat("flux-system", first), heartbeat("infrastructure", first), heartbeat("apps", first))
	w.until("status", func() bool {
		s := w.flux.Status()
		return s.Fetched == first && s.Applied == first && s.Delivered == 3
	})
}

func TestEventOnTheWire(t *testing.T) {
	w := newWorld(t, nil)
	sha := w.git("rev-parse", "HEAD")
	w.run()
	w.events(heartbeat("apps", core.SHA(sha)))
	r, body := w.inbox.requests[0], w.inbox.bodies[0]
	got := fmt.Sprintf("%s %s\nContent-Type: %s\nGotk-Component: %s\n\n%s\n", r.Method, r.RequestURI,
		r.Header.Get("Content-Type"), r.Header.Get("Gotk-Component"), strings.ReplaceAll(string(body), sha, "SHA"))
	if d := cmp.Diff(golden(t, "heartbeat.http"), got); d != "" {
		t.Error(d)
	}
	if got, want := r.Header.Get("X-Signature"), sign(eventKey, body); got != want {
		t.Errorf("signature: got %s, want %s", got, want)
	}
}

func TestATriggerBringsTheNewHeadAtOnce(t *testing.T) {
	w := newWorld(t, nil)
	first := core.SHA(w.git("rev-parse", "HEAD"))
	w.run()
	w.events(heartbeat("apps", first))
	second := w.commit()
	w.trigger()
	w.events(heartbeat("apps", first), heartbeat("apps", second))
}

func TestATriggerWithoutANewHeadSaysNothing(t *testing.T) {
	w := newWorld(t, nil)
	first := core.SHA(w.git("rev-parse", "HEAD"))
	w.run()
	w.events(heartbeat("apps", first))
	w.trigger()
	second := w.commit()
	w.trigger()
	w.events(heartbeat("apps", first), heartbeat("apps", second))
}

func TestTheIntervalWorksWithoutTriggers(t *testing.T) {
	w := newWorld(t, nil)
	first := core.SHA(w.git("rev-parse", "HEAD"))
	w.run()
	w.events(heartbeat("apps", first))
	w.interval()
	w.events(heartbeat("apps", first), heartbeat("apps", first))
	second := w.commit()
	w.interval()
	w.events(heartbeat("apps", first), heartbeat("apps", first), heartbeat("apps", second))
}

// interval lets the next one begin.
func (w *world) interval() {
	w.t.Helper()
	w.until("waits for its interval", func() bool { return w.clock.waiting(10*time.Minute) > 0 })
	w.clock.advance(10 * time.Minute)
}

func TestRevisionsThatArriveWhileOneIsAppliedAreSkipped(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.ApplyDelay = 30 * time.Second })
	first := core.SHA(w.git("rev-parse", "HEAD"))
	w.run()
	w.until("applies", func() bool { return w.clock.waiting(30*time.Second) == 1 })
	w.commit()
	w.trigger()
	third := w.commit()
	w.trigger()
	w.clock.advance(30 * time.Second)
	w.events(heartbeat("apps", first))
	w.until("applies again", func() bool { return w.clock.waiting(30*time.Second) == 1 })
	w.clock.advance(30 * time.Second)
	w.events(heartbeat("apps", first), heartbeat("apps", third))
}

func TestARepositoryThatCannotBeReadIsTriedAgain(t *testing.T) {
	w := newWorld(t, nil)
	first := core.SHA(w.git("rev-parse", "HEAD"))
	w.git("branch", "-m", "main", "other")
	w.run()
	w.until("fails", func() bool { return w.flux.Status().FetchErrors == 1 })
	w.git("branch", "-m", "other", "main")
	w.interval()
	w.events(heartbeat("apps", first))
}

func TestFailureAndRecovery(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Kustomizations = []string{"infrastructure", "apps"} })
	first := core.SHA(w.git("rev-parse", "HEAD"))
	w.flux.Behave(Behaviour{Fail: &Failure{Revision: first, Kustomization: "apps"}})
	w.run()
	want := []string{heartbeat("infrastructure", first), "apps HealthCheckFailed " + string(first)}
	w.events(want...)
	if s := w.flux.Status(); s.Fetched != first || s.Applied != "" {
		t.Errorf("status: %+v", s)
	}
	second := w.commit()
	w.trigger()
	want = append(want, heartbeat("infrastructure", second), "apps Progressing "+string(second), heartbeat("apps", second))
	w.events(want...)
	w.until("applied", func() bool { return w.flux.Status().Applied == second })
}

func TestAnEqualEventIsDroppedForFiveMinutes(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Interval = 2 * time.Minute })
	first := core.SHA(w.git("rev-parse", "HEAD"))
	w.flux.Behave(Behaviour{Fail: &Failure{}})
	w.run()
	failure := "apps HealthCheckFailed " + string(first)
	w.events(failure)
	for repeated := 1; repeated <= 2; repeated++ {
		w.until("waits", func() bool { return w.clock.waiting(2*time.Minute) > 0 })
		w.clock.advance(2 * time.Minute)
		w.until("drops one", func() bool { return w.flux.Status().Repeated == repeated })
	}
	w.until("waits", func() bool { return w.clock.waiting(2*time.Minute) > 0 })
	w.clock.advance(2 * time.Minute)
	w.events(failure, failure)
}

func TestStaleFirst(t *testing.T) {
	w := newWorld(t, nil)
	first := core.SHA(w.git("rev-parse", "HEAD"))
	w.run()
	w.events(heartbeat("apps", first))
	w.flux.Behave(Behaviour{StaleFirst: true})
	second := w.commit()
	w.trigger()
	w.events(heartbeat("apps", first), heartbeat("apps", first), heartbeat("apps", second))
}

func TestSkip(t *testing.T) {
	w := newWorld(t, nil)
	first := core.SHA(w.git("rev-parse", "HEAD"))
	w.run()
	w.events(heartbeat("apps", first))
	second := w.commit()
	w.flux.Behave(Behaviour{Skip: []core.SHA{second}})
	w.trigger()
	w.interval()
	w.events(heartbeat("apps", first), heartbeat("apps", first))
	third := w.commit()
	w.trigger()
	w.events(heartbeat("apps", first), heartbeat("apps", first), heartbeat("apps", third))
}

func TestSilent(t *testing.T) {
	w := newWorld(t, nil)
	first := core.SHA(w.git("rev-parse", "HEAD"))
	w.flux.Behave(Behaviour{Silent: true})
	w.run()
	w.until("applies", func() bool { s := w.flux.Status(); return s.Applied == first && s.Silenced == 1 })
	w.events()
}

func TestLag(t *testing.T) {
	w := newWorld(t, nil)
	first := core.SHA(w.git("rev-parse", "HEAD"))
	w.flux.Behave(Behaviour{Lag: time.Minute})
	w.run()
	w.until("holds it back", func() bool { return w.clock.waiting(time.Minute) == 1 })
	w.events()
	w.clock.advance(time.Minute)
	w.events(heartbeat("apps", first))
}

func TestDeliveryIsTriedAgainAndThenGivenUp(t *testing.T) {
	for name, c := range map[string]struct {
		answers  []int
		attempts int
		taken    bool
	}{
		"taken at last":    {[]int{503, 429, 500, 502}, 5, true},
		"given up":         {[]int{503, 503, 503, 503, 503}, 5, false},
		"refused":          {[]int{401}, 1, false},
		"taken with a 2xx": {[]int{202}, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.inbox.answer(c.answers...)
			w.run()
			for attempt := 1; attempt < c.attempts; attempt++ {
				w.until("waits to try again", func() bool {
					return w.inbox.tried() == attempt && w.clock.waiting(16*time.Second) == 1
				})
				w.clock.advance(deliveryWaits[attempt] - time.Millisecond)
				if got := w.inbox.tried(); got != attempt {
					t.Fatalf("tried again too early: %d attempts", got)
				}
				w.clock.advance(time.Millisecond)
			}
			w.until("ends", func() bool { s := w.flux.Status(); return s.Delivered+s.Lost == 1 })
			if s := w.flux.Status(); w.inbox.tried() != c.attempts || (s.Delivered == 1) != c.taken {
				t.Errorf("%d attempts, %+v", w.inbox.tried(), s)
			}
		})
	}
}

func TestTheEndOfTheRunLosesWhatIsUnderWay(t *testing.T) {
	w := newWorld(t, nil)
	w.flux.Behave(Behaviour{Lag: time.Hour})
	t.Run("life", func(t *testing.T) {
		inner := *w
		inner.t = t
		inner.run()
		inner.until("holds it back", func() bool { return w.clock.waiting(time.Hour) > 1 })
	})
	if s := w.flux.Status(); s.Lost != 1 || s.Delivered != 0 {
		t.Errorf("status: %+v", s)
	}
}

func TestTheSystemsClock(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Clock = nil; c.Interval = 5 * time.Millisecond; c.ApplyDelay = time.Millisecond })
	w.run()
	w.until("beats", func() bool { return w.flux.Status().Delivered >= 3 })
}
