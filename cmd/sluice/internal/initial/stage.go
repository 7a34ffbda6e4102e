package initial

import (
	"regexp"
	"slices"
	"strings"
)

// stage is a step of the usual way to production, as names tell it.
type stage struct {
	rank  int
	words []string // the names that mean it, the usual one first
}

// stages are ordered. Two of one rank are different environments, and no name
// tells which of them comes first.
func stages() []stage {
	return []stage{
		{0, []string{"dev", "develop", "development"}},
		{1, []string{"test", "tst", "testing"}},
		{1, []string{"qa"}},
		{1, []string{"int", "integration"}},
		{2, []string{"stg", "staging", "stage"}},
		{2, []string{"uat"}},
		{2, []string{"preprod", "preproduction"}},
		{3, []string{"prd", "prod", "production"}},
	}
}

// stageOf reads a stage out of a name such as "dev", "prod-eu" or
// "core-stg-01". A name that speaks of two stages, or of none, has none.
func stageOf(name string) (s stage, exact, ok bool) {
	text := strings.ToLower(name)
	text = regexp.MustCompile(`pre[-_.]prod`).ReplaceAllString(text, "preprod")
	if strings.Contains(text, "nonprod") || strings.Contains(text, "non-prod") {
		return stage{}, false, false
	}
	parts := regexp.MustCompile(`[-_.]`).Split(text, -1)
	for _, part := range parts {
		word := strings.TrimRight(part, "0123456789")
		for _, candidate := range stages() {
			if !slices.Contains(candidate.words, word) {
				continue
			}
			if ok && candidate.words[0] != s.words[0] {
				return stage{}, false, false
			}
			s, ok = candidate, true
		}
	}
	return s, ok && slices.Contains(s.words, text), ok
}
