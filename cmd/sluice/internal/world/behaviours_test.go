package world_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// TestEveryBehaviourIsTested reads the pages that promise something: each row
// of docs/behaviours.md names tests, and all tests that it or docs/security.md
// names are there.
func TestEveryBehaviourIsTested(t *testing.T) {
	t.Parallel()
	root := os.DirFS("../../../..")
	behaviours, err := fs.ReadFile(root, "docs/behaviours.md")
	must(t, err)
	security, err := fs.ReadFile(root, "docs/security.md")
	must(t, err)
	there := testsBelow(t, root)
	rows := 0
	for line := range strings.Lines(string(behaviours)) {
		behaviour, tests, isRow := strings.Cut(strings.Trim(line, "|\n "), " | ")
		if !isRow || behaviour == "Behaviour" || strings.HasPrefix(behaviour, "---") {
			continue
		}
		rows++
		named := regexp.MustCompile("`(?:([a-z/]+) )?(Test[A-Za-z]+)`").FindAllStringSubmatch(tests, -1)
		if len(named) == 0 {
			t.Errorf("no test shows: %s", behaviour)
		}
		for _, n := range named {
			dir := n[1]
			if dir == "" {
				dir = "cmd/sluice/internal/world"
			}
			if !there[dir+" "+n[2]] {
				t.Errorf("%s is not in %s, and is to show: %s", n[2], dir, behaviour)
			}
		}
	}
	if rows < 30 {
		t.Errorf("only %d rows were found", rows)
	}
	for _, name := range regexp.MustCompile(`\b(Test|Fuzz)[A-Z]\w+`).FindAllString(string(security), -1) {
		if !there[name] {
			t.Errorf("docs/security.md names %s, which is nowhere", name)
		}
	}
}

// testsBelow are the names of all tests, each alone and after its directory.
func testsBelow(t *testing.T, root fs.FS) map[string]bool {
	t.Helper()
	declared, there := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(\w+ \*testing\.`), map[string]bool{}
	for _, top := range []string{"cmd", "internal", "services"} {
		must(t, fs.WalkDir(root, top, func(name string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(name, "_test.go") {
				return err
			}
			content, err := fs.ReadFile(root, name)
			for _, d := range declared.FindAllSubmatch(content, -1) {
				there[string(d[1])], there[path.Dir(name)+" "+string(d[1])] = true, true
			}
			return err
		}))
	}
	return there
}
