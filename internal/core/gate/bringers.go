package gate

import (
	"slices"
	"strconv"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// maxNamed is how many of those who brought a version a verdict names.
const maxNamed = 3

// Bringers are those who brought what is promoted to where it is promoted from.
type Bringers struct {
	Known []Bringer // nearest to the target first
	// Unknown says of what nobody knows who brought it, and why, "" if that is known
	// of everything.
	Unknown string
	// Unasked says that GitLab has not told yet, "" if it has.
	Unasked string
}

// Bringer is one of them: a user, or somebody of whom only the address is known
// that stands in the commit.
type Bringer struct {
	User  core.UserID // 0 if only the address is known
	Name  string      // the user name, without "@"; "" if it is not known
	Email string
	Into  core.Env
}

// by tells whether this person is among them, and where to.
func (b Bringers) by(p Person) (core.Env, bool) {
	i := slices.IndexFunc(b.Known, func(by Bringer) bool { return by.is(p) })
	if i < 0 {
		return "", false
	}
	return b.Known[i].Into, true
}

// is compares what is known.
func (b Bringer) is(p Person) bool {
	if b.User != 0 {
		return b.User == p.ID
	}
	if id := OfPrivate(b.Email); id != 0 {
		return id == p.ID
	}
	return b.Email != "" && strings.EqualFold(b.Email, p.Email)
}

// OfPrivate is the user to whom GitLab has given a private address for commits,
// as in 11-jane@users.noreply.gitlab.com, and 0 if it is another address.
func OfPrivate(email string) core.UserID {
	name, domain, _ := strings.Cut(email, "@")
	number, _, private := strings.Cut(name, "-")
	id, err := strconv.ParseInt(number, 10, 64)
	if !private || err != nil || id < 0 || !strings.HasPrefix(domain, "users.noreply.") {
		return 0
	}
	return core.UserID(id)
}

// except names those whose approval would not count, for those who look for
// somebody to approve.
func (b Bringers) except() string {
	var names []string
	for _, by := range b.Known {
		if by.Name != "" && !slices.Contains(names, by.Name) {
			names = append(names, by.Name)
		}
	}
	switch {
	case len(names) == 0:
		return ""
	case len(names) > maxNamed:
		names = append(names[:maxNamed], "others")
	}
	return ", but not from " + strings.Join(names, " or ") + ", who brought the version"
}

// doubt says what is not known.
func (b Bringers) doubt() string {
	if b.Unknown == "" {
		return ""
	}
	return "; " + b.Unknown
}
