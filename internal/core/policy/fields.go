package policy

import (
	"slices"

	"github.com/sluice-gitops/sluice/internal/core"
)

// Field is a place in objects of one kind that holds a version, and of which
// only the policy can know.
type Field struct {
	Kind  string
	Group string // of the API, without the version; "" means any
	Path  FieldPath
	Is    FieldForm
	At    Place // where the policy says so
}

// Place is where something stands in the policy.
type Place struct {
	File         string
	Line, Column int
}

// FieldForm says what a field holds.
type FieldForm string

// The forms. ImageField is the default.
const (
	ImageField   FieldForm = "image"   // a whole reference, such as registry/name:tag@digest
	VersionField FieldForm = "version" // the version alone
)

// Equal says whether both mean the same fields of the same objects.
func (f Field) Equal(o Field) bool {
	return f.Kind == o.Kind && f.Group == o.Group && f.Is == o.Is && slices.Equal(f.Path, o.Path)
}

// Of tells whether the field is one of objects of that kind and group.
func (f Field) Of(kind, group string) bool {
	return f.Kind == kind && (f.Group == "" || f.Group == group)
}

func (d *decoder) fields(at place) []Field {
	var all []Field
	d.list(at, maxFields, func(at place) {
		f := Field{Is: ImageField, At: Place{File: d.file, Line: at.Line, Column: at.Column}}
		d.mapping(at,
			field{"kind", true, func(at place) { f.Kind, _ = read(d, at, parseKind) }},
			field{"group", false, func(at place) { f.Group, _ = read(d, at, parseGroup) }},
			field{"path", true, func(at place) { f.Path, _ = read(d, at, parseFieldPath) }},
			field{"is", false, func(at place) { f.Is = oneOf(d, at, ImageField, VersionField) }},
		)
		same := func(o Field) bool {
			return f.Kind != "" && len(f.Path) > 0 && f.Kind == o.Kind && slices.Equal(f.Path, o.Path) && (f.Group == o.Group || f.Group == "" || o.Group == "")
		}
		if slices.ContainsFunc(all, same) {
			d.report(at, "%s of %s is named above already; keep one", f.Path, f.Kind)
		}
		all = append(all, f)
	})
	return all
}

func parseKind(text string) (string, error) {
	if !matches(`[A-Z][A-Za-z0-9]{0,62}`, text) {
		return "", core.Errorf(core.Invalid, "found %s; write the kind of an object, such as Model", quote(text))
	}
	return text, nil
}

func parseGroup(text string) (string, error) {
	if len(text) > maxGroup || !matches(`[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?`, text) {
		return "", core.Errorf(core.Invalid, "found %s; write an API's group without its version, such as serving.kserve.io", quote(text))
	}
	return text, nil
}
