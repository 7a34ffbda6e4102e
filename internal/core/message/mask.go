package message

import (
	"regexp"
	"slices"
	"strings"
)

// Masked stands in place of what looked like a secret.
const Masked = "[masked]"

// Mask hides what looks like a secret in a text that some tool wrote, such as
// the error of a Helm upgrade: the values of fields named like password or
// token, authorization headers, cookies, what stands before the "@" of an
// address, private keys, paths of Flux Receivers, tokens of known form and long
// random texts. Commits, digests, UUIDs and the names of objects stay.
//
// It guesses, and prefers to hide too much. A secret that has no name, no known
// form and no more than 31 characters is not found. Mask before a text is cut:
// half of a secret may not be recognised any more.
func Mask(text string) string {
	var hidden spans
	hidden.keys(text)
	hidden.fields(text)
	hidden.addresses(text)
	hidden.tokens(text)
	return hidden.hide(text)
}

// span is a part of a text, in bytes.
type span struct{ from, to int }

// spans are all looked for in the text as it was, so that what one rule finds
// cannot hide from another what it would have found.
type spans []span

func (s *spans) add(from, to int) {
	if from < to {
		*s = append(*s, span{from, to})
	}
}

// hide replaces the spans; those that overlap or touch become one.
func (s spans) hide(text string) string {
	slices.SortFunc(s, func(a, b span) int { return a.from - b.from })
	var b strings.Builder
	end := 0
	for i, part := range s {
		if i == 0 || part.from > end {
			b.WriteString(text[end:part.from])
			b.WriteString(Masked)
		}
		end = max(end, part.to)
	}
	b.WriteString(text[end:])
	return b.String()
}

var privateKey = regexp.MustCompile(`(?s)-----BEGIN [^-]*PRIVATE KEY[^-]*-----.*?(?:-----END [^-]*-----|\z)`)

func (s *spans) keys(text string) {
	for _, m := range privateKey.FindAllStringIndex(text, -1) {
		s.add(m[0], m[1])
	}
}

// secretKey is a field's name up to where its value begins: as "key=", "key: ",
// with quotes, escaped ones too, or as a flag with a space. Short names count
// only alone, because they are parts of many words.
var secretKey = regexp.MustCompile(`(?i)(?:([\w.-]*(?:passw(?:or)?d|passphrase|passcode|secret|token|credential|signature|connection[_-]?string|session[_-]?id|` +
	`(?:api|access|private|account|shared|signing|encryption|master|ssh|deploy)[_-]?key)[\w.-]*|\b(?:pass|pwd|auth|sig|dsn|pin|otp)\b)` +
	`\\*["'` + "`" + `]?[ \t]*(?::=|=>|[:=])|(?:--[\w-]*(?:password|passphrase|secret|token|api-?key)|bearer|\bbasic)[ \t])`)

// secretLine is a field whose whole line is secret.
var secretLine = regexp.MustCompile(`(?i)(?:authorization|cookie)\\*["']?[ \t]*[:=]`)

// plainField is the end of a field's name that only leads to a secret.
var plainField = regexp.MustCompile(`(?i)(?:name|names|namespace|ref|path|file|mount|type|class|version|kind|url|uri|endpoint|expiry|expires|expires_in)\z`)

func (s *spans) fields(text string) {
	for _, m := range secretLine.FindAllStringIndex(text, -1) {
		from := skipBlanks(text, m[1])
		s.add(from, from+indexOr(text[from:], "\r\n"))
	}
	for _, m := range secretKey.FindAllStringSubmatchIndex(text, -1) {
		if m[2] >= 0 && plainField.MatchString(text[m[2]:m[3]]) {
			continue
		}
		from := skipBlanks(text, m[1])
		to := valueEnd(text, from)
		s.add(from, to)
		if to == len(text) {
			return
		}
	}
}

// valueEnd is where the value ends that begins at from: at the closing quote,
// with the lines of a YAML block, or with the word.
func valueEnd(text string, from int) int {
	if m := regexp.MustCompile(`\A[|>][-+0-9]*[ \t]*\r?\n(?:[ \t]+[^\n]*(?:\n|\z)|\r?\n)+`).FindStringIndex(text[from:min(len(text), from+maxBlock)]); m != nil {
		return from + m[1]
	}
	open := from
	for open < len(text) && text[open] == '\\' {
		open++
	}
	if open == len(text) || !strings.ContainsRune("\"'`", rune(text[open])) {
		return from + indexOr(text[from:], " \t\r\n")
	}
	i := open + 1
	for ; i < len(text) && text[i] != text[open]; i++ {
		if text[i] == '\\' && open == from {
			i++
		}
	}
	if i = i + 1; i >= len(text) {
		return len(text)
	}
	return i + indexOr(text[i:], " \t\r\n,;)}]")
}

