package scaffold

import (
	"path"
	"regexp"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// maxListed is how many known names an error lists.
const maxListed = 40

// checkName wants a DNS label: the name becomes a directory, a part of an
// address and of the names of Kubernetes objects.
func checkName(what, name string) error {
	if !regexp.MustCompile(`^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$`).MatchString(name) {
		return core.Errorf(core.Invalid, "the %s's name is %q; write at most 63 small letters, digits and hyphens, with a letter or a digit at both ends", what, name)
	}
	return nil
}

// Unknown is the error, of kind core.NotFound, about a name that is none, with the one that was meant.
func Unknown(what, found string, known []string) error {
	hint := ""
	if near := policy.Nearest(strings.ToLower(found), known); near != "" {
		hint = ", did you mean " + near + "?"
	}
	list := strings.Join(known[:min(len(known), maxListed)], ", ")
	if len(known) > maxListed {
		list += ", …"
	}
	if list == "" {
		list = "none"
	}
	return core.Errorf(core.NotFound, "unknown %s %q%s\nknown here: %s", what, found, hint, list)
}

// Environments are the names of a policy's environments, the first ones first.
func Environments(p *policy.Policy) []string {
	var out []string
	for _, env := range p.Order() {
		out = append(out, string(env))
	}
	return out
}

// Clusters are the names of all clusters of a policy.
func Clusters(p *policy.Policy) []string {
	var out []string
	for _, env := range p.Environments {
		for _, c := range env.Clusters {
			out = append(out, string(c))
		}
	}
	return out
}

// place is a part of a layout pattern that is filled with names.
type place struct {
	env     core.Env
	cluster core.Cluster
	app     core.App
}

// fill spells the first n segments of a pattern.
func (v place) fill(segments []policy.Segment) string {
	var parts []string
	for _, s := range segments {
		text := s.Literal
		switch s.Placeholder {
		case policy.EnvPlaceholder:
			text = string(v.env) + s.Extension
		case policy.ClusterPlaceholder:
			text = string(v.cluster) + s.Extension
		case policy.AppPlaceholder:
			text = string(v.app) + s.Extension
		}
		parts = append(parts, text)
	}
	return path.Join(parts...)
}

// has tells whether a pattern has a placeholder, and where the last of them stands.
func has(segments []policy.Segment, placeholders ...policy.Placeholder) (last int, ok bool) {
	for i, s := range segments {
		for _, ph := range placeholders {
			if s.Placeholder == ph {
				last, ok = i, true
			}
		}
	}
	return last, ok
}
