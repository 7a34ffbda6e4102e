package overlay

import (
	"slices"

	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/policy"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// coupled finds the values of a HelmRelease that the policy couples with
// versions. Where one is a version itself, in the pins from known on, that is
// marked; any other becomes a setting, which is copied as it is.
func (f *finder) coupled(r resource, known int) {
	if r.kind() != "HelmRelease" || r.group() != "helm.toolkit.fluxcd.io" {
		return
	}
	for _, m := range f.reading.Couple {
		if m.Kind != "" {
			continue
		}
		follow := &trail{finder: f, name: m.String()}
		follow.to(r.root.get("spec", "values"), m.Path, nil, func(n *node, at yamledit.Path) { f.couple(r, known, m, n, at) })
	}
}

func (f *finder) couple(r resource, known int, m policy.Member, n *node, at yamledit.Path) {
	i := slices.IndexFunc(f.pins[known:], func(p pin.Pin) bool {
		return slices.ContainsFunc(p.Parts, func(part pin.Part) bool { return same(part.At, n.at) })
	})
	if i < 0 {
		i = len(f.pins) - known
		k := valueKey(r.original().name, at)
		k.Kind = pin.Setting
		f.add(k, "", pin.Part{Form: pin.Plain, Text: n.text, At: n.at})
	}
	p := &f.pins[known+i]
	if !slices.Contains(p.Couples, m.String()) {
		p.Couples = append(p.Couples, m.String())
	}
}
