package version

import (
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Scheme is the way in which a version's text tells its age.
type Scheme int

// The schemes. Digest and Opaque tell nothing: such versions are only ever the
// Same or Incomparable.
const (
	Opaque    Scheme = iota // branch names, commit ids, latest, anything not understood
	SemVer                  // 1.2.3, v1.2.3-rc.1+b, 1.2.3-alpine, release-1.2.3
	Numeric                 // 2, 1.10, 1.2.3.4
	Calendar                // 2026.11.3, 2026-11-03
	Build                   // build-57, main-1234-a1b2c3d: one growing number
	Timestamp               // 20261103T101500, main-a1b2c3d-1793700900
	Digest                  // sha256:…
)

// String names the scheme as explanations do.
func (s Scheme) String() string {
	return [...]string{"opaque", "SemVer", "numeric", "calendar", "build number", "timestamp", "digest"}[s]
}

// Version is a parsed version. The zero Version is that of the empty text. It
// is immutable.
type Version struct {
	raw    string
	text   string // raw without the digest that it is pinned to
	pinned string // that digest, or ""
	scheme Scheme
	shape  string          // what two versions must share to be compared
	core   []number        // the leading numbers, most significant first
	pre    []token         // the prerelease's words and numbers; nil for a release
	early  string          // the prerelease as written, such as rc.1
	rest   []number        // the numbers of the variant, such as those of -debian-12-r3
	sem    *semver.Version // what constraints are checked against; nil if the text is not SemVer
	asked  Scheme          // the scheme that ParseAs did not find; Opaque if there is none
}

// Parse understands as much of a version as its text gives away. It never
// fails: what it does not understand is Opaque. A text may carry the digest
// that it is pinned to, as in 1.2.3@sha256:….
func Parse(raw string) Version {
	v := Version{raw: raw, text: raw}
	if len(raw) > maxVersion {
		return v
	}
	if tag, digest, ok := strings.Cut(raw, "@"); ok && tag != "" && digestForm.MatchString(digest) {
		v.text, v.pinned = tag, digest
	}
	v.sem, _ = semver.StrictNewVersion(strings.TrimPrefix(v.text, "v"))
	if digestForm.MatchString(v.text) {
		v.scheme = Digest
		return v
	}
	v.understand(lex(v.text))
	return v
}

// String is the text as it was given.
func (v Version) String() string { return v.raw }

// Scheme is the scheme by which the version is compared.
func (v Version) Scheme() Scheme { return v.scheme }

// Pinned is the digest that the version carries beside its tag, or "".
func (v Version) Pinned() string { return v.pinned }

// Prerelease tells whether the text says of itself that it comes before a
// release: an rc, a beta, a snapshot. A variant such as -alpine or a build
// suffix such as -57 is none, although SemVer's syntax does not tell them apart.
func (v Version) Prerelease() bool { return len(v.pre) > 0 }

// Mutable tells whether the version is a tag without any digit, such as latest,
// main or stable, or one that says latest in so many words: what it stands for
// changes while its text does not. A digest beside it pins it.
func (v Version) Mutable() bool {
	if v.pinned != "" || v.scheme == Digest {
		return false
	}
	return !strings.ContainsAny(v.text, "0123456789") ||
		slices.ContainsFunc(lex(v.text), func(t token) bool { return strings.EqualFold(t.text, "latest") })
}
