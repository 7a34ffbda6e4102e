package settings

import (
	"fmt"
	"slices"
	"strings"
)

// preface explains once what holds for every line below it. It repeats the
// package's comment in other words, for people who never see Go code.
const preface = `# Configuration

<!-- Generated from cmd/internal/settings. To change this page, change the tables there and run
     go test ./cmd/internal/settings -update -->

Every setting of the services is a flag and an environment variable. A value comes from the first of these that gives
one:

1. the flag, such as ` + "`--sweep-interval=1m`" + `
2. the environment variable, such as ` + "`SLUICE_SWEEP_INTERVAL=1m`" + `
3. the file named by the variable with ` + "`_FILE`" + ` appended, such as ` + "`SLUICE_SWEEP_INTERVAL_FILE=/etc/sluice/sweep`" + `
4. the default

**Files.** One trailing newline of a file's content is removed, and nothing else. An empty file is an error. A setting
that is itself a path has no ` + "`_FILE`" + ` variable.

**Secrets** are never flags, because every user of a machine may read the arguments of a process. The flag of a secret
names a file, as its ` + "`_FILE`" + ` variable does. A secret may come from one place only. One that comes from a file is read
again when it is used, so it can be replaced without a restart.

**Empty variables** count as not set.

**Mistakes** stop the program before it does anything, all of them reported at once: a value beside a file for the same
setting, a variable that starts with ` + "`SLUICE_`" + ` and is no setting of the program, a value that cannot be read. Only the
variables that Kubernetes sets for a service whose name starts with ` + "`sluice`" + ` are let pass.

**Lists** are separated by commas or newlines. Durations are written like ` + "`90s`, `5m` or `24h`" + `.

A first start against a real GitLab is a dry run: until ` + "`act`" + ` is true, plans are made and logged, and nothing is changed.
`

// row is a setting and the programs that have it in exactly this form.
type row struct {
	Setting
	programs []string
}

// Markdown documents tables on one page: their settings by group, in the order
// in which the tables first name them, then their rules. A setting that is the
// same in several programs is one line.
func Markdown(tables ...Table) string {
	var page strings.Builder
	page.WriteString(preface)
	rows := merge(tables)
	for _, group := range groups(rows) {
		fmt.Fprintf(&page, "\n## %s\n\n", group)
		page.WriteString("| Flag | Environment variable | Value | Default | Programs | Meaning |\n| --- | --- | --- | --- | --- | --- |\n")
		for _, r := range rows {
			if r.Group == group {
				page.WriteString(r.line())
			}
		}
	}
	page.WriteString("\n## Settings that depend on each other\n\n")
	for _, line := range ruleLines(tables) {
		page.WriteString(line)
	}
	return page.String()
}

// merge makes one row of what several programs have in the same form. Rows of
// one name stand together, so that a reader sees at once that they differ.
func merge(tables []Table) []row {
	var rows []row
	for _, t := range tables {
		for _, s := range t.Settings {
			rows = add(rows, s, t.Program)
		}
	}
	return rows
}

func add(rows []row, s Setting, program string) []row {
	at := len(rows)
	for i := range rows {
		if rows[i].same(s) {
			rows[i].programs = append(rows[i].programs, program)
			return rows
		}
		if rows[i].Name == s.Name {
			at = i + 1
		}
	}
	return slices.Insert(rows, at, row{Setting: s, programs: []string{program}})
}

// same compares what the page shows of a setting.
func (r row) same(s Setting) bool {
	return r.Name == s.Name && r.Kind == s.Kind && r.Group == s.Group && r.Default == s.Default && r.Usage == s.Usage
}

// groups keeps the order in which the tables name them: from what every
// program has to what only one has.
func groups(rows []row) []string {
	var names []string
	for _, r := range rows {
		if !slices.Contains(names, r.Group) {
			names = append(names, r.Group)
		}
	}
	return names
}

// line tells a setting that must be given from one that may be left out: a
// default, even of a required setting, is enough to start.
func (r row) line() string {
	preset := "none"
	switch {
	case r.Default != "":
		preset = code(r.Default)
	case r.Required:
		preset = "**required**"
	}
	return fmt.Sprintf("| `--%s` | `%s` | %s | %s | %s | %s |\n",
		r.Flag(), r.Env(), r.value(), preset, strings.Join(r.programs, ", "), r.Usage)
}

// value shows the choices themselves where there are some.
func (r row) value() string {
	if len(r.Choices) == 0 {
		return r.Kind.String()
	}
	return strings.Join(each(r.Choices, code), ", ")
}

// ruleLines lists each rule once. One that not all programs share says whose
// it is.
func ruleLines(tables []Table) []string {
	programs := map[string][]string{}
	var sentences []string
	for _, t := range tables {
		for _, rule := range t.Rules {
			sentence := rule.sentence() + ": " + rule.Because
			if programs[sentence] == nil {
				sentences = append(sentences, sentence)
			}
			programs[sentence] = append(programs[sentence], t.Program)
		}
	}
	return each(sentences, func(sentence string) string {
		if len(programs[sentence]) == len(tables) {
			return "- " + sentence + ".\n"
		}
		return "- " + sentence + " (" + strings.Join(programs[sentence], ", ") + ").\n"
	})
}

// sentence is the rule without its reason, which the caller appends.
func (r Rule) sentence() string {
	var parts []string
	if len(r.Needs) > 0 {
		parts = append(parts, plural(r.If, "needs", "need")+" "+strings.Join(each(r.Needs, code), " and "))
	}
	if len(r.Excludes) > 0 {
		parts = append(parts, plural(r.If, "excludes", "exclude")+" "+strings.Join(each(r.Excludes, code), ", "))
	}
	if len(r.AnyOf) > 0 {
		parts = append(parts, "one of "+strings.Join(each(r.AnyOf, code), ", ")+" is needed")
	}
	return strings.TrimSpace(strings.Join(each(r.If, code), ", ") + " " + strings.Join(parts, ", "))
}

func plural(subjects []string, one, many string) string {
	if len(subjects) > 1 {
		return many
	}
	return one
}

// code sets a text in Markdown's code style; nothing stays nothing.
func code(text string) string {
	if text == "" {
		return ""
	}
	return "`" + text + "`"
}

func each(texts []string, f func(string) string) []string {
	all := make([]string, len(texts))
	for i, text := range texts {
		all[i] = f(text)
	}
	return all
}
