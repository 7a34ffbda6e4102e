package settings

const (
	// maxFileBytes bounds a mounted value. A private key has some 3 KiB, and a
	// Kubernetes Secret ends at 1 MiB; a larger file is a wrong path.
	maxFileBytes = 1 << 20
	// maxItems bounds a list. No installation watches that many projects or
	// holds that many keys; a longer list is a file of another format.
	maxItems = 1000
	// maxTypos is how far an unknown name may be from a known one to be taken
	// for a misspelling of it. Further than that, suggestions mislead.
	maxTypos = 3
)
