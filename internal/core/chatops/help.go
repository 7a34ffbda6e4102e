package chatops

import (
	"fmt"
	"regexp"
	"strings"
)

// Help is the list of commands as Markdown. It holds no line that is a command
// and mentions nobody.
func Help(botName string) string {
	var b strings.Builder
	b.WriteString("| Command | What it does | Who may use it |\n|---|---|---|\n")
	for _, v := range Verbs() {
		fmt.Fprintf(&b, "| `%s %s` | %s | %s |\n", prefix, v.Usage, v.Description, v.Who)
	}
	b.WriteString("\nA command stands alone on its line and begins with the line's first character. In quotes, in code and in HTML it does nothing.")
	if regexp.MustCompile(`\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}\z`).MatchString(botName) {
		fmt.Fprintf(&b, " `@%s` may stand in place of `%s`.", botName, prefix)
	}
	return b.String()
}

// Manual is the page about commands, as Markdown.
func Manual() string {
	var b strings.Builder
	b.WriteString(manualHead)
	for _, v := range Verbs() {
		fmt.Fprintf(&b, "\n## `%s %s`\n\n%s\n\nWho may use it: %s.\n\nWhere: %s.\n\n```\n%s\n```\n", prefix, v.Usage, v.Description, v.Who, v.where(), v.Example)
	}
	return b.String()
}

// where lists the places in words.
func (v Verb) where() string {
	var places []string
	for _, p := range v.Places {
		places = append(places, string(p))
	}
	return strings.Join(places, "; ")
}
