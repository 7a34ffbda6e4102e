package yamledit_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// TestSetRandom edits random texts in random styles. Unlike the fuzz targets it
// knows where each token is, and every edit must succeed.
func TestSetRandom(t *testing.T) {
	for seed := range uint64(200) {
		w := &writer{rand: rand.New(rand.NewPCG(seed, 1)), eol: "\n"}
		if w.chance(4) {
			w.eol = "\r\n"
		}
		docs := 1 + w.rand.IntN(3)
		for w.doc = range docs {
			if docs > 1 {
				w.out += "---" + w.pick("", " # c") + w.eol
			}
			w.block(0, nil)
		}
		checkRandom(t, seed, w)
	}
}

func checkRandom(t *testing.T, seed uint64, w *writer) {
	t.Helper()
	src := []byte(w.out)
	file, err := yamledit.Parse(src)
	if err != nil {
		t.Fatalf("seed %d: %v in\n%s", seed, err, src)
	}
	var edits []yamledit.Edit
	for i := range w.places {
		p := &w.places[i]
		p.edit.New = w.text()
		out, err := file.Set(p.edit)
		if err != nil {
			t.Fatalf("seed %d: %s from %q to %q: %v in\n%s", seed, p.edit.Path, p.edit.Old, p.edit.New, err, src)
		}
		if !strings.HasPrefix(string(out), w.out[:p.start]) || !strings.HasSuffix(string(out), w.out[p.end:]) {
			t.Fatalf("seed %d: %s from %q to %q touched more:\n%s\nbecame\n%s", seed, p.edit.Path, p.edit.Old, p.edit.New, src, out)
		}
		checkEdited(t, src, out, p.edit)
		edits = append(edits, p.edit)
	}
	checkAllAtOnce(t, file, edits, w)
}

