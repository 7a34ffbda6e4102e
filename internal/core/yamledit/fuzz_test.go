package yamledit_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// patience is far more than any text of MaxSize may take, also on a busy
// machine with the race detector.
const patience = 20 * time.Second

var seeds = []string{
	"", "# c\n", "a: b\n", "a: 1.2 # c\n", "- 'it''s'\n- \"\\u00e9\"\n", "\ufeffa: b\r\nc: {d: e, f: \"g\"}\r\n",
	"a: &x b\nc: *x\n", "a: &x {b: c}\nd: {<<: *x}\n", "--- a\n---\n- b\n...\n", "a: |\n  b: c\n  d: e\n", "a: >-\n  b\n",
	"? a\n: b\n", "a: !!str 1\nb: !x 2\nc: ! 3\n", "a:\n  b\nc:\n\n  # d\n  e\n", "é: [ü, \"ö\", 🚀, a]\n", "a: b\u2028c: d\n", "a: b\rc: d\r",
	"a: b\na: c\n", "a: \"x\\\n  y\"\n", "{{ .a }}: {{- b }}\n", "[[[[", "a: b #c\n#d\n\n#e\nf: g\n  #h\n",
}

func FuzzParse(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		start := time.Now()
		file, err := yamledit.Parse(src)
		if took := time.Since(start); took > patience {
			t.Fatalf("Parse took %v", took)
		}
		if err != nil {
			if core.KindOf(err) != core.Invalid {
				t.Fatalf("the error is %v: %v", core.KindOf(err), err)
			}
			return
		}
		for i := range file.Len() {
			root, _ := file.Doc(i)
			visit(t, root, src)
		}
	})
}

// visit uses every method on every node and checks that places lie in the text.
func visit(t *testing.T, n yamledit.Node, src []byte) {
	t.Helper()
	if n.Line() < 1 || n.Column() < 1 || n.Line() > len(src)+1 || n.Column() > len(src)+2 {
		t.Fatalf("a node at %d:%d of %d bytes", n.Line(), n.Column(), len(src))
	}
	_, _, _ = n.Text(), n.LineComment(), n.IsString()
	if inner, err := n.Embedded(); err == nil {
		inner.Len()
	}
	for p := range n.Pairs() {
		got, ok := n.Get(p.Key)
		if !ok && p.Key != "<<" {
			t.Fatalf("Get(%q) does not find what Pairs has", p.Key)
		}
		if got.Kind() != p.Value.Kind() && got.Kind() != yamledit.Unclear {
			t.Fatalf("Get(%q) is %v, Pairs has %v", p.Key, got.Kind(), p.Value.Kind())
		}
		visit(t, p.Value, src)
	}
	for _, item := range n.Items() {
		visit(t, item, src)
	}
}

// FuzzSet edits the pick-th scalar of any text and checks the promise of Set
// with a parser of its own.
func FuzzSet(f *testing.F) {
	texts := []string{"v2", "1.3", "", "yes", "a: b", "it's", "x\ny", "é", "2026-01-01", "- #", "[", "a,b", "\ufeff", "\x7f\u0085"}
	for i, s := range seeds {
		for pick := range 4 {
			f.Add([]byte(s), uint8(pick), texts[(i+pick)%len(texts)])
		}
	}
	f.Fuzz(func(t *testing.T, src []byte, pick uint8, text string) {
		file, err := yamledit.Parse(src)
		if err != nil {
			return
		}
		edit, ok := pickScalar(file, int(pick))
		if !ok {
			return
		}
		edit.New = text
		out, err := file.Set(edit)
		if err != nil {
			checkRefusal(t, err)
			return
		}
		checkEdited(t, src, out, edit)
	})
}

// checkRefusal accepts every reason: the parser reads some odd texts only as
// long as their neighbours are unquoted. TestSetRandom is strict about texts
// that people might write.
func checkRefusal(t *testing.T, err error) {
	t.Helper()
	if kind := core.KindOf(err); kind != core.Invalid {
		t.Fatalf("the error is %v: %v", kind, err)
	}
}

// checkEdited compares the scalars of both texts one by one.
func checkEdited(t *testing.T, src, out []byte, e yamledit.Edit) {
	t.Helper()
	file, err := yamledit.Parse(out)
	if err != nil {
		t.Fatalf("the result %q is not YAML: %v", out, err)
	}
	got, err := file.At(e.Doc, e.Path)
	if err != nil || got.Text() != e.New {
		t.Fatalf("%s is %q, %v in %q", e.Path, got.Text(), err, out)
	}
	if e.New == e.Old {
		if !bytes.Equal(src, out) {
			t.Fatalf("nothing to do, and yet %q became %q", src, out)
		}
		return
	}
	if !got.IsString() {
		t.Fatalf("%s is no string in %q", e.Path, out)
	}
	before, after := scalars(t, src), scalars(t, out)
	if len(before) != len(after) {
		t.Fatalf("%d scalars became %d: %q to %q", len(before), len(after), src, out)
	}
	changed := 0
	for i := range before {
		if before[i] != after[i] {
			changed++
		}
	}
	if changed > 1 {
		t.Fatalf("%d scalars changed: %q to %q", changed, src, out)
	}
	checkOneToken(t, src, out)
}

// checkOneToken requires that what differs between the texts lies on one line.
func checkOneToken(t *testing.T, src, out []byte) {
	t.Helper()
	start := 0
	for start < min(len(src), len(out)) && src[start] == out[start] {
		start++
	}
	i, o := len(src), len(out)
	for i > start && o > start && src[i-1] == out[o-1] {
		i, o = i-1, o-1
	}
	if bytes.ContainsAny(src[start:i], "\r\n") || bytes.ContainsAny(out[start:o], "\r\n") {
		t.Fatalf("more than one line changed: %q to %q", src, out)
	}
}

func scalars(t *testing.T, src []byte) []string {
	t.Helper()
	var all []string
	var add func(n *yaml.Node)
	add = func(n *yaml.Node) {
		all = append(all, n.Tag+" "+n.Value)
		for _, c := range n.Content {
			add(c)
		}
	}
	dec := yaml.NewDecoder(bytes.NewReader(src))
	for {
		var n yaml.Node
		if err := dec.Decode(&n); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		add(&n)
	}
}

// pickScalar gives an edit of one of the scalars that paths can reach.
func pickScalar(file *yamledit.File, pick int) (yamledit.Edit, bool) {
	var all []yamledit.Edit
	var add func(doc int, path yamledit.Path, n yamledit.Node)
	add = func(doc int, path yamledit.Path, n yamledit.Node) {
		if n.Kind() == yamledit.Scalar {
			all = append(all, yamledit.Edit{Doc: doc, Path: slices.Clone(path), Old: n.Text()})
		}
		for p := range n.Pairs() {
			if p.Value.Kind() != yamledit.Unclear && p.Key != "<<" {
				add(doc, append(path, yamledit.Key(p.Key)), p.Value)
			}
		}
		for i, item := range n.Items() {
			add(doc, append(path, yamledit.Index(i)), item)
		}
	}
	for i := range file.Len() {
		root, _ := file.Doc(i)
		add(i, nil, root)
	}
	if len(all) == 0 {
		return yamledit.Edit{}, false
	}
	return all[pick%len(all)], true
}
