package version

import (
	"regexp"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Ref is a reference to an image or another OCI artifact.
type Ref struct {
	Name   string // registry, with its port, and repository: "localhost:5000/team/app"
	Tag    string // "" if there is none
	Digest string // with its algorithm, "sha256:…"; "" if there is none
}

// The parts of a reference. A registry is told from a repository's first part
// by the slash behind it, so only what comes before a slash may hold a port.
const (
	hostForm = `(?:[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?`
	partForm = `[A-Za-z0-9]+(?:[._-]+[A-Za-z0-9]+)*`
)

var (
	nameForm = regexp.MustCompile(`^(?:` + hostForm + `/)?` + partForm + `(?:/` + partForm + `)*$`)
	tagForm  = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
)

// ParseRef splits "name", "name:tag", "name@digest" or "name:tag@digest". A
// colon belongs to a tag only behind the last slash, so a registry's port is
// part of the name. The result's String is s again. The error is of kind
// core.Invalid and names the character, from 1, at which the wrong part begins.
func ParseRef(s string) (Ref, error) {
	if len(s) > maxRef {
		return Ref{}, core.Errorf(core.Invalid, "image reference of %d bytes is too long (at most %d)", len(s), maxRef)
	}
	rest, digest, pinned := strings.Cut(s, "@")
	if pinned && !digestForm.MatchString(digest) {
		return Ref{}, refError(s, len(rest)+1, "a digest such as sha256:0a1b…", digest)
	}
	name, tag := rest, ""
	if colon := strings.LastIndexByte(rest, ':'); colon > strings.LastIndexByte(rest, '/') {
		name, tag = rest[:colon], rest[colon+1:]
		if !tagForm.MatchString(tag) {
			return Ref{}, refError(s, colon+1, "a tag of at most 128 letters, digits, \"_\", \".\" and \"-\"", tag)
		}
	}
	if !nameForm.MatchString(name) {
		return Ref{}, refError(s, 0, "a name such as registry.example.com/team/app", name)
	}
	return Ref{Name: name, Tag: tag, Digest: digest}, nil
}

func refError(s string, at int, want, found string) error {
	return core.Errorf(core.Invalid, "image reference %q: character %d: want %s, found %q", clip(s), at+1, want, clip(found))
}

// String is the reference as ParseRef reads it.
func (r Ref) String() string {
	s := r.Name
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + r.Digest
	}
	return s
}

// Version is what the reference says of its version: the tag, pinned to the
// digest if it has both, the digest alone, or the empty version.
func (r Ref) Version() Version {
	switch {
	case r.Tag == "":
		return Parse(r.Digest)
	case r.Digest == "":
		return Parse(r.Tag)
	default:
		return Parse(r.Tag + "@" + r.Digest)
	}
}