// checkAllAtOnce makes all edits in one call, in two orders.
func checkAllAtOnce(t *testing.T, file *yamledit.File, edits []yamledit.Edit, w *writer) {
	t.Helper()
	out, err := file.Set(edits...)
	if err != nil {
		t.Fatalf("all edits at once: %v in\n%s", err, w.out)
	}
	w.rand.Shuffle(len(edits), func(i, j int) { edits[i], edits[j] = edits[j], edits[i] })
	again, err := file.Set(edits...)
	if err != nil || string(again) != string(out) {
		t.Fatalf("the order of the edits matters: %v\n%s\nand\n%s", err, out, again)
	}
	after, err := yamledit.Parse(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range edits {
		if n, err := after.At(e.Doc, e.Path); err != nil || n.Text() != e.New {
			t.Fatalf("%s is %q, %v; want %q in\n%s", e.Path, n.Text(), err, e.New, out)
		}
	}
}

// writer writes YAML and notes where the scalars are.
type writer struct {
	rand   *rand.Rand
	out    string
	eol    string
	doc    int
	places []place
}

type place struct {
	edit       yamledit.Edit
	start, end int
}

func (w *writer) chance(n int) bool { return w.rand.IntN(n) == 0 }

func (w *writer) pick(of ...string) string { return of[w.rand.IntN(len(of))] }

func (w *writer) text() string {
	return w.pick("v1.2.3", "1.10", "1.2.3-rc.1+b", "yes", "", "it's", "a \"b\"", "é 🚀", "a: b", "x #y", "null", "0777", "2026-11-03",
		">=1.0.0 <2.0.0", "line\nbreak", "tab\t", "reg:5000/a/b:1@sha256:0a", "${v}", "- a", "a,b", "{a}", "[", "~", " lead", "trail ", "\\", "C:\\x")
}

func (w *writer) comment() string {
	return w.pick("", "", "", " # c", "  #", "\t# {\"$imagepolicy\": \"a:b\"}", " # é: 'x")
}

func (w *writer) gap(indent string) {
	for w.chance(3) {
		w.out += w.pick("", indent+"# head: x", "# outer", indent+"  # deeper") + w.eol
	}
}

// block writes a block mapping or sequence.
func (w *writer) block(depth int, path yamledit.Path) {
	indent := strings.Repeat("  ", depth)
	list := depth > 0 && w.chance(3)
	for i := range 1 + w.rand.IntN(3) {
		w.gap(indent)
		here, head := append(slices.Clone(path), yamledit.Index(i)), indent+"-"
		if !list {
			key := fmt.Sprintf("%s%d", w.pick("tag", "größe", "a b", "x.y"), i)
			here, head = append(slices.Clone(path), yamledit.Key(key)), indent+w.pick(key, strconv.QuoteToGraphic(key))+":"
		}
		w.out += head
		switch {
		case depth < 3 && w.chance(3):
			w.out += w.pick("", " # c", " #") + w.eol
			w.block(depth+1, here)
			continue
		case w.chance(4):
			w.out += " "
			w.flow(depth, here)
		case w.chance(6):
			w.out += w.pick("", " # c", "  #") + w.eol + indent + "    "
			w.scalar(here, false)
		default:
			w.out += w.pick(" ", "  ", map[bool]string{true: " ", false: "\t"}[list])
			w.scalar(here, false)
		}
		w.out += w.comment() + w.eol
	}
}

func (w *writer) flow(depth int, path yamledit.Path) {
	list := w.chance(2)
	w.out += map[bool]string{true: "[", false: "{"}[list]
	for i := range 1 + w.rand.IntN(3) {
		if i > 0 {
			w.out += w.pick(",", ", ", " , ")
		}
		here := append(slices.Clone(path), yamledit.Index(i))
		if !list {
			here = append(slices.Clone(path), yamledit.Key("k"+strconv.Itoa(i)))
			w.out += w.pick("k"+strconv.Itoa(i)+": ", "\"k"+strconv.Itoa(i)+"\":")
		}
		if depth < 3 && w.chance(4) {
			w.flow(depth+1, here)
		} else {
			w.scalar(here, true)
		}
	}
	w.out += map[bool]string{true: "]", false: "}"}[list]
}

func (w *writer) scalar(path yamledit.Path, flow bool) {
	w.out += w.pick("", "", "", "&a"+strconv.Itoa(len(w.places))+" ", "!!str ")
	old, token := w.token(flow)
	p := place{start: len(w.out), end: len(w.out) + len(token)}
	p.edit = yamledit.Edit{Doc: w.doc, Path: path, Old: old}
	w.out += token
	w.places = append(w.places, p)
}

// token is a text and a way to write it.
func (w *writer) token(flow bool) (text, token string) {
	switch w.rand.IntN(3) {
	case 0:
		text = w.text()
		return text, strconv.Quote(text)
	case 1:
		text = w.pick("v1", "it's", "", "1.2", "é", "a: b # c")
		return text, "'" + strings.ReplaceAll(text, "'", "''") + "'"
	default:
		text = w.pick("v1.2.3", "1.10", "true", "null", "0x1F", "a b", "é", "2026-11-03", "~", "a#b", "x-y")
		if !flow && w.chance(4) {
			text = w.pick("a,b", "${v}", "a{b}", "repo:5000/x:1", "don't", "a\"b")
		}
		return text, text
	}
}

// TestSetRandomInner makes the same edits in a text and in that text inside a
// literal block: the results must be the same texts.
func TestSetRandomInner(t *testing.T) {
	for seed := range uint64(300) {
		w := &writer{rand: rand.New(rand.NewPCG(seed, 2)), eol: "\n"}
		w.block(0, nil)
		eol := w.pick("\n", "\r\n")
		outer := mustParse(t, wrap(w.out, eol))
		inner := mustParse(t, w.out)
		var edits, nested []yamledit.Edit
		for _, p := range w.places {
			p.edit.New = w.text()
			edits = append(edits, p.edit)
			nested = append(nested, yamledit.Edit{
				Path: yamledit.Path{yamledit.Key("é"), yamledit.Index(0)}, Inner: p.edit.Path, Old: p.edit.Old, New: p.edit.New,
			})
		}
		want, err := inner.Set(edits...)
		if err != nil {
			t.Fatalf("seed %d: %v in\n%s", seed, err, w.out)
		}
		got, err := outer.Set(nested...)
		if err != nil || string(got) != wrap(string(want), eol) {
			t.Fatalf("seed %d: %v: got\n%s\nwant\n%s", seed, err, got, wrap(string(want), eol))
		}
	}
}

// wrap puts a text into a literal block.
func wrap(text, eol string) string {
	var b strings.Builder
	b.WriteString("a: b" + eol + "é:" + eol + "  - |2+ # c" + eol)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line != "" {
			line = "    " + line
		}
		b.WriteString(line + eol)
	}
	b.WriteString("  - d" + eol)
	return b.String()
}
