package message_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/chatops"
	"github.com/sluice-gitops/sluice/internal/core/gate"
	"github.com/sluice-gitops/sluice/internal/core/message"
	"github.com/sluice-gitops/sluice/internal/core/pin"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// hostile is what somebody might write where a name, a version or a reason is
// expected.
var hostile = []string{
	"@all", "cc @group/sub", "\n/merge\n", "\r/close\r", "x\u2028/approve", "`\n/merge\n`", "```\n/merge", "a | b", "|\n|---|\n", "<!-- sluice:seen 1:2 -->",
	"-->\n/merge", "<details>\n\n/merge", "[x](javascript:alert)", "![x](http://evil)", "closes #12", "!34", "~label", "%1", ":boom:", "\u202ereversed", "**bold**",
	"<!-- /sluice:promotion -->", "- [x] **approvals**: 9 of 9", "", "   ", strings.Repeat("é", 5000), strings.Repeat("`", 4000), "\x00\x1b[31m", "\xff\xfe",
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := "testdata/" + name + ".md"
	got = shown(got) + "\n"
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func promotion(moves int, verdicts ...gate.Verdict) message.Promotion {
	p := message.Promotion{Target: core.Target{Env: "prd", App: "ai-gateway"}, From: "stg", Auto: moves%2 == 1, Verdicts: verdicts}
	for i := range moves {
		p.Moves = append(p.Moves, message.Move{
			Cluster: "prd-1", What: fmt.Sprintf("image gateway-%d", i), Old: "1.0.0", New: "1.1.0",
			File: "flux-config/clusters/prd-1/apps/ai-gateway/kustomization.yaml", Line: i + 1,
		})
	}
	return p
}

var verdicts = []gate.Verdict{
	{Gate: "hold", State: gate.Block, Reason: "held by jane: the load test runs"},
	{Gate: "healthy", State: gate.Pass, Reason: "ready in stg-1 since 2026-11-03 08:00:00 UTC"},
	{Gate: "soak", State: gate.Wait, Reason: "24h0m0s of health needed", Until: time.Date(2026, 11, 4, 8, 0, 0, 0, time.UTC)},
}

// full is a promotion with everything that a description can show.
func full() message.Promotion {
	p := promotion(1, verdicts...)
	p.GitLab, p.List = "https://gitlab.example.com", "https://gitlab.example.com/platform/flux/-/merge_requests?label_name%5B%5D=sluice"
	p.Moves[0].Kind, p.Moves[0].Origin, p.Moves[0].Old, p.Moves[0].New = pin.Image, "ghcr.io/example/gateway", "v1.0.0", "v1.1.0"
	p.Others = []message.Other{{MR: 12, URL: "https://gitlab.example.com/platform/flux/-/merge_requests/12", Target: core.Target{Env: "stg", App: "ai-gateway"}}}
	p.Differences = []message.Difference{
		{Clusters: []core.Cluster{"prd-1"}, Dir: "clusters/prd-1/apps/ai-gateway", Text: "@@ Deployment ai/gateway @@\n     containers:\n-    - image: ghcr.io/example/gateway:v1.0.0\n+    - image: ghcr.io/example/gateway:v1.1.0\n       name: gateway\n"},
		{Clusters: []core.Cluster{"prd-2"}, Dir: "clusters/prd-2/apps/ai-gateway", Problem: "remote resource https://example.com/x.yaml"},
		{Clusters: []core.Cluster{"prd-3"}, Dir: "clusters/prd-3/apps/ai-gateway", Text: "@@ Deployment ai/gateway @@\n     containers:\n-    - image: ghcr.io/example/gateway:v1.0.0\n+    - image: ghcr.io/example/gateway:v1.1.0\n       name: gateway\n"},
		{Clusters: []core.Cluster{"prd-4"}, Dir: "clusters/prd-4/apps/ai-gateway"},
		{Clusters: []core.Cluster{"prd-5"}, Dir: "clusters/prd-5/apps/ai-gateway", Text: "@@ ConfigMap ai/gateway @@\n+  a: b\n", Left: 12},
	}
	return p
}

func TestTexts(t *testing.T) {
	evil := promotion(1, gate.Verdict{Gate: "healthy", State: gate.Wait, Reason: "failed: @all\n/merge\n`|<b>"})
	evil.Target.App, evil.From = "@all|`", "<b>"
	evil.Moves[0] = message.Move{What: "image `|\n/merge", Old: "@all", New: "1 | 2", File: "a|b\n/close.yaml", Line: 3}
	for name, text := range map[string]string{
		"description":         message.Description(promotion(1, verdicts...)),
		"description-plain":   message.Description(promotion(0)),
		"description-many":    message.Description(promotion(64, verdicts...)),
		"description-hostile": message.Description(evil),
		"description-full":    message.Description(full()),
		"sticky":              message.Sticky("Waiting for soak: until 2026-11-04 08:00:00 UTC.", message.Marks{Seen: []message.Seen{{Note: 5, Digest: "0a1b2c", Accepted: true}, {Note: 7, Digest: "edited"}}, Heads: []message.Head{{SHA: "0123456789012345678901234567890123456789", Content: "ab"}}}),
		"sticky-hostile":      message.Sticky("held by jane: <!-- sluice:seen 9:9 -->\n/merge @all", message.Marks{}),
		"explain":             message.Explain(core.Target{Env: "prd", App: "ai-gateway"}, "Waiting for hold: held by jane.", verdicts, time.Date(2026, 11, 4, 8, 0, 0, 0, time.UTC)),
		"reply":               message.Reply(message.To{Note: 12}, "Done."),
		"reply-edited":        message.Reply(message.To{Note: 12, Edited: true}, "Done."),
		"status":              message.Status(core.Target{Env: "prd", App: "ai-gateway"}, "Waiting for hold: held by jane.", verdicts),
		"unknown":             message.Unknown(chatops.Command{Verb: "aprove", Suggestion: "approve"}),
		"unknown-hostile":     message.Unknown(chatops.Command{Verb: "`@all|<b>\n/merge`"}),
	} {
		t.Run(name, func(t *testing.T) { golden(t, name, text) })
	}
}

// bodies are all the texts that quote somebody, each quoting the same.
func bodies(text string) map[string]string {
	v := []gate.Verdict{{Gate: "healthy", State: gate.Wait, Reason: text}, {Gate: "hold", State: gate.Block, Reason: text}}
	p := message.Promotion{Target: core.Target{Env: core.Env(text), App: core.App(text)}, From: core.Env(text), Verdicts: v}
	for range 3 {
		p.Moves = append(p.Moves, message.Move{Cluster: core.Cluster(text), Kind: pin.Remote, What: text, Origin: text, Old: text, New: text, File: text})
	}
	p.Others = []message.Other{{MR: 3, URL: text, Target: p.Target}}
	p.List, p.GitLab = text, text
	p.Differences = []message.Difference{
		{Clusters: []core.Cluster{core.Cluster(text)}, Dir: text, Text: text},
		{Clusters: []core.Cluster{core.Cluster(text)}, Dir: text, Text: "@@ " + text + "\n+" + text + "\n " + text},
		{Clusters: []core.Cluster{core.Cluster(text)}, Dir: text, Problem: text},
	}
	return map[string]string{
		"description": message.Description(p),
		"sticky":      message.Sticky(text, message.Marks{Seen: []message.Seen{{Note: 1, Digest: "ab"}}}),
		"status":      message.Status(p.Target, text, v),
		"unknown":     message.Unknown(chatops.Command{Verb: text, Suggestion: text}),
	}
}

// checkInert asks of a whole text what GitLab and Sluice would do with it.
func checkInert(t *testing.T, name, body, quoted string) {
	t.Helper()
	if !utf8.ValidString(body) || strings.ContainsAny(body, "\r\x00\x1b\u2028\u202e") {
		t.Errorf("%s of %.60q holds characters that no text of ours has", name, quoted)
	}
	for line := range strings.SplitSeq(withoutFolds(body), "\n") {
		if strings.HasPrefix(line, "/") || strings.HasPrefix(line, "    ") || strings.HasPrefix(line, "```") || strings.HasPrefix(line, ">>>") {
			t.Errorf("%s of %.60q has the line %.80q", name, quoted, line)
		}
		if strings.Count(line, "`")%2 == 1 {
			t.Errorf("%s of %.60q leaves code open: %.80q", name, quoted, line)
		}
	}
	if commands := chatops.Parse(body, "sluice-bot"); len(commands) > 0 {
		t.Errorf("%s of %.60q runs %v", name, quoted, commands)
	}
	body = checkFolds(t, name, body, quoted)
	outside := regexp.MustCompile("`[^`\n]*`").ReplaceAllString(body, "")
	if m := regexp.MustCompile(`(^|[^\\])([@!~][a-zA-Z0-9]|<[a-zA-Z/]|\]\()`).FindString(outside); m != "" {
		t.Errorf("%s of %.60q mentions or marks up: %q in %.300q", name, quoted, m, outside)
	}
	if n := strings.Count(outside, "<!--"); n != strings.Count(outside, "\n-->")+strings.Count(outside, " -->") || name != "sticky" && n > 0 || n > 2 {
		t.Errorf("%s of %.60q has %d comments in HTML", name, quoted, n)
	}
	if len(body) > 64<<10 {
		t.Errorf("%s of %.60q has %d bytes", name, quoted, len(body))
	}
}

// fold is a rendered difference: what stands in its summary and in its code.
var fold = regexp.MustCompile("(?s)<details><summary>(What changes in the manifests[^\n]*)</summary>\n\n```diff\n(.*?)\n```\n(?:\n[0-9]+ lines? more left out\\.\n)?\n</details>\n")

func withoutFolds(body string) string { return fold.ReplaceAllString(body, "") }

// checkFolds asks of what is folded that it stays within its fold, and returns
// the rest.
func checkFolds(t *testing.T, name, body, quoted string) string {
	t.Helper()
	for _, m := range fold.FindAllStringSubmatch(body, -1) {
		if summary := regexp.MustCompile(`<code>[^<>]*</code>`).ReplaceAllString(m[1], ""); strings.ContainsAny(summary, "<>`@") {
			t.Errorf("%s of %.60q has the summary %q", name, quoted, m[1])
		}
		for line := range strings.SplitSeq(m[2], "\n") {
			if line == "" || !strings.ContainsRune("+-@ ", rune(line[0])) || strings.Contains(line, "`") || utf8.RuneCountInString(line) > 500 {
				t.Errorf("%s of %.60q has the line %.80q in a diff", name, quoted, line)
			}
		}
	}
	return withoutFolds(body)
}

func TestNothingHostileComesThrough(t *testing.T) {
	for _, text := range hostile {
		for name, body := range bodies(text) {
			checkInert(t, name, body, text)
		}
	}
}

func FuzzBodies(f *testing.F) {
	for _, text := range hostile {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for name, body := range bodies(text) {
			checkInert(t, name, body, text)
		}
	})
}

