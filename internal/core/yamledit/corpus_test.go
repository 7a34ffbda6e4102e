package yamledit_test

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/yamledit"
)

// TestCorpus runs every case of testdata. A case NAME consists of the sections
// NAME/in, NAME/do and either NAME/want or NAME/error. Each line of "do" is
//
//	set PATH OLD NEW              PATH may begin with "DOC:" and, after "|", go on inside a literal block
//	crlf | bom | chopped          text forms that a file of this kind cannot hold, given to "in" and "want"
func TestCorpus(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sections := map[string]string{}
		for _, s := range archive.Files {
			sections[s.Name] = string(s.Data)
		}
		for _, s := range archive.Files {
			if name, ok := strings.CutSuffix(s.Name, "/in"); ok {
				t.Run(filepath.Base(file)+"/"+name, func(t *testing.T) { runCase(t, sections, name) })
			}
		}
	}
}

func runCase(t *testing.T, sections map[string]string, name string) {
	script, ok := sections[name+"/do"]
	if !ok {
		t.Fatal("the case has no \"do\"")
	}
	form, edits := readScript(t, script)
	got, err := setText(form(sections[name+"/in"]), edits)
	if wantErr, ok := sections[name+"/error"]; ok {
		checkError(t, got, err, strings.TrimSpace(wantErr))
		return
	}
	if err != nil {
		t.Fatalf("Set: %v", err)
	}
	if diff := cmp.Diff(form(sections[name+"/want"]), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func setText(src string, edits []yamledit.Edit) (string, error) {
	f, err := yamledit.Parse([]byte(src))
	if err != nil {
		return "", err
	}
	out, err := f.Set(edits...)
	return string(out), err
}

// checkError compares "kind: message"; every message of the corpus has a place.
func checkError(t *testing.T, got string, err error, want string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, but the text\n%s", got)
	}
	if diff := cmp.Diff(want, core.KindOf(err).String()+": "+err.Error()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	var place *yamledit.Error
	if !errors.As(err, &place) || place.Line < 1 {
		t.Errorf("%v names no place", err)
	}
	if got != "" {
		t.Errorf("an error and yet the text %q", got)
	}
}

func readScript(t *testing.T, script string) (func(string) string, []yamledit.Edit) {
	t.Helper()
	var edits []yamledit.Edit
	form := func(s string) string { return s }
	with := func(next func(string) string) {
		before := form
		form = func(s string) string { return next(before(s)) }
	}
	for line := range strings.Lines(script) {
		switch verb, rest, _ := strings.Cut(strings.TrimSpace(line), " "); verb {
		case "crlf":
			with(func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") })
		case "bom":
			with(func(s string) string { return "\ufeff" + s })
		case "chopped":
			with(func(s string) string { return strings.TrimRight(s, "\r\n") })
		case "set":
			edits = append(edits, readEdit(t, rest))
		default:
			t.Fatalf("unknown line %q", line)
		}
	}
	return form, edits
}

func readEdit(t *testing.T, line string) yamledit.Edit {
	t.Helper()
	where, texts, _ := strings.Cut(line, " ")
	old, err := strconv.QuotedPrefix(texts)
	if err != nil {
		t.Fatalf("edit %q: %v", line, err)
	}
	var e yamledit.Edit
	if e.Old, err = strconv.Unquote(old); err != nil {
		t.Fatal(err)
	}
	if e.New, err = strconv.Unquote(strings.TrimSpace(texts[len(old):])); err != nil {
		t.Fatalf("edit %q: %v", line, err)
	}
	if doc, rest, ok := strings.Cut(where, ":"); ok {
		if e.Doc, err = strconv.Atoi(doc); err != nil {
			t.Fatal(err)
		}
		where = rest
	}
	outer, inner, nested := strings.Cut(where, "|")
	e.Path = readPath(t, outer)
	if nested {
		e.Inner = readPath(t, inner)
	}
	return e
}

// readPath reads what Path.String writes, for keys without dots and quotes.
func readPath(t *testing.T, s string) yamledit.Path {
	t.Helper()
	path := yamledit.Path{}
	for _, part := range strings.FieldsFunc(strings.ReplaceAll(s, "[", ".["), func(r rune) bool { return r == '.' }) {
		index, ok := strings.CutPrefix(part, "[")
		if !ok {
			path = append(path, yamledit.Key(part))
			continue
		}
		i, err := strconv.Atoi(strings.TrimSuffix(index, "]"))
		if err != nil {
			t.Fatal(err)
		}
		path = append(path, yamledit.Index(i))
	}
	return path
}
