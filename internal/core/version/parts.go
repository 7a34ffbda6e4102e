package version

// Parts are the numbers of a SemVer version and its build metadata.
type Parts struct {
	Major, Minor, Patch uint64
	Build               string // what follows "+", or ""
}

// Parts takes a SemVer version apart; false if the version is none.
func (v Version) Parts() (Parts, bool) {
	if v.sem == nil {
		return Parts{}, false
	}
	return Parts{v.sem.Major(), v.sem.Minor(), v.sem.Patch(), v.sem.Metadata()}, true
}

// Early is the prerelease as written, such as rc.1, and "" for what is none:
// see [Version.Prerelease].
func (v Version) Early() string { return v.early }
