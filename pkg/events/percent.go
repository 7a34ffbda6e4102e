package events

import (
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

// percentEncode spells an attribute's value as the CloudEvents bindings for
// headers ask: space, double quote, percent and everything outside printable
// ASCII as the percent-encoded bytes of its UTF-8 form, all else as it is.
func percentEncode(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	for i := range len(s) {
		if c := s[i]; literal(c) {
			b.WriteByte(c)
		} else {
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String()
}

// percentDecode undoes percentEncode and, as the bindings ask of readers, also
// accepts characters that were encoded without need, in either case.
func percentDecode(s string) (string, error) {
	if !strings.Contains(s, "%") {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c == '%' {
			var ok bool
			if c, ok = unescape(strings.ToUpper(s[i+1 : min(i+3, len(s))])); !ok {
				return "", core.Errorf(core.Invalid, "header value %q: character %d does not begin a percent-encoded byte", cut(s, MaxText), i+1)
			}
			i += 2
		}
		b.WriteByte(c)
	}
	return b.String(), nil
}

func literal(c byte) bool { return c > ' ' && c < 0x7f && c != '"' && c != '%' }
