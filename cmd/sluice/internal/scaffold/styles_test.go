package scaffold_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what the commands make into the archives")

// TestStyles runs the command lines of each archive of testdata in the monorepo
// that its files are, and compares what was made with its files below made/, and what
// was said about it with those below said/.
// A line "crlf FILE" or "chomp FILE" gives a file the ends of lines, or the end,
// that an archive cannot hold; "fails TEXT: ARGS" wants an error with that text, and nothing changed;
// "says TEXT: ARGS" wants that text in what is printed.
func TestStyles(t *testing.T) {
	archives, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(archives) == 0 {
		t.Fatal("no archives", err)
	}
	for _, name := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			before, said := unpack(t, archive, dir), []string(nil)
			for line := range strings.Lines(string(archive.Comment)) {
				out := ""
				if before, out = step(t, dir, strings.TrimSpace(line), before); out != "" {
					said = append(said, out)
				}
			}
			commit(t, dir)
			if code, out := sluice(t, "plan", "--repo", dir); code != 0 && code != 2 || strings.Contains(out, "warning") {
				t.Errorf("sluice plan: exit code %d\n%s", code, out)
			}
			golden(t, name, archive, dir, said)
		})
	}
}

func unpack(t *testing.T, archive *txtar.Archive, dir string) map[string]string {
	t.Helper()
	for _, f := range archive.Files {
		if !strings.HasPrefix(f.Name, "made/") && !strings.HasPrefix(f.Name, "said/") {
			write(t, filepath.Join(dir, f.Name), string(f.Data))
		}
	}
	return files(t, dir)
}

func step(t *testing.T, dir, line string, before map[string]string) (after map[string]string, said string) {
	t.Helper()
	verb, rest, _ := strings.Cut(line, " ")
	if (verb == "app" || verb == "cluster") && !strings.HasPrefix(rest, "add ") {
		return before, "" // prose
	}
	text, command, spoken := strings.Cut(rest, ": ")
	switch verb {
	case "crlf":
		write(t, filepath.Join(dir, rest), strings.ReplaceAll(before[rest], "\n", "\r\n"))
	case "chomp":
		write(t, filepath.Join(dir, rest), strings.TrimSuffix(before[rest], "\n"))
	case "fails", "says":
		if !spoken {
			t.Fatalf("no colon in %q", line)
		}
		code, out := sluice(t, args(command, dir)...)
		if (code != 0) != (verb == "fails") || !strings.Contains(out, text) {
			t.Errorf("%s: exit code %d\n%s", line, code, out)
		}
		if verb == "says" {
			return added(t, dir, command, before), ""
		}
	case "app", "cluster":
		dry := must(t, append(args(line, dir), "--dry-run")...)
		if diff := cmp.Diff(before, files(t, dir)); diff != "" {
			t.Errorf("--dry-run changed something: %s", diff)
		}
		said := must(t, args(line, dir)...)
		after := added(t, dir, line, before)
		patched := t.TempDir()
		for name, content := range before {
			write(t, filepath.Join(patched, name), content)
		}
		git(t, patched, "", "init", "--quiet")
		git(t, patched, dry, "apply", "--whitespace=nowarn", "-")
		if diff := cmp.Diff(after, files(t, patched)); diff != "" {
			t.Errorf("the patch of --dry-run makes something else: %s", diff)
		}
		return after, said
	}
	return files(t, dir), ""
}

func args(command, dir string) []string { return append(strings.Fields(command), "--dir", dir) }

// added checks what a command has done.
func added(t *testing.T, dir, command string, before map[string]string) map[string]string {
	t.Helper()
	after := files(t, dir)
	grew(t, before, after)
	build(t, dir, before, after)
	if out := must(t, args(command, dir)...); !strings.HasPrefix(out, "no change") {
		t.Errorf("%s, the second time: %s", command, out)
	}
	if diff := cmp.Diff(after, files(t, dir)); diff != "" {
		t.Errorf("%s, the second time, changed something: %s", command, diff)
	}
	return after
}

func golden(t *testing.T, name string, archive *txtar.Archive, dir string, said []string) {
	t.Helper()
	was, want := map[string]string{}, map[string]string{}
	for _, f := range archive.Files {
		if strings.HasPrefix(f.Name, "made/") || strings.HasPrefix(f.Name, "said/") {
			want[f.Name] = string(f.Data)
		} else {
			was[f.Name] = string(f.Data)
		}
	}
	got := map[string]string{}
	for file, content := range files(t, dir) {
		if plain := strings.ReplaceAll(content, "\r\n", "\n"); plain != was[file] && plain != strings.TrimSuffix(was[file], "\n") {
			content = strings.ReplaceAll(content, "\r\n", "⏎\n")
			if !strings.HasSuffix(content, "\n") {
				content += "(no end of line)\n"
			}
			got["made/"+file] = content
		}
	}
	for i, text := range said {
		got[fmt.Sprintf("said/%d", i+1)] = text
	}
	if *update {
		archive.Files = slices.DeleteFunc(archive.Files, func(f txtar.File) bool {
			return strings.HasPrefix(f.Name, "made/") || strings.HasPrefix(f.Name, "said/")
		})
		for _, file := range slices.Sorted(maps.Keys(got)) {
			archive.Files = append(archive.Files, txtar.File{Name: file, Data: []byte(got[file])})
		}
		if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