// maxBlock bounds how much of a text is looked at as the value of one field. A
// longer one is a file, and its keys and tokens are found on their own.
const maxBlock = 16 << 10

func skipBlanks(text string, from int) int {
	return from + len(text[from:]) - len(strings.TrimLeft(text[from:], " \t"))
}

// indexOr is where the first of some characters stands, or the length.
func indexOr(text, chars string) int {
	if i := strings.IndexAny(text, chars); i >= 0 {
		return i
	}
	return len(text)
}

// addresses hides what stands between "://" and the "@" before the host. After
// a first slash an "@" belongs to the path, unless a password that should have
// been escaped has the slash: then something that is no port follows a colon.
func (s *spans) addresses(text string) {
	for from := 0; ; {
		i := strings.Index(text[from:], "://")
		if i < 0 {
			return
		}
		from += i + len("://")
		run := text[from : from+indexOr(text[from:], " \t\r\n\"'<>`")]
		if next := strings.Index(run, "://"); next >= 0 {
			run = run[:next]
		}
		host := run[:indexOr(run, "/?#")]
		at := strings.LastIndex(host, "@")
		if _, port, ok := strings.Cut(host, ":"); at < 0 && ok && strings.Trim(port, "0123456789") != "" {
			at = strings.LastIndex(run, "@")
		}
		s.add(from, from+max(at, 0))
	}
}

// knownToken is how tokens begin whose makers gave them a form.
var knownToken = regexp.MustCompile(`gl(?:pat|dt|rt|rtr|soat|cbt|ptt|ft|imt|agent|oas|ffct|wt)-|gh[pousr]_|github_pat_|AKIA|ASIA|ABIA|ACCA|` +
	`xox[abeprs]-|eyJ|\bsk-(?:ant|proj|or|live|test)|hv[sb]\.|AIza|npm_|dckr_(?:pat|oat)_|AGE-SECRET-KEY-|whsec_|pypi-`)

// leastToken is how many characters follow such a beginning at the least.
const leastToken = 8

const tokenLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-+/="

var (
	receiverPath = regexp.MustCompile(`/hook/([0-9a-f]{64})`)
	longText     = regexp.MustCompile(`[A-Za-z0-9+/_-]{32,}={0,2}`)
	longHex      = regexp.MustCompile(`\b[0-9a-f]{32,}\b`)
)

func (s *spans) tokens(text string) {
	end := 0
	for _, m := range knownToken.FindAllStringIndex(text, -1) {
		if m[1] >= end {
			rest := text[m[1]:]
			end = m[1] + len(rest) - len(strings.TrimLeft(rest, tokenLetters))
		}
		if end-m[1] >= leastToken {
			s.add(m[0], end)
		}
	}
	for _, m := range receiverPath.FindAllStringSubmatchIndex(text, -1) {
		s.add(m[2], m[3])
	}
	for _, m := range longText.FindAllStringIndex(text, -1) {
		if looksRandom(text[m[0]:m[1]]) {
			s.add(m[0], m[1])
		}
	}
	for _, m := range longHex.FindAllStringIndex(text, -1) {
		switch m[1] - m[0] {
		case 40, 64, 96, 128: // commits and digests
		default:
			s.add(m[0], m[1])
		}
	}
}

// looksRandom tells whether 32 characters in a row change between capitals,
// small letters and digits as often as no name does. One in three does it in a
// name, two in three at random.
func looksRandom(s string) bool {
	const window, changes, each = 32, 11, 3
	for i := 0; i+window <= len(s); i++ {
		var count [4]int
		changed := 0
		for j := i; j < i+window; j++ {
			count[class(s[j])]++
			if j > i && class(s[j]) != class(s[j-1]) && class(s[j]) != 0 && class(s[j-1]) != 0 {
				changed++
			}
		}
		if changed >= changes && count[1] >= each && count[2] >= each {
			return true
		}
	}
	return false
}

func class(c byte) int {
	switch {
	case c >= 'a' && c <= 'z':
		return 1
	case c >= 'A' && c <= 'Z':
		return 2
	case c >= '0' && c <= '9':
		return 3
	}
	return 0
}
