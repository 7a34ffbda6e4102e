package main

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/sluice-gitops/sluice/cmd/internal/process"
)

// tools has the flags of the other programs read from their own help:
//
//	go test ./cmd/sluice -run TestGuides -tools DIR
//
// with flux, kubectl, kubeseal and sops in DIR.
var tools = flag.String("tools", "", "directory of programs to read the flags from anew")

// guideFiles are the documents whose commands people copy.
func guideFiles() []string {
	return []string{"phase2-fluxcd-bootstrap-guide.md", "phase2-fluxcd-operational-guide.md", "setup.md", "flux.md"}
}

// guideCommands are the command lines in the guides' shell blocks, as words,
// each beginning with its program. A block without a language is one of shell.
func guideCommands(t *testing.T) [][]string {
	t.Helper()
	var all [][]string
	for _, file := range guideFiles() {
		text, err := os.ReadFile(filepath.Join("../../docs", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range regexp.MustCompile("(?ms)^ *```(\\w*)\n(.*?)^ *```$").FindAllStringSubmatch(string(text), -1) {
			if block[1] != "" && block[1] != "sh" {
				continue
			}
			for line := range strings.Lines(strings.ReplaceAll(block[2], "\\\n", " ")) {
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
	if seen < 18 {
		t.Errorf("only %d commands of sluice were found", seen)
	}
}

// What stands inside a line of text or a table is copied as well.
func TestGuidesNameFlagsOfSluiceThatExist(t *testing.T) {
	seen := 0
	for _, file := range guideFiles() {
		text, err := os.ReadFile(filepath.Join("../../docs", file))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("`sluice ([a-z][^`\n]*)`").FindAllStringSubmatch(string(text), -1) {
			seen++
			var command, flags []string
			for _, w := range strings.Fields(m[1]) {
				if name, _, _ := strings.Cut(w, "="); strings.HasPrefix(w, "-") {
					flags = append(flags, name)
				} else if len(flags) == 0 {
					command = append(command, w)
				}
			}
			code, out, problems := run(t, nil, append(command, "--help")...)
			if code != process.OK || !strings.Contains(out, "Usage:\n  sluice "+command[0]) {
				t.Errorf("%s: %s: exit code %d: %s", file, m[0], code, problems)
			}
			for _, f := range flags {
				if !slices.Contains(flagsIn(out), f) {
					t.Errorf("%s: %s: there is no flag %s", file, m[0], f)
				}
			}
		}
	}
	if seen < 25 {
		t.Errorf("only %d commands of sluice were found", seen)
	}
}

// The operational guide says which line pins which version; lines move.
func TestGuideNamesTheLinesThatPinVersions(t *testing.T) {
	text, err := os.ReadFile("../../docs/phase2-fluxcd-operational-guide.md")
	if err != nil {
		t.Fatal(err)
	}
	pins := regexp.MustCompile("`([\\w/.-]+\\.yaml):(\\d+)` `(\\w+:)`").FindAllStringSubmatch(string(text), -1)
	if len(pins) < 17 {
		t.Errorf("only %d lines were found", len(pins))
	}
	for _, pin := range pins {
		content, err := os.ReadFile(filepath.Join("../../flux-config/clusters/platform-core-dev-aks", pin[1]))
		if err != nil {
			t.Error(err)
			continue
		}
		lines := strings.Split(string(content), "\n")
		number, err := strconv.Atoi(pin[2])
		if err != nil || number < 1 || number > len(lines) || !strings.HasPrefix(strings.TrimSpace(lines[number-1]), pin[3]) {
			t.Errorf("%s has no %s in line %s", pin[1], pin[3], pin[2])
		}
	}
}

// The flags of other programs are compared with what their own help says, which
// testdata/guides keeps.
func TestGuidesUseFlagsThatTheToolsHave(t *testing.T) {
	for program, least := range map[string]int{"flux": 30, "kubectl": 20, "kubeseal": 2, "sops": 3} {
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