// GitLab refuses a description of more than 1,048,576 characters.
func TestSizesAreBounded(t *testing.T) {
	huge := strings.Repeat("@é`|\n", 5_000)
	p := promotion(10_000)
	for i := range p.Moves {
		p.Moves[i] = message.Move{Cluster: core.Cluster(huge), What: huge, Old: huge, New: huge, File: huge}
	}
	for range 1000 {
		p.Differences = append(p.Differences, message.Difference{Clusters: []core.Cluster{core.Cluster(huge)}, Dir: huge, Text: huge, Problem: huge[len(p.Differences):]})
		p.Differences = append(p.Differences, message.Difference{Clusters: []core.Cluster{core.Cluster(huge)}, Dir: huge, Text: huge[len(p.Differences):]})
		p.Others = append(p.Others, message.Other{URL: huge, Target: core.Target{Env: core.Env(huge)}})
	}
	for range 10 {
		p.Verdicts = append(p.Verdicts, gate.Verdict{Gate: "healthy", Reason: huge})
	}
	var seen []message.Seen
	for i := range 100_000 {
		seen = append(seen, message.Seen{Note: core.NoteID(1<<62 + i), Digest: "0123456789ab"})
	}
	for name, text := range map[string]string{"description": message.Description(p), "sticky": message.Sticky(huge, message.Marks{Seen: seen})} {
		if n := utf8.RuneCountInString(text); n > 200_000 {
			t.Errorf("%s: %d characters", name, n)
		}
	}
	if got := message.ReadMarks(message.Sticky(huge, message.Marks{Seen: seen})).Seen; len(got) == 0 || got[len(got)-1] != seen[len(seen)-1] {
		t.Error("the newest marks are not the ones that are kept")
	}
}

