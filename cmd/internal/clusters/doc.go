// Package clusters reads the file that says how each cluster is reached: its
// Flux Receiver, with TLS, proxy and time limit, and what else of it may be
// asked. From it come the clients that call the Receivers.
//
// It refuses to guess. A file with anything in it that is not understood is no
// file at all, every problem is told at once with its place and what to do,
// and a setting that would have no effect is a problem. Tokens are used byte
// for byte, as Flux uses them: a line break at the end is warned of, and never
// trimmed. Nothing is asked of a cluster here: what a kubeconfig holds is for
// others to find out.
package clusters
