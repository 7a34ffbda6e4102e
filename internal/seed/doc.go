// Package seed makes monorepos: the reference one, cut down to its smallest
// useful size or grown to as many apps as a demo or a load test wants. The
// same options always give the same bytes.
//
// It writes nothing to a disk and makes no commits; it returns files. It never
// touches the infrastructure components, and it generates only what Flux would
// really deploy: charts and images that exist, in manifests that build.
package seed
