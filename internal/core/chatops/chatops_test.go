package chatops_test

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core/chatops"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const bot = "sluice-bot"

// short is a command as the tables below write it: its words, a "?" before an
// unknown verb and the suggestion after it.
func short(commands []chatops.Command) []string {
	var out []string
	for _, c := range commands {
		text := strings.Join(append([]string{c.Verb}, c.Args...), " ")
		if !c.Known {
			text = "?" + text
		}
		if c.Suggestion != "" {
			text += " -> " + c.Suggestion
		}
		out = append(out, text)
	}
	return out
}

func TestParse(t *testing.T) {
	for name, tc := range map[string]struct {
		body string
		want []string
	}{
		"alone":                 {"/sluice approve", []string{"approve"}},
		"with a commit":         {"/sluice approve 1f3c9a2b", []string{"approve 1f3c9a2b"}},
		"with words":            {"/sluice approve please", []string{"approve please"}},
		"reason keeps its case": {"/sluice hold until Monday, 9:00", []string{"hold until Monday, 9:00"}},
		"nothing after it":      {"/sluice", []string{"help"}},
		"only blanks after it":  {"/sluice \t ", []string{"help"}},
		"blanks around":         {"/sluice   approve \t", []string{"approve"}},
		"upper case":            {"/SLUICE Approve", []string{"approve"}},
		"windows line ends":     {"Looks good.\r\n/sluice approve\r\nThanks\r\n", []string{"approve"}},
		"between sentences":     {"Looks good.\n/sluice approve\nThanks", []string{"approve"}},
		"two":                   {"/sluice status\n/sluice hold", []string{"status", "hold"}},
		"mention":               {"@sluice-bot approve", []string{"approve"}},
		"mention in capitals":   {"@Sluice-Bot hold on", []string{"hold on"}},
		"mention misspelt verb": {"@sluice-bot aprove", []string{"?aprove -> approve"}},
		"after a closed fence":  {"```\nx\n```\n/sluice hold", []string{"hold"}},
		"after closed html":     {"<details>\nx\n</details>\n\n/sluice hold", []string{"hold"}},
		"after a comment":       {"<!-- x -->\n/sluice hold", []string{"hold"}},
		"after inline code":     {"see `x` and `y`\n/sluice hold\nand `z`", []string{"hold"}},
		"stray back-tick":       {"it's a ` only\n/sluice hold", []string{"hold"}},
		"back-tick in heading":  {"# a `\n/sluice hold\nand ` b", []string{"hold"}},
		"escaped back-tick":     {"a \\` b\n/sluice hold\nc ` d", []string{"hold"}},
		"placeholder in text":   {"bump to <version>\n/sluice hold", []string{"hold"}},
		"less than":             {"if a <b then\n/sluice hold", []string{"hold"}},
		"quoted tag":            {"use `<details>`\n/sluice hold", []string{"hold"}},
		"under a quote":         {"> /sluice approve\n/sluice hold", []string{"hold"}},
		"after a fenced quote":  {">>>\n/sluice approve\n>>>\n/sluice hold", []string{"hold"}},
		"misspelt":              {"/sluice aprove", []string{"?aprove -> approve"}},
		"unknown":               {"/sluice deploy now", []string{"?deploy now"}},

		"not at the start":      {"please /sluice approve", nil},
		"indented":              {" /sluice approve", nil},
		"indented by a tab":     {"\t/sluice approve", nil},
		"other command":         {"/sluicegate approve", nil},
		"quick action":          {"/approve", nil},
		"hyphenated":            {"/sluice-approve", nil},
		"mention alone":         {"@sluice-bot", nil},
		"mention in talk":       {"@sluice-bot broke it again", nil},
		"mention of another":    {"@sluice-bot2 approve", nil},
		"mention of a group":    {"@sluice-bot/x approve", nil},
		"quote":                 {"> /sluice hold", nil},
		"quote in a quote":      {"> > /sluice hold", nil},
		"quoted reply":          {"> /sluice hold the database is full\n\nI disagree.", nil},
		"fenced quote":          {">>>\n/sluice hold\n>>>", nil},
		"fenced quote, open":    {">>>\n\n/sluice hold", nil},
		"fenced quote, longer":  {">>>>\n>>>\n/sluice hold\n>>>>", nil},
		"fence":                 {"```\n/sluice hold\n```", nil},
		"fence with language":   {"```sh\n/sluice hold\n```", nil},
		"tilde fence":           {"~~~\n/sluice hold\n~~~", nil},
		"long fence":            {"`````\n```\n/sluice hold\n`````", nil},
		"fence, other mark":     {"```\n~~~\n/sluice hold\n```", nil},
		"fence, not closed":     {"```\n\n/sluice hold", nil},
		"fence, indented":       {"   ```\n/sluice hold\n   ```", nil},
		"fence, not its end":    {"```\n``` x\n/sluice hold\n```", nil},
		"fence in a quote":      {">>>\n```\n>>>\n/sluice hold\n```\n>>>", nil},
		"indented code":         {"text\n\n    /sluice hold", nil},
		"inline code":           {"`/sluice hold`", nil},
		"inline code, lines":    {"see `a\n/sluice hold\nb`", nil},
		"double back-ticks":     {"``a ` b\n/sluice hold\nc``", nil},
		"html comment":          {"<!--\n/sluice hold\n-->", nil},
		"html comment, blank":   {"<!--\n\n/sluice hold\n\n-->", nil},
		"html comment, open":    {"text <!-- note\n\n/sluice hold", nil},
		"comment, one line":     {"<!-- \n/sluice hold --> x", nil},
		"comment after tick":    {"a `\n<!-- ` b\n/sluice hold\n-->", nil},
		"details":               {"<details>\n<summary>x</summary>\n\n/sluice hold\n\n</details>", nil},
		"details in details":    {"<details>\n<details>\n</details>\n\n/sluice hold\n</details>", nil},
		"details, attributes":   {"<DETAILS\nopen>\n\n/sluice hold\n</details>", nil},
		"details within a line": {"more: <details>\n\n/sluice hold", nil},
		"pre":                   {"<pre>\n/sluice hold\n\n/sluice hold\n</pre>", nil},
		"html block":            {"<p>\n/sluice hold", nil},
		"custom element":        {"<x-y>\n/sluice hold", nil},
		"script":                {"<script>\n/sluice hold\n</script>", nil},
		"cdata":                 {"<![CDATA[\n/sluice hold\n]]>", nil},
		"instruction":           {"<?php\n/sluice hold\n?>", nil},
		"carriage return alone": {"a\r/sluice hold", nil},
		"line separator":        {"a\u2028/sluice hold", nil},
		"zero width in prefix":  {"/slu\u200bice hold", nil},
		"zero width before":     {"\u200b/sluice hold", nil},
		"byte order mark":       {"\ufeff/sluice hold", nil},
		"cyrillic prefix":       {"/sluiсe hold", nil},
		"fullwidth slash":       {"／sluice hold", nil},
		"no-break space":        {"/sluice\u00a0hold", nil},
		"right-to-left":         {"\u202e/sluice hold", nil},
		"empty":                 {"", nil},

		"zero width in verb":    {"/sluice ap\u200bprove", []string{"?ap\u200bprove -> approve"}},
		"zero width after verb": {"/sluice approve\u200b", []string{"?approve\u200b -> approve"}},
		"no-break after verb":   {"/sluice approve\u00a0", []string{"?approve\u00a0 -> approve"}},
		"cyrillic verb":         {"/sluice аpprove", []string{"?аpprove -> approve"}},
		"long s":                {"/sluice ſtatus", []string{"?ſtatus -> status"}},
		"return in verb":        {"/sluice hold\rx", []string{"?hold\rx -> hold"}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, short(chatops.Parse(tc.body, bot))); diff != "" {
				t.Errorf("commands of %q (-want +got):\n%s", tc.body, diff)
			}
		})
	}
}

