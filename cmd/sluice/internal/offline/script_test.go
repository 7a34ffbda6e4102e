package offline_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what the commands print into the archives")

// script is one archive of testdata on its way: its comment is run line by
// line in a repository that holds the archive's files below repo/.
type script struct {
	*testing.T
	archive                  *txtar.Archive
	dir                      string
	heads                    []string
	code                     int
	stdout, stderr, expected string
}

// TestScripts runs what a person would type. In what is printed, the nth
// commit is called <n>, and its short name <n…>.
func TestScripts(t *testing.T) {
	here, err := os.Getwd() // the scripts go elsewhere
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(here, "testdata", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			s := &script{T: t, archive: archive, dir: t.TempDir()}
			s.run()
			if *update {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

func (s *script) run() {
	s.Chdir(s.dir)
	for _, f := range s.archive.Files {
		if name, ok := strings.CutPrefix(f.Name, "repo/"); ok {
			write(s.T, filepath.Join(s.dir, name), string(f.Data))
		}
	}
	for line := range strings.Lines(string(s.archive.Comment)) {
		words := strings.Fields(line)
		if len(words) == 0 || words[0] == "#" {
			continue
		}
		s.step(words[0], words[1:])
	}
}

func (s *script) step(verb string, args []string) {
	s.Helper()
	switch verb {
	case "commit":
		commit(s.T, s.dir, nil)
		s.heads = append(s.heads, strings.TrimSpace(git(s.T, s.dir, "", "rev-parse", "HEAD")))
	case "git":
		git(s.T, s.dir, "", args...)
	case "replace": // in a file, a text by another
		content := read(s.T, args[0])
		if !strings.Contains(content, args[1]) {
			s.Fatalf("%s does not hold %q", args[0], args[1])
		}
		write(s.T, args[0], strings.ReplaceAll(content, args[1], args[2]))
	case "copy": // a file of the archive into the working tree
		write(s.T, args[1], string(s.file(args[0]).Data))
	case "remove":
		if err := os.Remove(args[0]); err != nil {
			s.Fatal(err)
		}
	case "sluice":
		s.code, s.stdout, s.stderr = sluice(s.T, args...)
		s.expected = strings.Join(args, " ")
	case "exit":
		if want, _ := strconv.Atoi(args[0]); s.code != want {
			s.Errorf("sluice %s: exit code %d, want %d\n%s%s", s.expected, s.code, want, s.stdout, s.stderr)
		}
	case "stdout":
		s.compare(args[0], s.stdout)
	case "stderr":
		s.compare(args[0], s.stderr)
	case "silent":
		if s.stdout+s.stderr != "" {
			s.Errorf("sluice %s is not silent:\n%s%s", s.expected, s.stdout, s.stderr)
		}
	case "applies": // the last patch, to the index and the working tree
		git(s.T, s.dir, s.stdout, "apply", "--check", "-")
	case "clean": // nothing differs from the last commit
		if got := git(s.T, s.dir, "", "status", "--porcelain"); got != "" {
			s.Errorf("after sluice %s the working tree has changes:\n%s", s.expected, got)
		}
	case "changed":
		if diff := cmp.Diff(strings.Join(args, "\n")+"\n", git(s.T, s.dir, "", "diff", "--name-only")); diff != "" {
			s.Errorf("changed files after sluice %s (-want +got):\n%s", s.expected, diff)
		}
	default:
		s.Fatalf("unknown step %q", verb)
	}
}

func (s *script) file(name string) *txtar.File {
	s.Helper()
	for i := range s.archive.Files {
		if s.archive.Files[i].Name == name {
			return &s.archive.Files[i]
		}
	}
	if !*update {
		s.Fatalf("the archive has no %s", name)
	}
	s.archive.Files = append(s.archive.Files, txtar.File{Name: name})
	return &s.archive.Files[len(s.archive.Files)-1]
}

// compare replaces what differs from run to run and compares the rest.
func (s *script) compare(name, got string) {
	s.Helper()
	for i, head := range s.heads {
		got = strings.ReplaceAll(got, head, fmt.Sprintf("<%d>", i+1))
		got = strings.ReplaceAll(got, head[:8], fmt.Sprintf("<%d…>", i+1))
	}
	got = strings.ReplaceAll(got, s.dir, "<dir>")
	f := s.file(name)
	if *update {
		f.Data = []byte(got)
	}
	if diff := cmp.Diff(string(f.Data), got); diff != "" {
		s.Errorf("sluice %s prints something else than %s (-want +got):\n%s", s.expected, name, diff)
	}
}

// world is a monorepo with three environments, each of one cluster.
func world(more map[string]string) map[string]string {
	files := map[string]string{
		"sluice.yaml": `version: 1
layout: ["clusters/{cluster}/{app}"]
environments:
  - {name: dev, clusters: [dev-1]}
  - {name: stg, from: dev, clusters: [stg-1]}
  - {name: prd, from: stg, clusters: [prd-1]}
`,
	}
	maps.Copy(files, more)
	return files
}

// overlay is a kustomization that fixes images.
func overlay(images ...string) string {
	text := "images:\n"
	for i := 0; i < len(images); i += 2 {
		text += fmt.Sprintf("  - name: %s\n    newTag: %s\n", images[i], images[i+1])
	}
	return text
}
