package version

import (
	"fmt"
	"slices"
	"strings"

	"github.com/Masterminds/semver/v3"
)

// Order is the relation of one version to another.
type Order int

// The orders. Incomparable is the zero value: no order is known.
const (
	Incomparable Order = iota
	Older
	Same
	Newer
)

// String names the order as explanations do.
func (o Order) String() string {
	return [...]string{"not comparable to", "older than", "the same as", "newer than"}[o]
}

// Compare tells what a is in relation to b: Older, Newer, the Same, or
// Incomparable. Compare(b, a) is always the mirror image.
func Compare(a, b Version) Order {
	o, _ := compare(a, b)
	return o
}

// Explain gives the result of Compare as a sentence for people, with the
// reason where there is no order.
func Explain(a, b Version) string {
	o, why := compare(a, b)
	s := fmt.Sprintf("%s is %s %s", name(a), o, name(b))
	if why != "" {
		s += ": " + why
	}
	return s
}

func name(v Version) string {
	if v.raw == "" {
		return "no version"
	}
	return v.raw
}

func compare(a, b Version) (Order, string) {
	o, why := compareText(a, b)
	if o != Same || a.pinned == b.pinned {
		return o, why
	}
	if a.pinned == "" || b.pinned == "" {
		return Incomparable, "only one of them is pinned to a digest"
	}
	return Incomparable, "the same tag is pinned to different digests"
}

func compareText(a, b Version) (Order, string) {
	switch {
	case a.canonical() == b.canonical():
		return Same, ""
	case a.asked != Opaque:
		return Incomparable, a.unlike()
	case b.asked != Opaque:
		return Incomparable, b.unlike()
	case a.scheme != b.scheme:
		return Incomparable, fmt.Sprintf("one is %s, the other %s", a.describe(), b.describe())
	case a.scheme == Digest:
		return Incomparable, "digests have no order"
	case a.scheme == Opaque:
		return Incomparable, "neither text tells how old it is"
	case a.shape != b.shape:
		return Incomparable, fmt.Sprintf("they are written differently (%s and %s)", a.form(), b.form())
	}
	c, why := a.age(b)
	switch {
	case c < 0:
		return Older, ""
	case c > 0:
		return Newer, ""
	case why != "":
		return Incomparable, why
	default:
		return Incomparable, "they differ in nothing that has an order"
	}
}

// canonical is the text that decides whether two versions are the Same.
func (v Version) canonical() string {
	if v.scheme == SemVer {
		return strings.TrimPrefix(v.text, "v")
	}
	return v.text
}

// unlike says that the text does not have the scheme by which it was to be read.
func (v Version) unlike() string {
	return fmt.Sprintf("%s cannot be read as %s", name(v), Version{scheme: v.asked}.describe())
}

func (v Version) describe() string {
	switch v.scheme {
	case SemVer:
		return "SemVer"
	case Opaque:
		return "a text that does not tell how old it is"
	default:
		return "a " + v.scheme.String()
	}
}

// form is the shape as people read it: 1.2.3-alpine is "#.#.#-alpine".
func (v Version) form() string {
	return strings.ReplaceAll(strings.TrimPrefix(v.shape, "as "), "|", "")
}

// age compares two versions of one scheme and shape: negative if a is the older
// one. 0 means that there is no order, for the reason given if it is not plain.
func (v Version) age(o Version) (int, string) {
	if c := slices.CompareFunc(v.core, o.core, number.compare); c != 0 {
		return c, ""
	}
	if c, why := v.agePre(o); c != 0 || why != "" {
		return c, why
	}
	return slices.CompareFunc(v.rest, o.rest, number.compare), ""
}

// agePre compares the prereleases of two versions with the same core. Without
// one, a version is newer than with one. In SemVer, the order of the
// specification and the natural one of the numbers must agree: the first is
// what Helm and Flux go by, the second is what people mean.
func (v Version) agePre(o Version) (int, string) {
	switch {
	case v.early == o.early:
		return 0, ""
	case !v.Prerelease():
		return 1, ""
	case !o.Prerelease():
		return -1, ""
	case v.scheme != SemVer && skeleton(v.pre) != skeleton(o.pre):
		return 0, "only SemVer has an order for different prereleases"
	}
	natural := slices.CompareFunc(v.pre, o.pre, compareToken)
	switch {
	case natural == 0:
		return 0, "their prereleases differ in nothing that has an order"
	case v.scheme == SemVer && natural*bySpecification(v.early, o.early) < 0:
		return 0, "SemVer sorts the prereleases letter by letter, which contradicts their numbers (rc.10 would be clear, rc10 is not)"
	default:
		return natural, ""
	}
}

func bySpecification(a, b string) int {
	return semver.New(0, 0, 0, a, "").Compare(semver.New(0, 0, 0, b, ""))
}

// compareToken orders the parts of prereleases as SemVer orders identifiers:
// numbers by value and before words, words by their letters. Commit ids have
// no order.
func compareToken(a, b token) int {
	switch {
	case a.kind == commit && b.kind == commit:
		return 0
	case a.kind == digits && b.kind == digits:
		return number(a.text).compare(number(b.text))
	case a.kind != b.kind:
		return int(b.kind) - int(a.kind)
	default:
		return strings.Compare(a.text, b.text)
	}
}
