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
//	add PATH+KEYS TEXT            a text under new keys of a mapping; PATH as above
//	item PATH[+KEYS] KEY TEXT ... a new item of a sequence, or of a new one under KEYS
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
	form, edits, insertions := readScript(t, script)
	got, err := updateText(form(sections[name+"/in"]), edits, insertions)
	if wantErr, ok := sections[name+"/error"]; ok {
		checkError(t, got, err, strings.TrimSpace(wantErr))
		return
	}
	if err != nil {
		t.Fatalf("Update: %v", err)
	}
	if diff := cmp.Diff(form(sections[name+"/want"]), got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func updateText(src string, edits []yamledit.Edit, insertions []yamledit.Insertion) (string, error) {
	f, err := yamledit.Parse([]byte(src))
	if err != nil {
		return "", err
	}
	out, err := f.Update(edits, insertions)
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

func readScript(t *testing.T, script string) (func(string) string, []yamledit.Edit, []yamledit.Insertion) {
	t.Helper()
	var edits []yamledit.Edit
	var insertions []yamledit.Insertion
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
		case "add", "item":
			insertions = append(insertions, readInsertion(t, verb, rest))
		default:
			t.Fatalf("unknown line %q", line)
		}
	}
	return form, edits, insertions
}

func readInsertion(t *testing.T, verb, line string) yamledit.Insertion {
	t.Helper()
	where, rest, _ := strings.Cut(line, " ")
	var in yamledit.Insertion
	in.Doc, where = readDoc(t, where)
	where, keys, _ := strings.Cut(where, "+")
	outer, inner, nested := strings.Cut(where, "|")
	in.Path = readPath(t, outer)
	if nested {
		in.Inner = readPath(t, inner)
	}
	for _, step := range readPath(t, keys) {
		in.Keys = append(in.Keys, step.Key)
	}
	if verb == "add" {
		in.Text, _ = readQuoted(t, rest)
		return in
	}
	for rest != "" {
		var f yamledit.Field
		f.Key, rest, _ = strings.Cut(rest, " ")
		f.Text, rest = readQuoted(t, rest)
		in.Item = append(in.Item, f)
	}
	return in
}

// readQuoted takes a quoted text off a line.
func readQuoted(t *testing.T, line string) (text, rest string) {
	t.Helper()
	quoted, err := strconv.QuotedPrefix(line)
	if err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	if text, err = strconv.Unquote(quoted); err != nil {
		t.Fatal(err)
	}
	return text, strings.TrimSpace(line[len(quoted):])
}

// readDoc takes the number of a document, and the colon behind it, off a path.
func readDoc(t *testing.T, where string) (int, string) {
	t.Helper()
	number, rest, ok := strings.Cut(where, ":")
	if !ok {
		return 0, where
	}
	doc, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	return doc, rest
}

func readEdit(t *testing.T, line string) yamledit.Edit {
	t.Helper()
	where, texts, _ := strings.Cut(line, " ")
	var e yamledit.Edit
	e.Old, texts = readQuoted(t, texts)
	e.New, _ = readQuoted(t, texts)
	e.Doc, where = readDoc(t, where)
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
