package version

const (
	// maxVersion is the longest text in bytes that is looked into; a tag has at
	// most 128 and a digest about as many. Longer ones are Opaque.
	maxVersion = 512
	// maxRef is the longest image reference in bytes: a registry takes names of
	// 255, tags of 128 and digests of 135 (sha512).
	maxRef = 1024
	// maxClip is how much of a foreign text an error repeats.
	maxClip = 80
)

func clip(s string) string { return s[:min(maxClip, len(s))] }
