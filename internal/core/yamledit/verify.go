package yamledit

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core"
)

// verify requires that out is src with nothing but the splices replaced, and
// that its tree is the old one with nothing but the changes made. It shares no
// code with what chose the splices.
func (f *File) verify(out []byte, changes []change, splices []splice) error {
	if !onlyWithin(f.src, out, splices) {
		return core.Errorf(core.Invalid, "the edit would touch bytes outside of the values it is about")
	}
	after, err := parse(out, f.origin)
	if err != nil {
		return fmt.Errorf("the edited text would be broken: %w", err)
	}
	if len(after.roots) != len(f.roots) {
		return core.Errorf(core.Invalid, "the edit would turn %d documents into %d", len(f.roots), len(after.roots))
	}
	c := comparison{want: map[*yaml.Node]change{}, twin: map[*yaml.Node]*yaml.Node{}}
	for _, ch := range changes {
		c.want[ch.node] = ch
	}
	for i, root := range f.roots {
		if at, what := c.tree(root, after.roots[i]); at != nil {
			return f.place(at).errorf(core.Invalid, "the edit would change %s here, which it must not", what)
		}
	}
	return nil
}

// onlyWithin tells whether src and out are the same text but for the splices.
func onlyWithin(src, out []byte, splices []splice) bool {
	for _, s := range splices {
		if s.start > s.end || s.end > len(src) || s.start+len(s.text) > len(out) {
			return false
		}
	}
	i, o := 0, 0
	for _, s := range splices {
		gap := s.start - i
		if gap < 0 || o+gap+len(s.text) > len(out) || !bytes.Equal(src[i:s.start], out[o:o+gap]) || string(out[o+gap:o+gap+len(s.text)]) != s.text {
			return false
		}
		i, o = s.end, o+gap+len(s.text)
	}
	return bytes.Equal(src[i:], out[o:])
}

// comparison holds an old and a new tree side by side.
type comparison struct {
	want map[*yaml.Node]change
	twin map[*yaml.Node]*yaml.Node // the new node of each old one visited
}

// tree gives the first old node whose new one is not as it should be, and what
// is wrong with it; nil if all is well.
func (c *comparison) tree(old, now *yaml.Node) (*yaml.Node, string) {
	c.twin[old] = now
	if what := c.differs(old, now); what != "" {
		return old, what
	}
	for i := range old.Content {
		if at, what := c.tree(old.Content[i], now.Content[i]); at != nil {
			return at, what
		}
	}
	return nil, ""
}

func (c *comparison) differs(old, now *yaml.Node) string {
	value, tag, style := old.Value, old.Tag, now.Style
	if ch, ok := c.want[old]; ok && len(ch.splices) > 0 {
		value, tag = ch.value, ch.tag
		style = now.Style&^quoteMask | old.Style&quoteMask
	}
	switch {
	case old.Kind != now.Kind || len(old.Content) != len(now.Content):
		return "the structure"
	case now.Value != value:
		return "a value"
	case now.Tag != tag:
		return "a type"
	case old.Style != style:
		return "a style"
	case old.Anchor != now.Anchor || c.twin[old.Alias] != now.Alias:
		return "an anchor or an alias"
	case old.HeadComment != now.HeadComment || old.LineComment != now.LineComment || old.FootComment != now.FootComment:
		return "a comment"
	case old.Line != now.Line:
		return "a line number"
	default:
		return ""
	}
}
