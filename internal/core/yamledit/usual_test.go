package yamledit

import (
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

// checkUsual requires of a text that is read without the parser that the parser
// makes the same of it. It tells whether it was one.
func checkUsual(t *testing.T, src []byte) bool {
	t.Helper()
	docs, ok := readUsual(src)
	if !ok {
		return false
	}
	f := &File{src: src}
	want, err := f.decode()
	if err != nil {
		t.Fatalf("the parser refuses %q: %v", src, err)
	}
	if diff := cmp.Diff(want, docs); diff != "" {
		t.Fatalf("the parser makes something else of %q (-parser +here):\n%s", src, diff)
	}
	return true
}

// TestUsual lists what is read without the parser, and what is not.
func TestUsual(t *testing.T) {
	for text, want := range map[string]bool{
		"a: b\n": true, "a: b": true, "---\na: b\n": true, "---\na: b\n---\nc: d\n": true, "\n\na: b\n\n\n": true,
		"a:\n  b: c\n": true, "a:\n- b\n- c\nd: e\n": true, "a:\n  - b: c\n    d: e\n  - f\ng: h\n": true, "- a\n- b: c\n": true,
		"a: b # c\n": true, "a: \"b\" # c\nd: e\n": true, "a: 'b'\n": true, "a:\n  - b # c\n": true, "a:\n  b: c # d\ne: f": true,
		"a: 1\nb: 1.5\nc: true\nd: null\ne: 2026-01-01\nf: yes\ng: .5\nh: 0x1F\ni: 1_000\n": true,
		"a: ../../b\nc: http://d:80/e\nf: g:5000/h@sha256:0\ni: ${J}\nk: l#m\nn: o  p\n":    true,
		"true: a\nnull: b\nx/y.z-1: c\n": true, "- a:\n    b: c\n- d:\n  - e\n": true, "a:\n\n  b: c\n\nd: e\n": true,

		"": false, "\n": false, "a\n": false, "a:\n": false, "a: b\nc:\n": false, "# a\nb: c\n": false, "a: b\n# c\n": false, "a: # b\n  c: d\n": false,
		"a: b\n  c\n": false, "a: b\n c: d\n": false, "a: \"b\n  c\"\n": false, "a: |\n  b\n": false, "a: &b c\n": false, "a: *b\n": false, "a: !!str b\n": false,
		"a: {b: c}\n": false, "a: [b]\n": false, "\"a\": b\n": false, "? a\n: b\n": false, "a: \"b\\n\"\n": false, "a: 'b''c'\n": false, "<<: a\n": false,
		"a: b \n": false, "a:  b\n": false, "a:\tb\n": false, "a: b\r\n": false, "\ufeffa: b\n": false, "a: \u00e9\n": false, "- - a\n": false, "-\n  a: b\n": false,
		"a: b: c\n": false, "a: b:\n": false, "---\n": false, "a: b\n---\n": false, "--- a\n": false, "a: b\n...\n": false, "%YAML 1.1\n---\na: b\n": false,
		"a:\n  - b\n  c: d\n": false, "a: b\n- c\n": false, "- a\nb: c\n": false, " a: b\n": false, "a:\n   b: c\n  d: e\n": false, "a: 'b'c\n": false, "a: -1\n": false,
		strings.Repeat("a", 1001) + ": b\n": false,
	} {
		if got := checkUsual(t, []byte(text)); got != want {
			t.Errorf("%q is read without the parser: %t, want %t", text, got, want)
		}
	}
}

// TestUsualOfRandomTexts has lines that hardly fit together as well.
func TestUsualOfRandomTexts(t *testing.T) {
	pieces := []string{
		"a: b", "c:", "- d", "- e: f", "- g:", "h: \"i\"", "j: 'k' # l", "m: 1.2 # n", "o: p #q", "---", "", "- 'r'", "s: t: u", "- v:w", "x: y#z", "- \"\" # a",
		"on: 'it'", "b: ''", "...", "- - c", "d: ~", "e: {}", "f: -", "g: 1", "h: .", "i: $j", "k : l", "- m #n", "- o # p # q", "# r", "s: ---", "t: ...",
	}
	usual := 0
	for seed := range uint64(30_000) {
		r := rand.New(rand.NewPCG(seed, 3))
		var b strings.Builder
		for depth, i := 0, 0; i < 1+r.IntN(7); i++ {
			depth = max(0, min(4, depth+r.IntN(4)-1-r.IntN(2)))
			line := pieces[r.IntN(min(len(pieces), 8+r.IntN(len(pieces))))]
			if line != "" && line != "---" {
				line = strings.Repeat(" ", depth*(1+r.IntN(20)/2%2)) + line
			}
			b.WriteString(line + "\n")
		}
		if checkUsual(t, []byte(b.String())) {
			usual++
		}
	}
	if usual < 300 {
		t.Errorf("only %d of the texts were read without the parser", usual)
	}
}

// TestUsualOfTheRepository reads every manifest that the repository holds. Most of
// those in its corpora are odd on purpose; most of flux-config are not.
func TestUsualOfTheRepository(t *testing.T) {
	for dir, want := range map[string]float64{"../../../flux-config": 0.7, "../../../internal/core": 0.05} {
		texts := manifestsIn(t, dir)
		usual := 0
		for _, text := range texts {
			if checkUsual(t, text) {
				usual++
			}
		}
		if float64(usual) < want*float64(len(texts)) {
			t.Errorf("only %d of %d manifests below %s are read without the parser", usual, len(texts), dir)
		}
	}
}

func manifestsIn(t *testing.T, dir string) (texts [][]byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch filepath.Ext(path) {
		case ".yaml":
			text, err := os.ReadFile(path)
			texts = append(texts, text)
			return err
		case ".txtar":
			archive, err := txtar.ParseFile(path)
			if err != nil {
				return err
			}
			for _, f := range archive.Files {
				texts = append(texts, f.Data)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func FuzzUsual(f *testing.F) {
	for _, s := range []string{"a: b\n", "---\na:\n  - b: c # d\n    e: 'f'\n---\ng: 1\n", "a:\n- b\n- \"c\" # d\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) { checkUsual(t, src) })
}

func BenchmarkParse(b *testing.B) {
	var text strings.Builder
	for i := range 20 {
		fmt.Fprintf(&text, "key%d:\n  name: value\n  list:\n    - one\n    - two: 2\n", i)
	}
	src := []byte(text.String())
	for name, parse := range map[string]func([]byte, position) (*File, error){"usual": parse, "any": parseAny} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := parse(src, position{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
