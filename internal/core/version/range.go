package version

import (
	"regexp"
	"strings"
)

// wildcard is a component of a range that stands for any number.
const wildcard = `(?i)(^|[.\\sv=<>~^|,-])[x*]($|[.\\s|,-])`

// IsRange tells whether a text is a range of versions rather than one version:
// it leaves to Helm or Flux which version runs, so Git does not say it.
func IsRange(text string) bool {
	if strings.ContainsAny(text, "<>=~^| ,*") {
		_, err := ParseConstraint(text)
		return err == nil
	}
	if !strings.ContainsAny(text, "xX") || !regexp.MustCompile(wildcard).MatchString(text) {
		return false
	}
	_, err := ParseConstraint(text)
	return err == nil
}
