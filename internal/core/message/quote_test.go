package message_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core/chatops"
	"github.com/sluice-gitops/sluice/internal/core/message"
)

// shown makes the invisible joiner visible as "·".
func shown(s string) string { return strings.ReplaceAll(s, "\u2060", "·") }

func TestQuote(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"prose stays":         {"The load test runs until noon (2.5 h), see the wiki.", "The load test runs until noon (2.5 h), see the wiki."},
		"umlauts stay":        {"größer als 日本", "größer als 日本"},
		"paths and places":    {"apps/gateway/release.yaml:3:1", "apps/gateway/release.yaml:3:1"},
		"user":                {"@jane broke it", `\@·jane broke it`},
		"all":                 {"cc @all", `cc \@·all`},
		"group":               {"cc @group/sub-group", `cc \@·group/sub-group`},
		"mail":                {"jane@example.org", `jane\@·example.org`},
		"issue":               {"closes #12", `closes \#·12`},
		"foreign issue":       {"closes group/project#12", `closes group/project\#·12`},
		"merge request":       {"see !34", `see \!·34`},
		"label":               {`~label ~"two words"`, `\~·label \~·"two words"`},
		"milestone":           {"%1.0", `\%·1.0`},
		"snippet":             {"$12", `\$·12`},
		"epic":                {"&12", `\&·12`},
		"alert":               {"^alert#1", `\^·alert\#·1`},
		"iteration":           {"*iteration:1", `\*·iteration:1`},
		"vulnerability":       {"[vulnerability:1]", `\[·vulnerability:1\]`},
		"tracker key":         {"ABC-123", "ABC-·123"},
		"image":               {"![x](https://evil.example/x.png)", `\!·\[·x\](https:·//evil.example/x.png)`},
		"link":                {"[x](javascript:alert(1))", `\[·x\](javascript:·alert(1))`},
		"bare address":        {"https://gitlab.example/g/p/-/issues/1", "https:·//gitlab.example/g/p/-/issues/1"},
		"address in brackets": {"<https://evil.example>", `\<https:·//evil.example\>`},
		"www":                 {"WWW.evil.example", "WWW·.evil.example"},
		"html":                {"<details><img src=x>", `\<details\>\<img src=x\>`},
		"html comment":        {"<!-- /sluice:promotion -->", `\<\!·-- /sluice:·promotion --\>`},
		"entity":              {"&commat;all &#64;all", `\&·commat;all \&·\#·64;all`},
		"emphasis":            {"**a** __b__ ~~c~~", `\*·\*·a\*·\* \_\_b\_\_ \~·\~·c\~·\~`},
		"code":                {"`@all` ```x", `'\@·all' '''x`},
		"emoji":               {":custom: 12:30", `\:·custom: 12:30`},
		"table":               {"a | b", `a \| b`},
		"back-slash":          {`\@all \\`, `\\\@·all \\\\`},
		"math":                {"$x$ $`y`$", `\$·x\$ \$·'y'\$`},
		"quick action":        {"/merge", `\/merge`},
		"quick action, line":  {"ok\n/merge\r/close\u2028/label ~x", `ok /merge /close /label \~·x`},
		"our command":         {"/sluice approve", `\/sluice approve`},
		"quote mark":          {">>> x", `\>\>\> x`},
		"heading":             {"# x", `\# x`},
		"list":                {"- [x] done", `\- \[·x\] done`},
		"plus":                {"+ x", `\+ x`},
		"number":              {"1. x", `1\. x`},
		"number with bracket": {"12) x", `12\) x`},
		"version":             {"1.2.3", "1.2.3"},
		"rule":                {"---", `\---`},
		"indentation":         {"    code", "code"},
		"control characters":  {"a\x00b\x1b[31mc\x07", `ab\[·31mc`},
		"direction":           {"\u202egnp.exe\u202c \u2066x\u2069", "gnp.exe x"},
		"zero width":          {"@\u200ball \u2060\ufeff\u00adx", `\@·all x`},
		"hangul filler":       {"\u3164x\u115f", "x"},
		"tag characters":      {"x\U000e0041\U000e0042", "x"},
		"broken text":         {"a\xff\xfeb", "a\ufffdb"},
		"empty":               {" \n\t ", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, shown(message.Quote(tc.text, 200))); diff != "" {
				t.Errorf("Quote(%q) (-want +got):\n%s", tc.text, diff)
			}
		})
	}
}

func TestQuoteIsBounded(t *testing.T) {
	for text, want := range map[string]string{
		"äöüäöü":                  "äöü…",
		"abc":                     "abc",
		"ab cd":                   "ab…",
		"@ab cd":                  `\@·ab…`,
		strings.Repeat("x", 1e6):  "xxx…",
		strings.Repeat("\n", 1e6): "",
	} {
		if got := shown(message.Quote(text, 3)); got != want {
			t.Errorf("Quote(%.20q, 3) = %.40q, want %q", text, got, want)
		}
	}
	if got := message.Quote("abc", 0); got != "…" {
		t.Errorf("Quote(abc, 0) = %q", got)
	}
}

