// Package git keeps one bare mirror of a monorepo on disk and is the only part
// of Sluice that speaks Git's protocol. It reads commits and trees from the
// mirror and writes one commit at a time to a branch under sluice/.
//
// The mirror is a cache and nothing else: whatever is wrong with it (cut off
// while being made, damaged, of another URL, too many packs) is mended by
// making it anew. There is no work tree, no git program is run, and no object
// is packed that the server must already have.
//
// Every change of a branch is a compare-and-swap on the server: the update
// command carries the head that the caller has seen, not the one that happens
// to be there, so a branch that somebody moved is never overwritten.
//
// The package refuses to push or delete a branch outside sluice/, to follow
// symbolic links and submodules, to talk to an SSH server whose key is not
// pinned, and to keep the token anywhere but in the request that needs it.
package git
