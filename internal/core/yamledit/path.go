package yamledit

import (
	"strconv"
	"strings"
)

// Path leads from a document's root to a node: keys of mappings and indexes of
// sequences.
type Path []Step

// Step is one step of a path: a mapping's key, or a sequence's index where Key
// is empty and IsIndex is set.
type Step struct {
	Key     string
	Index   int
	IsIndex bool
}

// Key is the step into a mapping.
func Key(k string) Step { return Step{Key: k} }

// Index is the step into a sequence, from 0.
func Index(i int) Step { return Step{Index: i, IsIndex: true} }

// String spells the path the way people write it: spec.values.image.tag,
// images[0].newTag. Keys that hold dots or brackets are quoted.
func (p Path) String() string {
	var b strings.Builder
	for _, s := range p {
		switch {
		case s.IsIndex:
			b.WriteString("[" + strconv.Itoa(s.Index) + "]")
			continue
		case b.Len() > 0:
			b.WriteByte('.')
		}
		if strings.ContainsAny(s.Key, ".[]\" ") || s.Key == "" {
			b.WriteString(strconv.Quote(s.Key))
		} else {
			b.WriteString(s.Key)
		}
	}
	return b.String()
}
