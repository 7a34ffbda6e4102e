package overlay

import "github.com/sluice-gitops/sluice/internal/core"

// Tree is the content of one commit. It is a value, however it is stored: the
// same call always gives the same answer. Paths are slash-separated, relative
// to the monorepo's root and clean; "" is the root.
type Tree interface {
	// List returns a directory's entries, which the caller must not change, in
	// Git's order: by name, where that of a directory counts as if it ended in a
	// slash. The error is of kind core.NotFound if the path does not name a directory.
	List(dir string) ([]Entry, error)
	// Read returns a file's content, which the caller must not change. The error
	// is of kind core.NotFound if the path does not name a regular file, and
	// core.Invalid if the file is larger than any manifest may be.
	Read(path string) ([]byte, error)
}

// Entry is one entry of a directory.
type Entry struct {
	Name string // without its directory
	Type EntryType
	SHA  core.SHA // of the subtree or blob
}

// EntryType tells the entries of a directory apart.
type EntryType int

// The types. Other stands for symbolic links and submodules, which are never
// followed.
const (
	Regular EntryType = iota
	Directory
	Other
)