func TestQuoteBlock(t *testing.T) {
	for name, tc := range map[string]struct {
		text  string
		limit int
		want  string
	}{
		"one line":       {"hello", 100, "> hello"},
		"lines":          {"a\nb\r\nc", 100, "> a\\\n> b\\\n> c"},
		"paragraphs":     {"a\n\n \nb", 100, "> a\n>\n>\n> b"},
		"quick actions":  {"/merge\n/close", 100, "> \\/merge\\\n> \\/close"},
		"fenced quote":   {">>>\n/merge\n>>>", 100, "> \\>\\>\\>\\\n> \\/merge\\\n> \\>\\>\\>"},
		"fence":          {"```\n@all", 100, "> '''\\\n> \\@·all"},
		"too long":       {"abcdef\nghi", 4, "> abcd…"},
		"too many lines": {strings.Repeat("x\n", 30), 1000, strings.Repeat("> x\\\n", 20) + "> …"},
		"empty":          {"", 10, ">"},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, shown(message.QuoteBlock(tc.text, tc.limit))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestInline(t *testing.T) {
	for name, tc := range map[string]struct{ text, want string }{
		"version":    {"1.2.3-rc.1+build_5", "`1.2.3-rc.1+build_5`"},
		"digest":     {"1.2@sha256:abc", "`1.2@sha256:abc`"},
		"candidate":  {"2.0.0-RC-1", "`2.0.0-RC-1`"},
		"branch":     {"sluice/prd/ai-gateway", "`sluice/prd/ai-gateway`"},
		"back-ticks": {"a`b``c```", "`a'b''c'''`"},
		"only ticks": {"``", "`''`"},
		"table":      {"x | @all", "`x ¦ @all`"},
		"lines":      {"a\n/merge", "`a /merge`"},
		"closing":    {"Closes #12 and ABC-1, https://x/-/issues/1", "`Closes #·12 and ABC-·1, https:·//x/-/issues/1`"},
		"back-slash": {`a\`, "`a\\`"},
		"long":       {"abcdefghijklmnopqrstuvwxyz", "`abcdefghijklmnopqrst…`"},
		"direction":  {"1.0\u202e0.2", "`1.00.2`"},
		"empty":      {"", "`(none)`"},
		"blank":      {" \u200b ", "`(none)`"},
	} {
		limit := 20
		if strings.HasPrefix(tc.text, "Closes") || strings.HasPrefix(tc.text, "sluice/") {
			limit = 100
		}
		t.Run(name, func(t *testing.T) {
			if got := shown(message.Inline(tc.text, limit)); got != tc.want {
				t.Errorf("Inline(%q) = %q, want %q", tc.text, got, tc.want)
			}
		})
	}
}

func TestTitleMentionsNobody(t *testing.T) {
	for text, want := range map[string]string{
		"ai-gateway 1.2.3":   "ai-gateway 1.2.3",
		"@all `@all` #1\n!2": "@·all `@·all` #·1 !·2",
		"https://x closes":   "https:·//x closes",
	} {
		if got := shown(message.Title(text, 100)); got != want {
			t.Errorf("Title(%q) = %q, want %q", text, got, want)
		}
	}
}

// reference is what GitLab would link, mention or load, wherever it stands.
var reference = regexp.MustCompile(`[@#!~$%^&][A-Za-z0-9_."]|://|(?i:www\.)|:[A-Za-z0-9_+-]*[A-Za-z+_-][A-Za-z0-9_+-]*:`)

func FuzzQuote(f *testing.F) {
	for _, s := range []string{"/merge\n@all #1", "`a``b|c", "<!-- x -->", "\xff\u202e", "1. a", "![](x://y)", "&#64;"} {
		f.Add(s, 20)
	}
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = max(0, limit%500)
		quoted, inline := message.Quote(text, limit), message.Inline(text, limit)
		block, title := message.QuoteBlock(text, limit), message.Title(text, limit)
		for name, got := range map[string]string{"Quote": quoted, "Inline": inline, "QuoteBlock": block, "Title": title} {
			if !utf8.ValidString(got) || utf8.RuneCountInString(got) > 4*limit+100 {
				t.Errorf("%s: %d characters from %d allowed", name, utf8.RuneCountInString(got), limit)
			}
			if i := strings.IndexFunc(got, func(r rune) bool {
				return r != '\u2060' && r != '\n' && unicode.In(r, unicode.C, unicode.Zl, unicode.Zp)
			}); i >= 0 {
				t.Errorf("%s(%q) = %q has a control character", name, text, got)
			}
			if name != "Inline" && reference.MatchString(got) {
				t.Errorf("%s(%q) = %q refers to %q", name, text, got, reference.FindString(got))
			}
			if name != "Title" && len(chatops.Parse(got, "all")) > 0 {
				t.Errorf("%s(%q) = %q is a command", name, text, got)
			}
			if name != "QuoteBlock" && strings.Contains(got, "\n") {
				t.Errorf("%s(%q) has lines", name, text)
			}
		}
		if strings.Contains(quoted, "`") || strings.Count(inline, "`") != 2 || strings.Contains(inline, "|") {
			t.Errorf("back-ticks of %q get through: %q, %q", text, quoted, inline)
		}
		if strings.HasPrefix(quoted, "/") || regexp.MustCompile(`(?m)^[^>]`).MatchString(block) {
			t.Errorf("a line of %q stands at the start: %q, %q", text, quoted, block)
		}
		if bare := regexp.MustCompile(`\\[!-/:-@\[-\x60{-~]`).ReplaceAllString(quoted, ""); strings.ContainsAny(bare, "*_[]<>|\\") {
			t.Errorf("Quote(%q) = %q leaves Markdown", text, quoted)
		}
	})
}
