package yamledit

import (
	"bytes"
	"testing"

	"github.com/sluice-gitops/sluice/internal/core"
)

// TestVerify gives the verification results that no edit would plan. It is the
// last guard, so it must find each fault by itself.
func TestVerify(t *testing.T) {
	const src = "# h\na: v1 # c\nb: &x 1\nc: *x\nd: e\n"
	tests := map[string]struct {
		text   string // takes the place of v1
		value  string // the value that was asked for
		tamper [2]string
		want   string // "" if all is well
	}{
		"as asked":          {text: "v2", value: "v2"},
		"quoted":            {text: "\"v2\"", value: "v2"},
		"another value":     {text: "v3", value: "v2", want: "2:4: the edit would change a value here, which it must not"},
		"a number":          {text: "2", value: "2", want: "2:4: the edit would change a type here, which it must not"},
		"a mapping":         {text: "{v2: x}", value: "v2", want: "2:4: the edit would change the structure here, which it must not"},
		"one key more":      {text: "v2\nf: g", value: "v2", want: "2:1: the edit would change the structure here, which it must not"},
		"a tag":             {text: "!!str v2", value: "v2", want: "2:4: the edit would change a style here, which it must not"},
		"a block":           {text: "|-\n  v2\n#", value: "v2", want: "2:4: the edit would turn a comment into content, or content into a comment"},
		"an anchor":         {text: "&y v2", value: "v2", want: "2:4: the edit would change an anchor or an alias here, which it must not"},
		"one line more":     {text: "\n  v2", value: "v2", want: "2:4: the edit would change a line number here, which it must not"},
		"a comment":         {text: "v2 # d", value: "v2", want: "2:4: the edit would turn a comment into content, or content into a comment"},
		"a longer comment":  {text: "v2 #", value: "v2", want: "2:4: the edit would turn a comment into content, or content into a comment"},
		"a document":        {text: "v2\n---\nx: y", value: "v2", want: "2:4: the edit would turn 1 documents into 2"},
		"an empty document": {text: "v2", value: "v2", tamper: [2]string{"d: e\n", "d: e\n---\n"}, want: "2:4: the edit would touch bytes outside of the values it is about"},
		"broken":            {text: "\"v2", value: "v2", want: "2:4: the edited text would be broken: 2:1: not YAML: found unexpected end of stream"},
		"a byte before":     {text: "v2", value: "v2", tamper: [2]string{"# h", "# i"}, want: "2:4: the edit would touch bytes outside of the values it is about"},
		"a byte behind":     {text: "v2", value: "v2", tamper: [2]string{"d: e", "d: f"}, want: "2:4: the edit would touch bytes outside of the values it is about"},
		"another token":     {text: "v2", value: "v2", tamper: [2]string{"v2", "v3"}, want: "2:4: the edit would touch bytes outside of the values it is about"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f, err := Parse([]byte(src))
			if err != nil {
				t.Fatal(err)
			}
			splices := []splice{{start: 7, end: 9, text: tt.text}}
			node := f.docs[0].Content[0].Content[1]
			out := replace(f.src, splices)
			out = bytes.Replace(out, []byte(tt.tamper[0]), []byte(tt.tamper[1]), 1)
			err = f.verify(out, []change{{node: node, value: tt.value, tag: tagString, splices: splices}}, nil, splices)
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || err.Error() != tt.want || core.KindOf(err) != core.Invalid):
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

// TestOnlyWithin gives splices that do not fit the text.
func TestOnlyWithin(t *testing.T) {
	for _, splices := range [][]splice{
		{{start: 3, end: 2}},
		{{start: 0, end: 9}},
		{{start: 2, end: 3, text: "c"}, {start: 1, end: 2, text: "b"}},
	} {
		if onlyWithin([]byte("abcd"), []byte("abcd"), splices) {
			t.Errorf("%v fits", splices)
		}
	}
}
