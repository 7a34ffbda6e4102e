package yamledit_test

import (
	"testing"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// A text joins a sequence of texts, written as its neighbours are.
func TestATextIsAddedToASequence(t *testing.T) {
	for name, tc := range map[string]struct{ src, text, want string }{
		"indented":         {"resources:\n  - a\n  - b # last\n", "c", "resources:\n  - a\n  - b # last\n  - c\n"},
		"not indented":     {"resources:\n- a\nnamespace: x\n", "c", "resources:\n- a\n- c\nnamespace: x\n"},
		"quoted":           {"resources:\n  - 'a'\n", "c", "resources:\n  - 'a'\n  - 'c'\n"},
		"wide":             {"resources:\n-   a\n", "c", "resources:\n-   a\n-   c\n"},
		"in brackets":      {"resources: [a, b]\n", "c", "resources: [a, b, c]\n"},
		"empty":            {"resources: []\n", "c", "resources: [c]\n"},
		"like a number":    {"resources:\n  - a\n", "1.10", "resources:\n  - a\n  - \"1.10\"\n"},
		"no last line end": {"resources:\n  - a", "c", "resources:\n  - a\n  - c"},
	} {
		f, err := yamledit.Parse([]byte(tc.src))
		if err != nil {
			t.Fatal(err)
		}
		got, err := f.Update(nil, []yamledit.Insertion{{Path: yamledit.Path{yamledit.Key("resources")}, Text: tc.text}})
		if err != nil || string(got) != tc.want {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, tc.want)
		}
	}
}

func TestATextOfSeveralLinesIsNoItem(t *testing.T) {
	f, err := yamledit.Parse([]byte("a:\n  - b\n"))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := f.Update(nil, []yamledit.Insertion{{Path: yamledit.Path{yamledit.Key("a")}, Text: "x\ny\n"}}); core.KindOf(err) != core.Invalid {
		t.Errorf("became %q, %v", out, err)
	}
}

// FuzzBare adds a text to any sequence: the new text is the old one and an item.
func FuzzBare(f *testing.F) {
	for i, s := range append(seeds, insertSeeds...) {
		f.Add([]byte(s), uint8(i), "../x")
	}
	f.Fuzz(func(t *testing.T, src []byte, pick uint8, text string) {
		file, err := yamledit.Parse(src)
		if err != nil {
			return
		}
		in, n, ok := pickCollection(file, int(pick))
		if !ok || n.Kind() != yamledit.Sequence || text == "" {
			return
		}
		in.Text = text
		out, err := file.Update(nil, []yamledit.Insertion{in})
		if err != nil {
			return
		}
		again, err := yamledit.Parse(out)
		if err != nil {
			t.Fatalf("%q became %q: %v", src, out, err)
		}
		grown, err := again.At(in.Doc, in.Path)
		if err != nil {
			t.Fatalf("%q became %q: %v", src, out, err)
		}
		items := grown.Items()
		if len(items) != len(n.Items())+1 || items[len(items)-1].Text() != text || !items[len(items)-1].IsString() {
			t.Fatalf("%q became %q with %q", src, out, text)
		}
	})
}
