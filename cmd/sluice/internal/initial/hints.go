package initial

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/overlay"
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// hints are keys of a policy that only a person can decide about.
type hints struct {
	fields     []string // entries of fields, as they could stand in the policy
	more       int      // that are not listed
	automation []core.Env
}

// plainField matches the entries that can be shown as they are: what stands in
// the monorepo must not end a comment.
var plainField = regexp.MustCompile(`^[A-Za-z0-9. _/"*\[\]-]+$`)

// hint looks for custom resources with images, and for versions of environments
// in the middle that Flux's image automation writes.
func (p *proposal) hint(inv *overlay.Inventory) {
	seen := map[string]bool{}
	for target, list := range inv.All() {
		for _, d := range list {
			for _, f := range d.Unnamed {
				if plainField.MatchString(f.Kind + f.Group + f.Path.String()) {
					seen[fmt.Sprintf("{kind: %s, group: %s, path: '%s'}", f.Kind, f.Group, f.Path)] = true
				}
			}
			owned := slices.ContainsFunc(d.Pins, func(q pin.Pin) bool { return q.Owned() != nil })
			if owned && p.follows(target.Env) && !slices.Contains(p.hints.automation, target.Env) {
				p.hints.automation = append(p.hints.automation, target.Env)
			}
		}
	}
	for entry := range seen {
		p.hints.fields = append(p.hints.fields, entry)
	}
	slices.Sort(p.hints.fields)
	p.hints.more = max(0, len(p.hints.fields)-maxNamed)
	p.hints.fields = p.hints.fields[:len(p.hints.fields)-p.hints.more]
}

// follows tells whether versions are promoted into an environment.
func (p *proposal) follows(env core.Env) bool {
	return slices.IndexFunc(p.envs, func(e environment) bool { return e.name == string(env) }) > 0
}

func (h hints) text() string {
	var b strings.Builder
	if len(h.fields) > 0 {
		b.WriteString("\n# could not tell: whether these fields hold versions to promote; those that do, without the #, are promoted\n# fields:\n")
	}
	for _, f := range h.fields {
		fmt.Fprintf(&b, "#   - %s\n", f)
	}
	if h.more > 0 {
		fmt.Fprintf(&b, "#   %d more like these; sluice plan lists them\n", h.more)
	}
	if len(h.automation) > 0 {
		names := make([]string, len(h.automation))
		for i, env := range h.automation {
			names[i] = string(env)
		}
		fmt.Fprintf(&b, "\n# could not tell: whether Flux's image automation shall go on writing versions in %s; where it does, nothing is\n# promoted, unless a rule under apps says %s\n", list(names), "automation: "+string(policy.Override))
	}
	return b.String()
}
