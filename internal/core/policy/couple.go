package policy

import (
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Member is something that the policy couples with others: versions of one
// kind, or values of a HelmRelease. What is coupled is promoted together or not
// at all.
type Member struct {
	Kind string    // of the versions, as pin.Kind spells it; "" for values
	Path FieldPath // of the values, below spec.values
}

// valuesPrefix is what a member begins with that is a path of values.
const valuesPrefix = "values."

// String is the member as the policy spells it.
func (m Member) String() string {
	if m.Kind != "" {
		return m.Kind
	}
	return valuesPrefix + m.Path.String()
}

// Equal says whether both are the same member.
func (m Member) Equal(o Member) bool { return m.Kind == o.Kind && slices.Equal(m.Path, o.Path) }

// couple reads the list of what is promoted together.
func (d *decoder) couple(at place) []Member {
	var all []Member
	d.list(at, maxMembers, func(at place) {
		m, ok := read(d, at, parseMember)
		switch {
		case !ok:
		case slices.ContainsFunc(all, m.Equal):
			d.report(at, "%s stands here twice; keep one", m)
		default:
			all = append(all, m)
		}
	})
	if len(at.Content) == 1 {
		d.report(at, "one member is coupled with nothing; name at least two, such as chart and values.crds.version")
	}
	return all
}

func parseMember(text string) (Member, error) {
	kinds := []string{"chart", "image", "source", "remote", "field"}
	path, isPath := strings.CutPrefix(text, valuesPrefix)
	switch {
	case slices.Contains(kinds, text):
		return Member{Kind: text}, nil
	case isPath:
		p, err := parseFieldPath(path)
		return Member{Path: p}, err
	}
	return Member{}, core.Errorf(core.Invalid, "found %s%s; write %s, or values. and a path such as values.crds.version",
		quote(text), didYouMean(text, kinds), strings.Join(kinds, ", "))
}
