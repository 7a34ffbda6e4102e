package fakeflux

import (
	"log/slog"
	"net/url"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Clock is the time that a Flux lives in.
type Clock interface {
	// Now is the present time.
	Now() time.Time
	// After sends once, when d has passed.
	After(d time.Duration) <-chan time.Time
}

// Config describes one cluster's Flux.
type Config struct {
	Cluster core.Cluster
	Env     core.Env // put into every event's metadata beside the cluster; may be empty

	RepoURL   string      // the monorepo over HTTP or HTTPS, without credentials
	Branch    string      // "" means main
	RepoToken core.Secret // to read the repository; "" if anybody may

	ReceiverName      string
	ReceiverNamespace string // "" means flux-system; the Kustomizations live there as well
	ReceiverToken     core.Secret
	ReceiverType      string // generic-hmac, generic or gitlab; "" means generic-hmac

	EventURL string      // where events go; "" if nobody wants them
	EventKey core.Secret // signs them; "" sends them unsigned, as a Provider of type generic does

	Kustomizations []string      // nil means flux-system, infrastructure and apps
	Interval       time.Duration // between looks at the repository and between heartbeats; 0 means one minute
	ApplyDelay     time.Duration // from a fetch to its report

	Clock  Clock        // nil means the system's
	Logger *slog.Logger // nil means none
}

// withDefaults is the configuration with nothing left open, or an Invalid error.
func (c Config) withDefaults() (Config, error) {
	if c.Cluster == "" || c.ReceiverName == "" || c.ReceiverToken == "" {
		return c, core.Errorf(core.Invalid, "fake flux: cluster, receiver name and receiver token must be set")
	}
	if c.ReceiverType == "" {
		c.ReceiverType = "generic-hmac"
	}
	if c.ReceiverType != "generic-hmac" && c.ReceiverType != "generic" && c.ReceiverType != "gitlab" {
		return c, core.Errorf(core.Invalid, "fake flux of cluster %s: receiver type %q: want generic-hmac, generic or gitlab", c.Cluster, c.ReceiverType)
	}
	for name, s := range map[string]string{"repository URL": c.RepoURL, "event URL": c.EventURL} {
		u, err := url.Parse(s)
		if err != nil || u.User != nil || (s != "" && u.Host == "") || (s == "" && name == "repository URL") {
			return c, core.Errorf(core.Invalid, "fake flux of cluster %s: %s: want an absolute URL without credentials", c.Cluster, name)
		}
	}
	if c.Branch == "" {
		c.Branch = "main"
	}
	if c.ReceiverNamespace == "" {
		c.ReceiverNamespace = "flux-system"
	}
	if c.Kustomizations == nil {
		c.Kustomizations = []string{"flux-system", "infrastructure", "apps"}
	}
	if c.Interval <= 0 {
		c.Interval = defaultInterval
	}
	if c.Clock == nil {
		c.Clock = systemClock{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Logger = c.Logger.With("cluster", string(c.Cluster))
	return c, nil
}

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Behaviour is what is wrong with a Flux. The zero value is one that works.
type Behaviour struct {
	// Suspended makes the Receiver answer 503.
	Suspended bool
	// Unreconciled makes the Receiver's path unknown, as it is until the Receiver
	// has reconciled for the first time: 404.
	Unreconciled bool
	// Missing makes the Receiver answer 500, as it does when it lists a resource that
	// does not exist. Those that do are reconciled all the same.
	Missing bool
	// LoseEvery loses every so manieth event after its last attempt, as a controller
	// does that restarts; 0 loses none.
	LoseEvery int
	// Silent drops every event. The cluster goes on.
	Silent bool
	// Lag delays every event.
	Lag time.Duration
	// StaleFirst makes a call reconcile the Kustomizations on the revision that
	// is there already before the source is fetched, as Receivers do that list
	// Kustomizations among their resources.
	StaleFirst bool
	// Skip are revisions that this cluster never sees, as if it had fetched
	// only when a later one was there.
	Skip []core.SHA
	// Fail makes the health checks of Kustomizations fail.
	Fail *Failure
}

// Failure says what fails.
type Failure struct {
	Revision      core.SHA // "" means every revision
	Kustomization string   // "" means every Kustomization
	Message       string   // "" means a message about a Deployment that is not ready in time
}

func (f *Failure) covers(revision core.SHA, kustomization string) bool {
	return f != nil &&
		(f.Revision == "" || f.Revision == revision) &&
		(f.Kustomization == "" || f.Kustomization == kustomization)
}

func (f *Failure) message() string {
	if f.Message != "" {
		return f.Message
	}
	return "health check failed after 30s: timeout waiting for: [Deployment/apps/demo status: 'InProgress']"
}

// Status is what a Flux has done so far.
type Status struct {
	Fetched     core.SHA // the revision that the source is at; "" before the first fetch
	Applied     core.SHA // the newest revision with which every Kustomization succeeded
	FetchErrors int      // looks at the repository that did not work
	Triggers    int      // calls to the Receiver that were answered 200
	Refused     int      // calls that were answered with anything else
	LastTrigger []byte   // the body of the newest call that was answered 200
	Delivered   int      // events that were taken
	Lost        int      // events given up on, because nobody took them, they were too many, or the run ended
	Repeated    int      // events dropped because an equal one went out shortly before
	Silenced    int      // events dropped by [Behaviour.Silent]
}