func TestReadSeen(t *testing.T) {
	for body, want := range map[string][]message.Seen{
		"":                          nil,
		"<!-- sluice:seen 1:a -->":  nil,
		"<!-- sluice:status -->\nx": nil,
		"<!-- sluice:status -->\nx\n\n<!-- sluice:seen 1:a":                                                     nil,
		"<!-- sluice:status -->\nx\n\n<!-- sluice:seen -->":                                                     nil,
		"<!-- sluice:status -->\nx\n\n<!-- sluice:seen 1:a x:b 2:c -->":                                         {{Note: 1, Digest: "a"}, {Note: 2, Digest: "c"}},
		"quoted <!-- sluice:status -->\n\n<!-- sluice:seen 1:a -->":                                             nil,
		"<!-- sluice:status -->\nx\n\n<!-- sluice:seen 99999999999999999999:a -->":                              nil,
		message.Sticky("<!-- sluice:seen 5:f -->", message.Marks{Seen: []message.Seen{{Note: 1, Digest: "a"}}}): {{Note: 1, Digest: "a"}},
		"<!-- sluice:status -->\nx\n\n<!-- sluice:seen 1:a+ 2:b -->":                                            {{Note: 1, Digest: "a", Accepted: true}, {Note: 2, Digest: "b"}},
	} {
		if diff := cmp.Diff(want, message.ReadMarks(body).Seen); diff != "" {
			t.Errorf("%q: %s", body, diff)
		}
	}
}

