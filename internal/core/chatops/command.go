package chatops

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/sluice-gitops/sluice/internal/core/policy"
)

// prefix begins every command that does not begin with a mention.
const prefix = "/sluice"

// blanks part words. Any other space is part of a word, and makes a verb that
// it touches unknown.
const blanks = " \t"

// Command is one command line of a comment.
type Command struct {
	Verb       string   // in lower case; as written otherwise, also where it is unknown
	Args       []string // the words after the verb
	Line       int      // 1-based, within the comment
	Known      bool     // the verb is one of Verbs; never true for a look-alike
	Suggestion string   // the verb that an unknown one may have meant, or ""
}

// Parse returns the commands of a comment in the order of their lines, at most
// 20. The bot's name is without "@"; if it is empty, mentions are not read. A
// mention followed by no verb, or by a word that resembles none, is talk about
// the bot and no command; "/sluice" alone asks for help.
func Parse(body, botName string) []Command {
	var commands []Command
	for number, line := range visible(body) {
		c, ok := parseLine(line, botName)
		if !ok {
			continue
		}
		c.Line = number
		commands = append(commands, c)
		if len(commands) == maxCommands {
			break
		}
	}
	return commands
}

// parseLine asks for "/sluice" or the mention at the very start: a blank before
// it is how people show a command without giving it.
func parseLine(line, botName string) (Command, bool) {
	line = clip(line)
	if rest, ok := after(line, prefix); ok {
		if strings.Trim(rest, blanks) == "" {
			rest = " help"
		}
		return newCommand(rest), true
	}
	rest, ok := after(line, "@"+botName)
	if !ok || botName == "" || strings.Trim(rest, blanks) == "" {
		return Command{}, false
	}
	c := newCommand(rest)
	return c, c.Known || c.Suggestion != ""
}

// newCommand takes the text after the prefix, which holds at least one word.
func newCommand(text string) Command {
	words := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(blanks, r) })
	c := Command{Verb: lowerASCII(words[0]), Args: words[1:]}
	c.Known = slices.Contains(names(), c.Verb)
	if !c.Known {
		c.Suggestion = Suggest(c.Verb)
	}
	return c
}

// after returns what follows a word that begins the line and ends with it or
// at a blank. Only ASCII letters may differ in case.
func after(line, word string) (string, bool) {
	if len(line) < len(word) || lowerASCII(line[:len(word)]) != lowerASCII(word) {
		return "", false
	}
	rest := line[len(word):]
	return rest, rest == "" || rest[0] == ' ' || rest[0] == '\t'
}

// lowerASCII leaves every other letter alone: there are letters outside ASCII
// whose lower case lies within, and a look-alike must never become a verb.
func lowerASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}

// clip cuts a line to its limit, at a character's border.
func clip(line string) string {
	if len(line) <= maxLine {
		return line
	}
	cut := maxLine
	for !utf8.RuneStart(line[cut]) && cut > maxLine-utf8.UTFMax {
		cut--
	}
	return line[:cut]
}

// Suggest returns the verb that a misspelt one most likely means, or "" if
// none is near.
func Suggest(verb string) string { return policy.Nearest(lowerASCII(verb), names()) }
