package kube

import "time"

const (
	// MaxKubeconfigBytes bounds a kubeconfig and each file that it names. Real
	// ones have some kilobytes.
	MaxKubeconfigBytes = 1 << 20
	// pageSize is how many objects are asked for at once, as kubectl does.
	pageSize = 500
	// maxPages bounds a list at 20,000 objects of a kind, which is more than one
	// cluster's Flux can reconcile.
	maxPages = 40
	// maxPageBytes bounds one page: 500 objects of 64 KiB, with room for an
	// inventory of thousands of entries in some of them.
	maxPageBytes = 64 << 20
	// maxErrorBytes is what is read of an answer that is no list.
	maxErrorBytes = 16 << 10
	// maxHeaderBytes bounds an answer's header.
	maxHeaderBytes = 64 << 10
	// callTimeout bounds the request for one page.
	callTimeout = 15 * time.Second
	// maxText bounds what is shown of the server's text in an error.
	maxText = 200
	// maxMessage bounds what is kept of a condition's message.
	maxMessage = 4 << 10
)
