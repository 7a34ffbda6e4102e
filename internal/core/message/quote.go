package message

import (
	"slices"
	"strings"
	"unicode"
)

// joiner is invisible and has no width. Between a sign and what follows it, it
// keeps GitLab from reading the two as a reference, in every field and version.
const joiner = '\u2060'

// maxQuoteLines bounds a QuoteBlock: a wall of somebody else's text hides ours.
const maxQuoteLines = 20

// Quote makes somebody else's text inert prose on one line: it runs no quick
// action, mentions nobody, refers to nothing, links nowhere, loads no image
// and sets nothing in HTML or Markdown. At most limit characters of it are
// shown, then "…". Control characters, those that change the direction of
// text and those without any shape are dropped; back-ticks become apostrophes.
//
// It is for prose in descriptions and comments. The text must be raw: quoting
// it twice shows the marks of the first time.
func Quote(text string, limit int) string {
	var b strings.Builder
	line := []rune(Plain(text, limit))
	for i, r := range line {
		if r == '`' {
			r = '\''
		}
		if meansSomething(line, i) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
		if refers(line, i) {
			b.WriteRune(joiner)
		}
	}
	return b.String()
}

// QuoteBlock is Quote for a text whose lines matter: a block quote, of at most
// 20 lines. It must begin on a line of its own and be followed by a blank one.
func QuoteBlock(text string, limit int) string {
	runes := []rune(strings.TrimSpace(breakLines(clean(text))))
	if len(runes) > limit {
		runes = append(runes[:max(0, limit):max(0, limit)], '…')
	}
	lines := strings.Split(string(runes), "\n")
	if len(lines) > maxQuoteLines {
		lines = append(lines[:maxQuoteLines], "…")
	}
	var b strings.Builder
	for i, line := range lines {
		b.WriteString(strings.TrimRight("> "+Quote(line, limit+1), " "))
		if i+1 == len(lines) {
			break
		}
		if strings.TrimSpace(line) != "" && strings.TrimSpace(lines[i+1]) != "" {
			b.WriteByte('\\') // keeps the line's end
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Inline shows a name of somebody else's making, such as a version, a branch
// or a file, as code on one line: inert as Quote is, but copied as it stands.
// Where it would otherwise end the code or a table's cell, a back-tick becomes
// an apostrophe and a bar a broken bar. An empty text is shown as "(none)".
//
// No back-tick of somebody else's ever gets through, here and in Quote: GitLab
// looks for quick actions outside of code by counting back-ticks across the
// whole text, so one more could bring a line to life that was code before.
// Titles are no Markdown: use Title there.
func Inline(text string, limit int) string {
	var b strings.Builder
	line := []rune(Plain(text, limit))
	sentence := slices.Contains(line, ' ')
	for i, r := range line {
		switch r {
		case '`':
			r = '\''
		case '|':
			r = '¦'
		}
		b.WriteRune(r)
		if sentence && closes(line, i) {
			b.WriteRune(joiner)
		}
	}
	if b.Len() == 0 {
		return "`(none)`"
	}
	return "`" + b.String() + "`"
}

// Title makes a text fit for a part of a title, where GitLab knows references
// but neither escapes nor code. Like Quote, it mentions nobody.
func Title(text string, limit int) string {
	var b strings.Builder
	line := []rune(Plain(text, limit))
	for i, r := range line {
		b.WriteRune(r)
		if refers(line, i) {
			b.WriteRune(joiner)
		}
	}
	return b.String()
}

// Plain is a text on one line, bounded, and without the characters that Quote
// drops. It is for logs, reasons and terminals, and is not inert in GitLab.
func Plain(text string, limit int) string {
	line := strings.Join(strings.Fields(clean(text)), " ")
	runes := []rune(line)
	if len(runes) <= limit {
		return line
	}
	return strings.TrimRight(string(runes[:max(0, limit)]), " ") + "…"
}

// clean drops what has no shape and replaces what is no text. Line ends and
// other spaces remain.
func clean(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Z, r):
			return r
		case unicode.In(r, unicode.C, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "\ufffd"))
}

// breakLines makes every kind of line end a line feed.
func breakLines(text string) string {
	return strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n", "\u0085", "\n").Replace(text)
}

// meansSomething says whether Markdown or GitLab could take the character for
// a mark, so that it needs a back-slash.
func meansSomething(line []rune, i int) bool {
	r := line[i]
	switch {
	case strings.ContainsRune("\\*_[]<>|~#@!$%&^{}", r):
		return true
	case i == 0:
		return r != '`' && r < unicode.MaxASCII && (unicode.IsPunct(r) || unicode.IsSymbol(r))
	case r == '.' || r == ')': // would begin a numbered list
		return isNumber(line[:i]) && (i+1 == len(line) || line[i+1] == ' ')
	}
	return false
}

func isNumber(line []rune) bool {
	return strings.Trim(string(line), "0123456789") == ""
}

// refers says whether the character begins something that GitLab would link
// together with what follows: a reference, an address, an emoji.
func refers(line []rune, i int) bool {
	if i+1 == len(line) {
		return false
	}
	r, next := line[i], line[i+1]
	switch {
	case strings.ContainsRune("@#!~$%^&[{*", r):
		return next != ' '
	case r == ':':
		return next == '/' || next == '+' || next == '-' || next == '_' || unicode.IsLetter(next)
	case r == '-':
		return unicode.IsDigit(next) && i > 0 && unicode.IsUpper(line[i-1])
	case next == '.':
		return i >= 2 && strings.EqualFold(string(line[i-2:i+1]), "www")
	}
	return false
}

// closes says whether the character could be part of a reference after a word
// such as "closes", which would close an issue on the merge. GitLab searches
// descriptions for those in code as well.
func closes(line []rune, i int) bool {
	return refers(line, i) && strings.ContainsRune("#-:", line[i]) && !unicode.IsLetter(line[i+1])
}
