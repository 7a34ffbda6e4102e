package pin

import (
	"slices"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// Override says what an overlay can be given so that it has a version of its
// own where it has a base's now, and so that nothing else changes.
type Override struct {
	// At is the first scalar that is to come. It has no line yet.
	At Place
	// Grow is the collection that grows: of At.File's document or, where At.Inner
	// is set, of the text at At.Path. Where Object is set, it is the document's.
	Grow yamledit.Path
	Keys []string   // what it gets, where a list is missing: the way to a new one
	Name string     // the new entry of a list is for this name; "" if no list gets one
	Adds []Addition // at least one; in an entry, or straight below Grow and Keys
	// Object is set if a new patch is what Grow gets, for this object. Way and Name
	// then lead to what is added, inside of the patch.
	Object *Object
	Way    []string
	Beside []Part // the pin's parts that the overlay has already, and that change too
}

// Object names what a patch is for.
type Object struct {
	APIVersion, Kind, Name string
	Namespace              string // "" if the object does not tell
}

// Addition is one scalar that an override adds. The part's Text is what the
// base has now.
type Addition struct {
	Keys []string
	Part Part
}

// Given is a version for a pin that gets it by its override. The version fits.
type Given struct {
	*Override
	Version string
}

// Insertions are what makes overrides of one file carry their versions. Those
// that want a new patch for one object share it. The error is of kind
// core.Invalid if a version cannot be written.
func Insertions(settings []Given) ([]yamledit.Insertion, error) {
	var all []yamledit.Insertion
	for i, s := range settings {
		switch {
		case s.Object == nil:
			all = append(all, s.additions()...)
		case slices.IndexFunc(settings, s.shares) == i:
			text, err := s.patch(settings[i:])
			if err != nil {
				return nil, core.Errorf(core.KindOf(err), "a patch for %s %s: %w", s.Object.Kind, s.Object.Name, err)
			}
			all = append(all, yamledit.Insertion{Doc: s.At.Doc, Path: s.Grow, Keys: s.Keys, Item: []yamledit.Field{{Key: "patch", Text: text}}})
		}
	}
	return all, nil
}

// shares tells whether both want a patch for one object.
func (s Given) shares(o Given) bool {
	return s.Object != nil && o.Object != nil && *s.Object == *o.Object && s.At.File == o.At.File && s.At.Doc == o.At.Doc
}

// additions are what one override adds to what is there.
func (s Given) additions() []yamledit.Insertion {
	in := yamledit.Insertion{Doc: s.At.Doc, Path: s.Grow}
	if s.At.Inner != nil {
		in.Path, in.Inner = s.At.Path, s.Grow
	}
	return s.below(in, s.Keys)
}

// below are an override's additions below some keys of a collection.
func (s Given) below(in yamledit.Insertion, keys []string) []yamledit.Insertion {
	var all []yamledit.Insertion
	in.Item = []yamledit.Field{{Key: "name", Text: s.Name}}
	tag, digest := cut(s.Version)
	for _, add := range s.Adds {
		text := add.Part.write(tag, digest)
		in.Item = append(in.Item, yamledit.Field{Key: add.Keys[len(add.Keys)-1], Text: text})
		all = append(all, yamledit.Insertion{Doc: in.Doc, Path: in.Path, Inner: in.Inner, Keys: slices.Concat(keys, add.Keys), Text: text})
	}
	if s.Name == "" {
		return all
	}
	in.Keys = keys
	return []yamledit.Insertion{in}
}

// patch is the text of a new patch for all settings that share it.
func (s Given) patch(settings []Given) (string, error) {
	const blank = "apiVersion: none\n"
	f, err := yamledit.Parse([]byte(blank))
	if err != nil {
		return "", err
	}
	api := yamledit.Edit{Path: yamledit.Path{yamledit.Key("apiVersion")}, Old: "none", New: s.Object.APIVersion}
	adds := []yamledit.Insertion{
		{Keys: []string{"kind"}, Text: s.Object.Kind},
		{Keys: []string{"metadata", "name"}, Text: s.Object.Name},
	}
	if s.Object.Namespace != "" {
		adds = append(adds, yamledit.Insertion{Keys: []string{"metadata", "namespace"}, Text: s.Object.Namespace})
	}
	for _, o := range settings {
		if s.shares(o) {
			adds = append(adds, o.below(yamledit.Insertion{}, o.Way)...)
		}
	}
	out, err := f.Update([]yamledit.Edit{api}, adds)
	return string(out), err
}

// Changes are the scalars that the overlay has already and that change beside
// what the override adds.
func (s Given) Changes() []Change { return changes("", s.Beside, s.Version) }

// Target is the place at which the pin's version would be written.
func (p Pin) Target() Place {
	if p.Override != nil {
		return p.Override.At
	}
	return p.At
}
