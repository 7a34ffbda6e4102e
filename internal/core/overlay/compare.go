package overlay

import (
	"github.com/sluice-gitops/sluice/internal/core/pin"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// comparer holds the objects of two builds side by side. They share what is the
// same, so it costs what differs.
type comparer struct {
	work  *work
	texts map[spot]map[string]string // by place, which old texts are to be which new ones
}

// expect lets the parts of a pin change to what they are in a version.
func (c *comparer) expect(p pin.Pin, version string) {
	for _, ch := range p.Set(version) {
		s := spotOf(ch.At)
		if c.texts[s] == nil {
			c.texts[s] = map[string]string{}
		}
		c.texts[s][ch.Old] = ch.New
	}
}

// object compares two objects. That a patch names the namespace, which an object
// gets from a kustomization, changes nothing.
func (c *comparer) object(was, is *node) bool {
	if meta := is.get("metadata"); was != is && meta != nil && was.get("metadata", "namespace") == nil {
		is = is.set("metadata", meta.set("namespace", nil))
	}
	return c.same(was, is)
}

func (c *comparer) same(was, is *node) bool {
	switch {
	case was == is:
		return true
	case was == nil || is == nil || was.kind != is.kind || len(was.fields) != len(is.fields) || len(was.items) != len(is.items) || !c.work.spend(1):
		return false
	case was.kind == yamledit.Unclear:
		return was.why == is.why && was.at.File == is.at.File && was.at.Path.String() == is.at.Path.String()
	case was.kind == yamledit.Scalar:
		return was.text == is.text && was.null == is.null && was.number == is.number || c.wanted(was, is)
	}
	for i := range was.items {
		if !c.same(was.items[i], is.items[i]) {
			return false
		}
	}
	for key, value := range was.fields {
		if !c.same(value, is.fields[key]) {
			return false
		}
	}
	return true
}

func (c *comparer) wanted(was, is *node) bool {
	text, ok := c.texts[spotOf(was.at)][was.text]
	return ok && is.text == text && !is.number && !is.null
}
