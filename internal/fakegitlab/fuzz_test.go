package fakegitlab

import (
	"strings"
	"testing"
)

func FuzzParagraphs(f *testing.F) {
	for _, s := range []string{"", "a\n/close\n\nb", "```\n/close", ">>>\nx\n>>>\n/lock", "- a\n/close\n", "<p>\n\n\n/approve me\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var b strings.Builder
		for _, p := range paragraphs(text) {
			b.WriteString(p.text)
		}
		if b.String() != text {
			t.Errorf("blocks of %q make %q", text, b.String())
		}
		rest, commands := extractActions(text)
		if len(commands) == 0 && rest != strings.ReplaceAll(text, "\r", "") {
			t.Errorf("no command in %q, and yet it became %q", text, rest)
		}
	})
}

func FuzzReadCommands(f *testing.F) {
	line := zero40 + " " + strings.Repeat("a", 40) + " refs/heads/x"
	f.Add([]byte(pktLine(line+"\x00 report-status\n") + pktLine(line) + "0000PACK"))
	f.Add([]byte("0003"))
	f.Add([]byte("ffff"))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, u := range readCommands(body) {
			if u.ref == "" || len(u.before) != 40 && u.before != "" {
				t.Errorf("update %+v of %q", u, body)
			}
		}
	})
}

func FuzzParseRaw(f *testing.F) {
	f.Add(":100644 100644 " + zero40 + " " + zero40 + " M\x00a\x00:100644 100644 " + zero40 + " " + zero40 + " R100\x00a\x00b\x00")
	f.Add(":\x00\x00")
	f.Fuzz(func(t *testing.T, raw string) {
		for _, d := range parseRaw(raw) {
			if d.kind == 0 {
				t.Errorf("a change of no kind in %q", raw)
			}
		}
	})
}
