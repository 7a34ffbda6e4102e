package version

import (
	"regexp"
	"strconv"
	"strings"
)

// tokenKind tells the parts of a version's text apart.
type tokenKind int

const (
	separator tokenKind = iota // one character that is neither letter nor digit
	word                       // letters
	digits                     // a number
	commit                     // what looks like a commit id
)

type token struct {
	kind tokenKind
	text string
}

// number is an unsigned decimal number of any size.
type number string

// compare orders numbers by value: leading zeros do not count.
func (n number) compare(o number) int {
	a, b := strings.TrimLeft(string(n), "0"), strings.TrimLeft(string(o), "0")
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// between tells whether n is one of lo, …, hi.
func (n number) between(lo, hi int64) bool {
	v, err := strconv.ParseInt(string(n), 10, 64)
	return err == nil && lo <= v && v <= hi
}

var (
	digestForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$`)
	// commitForm is an abbreviated or full commit id, also with the "g" that
	// git describe puts in front.
	commitForm = regexp.MustCompile(`^g?[0-9a-f]{7,64}$`)
)

// lex cuts a text into tokens; together they are the text.
func lex(s string) []token {
	var all []token
	for s != "" {
		n := 0
		for n < len(s) && kindOf(s[n]) != separator {
			n++
		}
		if n == 0 {
			all, s = append(all, token{separator, s[:1]}), s[1:]
			continue
		}
		all, s = append(all, lexRun(s[:n])...), s[n:]
	}
	return markCommits(all)
}

// lexRun cuts a run of letters and digits.
func lexRun(s string) []token {
	if isCommit(s) {
		return []token{{commit, s}}
	}
	var all []token
	for s != "" {
		n := 1
		for n < len(s) && kindOf(s[n]) == kindOf(s[0]) {
			n++
		}
		all, s = append(all, token{kindOf(s[0]), s[:n]}), s[n:]
	}
	return all
}

// isCommit tells a commit id from a number and from a word: it holds both
// digits and letters, unless it has a full id's length. A short id of digits
// alone, one in thirty, is taken for a number here; see markCommits.
func isCommit(s string) bool {
	hex := strings.TrimPrefix(s, "g")
	mixed := strings.ContainsAny(hex, "0123456789") && strings.ContainsAny(hex, "abcdef")
	return commitForm.MatchString(s) && (mixed || len(hex) == 40 || len(hex) == 64)
}

func kindOf(c byte) tokenKind {
	switch {
	case '0' <= c && c <= '9':
		return digits
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', c >= 0x80:
		return word
	default:
		return separator
	}
}

// markCommits finds the commit ids that happen to have no letter: in a text
// with a timestamp, any other long number is one.
func markCommits(all []token) []token {
	stamped := false
	for _, t := range all {
		stamped = stamped || t.kind == digits && stamp(number(t.text)) != ""
	}
	for i, t := range all {
		if stamped && t.kind == digits && commitForm.MatchString(t.text) && stamp(number(t.text)) == "" {
			all[i].kind = commit
		}
	}
	return all
}

// stamp names the form of a number that is a time, or gives "".
func stamp(n number) string {
	switch {
	case len(n) == 10 && n.between(1_000_000_000, 4_102_444_799): // 2001 to 2099
		return "seconds"
	case len(n) == 13 && n.between(1_000_000_000_000, 4_102_444_799_999):
		return "milliseconds"
	case (len(n) == 8 || len(n) == 12 || len(n) == 14) && isYear(n[:4]) && n[4:6].between(1, 12) && n[6:8].between(1, 31):
		return "date" + strconv.Itoa(len(n))
	default:
		return ""
	}
}

func isYear(n number) bool { return len(n) == 4 && n.between(1990, 2199) }
