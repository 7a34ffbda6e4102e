package expression

import (
	"time"

	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/version"
)

// Facts is what expressions are about: one promotion at one time.
type Facts struct {
	Target       core.Target
	From         []core.Env
	Clusters     []core.Cluster // those whose overlays change, each once
	Changes      []Change
	MergeRequest *MergeRequest // nil before it is open
	Healthy      bool          // in the environments that it comes from
	Soaked       time.Duration // for how long; counts if Healthy
	Now          time.Time
}

// Change is one version that changes.
type Change struct {
	Cluster    core.Cluster // "" for an overlay that all clusters of the environment share
	Kind, Name string
	Old, New   version.Version
}

// MergeRequest is the open merge request of the promotion.
type MergeRequest struct {
	ID     core.MRID
	Title  string
	Author string // the user name, without "@"
	Draft  bool
	Labels []string
}

// activation gives every variable its value but change and version.
func (f Facts) activation() map[string]any {
	changes := make([]ref.Val, len(f.Changes))
	for i, c := range f.Changes {
		changes[i] = c.object()
	}
	vars := map[string]any{
		"app": types.String(f.Target.App), "env": types.String(f.Target.Env), "from": texts(f.From), "clusters": texts(f.Clusters),
		"changes": types.NewRefValList(types.DefaultTypeAdapter, changes),
		"mr":      f.MergeRequest.object(), "now": types.Timestamp{Time: f.Now.UTC()},
		"soaked": types.NewErr("it is not healthy, so it does not soak"),
	}
	if f.Healthy {
		vars["soaked"] = types.Duration{Duration: f.Soaked}
	}
	return vars
}

func texts[T ~string](list []T) ref.Val {
	plain := make([]string, len(list))
	for i, s := range list {
		plain[i] = string(s)
	}
	return types.NewStringList(types.DefaultTypeAdapter, plain)
}

func (c Change) object() *object {
	return &object{changeType, map[string]ref.Val{
		"cluster": types.String(c.Cluster), "kind": types.String(c.Kind), "name": types.String(c.Name),
		"old": versionObject(c.Old), "new": versionObject(c.New),
	}}
}

// versionObject knows of a text that tells nothing about its age neither
// numbers nor whether it is a prerelease.
func versionObject(v version.Version) *object {
	fields := map[string]ref.Val{
		"text": types.String(v.String()), "scheme": types.String(v.Scheme().String()),
		"digest": types.String(v.Pinned()), "prerelease": types.String(v.Early()),
	}
	if v.Scheme() == version.Digest {
		fields["digest"] = types.String(v.String())
	}
	if v.Scheme() == version.Digest || v.Scheme() == version.Opaque {
		fields["prerelease"] = types.NewErr("%s does not tell whether it is a prerelease", shown(v))
	}
	for _, name := range []string{"major", "minor", "patch", "build"} {
		fields[name] = types.NewErr("%s is not SemVer, so it has no %s", shown(v), name)
	}
	if p, ok := v.Parts(); ok {
		fields["major"], fields["minor"], fields["patch"] = whole(p.Major), whole(p.Minor), whole(p.Patch)
		fields["build"] = types.String(p.Build)
	}
	return &object{versionType, fields}
}

func shown(v version.Version) string {
	if v.String() == "" {
		return "an empty version"
	}
	return clip(v.String())
}

func (m *MergeRequest) object() *object {
	if m == nil {
		fields := map[string]ref.Val{}
		for _, f := range fieldsOf(mrType) {
			fields[f.name] = types.NewErr("the merge request is not open yet")
		}
		return &object{mrType, fields}
	}
	return &object{mrType, map[string]ref.Val{
		"number": types.Int(m.ID), "title": types.String(m.Title), "author": types.String(m.Author),
		"draft": types.Bool(m.Draft), "labels": texts(m.Labels),
	}}
}
