package yamledit

import (
	"bytes"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core"
)

// verify requires that out is src with nothing but the splices replaced, and
// that its tree is the old one with nothing but the changes made and nothing
// but the growths added. It shares no code with what chose the splices. There must be at least one; the first one's
// place stands for all where no single node is to blame.
func (f *File) verify(out []byte, changes []change, grown []*growth, splices []splice) error {
	first := f.shift(positionOf(f.src, splices[0].start))
	if !onlyWithin(f.src, out, splices) {
		return first.errorf(core.Invalid, "the edit would touch bytes outside of the values it is about")
	}
	after, err := parseAny(out, f.origin)
	if err != nil {
		return first.errorf(core.Invalid, "the edited text would be broken: %v", err)
	}
	if len(after.docs) != len(f.docs) {
		return first.errorf(core.Invalid, "the edit would turn %d documents into %d", len(f.docs), len(after.docs))
	}
	if !slices.Equal(f.comments(), after.comments()) {
		return first.errorf(core.Invalid, "the edit would turn a comment into content, or content into a comment")
	}
	c := comparison{want: map[*yaml.Node]change{}, twin: map[*yaml.Node]*yaml.Node{}, more: map[*yaml.Node]*sprout{}, moved: f.moves(splices)}
	for _, g := range grown {
		c.more[g.node()] = g.added
	}
	for _, ch := range changes {
		c.want[ch.node] = ch
	}
	for i, doc := range f.docs {
		if at, what := c.tree(doc, after.docs[i]); at != nil {
			return f.place(at).errorf(core.Invalid, "the edit would change %s here, which it must not", what)
		}
	}
	return nil
}

// comments are the words of all comments, sorted. Which node the parser hangs a
// comment to depends on the quotes of its neighbours, so that says nothing.
func (f *File) comments() []string {
	var all []string
	var add func(n *yaml.Node)
	add = func(n *yaml.Node) {
		for _, c := range []string{n.HeadComment, n.LineComment, n.FootComment} {
			all = append(all, strings.Fields(c)...)
		}
		for _, c := range n.Content {
			add(c)
		}
	}
	for _, doc := range f.docs {
		add(doc)
	}
	slices.Sort(all)
	return all
}

// onlyWithin tells whether src and out are the same text but for the splices.
func onlyWithin(src, out []byte, splices []splice) bool {
	at := 0
	for _, s := range splices {
		if s.start < at || s.end < s.start || s.end > len(src) {
			return false
		}
		rest, ok := bytes.CutPrefix(out, src[at:s.start])
		if !ok {
			return false
		}
		if out, ok = bytes.CutPrefix(rest, []byte(s.text)); !ok {
			return false
		}
		at = s.end
	}
	return bytes.Equal(src[at:], out)
}

// comparison holds an old and a new tree side by side.
type comparison struct {
	want  map[*yaml.Node]change
	twin  map[*yaml.Node]*yaml.Node // the new node of each old one visited
	more  map[*yaml.Node]*sprout    // what old collections have at their ends beyond what they had
	moved []move
}

// tree walks both trees at once. The caller may rely on it for termination on
// any text: aliases are compared by where they point, and never followed.
//
// It gives the first old node whose new one is not as it should be, and what
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
	if !c.more[old].is(old.Kind, now.Content[len(old.Content):]) {
		return old, "what is to be added"
	}
	return nil, ""
}

// differs names what of a node itself, without its children, is not as it
// should be; "" if all is well. Only whole new lines move a line, so lines are
// compared too.
func (c *comparison) differs(old, now *yaml.Node) string {
	value, tag, style := old.Value, old.Tag, now.Style
	if ch, ok := c.want[old]; ok && len(ch.splices) > 0 {
		value, tag = ch.value, ch.tag
		style = now.Style&^quoteMask | old.Style&quoteMask
	}
	switch {
	case old.Kind != now.Kind || len(now.Content) != len(old.Content)+c.more[old].width(old.Kind):
		return "the structure"
	case now.Value != value:
		return "a value"
	case now.Tag != tag:
		return "a type"
	case old.Style != style:
		return "a style"
	case old.Anchor != now.Anchor || c.twin[old.Alias] != now.Alias:
		return "an anchor or an alias"
	case c.line(old.Line) != now.Line:
		return "a line number"
	default:
		return ""
	}
}
