package pin

import (
	"strings"

	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// Override says what an overlay can be given so that it has a version of its
// own where it has a base's now, and so that nothing else changes.
type Override struct {
	// At is the first scalar that is to come. It has no line yet.
	At   Place
	Grow yamledit.Path // the collection of At.File that grows
	Keys []string      // what it gets, where a list is missing: the way to a new one
	Name string        // the new entry of a list is for this name; "" if no list gets one
	Adds []Addition    // at least one; in an entry, or straight below Grow
}

// Addition is one scalar that an override adds. The part's Text is what the
// base has now.
type Addition struct {
	Keys []string
	Part Part
}

// Insertions are what makes the override carry a version that fits the pin.
func (o *Override) Insertions(version string) []yamledit.Insertion {
	tag, digest, _ := strings.Cut(version, "@")
	entry := yamledit.Insertion{Doc: o.At.Doc, Path: o.Grow, Keys: o.Keys, Item: []yamledit.Field{{Key: "name", Text: o.Name}}}
	var all []yamledit.Insertion
	for _, add := range o.Adds {
		text := add.Part.write(tag, digest)
		entry.Item = append(entry.Item, yamledit.Field{Key: add.Keys[len(add.Keys)-1], Text: text})
		all = append(all, yamledit.Insertion{Doc: o.At.Doc, Path: o.Grow, Keys: add.Keys, Text: text})
	}
	if o.Name != "" {
		return []yamledit.Insertion{entry}
	}
	return all
}

// Target is the place at which the pin's version would be written.
func (p Pin) Target() Place {
	if p.Override != nil {
		return p.Override.At
	}
	return p.At
}
