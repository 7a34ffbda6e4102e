// Package flux speaks with Flux in both directions: it calls the Receivers of
// the clusters' notification-controllers ("look at Git now"), and it verifies,
// decodes and classifies the events that their Alerts send back.
//
// It never talks to a Kubernetes API and imports neither Kubernetes nor Flux
// modules, because it is linked into the small process at the edge. It decides
// nothing: which revision a cluster has reached, and whether an environment
// may follow, is worked out from what this package reads. It keeps no state
// and retries nothing by itself.
//
// Three properties of Flux shape it. The path of a Receiver is a secret, so no
// error here shows a request's URL. Receiver and Alert keys are used byte for
// byte, a trailing line break included, so nothing here trims a token. And
// events carry no nonce and arrive late, twice, out of order or not at all, so
// an event has a [Event.Fingerprint] and is never more than a report.
package flux
