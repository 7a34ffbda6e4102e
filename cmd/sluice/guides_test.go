package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
)

// tools has the flags of the other programs read from their own help:
//
//	go test ./cmd/sluice -run TestGuides -tools DIR
//
// with flux, kubectl and kubeseal in DIR.
var tools = flag.String("tools", "", "directory of programs to read the flags from anew")

// guideCommands are the command lines in the guides' shell blocks, as words,
// each beginning with its program.
func guideCommands(t *testing.T) [][]string {
	t.Helper()
	files, err := filepath.Glob("../../docs/phase2-*.md")
	if err != nil || len(files) != 2 {
		t.Fatal(files, err)
	}
	var all [][]string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?ms)^ *```sh\n(.*?)^ *```$").FindAllStringSubmatch(string(text), -1) {
			for line := range strings.Lines(strings.ReplaceAll(block[1], "\\\n", " ")) {
				all = append(all, parts(line)...)
			}
		}
	}
	return all
}

// parts splits a line of shell into its commands, and those into words.
func parts(line string) [][]string {
	word := regexp.MustCompile(`(?:[^\s'"|&<>]|'[^']*'|"[^"]*")+|[|&<>]+`)
	all := [][]string{nil}
	for _, w := range word.FindAllString(line, -1) {
		switch last := len(all) - 1; {
		case strings.Trim(w, "|&") == "":
			all = append(all, nil)
		case strings.Trim(w, "<>") == "":
			all = append(all, []string{"file"})
		default:
			all[last] = append(all[last], strings.NewReplacer("'", "", `"`, "").Replace(w))
		}
	}
	return slices.DeleteFunc(all, func(c []string) bool { return len(c) == 0 })
}

func TestGuidesNameCommandsOfSluiceThatExist(t *testing.T) {
	seen := 0
	for _, c := range guideCommands(t) {
		if c[0] != "sluice" {
			continue
		}
		seen++
		code, out, problems := run(t, nil, append(slices.Clone(c[1:]), "--help")...)
		if usage := "Usage:\n  sluice " + c[1] + " "; code != process.OK || !strings.Contains(out, usage) || strings.Contains(out, " [command]\n") {
			t.Errorf("%s: exit code %d: %s", strings.Join(c, " "), code, problems)
		}
	}
	if seen < 10 {
		t.Errorf("only %d commands of sluice were found", seen)
	}
}

// The flags of other programs are compared with what their own help says, which
// testdata/guides keeps.
func TestGuidesUseFlagsThatTheToolsHave(t *testing.T) {
	for program, least := range map[string]int{"flux": 30, "kubectl": 20, "kubeseal": 1} {
		known := flagsOf(t, program)
		seen := 0
		for _, c := range guideCommands(t) {
			if c[0] != program {
				continue
			}
			seen++
			command := commandOf(c, known)
			if command == "" {
				t.Errorf("%s: testdata/guides knows no such command; see -tools", strings.Join(c, " "))
				continue
			}
			for _, w := range c[1:] {
				name, _, _ := strings.Cut(w, "=")
				if strings.HasPrefix(name, "-") && name != "-" && !slices.Contains(known[command], name) {
					t.Errorf("%s: %s has no flag %s", strings.Join(c, " "), command, name)
				}
			}
		}
		if seen < least {
			t.Errorf("only %d commands of %s were found", seen, program)
		}
	}
}

// commandOf is the longest known command that the words begin with.
func commandOf(c []string, known map[string][]string) string {
	for n := min(len(c), 4); n > 0; n-- {
		if name := strings.Join(c[:n], " "); known[name] != nil {
			return name
		}
	}
	return ""
}

// flagsOf reads the flags of each command of a program that the guides use.
func flagsOf(t *testing.T, program string) map[string][]string {
	t.Helper()
	file := filepath.Join("testdata", "guides", program+".txt")
	if *tools != "" {
		readTool(t, program, file)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if command, flags, ok := strings.Cut(strings.TrimSpace(line), ": "); ok && !strings.HasPrefix(line, "#") {
			known[command] = strings.Fields(flags)
		}
	}
	return known
}

// readTool asks the program itself.
func readTool(t *testing.T, program, file string) {
	t.Helper()
	ask := func(args ...string) string {
		out, _ := exec.Command(filepath.Join(*tools, program), args...).CombinedOutput()
		return string(out)
	}
	found := map[string]bool{}
	lines := []string{"# Flags of " + program + " from its own help, for the commands in the guides. See guides_test.go."}
	for _, c := range guideCommands(t) {
		if c[0] != program {
			continue
		}
		words := slices.IndexFunc(c[1:], func(w string) bool {
			return !regexp.MustCompile(`^[a-z-]+$`).MatchString(w) || strings.HasPrefix(w, "-")
		})
		if words < 0 {
			words = len(c) - 1
		}
		for words = min(words, 3); words >= 0; words-- {
			help := ask(append(slices.Clone(c[1:1+words]), "--help")...)
			name := strings.Join(c[:1+words], " ")
			if usage := regexp.MustCompile(`(?m)^(?:Usage:)?\s+` + name + `(?: |$)`); words > 0 && !usage.MatchString(help) {
				continue
			}
			if !found[name] {
				found[name] = true
				lines = append(lines, name+": "+strings.Join(flagsIn(help+ask("options")), " "))
			}
			break
		}
	}
	slices.Sort(lines[1:])
	if err := os.WriteFile(file, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}

// flagsIn are the flags that a help text lists.
func flagsIn(help string) []string {
	var all []string
	for _, m := range regexp.MustCompile(`(?m)^\s+(?:(-\w), )?(--[\w-]+)`).FindAllStringSubmatch(help, -1) {
		all = append(all, m[2])
		if m[1] != "" {
			all = append(all, m[1])
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}
