package chatops

import (
	"fmt"
	"regexp"
	"strings"
)

// Verb is one command that exists. Its texts are Markdown without tables.
type Verb struct {
	Name        string
	Usage       string // the verb with its arguments; optional ones in brackets
	Description string // what it does, in sentences
	Example     string // a whole line
	Who         string // who may use it
}

// Verbs returns every command that exists, in the order of the help.
func Verbs() []Verb {
	return []Verb{
		{
			Name: "approve", Usage: "approve [commit]", Example: "/sluice approve 1f3c9a2b",
			Description: "Agrees to this promotion as it stands. It counts for the present content only: when the branch changes, approve again. With a commit, it counts only if the branch is still there.",
			Who:         "the people whom the policy names for this environment; the author only if the policy allows it",
		},
		{
			Name: "hold", Usage: "hold [reason]", Example: "/sluice hold the load test runs until noon",
			Description: "Keeps Sluice from merging this promotion until somebody lifts the hold.",
			Who:         "developers and above",
		},
		{
			Name: "unhold", Usage: "unhold", Example: "/sluice unhold",
			Description: "Lifts every hold on this promotion. The gates still apply.",
			Who:         "developers and above",
		},
		{
			Name: "status", Usage: "status", Example: "/sluice status",
			Description: "Says what this promotion waits for.",
			Who:         "everyone with access to the project",
		},
		{
			Name: "help", Usage: "help", Example: "/sluice help",
			Description: "Shows this list.",
			Who:         "everyone with access to the project",
		},
	}
}

func names() []string {
	var names []string
	for _, v := range Verbs() {
		names = append(names, v.Name)
	}
	return names
}

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
