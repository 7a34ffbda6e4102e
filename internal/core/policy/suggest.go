package policy

import (
	"strconv"
	"strings"
)

// didYouMean is ", did you mean X?" for the known name nearest to what was
// found, and nothing where none is near.
func didYouMean(found string, known []string) string {
	best, distance := "", 3
	for _, k := range known {
		if d := editDistance(strings.ToLower(found), k); d < distance && d < len(k) {
			best, distance = k, d
		}
	}
	if best == "" {
		return ""
	}
	return ", did you mean " + best + "?"
}

// editDistance counts the insertions, deletions and replacements that lead
// from a to b. Texts too long to be a misspelling are far from everything.
func editDistance(a, b string) int {
	if len(a) > maxNameLength || len(b) > maxNameLength {
		return maxNameLength
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
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
