package events

import (
	"strings"

	"github.com/sluice-gitops/sluice/internal/core"
)

const upperHex = "0123456789ABCDEF"

// emptyToken stands for the empty text, because a subject may not have an
// empty token. No escape is a single character, so it is unambiguous.
const emptyToken = "="

// Token makes any text a single token of a NATS subject and at the same time a
// legal part of a KV key. Letters, digits, '-' and '_' stay; every other byte
// becomes '=' and two upper-case hexadecimal digits. ParseToken undoes it, so
// different texts never share a token.
func Token(s string) string {
	if s == "" {
		return emptyToken
	}
	n := escapes(s)
	if n == 0 {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 2*n)
	for i := range len(s) {
		if plain(s[i]) {
			b.WriteByte(s[i])
			continue
		}
		b.WriteByte('=')
		b.WriteByte(upperHex[s[i]>>4])
		b.WriteByte(upperHex[s[i]&15])
	}
	return b.String()
}

// ParseToken is the inverse of Token. Whatever Token cannot have made is
// Invalid: a second spelling of a text would be a second subject for it.
func ParseToken(token string) (string, error) {
	if token == emptyToken {
		return "", nil
	}
	var b strings.Builder
	for i := 0; i < len(token); i++ {
		c := token[i]
		if c == '=' {
			var ok bool
			if c, ok = unescape(token[i+1:]); !ok || plain(c) {
				return "", badToken(token, i)
			}
			i += 2
		} else if !plain(c) {
			return "", badToken(token, i)
		}
		b.WriteByte(c)
	}
	if b.Len() == 0 {
		return "", core.Errorf(core.Invalid, "token is empty, want %q for the empty text", emptyToken)
	}
	return b.String(), nil
}

func badToken(token string, at int) error {
	return core.Errorf(core.Invalid, "token %q: character %d is not what an escape of this kind contains", cut(token, MaxText), at+1)
}

func escapes(s string) int {
	n := 0
	for i := range len(s) {
		if !plain(s[i]) {
			n++
		}
	}
	return n
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}

// unescape reads two upper-case hexadecimal digits.
func unescape(s string) (byte, bool) {
	if len(s) < 2 {
		return 0, false
	}
	hi, lo := strings.IndexByte(upperHex, s[0]), strings.IndexByte(upperHex, s[1])
	return byte(hi<<4 | lo), hi >= 0 && lo >= 0
}
