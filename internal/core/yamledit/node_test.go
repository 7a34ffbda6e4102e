package yamledit_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

const manifest = `# head
kind: HelmRelease
spec: &spec
  chart: {spec: {version: 1.10}} # of the chart
  images:
    - name: app # {"$imagepolicy": "a:b"}
    - 8080
  none:
twice: 1
twice: 2
other: *spec
merged:
  <<: *spec
  own: x
patch: |-
  # inner
  - op: replace
    é: {value: v1}
`

func TestGet(t *testing.T) {
	f := mustParse(t, manifest)
	root, _ := f.Doc(0)
	tests := []struct {
		keys []string
		want string
	}{
		{[]string{"kind"}, `a scalar "HelmRelease" string at 2:7`},
		{[]string{"spec", "chart", "spec", "version"}, `a scalar "1.10" at 4:27`},
		{[]string{"spec", "images"}, `a sequence "" at 6:5`},
		{[]string{"spec", "none"}, `a scalar "" null at 8:8`},
		{[]string{"spec"}, `a mapping "" at 3:7`},
		{[]string{"absent"}, "nothing"},
		{[]string{"absent", "more"}, "nothing"},
		{[]string{"kind", "more"}, "nothing"},
		{[]string{"twice"}, `unclear "" at 10:1`},
		{[]string{"twice", "more"}, `unclear "" at 10:1`},
		{[]string{"other"}, `an alias "" at 11:8`},
		{[]string{"other", "chart"}, `unclear "" at 11:8`},
		{[]string{"merged", "own"}, `a scalar "x" string at 14:8`},
		{[]string{"merged", "chart"}, `unclear "" at 13:3`},
	}
	for _, tt := range tests {
		got := "nothing"
		if n, ok := root.Get(tt.keys...); ok {
			got = describe(n)
		}
		if got != tt.want {
			t.Errorf("Get(%q) is %s, want %s", tt.keys, got, tt.want)
		}
	}
}

func describe(n yamledit.Node) string {
	s := fmt.Sprintf("%v %q", n.Kind(), n.Text())
	if n.IsString() {
		s += " string"
	}
	if n.IsNull() {
		s += " null"
	}
	if (n.Kind() == yamledit.Unclear) != (n.Unclear() != "") {
		s += " without a reason"
	}
	return s + fmt.Sprintf(" at %d:%d", n.Line(), n.Column())
}

func TestZeroNode(t *testing.T) {
	var n yamledit.Node
	if _, ok := n.Get("a", "b"); ok || n.Kind() != yamledit.Missing || n.Text() != "" || n.IsString() || n.Items() != nil || n.Line() != 0 || n.LineComment() != "" {
		t.Error("the zero Node is not nothing")
	}
	for range n.Pairs() {
		t.Error("the zero Node has pairs")
	}
	if _, err := n.At(nil); core.KindOf(err) != core.NotFound {
		t.Errorf("At: %v", err)
	}
	if _, err := n.Embedded(); core.KindOf(err) != core.Invalid {
		t.Errorf("Embedded: %v", err)
	}
}

func TestPairsAndItems(t *testing.T) {
	f := mustParse(t, manifest+"? [a]\n: b\n")
	root, _ := f.Doc(0)
	var got []string
	for p := range root.Pairs() {
		got = append(got, p.Key+" "+p.Value.Kind().String())
	}
	want := []string{"kind a scalar", "spec a mapping", "twice unclear", "twice unclear", "other an alias", "merged a mapping", "patch a scalar"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	images, _ := root.Get("spec", "images")
	if items := images.Items(); len(items) != 2 || items[1].Text() != "8080" || items[1].IsString() {
		t.Errorf("items: %v", items)
	}
}

func TestLineComment(t *testing.T) {
	f := mustParse(t, manifest)
	n, err := f.At(0, yamledit.Path{yamledit.Key("spec"), yamledit.Key("images"), yamledit.Index(0), yamledit.Key("name")})
	if err != nil || n.LineComment() != `{"$imagepolicy": "a:b"}` {
		t.Errorf("%q, %v", n.LineComment(), err)
	}
}

func TestEmbedded(t *testing.T) {
	f := mustParse(t, manifest)
	patch, _ := f.At(0, yamledit.Path{yamledit.Key("patch")})
	inner, err := patch.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	path := yamledit.Path{yamledit.Index(0), yamledit.Key("é"), yamledit.Key("value")}
	n, err := inner.At(0, path)
	if err != nil || describe(n) != `a scalar "v1" string at 18:16` {
		t.Errorf("%s, %v", describe(n), err)
	}
	_, err = inner.At(0, yamledit.Path{yamledit.Index(0), yamledit.Key("x")})
	if want := "17:5: [0].x: the key does not exist"; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

func TestDocuments(t *testing.T) {
	for src, want := range map[string]int{"": 0, "# c\n": 0, "a: b\n": 1, "---\n": 1, "---\na\n---\nb\n": 2, "a: b\n---\n": 2} {
		f := mustParse(t, src)
		if f.Len() != want {
			t.Errorf("%q has %d documents, want %d", src, f.Len(), want)
		}
		if _, ok := f.Doc(want); ok {
			t.Errorf("%q has a document %d", src, want)
		}
	}
}
