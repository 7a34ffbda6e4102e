package flux

import (
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Revision is what Flux says an object is at, taken apart.
type Revision struct {
	// Ref is the branch, tag or reference name as Flux wrote it, such as "main"
	// or "refs/heads/main". It is empty where only a commit was given.
	Ref string
	// Algorithm is the digest's algorithm in lower case, such as "sha1". For the
	// forms that do not name it, it follows from the digest's length.
	Algorithm string
	// Digest is lower-case hexadecimal, of the length the algorithm has.
	Digest string
}

// ParseRevision reads every form in which Flux writes the revision of a Git or
// OCI source: "main@sha1:<hex>", "refs/heads/main@sha1:<hex>", "sha1:<hex>",
// "v1.2.3@sha256:<hex>", and those of Flux before 0.36, "main/<hex>" and
// "HEAD/<hex>". Branch names may hold "@" and "/". Its errors are Invalid; the
// revision of a HelmRelease, which is a chart's version, is one of them.
func ParseRevision(s string) (Revision, error) {
	ref, digest, named := cutLast(s, "@")
	if !named {
		digest = s
	}
	if algorithm, digits, found := strings.Cut(digest, ":"); found && isDigest(algorithm, digits) {
		return Revision{Ref: ref, Algorithm: algorithm, Digest: digits}, nil
	}
	ref, digits, named := cutLast(s, "/")
	if !named {
		digits = s
	}
	if algorithm := algorithmOf(digits); algorithm != "" {
		return Revision{Ref: ref, Algorithm: algorithm, Digest: digits}, nil
	}
	return Revision{}, core.Errorf(core.Invalid, `revision %q: want a form such as "main@sha1:<40 digits>" or "sha1:<40 digits>", with lower-case hexadecimal digits`, clip(s))
}

// Commit is the revision as the name of a commit. It is false for digests that
// no Git repository uses. The digest of an OCI artifact cannot be told from a
// commit of a SHA-256 repository by its looks: a name that the monorepo does
// not know is such a digest.
func (r Revision) Commit() (core.SHA, bool) {
	if r.Algorithm != "sha1" && r.Algorithm != "sha256" {
		return "", false
	}
	sha, err := core.ParseSHA(r.Digest)
	return sha, err == nil
}

// Branch is the revision's branch name without "refs/heads/". It is empty for
// other reference names; a bare tag cannot be told from a branch.
func (r Revision) Branch() string {
	if name, found := strings.CutPrefix(r.Ref, "refs/heads/"); found {
		return name
	}
	if strings.HasPrefix(r.Ref, "refs/") || r.Ref == "HEAD" {
		return ""
	}
	return r.Ref
}

// String is the revision in the form that Flux writes today.
func (r Revision) String() string {
	if r.Ref == "" {
		return r.Algorithm + ":" + r.Digest
	}
	return r.Ref + "@" + r.Algorithm + ":" + r.Digest
}

// digestLengths are the algorithms that Flux can be told to use for artifacts,
// with their digests' lengths in hexadecimal digits.
var digestLengths = map[string]int{"sha1": 40, "sha256": 64, "blake3": 64, "sha384": 96, "sha512": 128}

func isDigest(algorithm, digits string) bool {
	return digits != "" && len(digits) == digestLengths[algorithm] && isHex(digits)
}

// algorithmOf guesses the algorithm of a bare digest; "" if it is none that
// Git uses.
func algorithmOf(digits string) string {
	switch {
	case isDigest("sha1", digits):
		return "sha1"
	case isDigest("sha256", digits):
		return "sha256"
	default:
		return ""
	}
}

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i+len(sep):], true
}