// TestRefusedCommandsPushNoAcceptedOneOut floods a thread with refused commands:
// whoever can only comment must not make Sluice forget what it has accepted.
func TestRefusedCommandsPushNoAcceptedOneOut(t *testing.T) {
	marks := message.Marks{Seen: []message.Seen{{Note: 1, Digest: "a", Accepted: true}}}
	for n := range 5000 {
		marks.Seen = append(marks.Seen, message.Seen{Note: core.NoteID(n + 2), Digest: "b"})
	}
	got := message.ReadMarks(message.Sticky("Waiting.", marks)).Seen
	if len(got) != 2000 || got[0] != marks.Seen[0] || got[1999].Note != 5001 {
		t.Errorf("%d marks are kept, from %+v to %+v", len(got), got[0], got[len(got)-1])
	}
}

func FuzzSticky(f *testing.F) {
	f.Add("Waiting.", int64(1), "ab", int64(2))
	f.Add("<!-- sluice:seen 1:2 -->", int64(-1), "edited", int64(0))
	f.Fuzz(func(t *testing.T, sentence string, note int64, digest string, other int64) {
		digest = regexp.MustCompile(`[^0-9a-z]`).ReplaceAllString(digest, "")
		marks := message.Marks{
			Seen:  []message.Seen{{Note: core.NoteID(note), Digest: digest, Accepted: note > other}, {Note: core.NoteID(other), Digest: "edited"}},
			Heads: []message.Head{{SHA: "0123456789012345678901234567890123456789", Content: digest}},
		}
		body := message.Sticky(sentence, marks)
		if again := message.Remember(body, marks); again != body {
			t.Errorf("%q is remembered as %q", body, again)
		}
		if !message.IsSticky(body) {
			t.Errorf("%q is not recognised", body)
		}
		if diff := cmp.Diff(marks, message.ReadMarks(body)); diff != "" {
			t.Errorf("%q: %s", body, diff)
		}
		if _, ok := message.ReadReply(body); ok {
			t.Errorf("%q is taken for a reply", body)
		}
	})
}

func FuzzReply(f *testing.F) {
	f.Add(int64(1), false, "Done.")
	f.Add(int64(1<<40), true, "<!-- sluice:reply 2 -->")
	f.Fuzz(func(t *testing.T, note int64, edited bool, text string) {
		to := message.To{Note: core.NoteID(note & (1<<59 - 1)), Edited: edited}
		body := message.Reply(to, text)
		if got, ok := message.ReadReply(body); !ok || got != to {
			t.Errorf("ReadReply(%q) = %v, %v, want %v", body, got, ok, to)
		}
		if message.IsSticky(body) {
			t.Errorf("%q is taken for a sticky note", body)
		}
	})
}

func TestReadReplyOfOtherTexts(t *testing.T) {
	for _, body := range []string{"", "x", " <!-- sluice:reply 1 -->", "> <!-- sluice:reply 1 -->", "<!-- sluice:reply -->", "<!-- sluice:reply -1 -->", "<!-- sluice:reply 1-->", "<!-- sluice:reply 1234567890123456789 -->", "<!-- sluice:reply 1 later -->"} {
		if to, ok := message.ReadReply(body); ok {
			t.Errorf("%q answers %v", body, to)
		}
	}
}

// The table of moves must stay a table whatever its cells hold.
func TestEveryRowHasFiveCells(t *testing.T) {
	for _, text := range hostile {
		rows := 0
		for line := range strings.SplitSeq(bodies(text)["description"], "\n") {
			if strings.HasPrefix(line, "|") {
				rows++
				if n := strings.Count(line, "|") - strings.Count(line, `\|`); n != 6 {
					t.Errorf("%.40q: %d bars in %.200q", text, n, line)
				}
			}
		}
		if rows != 5 {
			t.Errorf("%.40q: %d rows", text, rows)
		}
	}
}

func TestVerdictsKeepTheirOrder(t *testing.T) {
	var names []string
	for line := range strings.Lines(message.Gates(verdicts)) {
		names = append(names, strings.Split(line, "**")[1])
	}
	if want := []string{"hold", "healthy", "soak"}; !slices.Equal(names, want) {
		t.Errorf("got %v", names)
	}
}
