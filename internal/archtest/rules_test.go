package archtest

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what the checker finds into testdata")

// TestEachRuleCanFail runs the checker over small modules that break the rules
// on purpose. Each archive in testdata is a module and, in the file "want",
// what must be found in it.
func TestEachRuleCanFail(t *testing.T) {
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatalf("no test data: %v", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			last := len(archive.Files) - 1
			if archive.Files[last].Name != "want" {
				t.Fatal(`the last file must be "want"`)
			}
			got := found(t, unpack(t, archive.Files[:last]))
			if *update {
				archive.Files[last].Data = []byte(got)
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if d := cmp.Diff(string(archive.Files[last].Data), got); d != "" {
				t.Error(d)
			}
		})
	}
}

// unpack writes a module to a directory of its own. Files that bring no go.mod
// get this module's name, so that the rules fit.
func unpack(t *testing.T, files []txtar.File) string {
	t.Helper()
	dir := t.TempDir()
	files = append([]txtar.File{{Name: "go.mod", Data: []byte("module github.com/sluice-gitops/sluice\n\ngo 1.26\n")}}, files...)
	for _, f := range files {
		name := filepath.Join(dir, filepath.FromSlash(f.Name))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// found is each violation on a line. The rules for packages that a small
// module does not have are no part of it.
func found(t *testing.T, dir string) string {
	t.Helper()
	m, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	violations, err := Check(m, Sluice())
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, v := range violations {
		if v.Why == "" {
			t.Errorf("no reason: %v", v)
		}
		if v.Why != whyRot {
			b.WriteString(v.Where + ": " + v.What + "\n")
		}
	}
	return b.String()
}

func TestARuleForNothingIsAViolation(t *testing.T) {
	dir := unpack(t, []txtar.File{{Name: "internal/core/doc.go", Data: []byte("package core\n")}})
	m, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	rules := Rules{
		Layers: []Layer{
			{Packages: "internal/core", May: []string{"internal/gone/..."}},
			{Packages: "internal/comes/..."},
		},
		Pending: []string{"internal/comes/...", "internal/core/..."},
	}
	violations, err := Check(m, rules)
	if err != nil {
		t.Fatal(err)
	}
	var rotten []string
	for _, v := range violations {
		if v.Why == whyRot {
			rotten = append(rotten, v.What)
		}
	}
	want := []string{"a rule names internal/gone/..., but no such package exists"}
	if d := cmp.Diff(want, rotten); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"internal/core/..."}, Arrived(m, rules)); d != "" {
		t.Error(d)
	}
}

func TestAModuleThatCannotBeRead(t *testing.T) {
	if _, err := Load(t.TempDir()); err == nil {
		t.Error("a directory without go.mod was accepted")
	}
	if _, err := Load(unpack(t, []txtar.File{{Name: "go.mod", Data: []byte("go 1.26\n")}})); err == nil {
		t.Error("a go.mod without a module was accepted")
	}
	if _, err := Load(unpack(t, []txtar.File{{Name: "x.go", Data: []byte("pakcage x\n")}})); err == nil {
		t.Error("a file that does not parse was accepted")
	}
}

func TestAProgramThatCannotBeListed(t *testing.T) {
	m, err := Load(unpack(t, []txtar.File{{Name: "cmd/receiver/main.go", Data: []byte("package main\n\nimport _ \"example.com/nowhere\"\n")}}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Check(m, Sluice()); err == nil || !strings.Contains(err.Error(), "example.com/nowhere") {
		t.Errorf("got %v", err)
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern, pkg string
		unit         string
		ok           bool
	}{
		{"internal/core", "internal/core", "internal/core", true},
		{"internal/core", "internal/core/plan", "", false},
		{"internal/core/...", "internal/core", "internal/core", true},
		{"internal/core/...", "internal/core/plan", "internal/core", true},
		{"internal/core/...", "internal/corex", "", false},
		{"services/*/...", "services/receiver/http", "services/receiver", true},
		{"services/*/...", "services", "", false},
		{"cmd/*", "cmd/sluice/demo", "", false},
		{".", ".", ".", true},
		{".", "internal", "", false},
		{"...", "anything/at/all", "", true},
	} {
		unit, ok := matches(c.pattern, c.pkg)
		if unit != c.unit || ok != c.ok {
			t.Errorf("%s %s: got %q, %v", c.pattern, c.pkg, unit, ok)
		}
	}
}