func TestParseTellsTheLine(t *testing.T) {
	got := chatops.Parse("a\r\n\r\n```\r\nx\r\n```\r\n/sluice hold\r\nb\r\n\r\n/sluice status", bot)
	if len(got) != 2 || got[0].Line != 6 || got[1].Line != 9 {
		t.Errorf("got %+v, want commands on lines 6 and 9", got)
	}
}

func TestParseWithoutBotNameReadsNoMentions(t *testing.T) {
	if got := chatops.Parse("@ approve\n@sluice-bot approve", ""); len(got) != 0 {
		t.Errorf("got %+v, want none", got)
	}
}

func TestParseIsBounded(t *testing.T) {
	if got := chatops.Parse(strings.Repeat("/sluice status\n", 1000), bot); len(got) != 20 {
		t.Errorf("%d commands of one comment, want 20", len(got))
	}
	got := chatops.Parse("/sluice hold "+strings.Repeat("ü", 5000), bot)
	if len(got) != 1 || got[0].Verb != "hold" || len(got[0].Args[0]) > 1000 || strings.ContainsRune(got[0].Args[0], '\ufffd') {
		t.Errorf("a long hold gave %.100v", got)
	}
}

// The worst that somebody may write must not stop the service.
func TestParseIsLinear(t *testing.T) {
	for _, unit := range []string{"`", "` ", "``` ", "<!--", "<details>", "<pre\n", ">>>\n", "\\`", "a\n", "/", "> `\n", "<", "``` `\n"} {
		start := time.Now()
		chatops.Parse(strings.Repeat(unit, 1<<17/len(unit)), bot)
		if spent := time.Since(start); spent > 20*time.Second {
			t.Errorf("%q took %s", unit, spent)
		}
	}
}

