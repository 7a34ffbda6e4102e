package policy

import (
	"strconv"
	"strings"
)

// didYouMean is ", did you mean X?" for the known name nearest to what was
// found, and nothing where none is near.
func didYouMean(found string, known []string) string {
	near := Nearest(strings.ToLower(found), known)
	if near == "" {
		return ""
	}
	return ", did you mean " + near + "?"
}

// maxTypos is how many slips of a finger still make a name recognisable.
const maxTypos = 2

// Nearest returns the known name that a misspelt one most likely means: the
// one fewest insertions, deletions and replacements away, the first of equals.
// It returns "" where more than two are needed, or as many as the name is long.
func Nearest(found string, known []string) string {
	best, fewest := "", maxTypos+1
	for _, k := range known {
		if d := editDistance([]rune(found), []rune(k)); d < fewest && d < len(k) {
			best, fewest = k, d
		}
	}
	return best
}

// editDistance counts the insertions, deletions and replacements that lead
// from a to b. Texts too long to be a misspelling are far from everything.
func editDistance(a, b []rune) int {
	if max(len(a), len(b)) > maxNameLength {
		return maxNameLength
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		diagonal := row[0]
		row[0] = i + 1
		for j := range b {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// quote shows foreign text in an error: bounded, and with everything but
// printable ASCII spelt out, so that look-alikes give themselves away.
func quote(text string) string {
	runes := []rune(text[:min(len(text), 4*maxShown)])
	if len(runes) <= maxShown {
		return strconv.QuoteToASCII(text)
	}
	return strconv.QuoteToASCII(string(runes[:maxShown])) + "…"
}
