// Package receiver is the edge where GitLab's and Flux's webhooks come in. It
// verifies a delivery, finds out which project or cluster it is about,
// publishes that, and answers once JetStream has acknowledged. It decides
// nothing, stores nothing and calls nobody else.
//
// The answer follows from what a status does to the sender. GitLab counts
// every 4xx and 5xx and disables a hook that collects them, and repeats
// nothing. So everything authentic is answered with 2xx, whether it is of use,
// unknown or unreadable:
//
//	202  published, or a copy of what was published before
//	204  authentic, but of no use; nothing is published
//	401  not authentic; an unknown cluster looks the same as a bad signature
//	413  larger than its sender's limit
//	503  JetStream has not acknowledged, or too many large bodies at once; with Retry-After
//
// An authentic GitLab delivery that cannot be read becomes the hint
// "everything". It costs one look at all projects; to drop it could cost a
// promotion the time until the next sweep.
//
// The receiver refuses to interpret: a hint names places, and the state of
// things there is for the promoter to see. It also stays small: no Kubernetes
// libraries, no NATS server.
package receiver
