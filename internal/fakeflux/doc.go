// Package fakeflux stands in for the Flux of one cluster, over real HTTP and
// real Git: for tests, the demo and trying Sluice out without a cluster. It
// serves a Receiver, fetches the head of the monorepo's branch when it is
// called or its interval has passed, and reports from its Kustomizations with
// signed events, as an Alert with a Provider of type generic-hmac would.
//
// It is honest about what it is not. It applies nothing, renders nothing and
// checks nothing: it asks Git for a branch's head and says afterwards that the
// revision was applied, or that it failed, as its [Behaviour] tells it to. Its
// Alert selects Kustomizations only, they depend on nothing, and all have
// the interval of their source.
//
// It is written against Flux's behaviour and not against Sluice's adapter for
// it, with which it shares no code: a mistake in one must not be hidden by the
// same mistake in the other. Product packages do not import it.
package fakeflux
