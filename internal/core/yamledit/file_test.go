package yamledit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

func TestParseErrors(t *testing.T) {
	tests := map[string]struct{ src, want string }{
		"too large":          {strings.Repeat("a", yamledit.MaxSize+1), "text of 4194305 bytes is larger than a manifest may be (4194304)"},
		"too many nodes":     {"[" + strings.Repeat("a,", 500_000) + "]", "1:799998: text has more than 400000 nodes"},
		"too much structure": {strings.Repeat("[a,", 1<<20), "text has too many YAML indicators (2097152, at most 1048576)"},
		"too deep":           {strings.Repeat("[", 300) + strings.Repeat("]", 300), "1:256: nested deeper than 256 levels"},
		"far too deep":       {strings.Repeat("{a: ", 20_000), "1:1: not YAML: exceeded max depth of 10000"},
		"not UTF-8":          {"a: é\nb: \"ü\xff\"", "2:6: byte 0xff is not UTF-8"},
		"UTF-16":             {"\xff\xfea\x00", "1:1: byte 0xff is not UTF-8"},
		"control character":  {"a: b\r\nc: \x00", "2:4: character U+0000 is not allowed in YAML"},
		"delete character":   {"a: \x7f", "1:4: character U+007F is not allowed in YAML"},
		"no character":       {"a: \uffff", "1:4: character U+FFFF is not allowed in YAML"},
		"unclosed":           {"a: b\nc: \"d\n", "2:1: not YAML: found unexpected end of stream"},
		"wrong indentation":  {"a: b\n c: d\n", "2:2: not YAML: mapping values are not allowed in this context"},
		"template": {"a: b\n{{ include \"x\" . }}\nc: d\n",
			"2:1: not YAML: could not find expected ':' (the text holds \"{{\": a Helm template is not YAML until it is rendered)"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := yamledit.Parse([]byte(tt.src))
			if err == nil || core.KindOf(err) != core.Invalid {
				t.Fatalf("%v is of kind %v, want invalid", err, core.KindOf(err))
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestParseIsBounded gives the parser long texts of the kinds that cost it the
// most. Work that grew with the square of the length would take minutes.
func TestParseIsBounded(t *testing.T) {
	for _, unit := range []string{"#\n", "\n", "a ", "- # x\n", "a: b #c\n", "? ", "&a ", "*a ", "!a ", "\"", "'", "|\n", "---\n", "\t", "[{a: ", "{}", "%A\n", "a\n#\n\n"} {
		start := time.Now()
		_, _ = yamledit.Parse([]byte(strings.Repeat(unit, yamledit.MaxSize/16/len(unit))))
		if took := time.Since(start); took > patience/4 {
			t.Errorf("%q repeated: %v", unit, took)
		}
	}
}

func TestAliasesAreNotExpanded(t *testing.T) {
	var b strings.Builder
	b.WriteString("a0: &a0 [x, x]\n")
	for i := range 60 {
		fmt.Fprintf(&b, "a%d: &a%d [*a%d, *a%d]\n", i+1, i+1, i, i)
	}
	b.WriteString("self: &self [*self]\ntag: v1\n")
	f := mustParse(t, b.String())
	out, err := f.Set(yamledit.Edit{Path: yamledit.Path{yamledit.Key("tag")}, Old: "v1", New: "v2"})
	if err != nil || !strings.HasSuffix(string(out), "\ntag: v2\n") {
		t.Errorf("%v, %q", err, out)
	}
}

func TestSetKeepsTheFile(t *testing.T) {
	src := "tag: v1\n"
	f := mustParse(t, src)
	edit := yamledit.Edit{Path: yamledit.Path{yamledit.Key("tag")}, Old: "v1", New: "v22"}
	for range 2 {
		if out, err := f.Set(edit); err != nil || string(out) != "tag: v22\n" {
			t.Fatalf("%q, %v", out, err)
		}
	}
	if out, err := f.Set(); err != nil || string(out) != src {
		t.Errorf("no edits: %q, %v", out, err)
	}
}

func TestSetLimits(t *testing.T) {
	f := mustParse(t, "tag: v1\n")
	tag := yamledit.Path{yamledit.Key("tag")}
	tests := map[string]struct {
		edits []yamledit.Edit
		kind  core.Kind
		want  string
	}{
		"text too long":  {[]yamledit.Edit{{Path: tag, Old: "v1", New: strings.Repeat("a", 5000)}}, core.Invalid, "1:6: tag: the new text has 5000 bytes, more than a version may have (4096)"},
		"too many edits": {make([]yamledit.Edit, 2000), core.Invalid, "2000 edits at once are too many (at most 1000)"},
		"no document":    {[]yamledit.Edit{{Doc: 1, Path: tag}}, core.NotFound, "tag: document 1 does not exist: the text has 1, counted from 0"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := f.Set(tt.edits...)
			if err == nil || core.KindOf(err) != tt.kind || err.Error() != tt.want {
				t.Errorf("%v (%v), want %s (%v)", err, core.KindOf(err), tt.want, tt.kind)
			}
		})
	}
}

func mustParse(t *testing.T, src string) *yamledit.File {
	t.Helper()
	f, err := yamledit.Parse([]byte(src))
	if err != nil {
		t.Fatal(err)
	}
	return f
}