func TestSuggest(t *testing.T) {
	for verb, want := range map[string]string{
		"aprove": "approve", "HODL": "hold", "unhlod": "unhold", "stat": "status", "halp": "help",
		"deploy": "", "merge": "", "x": "", "": "", strings.Repeat("a", 1<<16): "",
	} {
		if got := chatops.Suggest(verb); got != want {
			t.Errorf("Suggest(%.20q) = %q, want %q", verb, got, want)
		}
	}
}

func TestHelp(t *testing.T) {
	got := chatops.Help(bot) + "\n"
	if *update {
		if err := os.WriteFile("testdata/help.md", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/help.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("help (-want +got):\n%s", diff)
	}
	if commands := chatops.Parse(got, bot); len(commands) > 0 {
		t.Errorf("the help runs %+v", commands)
	}
	if strings.Contains(chatops.Help("a` @all"), "@all") {
		t.Error("the help repeats a name that is none")
	}
}

func TestEveryVerbIsDocumentedAndItsExampleRuns(t *testing.T) {
	for _, v := range chatops.Verbs() {
		if v.Description == "" || v.Who == "" || !strings.HasPrefix(v.Usage, v.Name) {
			t.Errorf("verb %+v is not documented", v)
		}
		got := chatops.Parse(v.Example, bot)
		if len(got) != 1 || !got[0].Known || got[0].Verb != v.Name {
			t.Errorf("the example %q of %s gives %+v", v.Example, v.Name, got)
		}
	}
}

// GitLab takes a line that begins with one of its own quick actions out of the
// comment before anybody sees it, whether or not it applies.
func TestPrefixIsNoQuickAction(t *testing.T) {
	data, err := os.ReadFile("testdata/quick-actions.txt")
	if err != nil {
		t.Fatal(err)
	}
	if taken := strings.Fields(string(data)); len(taken) < 80 || slices.Contains(taken, "sluice") {
		t.Errorf("sluice is among the %d quick actions of GitLab", len(taken))
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"/sluice hold", "`a\n/sluice hold`", "<details>\n/sluice hold", ">>>\n/sluice hold\n>>>", "~~~\n/sluice x\n~~~", "<!--\r\n@sluice-bot approve", "\\`\n# `"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		lines := strings.Split(body, "\n")
		for _, c := range chatops.Parse(body, bot) {
			if c.Line < 1 || c.Line > len(lines) || c.Verb == "" {
				t.Fatalf("command %+v of %d lines", c, len(lines))
			}
			if line := lines[c.Line-1]; line[0] != '/' && line[0] != '@' {
				t.Errorf("line %d, %q, is a command but begins with neither / nor @", c.Line, line)
			}
			if _, rest, _ := c.Scope(); len(rest) > len(c.Args) {
				t.Errorf("%+v: what follows the scope is %q", c, rest)
			}
			if again := chatops.Parse(strings.Join(append([]string{"/sluice", c.Verb}, c.Args...), " "), bot); len(again) != 1 || again[0].Verb != c.Verb || !slices.Equal(again[0].Args, c.Args) {
				t.Errorf("%+v became %+v", c, again)
			}
		}
		for what, wrapped := range map[string]string{
			"a fence":       strings.Repeat("`", longest(body)+3) + "\n" + body,
			"a block quote": "> " + strings.ReplaceAll(body, "\n", "\n> "),
			"indentation":   "    " + strings.ReplaceAll(body, "\n", "\n    "),
		} {
			if got := chatops.Parse(wrapped, bot); len(got) > 0 {
				t.Errorf("in %s, %q runs %+v", what, body, got)
			}
		}
	})
}

// longest is the length of the longest run of back-ticks.
func longest(s string) int {
	n := 0
	for strings.Contains(s, strings.Repeat("`", n+1)) {
		n++
	}
	return n
}
