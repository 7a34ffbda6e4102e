package yamledit_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

var insertSeeds = []string{
	"a:\n- b: c\n", "a:\n  - b: 'c'\n    d: e", "a:\n-   {b: c}\n# x\nd: e\n", "a:\r\n  b: c\r\n\r\n# x\r\n", "- - a: b\n  - c\n- d\n",
	"a: |\n  b\n  # c\n\nd: |+\n  e\n\n---\nf:\n- g: h\n...\n# i\n", "-\n  a: b\n-\n  - c\n", "? a\n: b\n", "a: &x\n- b\nc: [d, {e: f}]\n",
	"\ufeffa:\n- b: \"c\n\n  d\"\n", "a:\n\t\n- b\n# \n", "a:\n b:\n  c: d\n # e\n  # f\n# g\n", "é:\n- ü: 🚀 # ö\n", "a: b\u2028c: d\n", "a:\r- b\r",
	"a: []\nb: {}\n", "a: [\n  {b: c}, # d\n  # e\n]\n", "a: [{b: c}, d] # e\n", "{\"a\": [\n {\"b\": 'c'}\n]}", "a: {b: [c, {d: e,},], f: *g }\nx: &g y\n", "[a: b, ]", "{a, b: }",
}

// FuzzInsert adds to the pick-th collection of any text and checks the promise
// of Update by taking the addition out of the result again.
func FuzzInsert(f *testing.F) {
	for i, s := range append(seeds, insertSeeds...) {
		for pick := range 5 {
			f.Add([]byte(s), uint8(pick), "newTag", []string{"v2", "1.3", "yes", "a: b", "x\ny\n"}[(i+pick)%5], pick%2 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, src []byte, pick uint8, key, text string, item bool) {
		file, err := yamledit.Parse(src)
		if err != nil {
			return
		}
		in, old, ok := pickCollection(file, int(pick))
		if !ok || key == "" || text == "" {
			return
		}
		switch {
		case old.Kind() == yamledit.Sequence:
			in.Item = []yamledit.Field{{Key: "name", Text: key}, {Key: "newTag", Text: text}}
		case item:
			in.Keys, in.Item = []string{key}, []yamledit.Field{{Key: "name", Text: text}}
		default:
			in.Keys, in.Text = []string{key, "inner"}, text
		}
		out, err := file.Update(nil, []yamledit.Insertion{in})
		if err != nil {
			checkRefusal(t, err)
			return
		}
		checkInserted(t, file, src, out, in)
	})
}

// pickCollection finds the pick-th mapping or sequence, and the way to it.
func pickCollection(file *yamledit.File, pick int) (yamledit.Insertion, yamledit.Node, bool) {
	type place struct {
		in yamledit.Insertion
		n  yamledit.Node
	}
	var all []place
	var visit func(doc int, n yamledit.Node, path yamledit.Path)
	visit = func(doc int, n yamledit.Node, path yamledit.Path) {
		if n.Kind() == yamledit.Mapping || n.Kind() == yamledit.Sequence {
			all = append(all, place{yamledit.Insertion{Doc: doc, Path: slices.Clone(path)}, n})
		}
		for i, item := range n.Items() {
			visit(doc, item, append(path, yamledit.Index(i)))
		}
		for p := range n.Pairs() {
			if p.Value.Kind() != yamledit.Unclear {
				visit(doc, p.Value, append(path, yamledit.Key(p.Key)))
			}
		}
	}
	for i := range file.Len() {
		root, _ := file.Doc(i)
		visit(i, root, nil)
	}
	if len(all) == 0 {
		return yamledit.Insertion{}, yamledit.Node{}, false
	}
	p := all[pick%len(all)]
	return p.in, p.n, true
}

// checkInserted spells both trees out, the new one without what was added.
func checkInserted(t *testing.T, before *yamledit.File, src, out []byte, in yamledit.Insertion) {
	t.Helper()
	same := 0
	for same < len(src) && same < len(out) && src[same] == out[same] {
		same++
	}
	rest := out[same:]
	if comma, ok := bytes.CutPrefix(rest, []byte(",")); ok && !bytes.HasSuffix(rest, src[same:]) {
		// A comma, and behind the comment of that line the rest.
		comment, _, _ := bytes.Cut(src[same:], []byte("\n"))
		rest, _ = bytes.CutPrefix(comma, comment)
		same += len(comment)
	}
	if !bytes.HasSuffix(rest, src[same:]) || len(out) <= len(src) {
		t.Fatalf("%q became %q: more than an addition", src, out)
	}
	after, err := yamledit.Parse(out)
	if err != nil {
		t.Fatalf("%q became %q: %v", src, out, err)
	}
	if before.Len() != after.Len() {
		t.Fatalf("%q became %q: %d documents, not %d", src, out, after.Len(), before.Len())
	}
	for i := range before.Len() {
		was, _ := before.Doc(i)
		is, _ := after.Doc(i)
		grown, added := yamledit.Path(nil), ""
		if i == in.Doc {
			grown, added = append(yamledit.Path{}, in.Path...), spellAddition(in)
		}
		if want, got := spell(was, grown, added), spell(is, nil, ""); want != got {
			t.Fatalf("%q became %q:\n got %s\nwant %s", src, out, got, want)
		}
	}
}

// spell writes a tree out; at the end of grown, an addition follows.
func spell(n yamledit.Node, grown yamledit.Path, added string) string {
	more := func(s yamledit.Step) (yamledit.Path, string) {
		if len(grown) > 0 && grown[0] == s {
			return grown[1:], added
		}
		return nil, ""
	}
	tail := ""
	if grown != nil && len(grown) == 0 {
		tail = added
	}
	switch n.Kind() {
	case yamledit.Mapping:
		out := "{"
		for p := range n.Pairs() {
			path, text := more(yamledit.Key(p.Key))
			out += fmt.Sprintf("%q: %s, ", p.Key, spell(p.Value, path, text))
		}
		return out + tail + "}"
	case yamledit.Sequence:
		out := "["
		for i, item := range n.Items() {
			path, text := more(yamledit.Index(i))
			out += spell(item, path, text) + ", "
		}
		return out + tail + "]"
	default:
		return fmt.Sprintf("%v %q %v %v", n.Kind(), n.Text(), n.IsString(), n.IsNull())
	}
}

// spellAddition is what spell writes for what is added.
func spellAddition(in yamledit.Insertion) string {
	text := func(s string) string { return fmt.Sprintf("%v %q %v %v", yamledit.Scalar, s, true, false) }
	switch {
	case len(in.Keys) == 0:
		return "{" + pairs(in.Item, text) + "}, "
	case in.Item != nil:
		return fmt.Sprintf("%q: [{%s}, ], ", in.Keys[0], pairs(in.Item, text))
	default:
		return fmt.Sprintf("%q: {%q: %s, }, ", in.Keys[0], in.Keys[1], text(in.Text))
	}
}

func pairs(item []yamledit.Field, text func(string) string) string {
	out := ""
	for _, f := range item {
		out += fmt.Sprintf("%q: %s, ", f.Key, text(f.Text))
	}
	return out
}

// FuzzInside adds to a text that stands in a literal block of another one, and
// requires what becomes of it where it stands alone.
func FuzzInside(f *testing.F) {
	for i, s := range append(seeds, insertSeeds...) {
		f.Add([]byte(s), uint8(i), "newTag", "v2", i%2 == 0)
	}
	f.Fuzz(func(t *testing.T, src []byte, pick uint8, key, text string, crlf bool) {
		alone, err := yamledit.Parse(src)
		if err != nil || alone.Len() != 1 {
			return
		}
		in, old, ok := pickCollection(alone, int(pick))
		if !ok || key == "" || text == "" {
			return
		}
		in.Keys, in.Text = []string{key, "inner"}, text
		if old.Kind() == yamledit.Sequence {
			in.Keys, in.Text, in.Item = nil, "", []yamledit.Field{{Key: "name", Text: key}}
		}
		around := "a:\n- b: |\n    " + strings.ReplaceAll(string(src), "\n", "\n    ") + "\n  c: d\n"
		if crlf {
			around = strings.ReplaceAll(around, "\n", "\r\n")
		}
		outer, err := yamledit.Parse([]byte(around))
		path := yamledit.Path{yamledit.Key("a"), yamledit.Index(0), yamledit.Key("b")}
		if err != nil || textAt(t, outer, path) != string(src) {
			return
		}
		want, refused := alone.Update(nil, []yamledit.Insertion{in})
		in.Path, in.Inner = path, append(yamledit.Path{}, in.Path...)
		out, err := outer.Update(nil, []yamledit.Insertion{in})
		if err != nil {
			checkRefusal(t, err)
			return
		}
		after, err := yamledit.Parse(out)
		if err != nil || refused != nil {
			t.Fatalf("%q became %q: %v, %v", around, out, err, refused)
		}
		if got := textAt(t, after, path); got != string(want) {
			t.Fatalf("%q became %q: inside is %q, want %q", around, out, got, want)
		}
	})
}

// textAt is the text of a scalar, "" if there is none.
func textAt(t *testing.T, f *yamledit.File, path yamledit.Path) string {
	t.Helper()
	n, err := f.At(0, path)
	if err != nil {
		return ""
	}
	return n.Text()
}

func TestUpdateRefusesWhatItCannotPlace(t *testing.T) {
	file, err := yamledit.Parse([]byte("a:\n- b: c\n"))
	if err != nil {
		t.Fatal(err)
	}
	for name, in := range map[string]yamledit.Insertion{
		"no key":         {Text: "x"},
		"keys in a list": {Path: yamledit.Path{yamledit.Key("a")}, Keys: []string{"x"}, Text: "y"},
		"no content":     {Keys: []string{"x"}},
		"a key twice":    {Keys: []string{"x"}, Item: []yamledit.Field{{Key: "a", Text: "b"}, {Key: "a", Text: "c"}}},
		"not UTF-8":      {Keys: []string{"x"}, Text: "\xff"},
		"no document":    {Doc: 1, Keys: []string{"x"}, Text: "y"},
	} {
		if out, err := file.Update(nil, []yamledit.Insertion{in}); err == nil || core.KindOf(err) == core.Internal || out != nil {
			t.Errorf("%s: got %q and %v", name, out, err)
		}
	}
	if out, err := file.Update(nil, make([]yamledit.Insertion, 1001)); err == nil {
		t.Errorf("1001 insertions are made: %q", out)
	}
}
