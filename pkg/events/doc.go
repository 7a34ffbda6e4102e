// Package events is the wire contract between the receiver and the promoter,
// and all that the two share: which messages exist, how they look on NATS, on
// which subjects they travel, which streams and buckets must exist for them,
// and how a message gets the id by which a second copy is recognised.
//
// Messages are CloudEvents 1.0 in the binary mode of the NATS binding: the
// attributes are headers, the body is the data and nothing else. The major
// version of a message is part of its type and of its subject, so a reader
// never meets a major version that it did not subscribe to. Within one major
// version fields are only ever added: a reader ignores those it does not know
// and takes absent ones as zero.
//
// The package refuses to know NATS: it deals in subjects, headers and bytes.
// It also refuses to carry content that could be taken for truth. A hint says
// where to look, a report says what one Flux object claimed; what is really
// so is read from Git, GitLab and the fold of all reports.
package events
