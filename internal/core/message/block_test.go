package message_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core/message"
)

const (
	begin = "<!-- sluice:x -->"
	end   = "<!-- /sluice:x -->"
)

func TestWithBlock(t *testing.T) {
	for name, tc := range map[string]struct{ description, want string }{
		"empty":            {"", begin + "\nNEW\n" + end},
		"none":             {"text", "text\n\n" + begin + "\nNEW\n" + end},
		"none, line end":   {"text\n", "text\n\n" + begin + "\nNEW\n" + end},
		"none, blank line": {"text\r\n\r\n", "text\r\n\r\n" + begin + "\nNEW\n" + end},
		"replaced":         {"a\n" + begin + "\nold\nold\n" + end + "\nb", "a\n" + begin + "\nNEW\n" + end + "\nb"},
		"nothing within":   {begin + "\n" + end, begin + "\nNEW\n" + end},
		"windows":          {"a\r\n" + begin + "\r\nold\r\n" + end + "\r\nb\r\n", "a\r\n" + begin + "\r\nNEW\n" + end + "\r\nb\r\n"},
		"windows, same":    {"a\r\n" + begin + "\r\nNEW\r\n" + end + "\r\nb\r\n", "a\r\n" + begin + "\r\nNEW\r\n" + end + "\r\nb\r\n"},
		"blanks after it":  {begin + "  \nold\n" + end + "\t\n", begin + "  \nNEW\n" + end + "\t\n"},
		"only begin":       {"a\n" + begin + "\nmine", "a\n" + begin + "\nmine\n\n" + begin + "\nNEW\n" + end},
		"only end":         {"a\n" + end + "\nmine", "a\n" + end + "\nmine\n\n" + begin + "\nNEW\n" + end},
		"end before begin": {end + "\nmine\n" + begin, end + "\nmine\n" + begin + "\n\n" + begin + "\nNEW\n" + end},
		"two":              {begin + "\none\n" + end + "\n" + begin + "\ntwo\n" + end, begin + "\nNEW\n" + end + "\n" + begin + "\ntwo\n" + end},
		"begin twice":      {begin + "\nmine\n" + begin + "\nold\n" + end, begin + "\nmine\n" + begin + "\nNEW\n" + end},
		"end twice":        {begin + "\nold\n" + end + "\nmine\n" + end, begin + "\nNEW\n" + end + "\nmine\n" + end},
		"other name":       {"<!-- sluice:y -->\nmine\n<!-- /sluice:y -->", "<!-- sluice:y -->\nmine\n<!-- /sluice:y -->\n\n" + begin + "\nNEW\n" + end},
		"within a line":    {"see " + begin + "\nmine\n" + end + ".", "see " + begin + "\nmine\n" + end + ".\n\n" + begin + "\nNEW\n" + end},
		"quoted":           {"> " + begin + "\n> mine\n> " + end, "> " + begin + "\n> mine\n> " + end + "\n\n" + begin + "\nNEW\n" + end},
		"in a fence":       {"```\n" + begin + "\nmine\n" + end + "\n```", "```\n" + begin + "\nmine\n" + end + "\n```\n\n" + begin + "\nNEW\n" + end},
		"in tildes":        {"~~~ md\n" + begin + "\nmine\n" + end + "\n~~~~\n", "~~~ md\n" + begin + "\nmine\n" + end + "\n~~~~\n\n" + begin + "\nNEW\n" + end},
		"after a fence":    {"```\nx\n```\n" + begin + "\nold\n" + end, "```\nx\n```\n" + begin + "\nNEW\n" + end},
		"open fence":       {"```\n" + begin + "\nold\n" + end, "```\n" + begin + "\nNEW\n" + end},
		"fence within":     {"```\n" + begin + "\n```\n" + end + "\nmine", "```\n" + begin + "\nNEW\n" + end + "\nmine"},
		"fence, then ours": {"```\n" + begin + "\nmine\n" + end + "\n```\n" + begin + "\nold\n" + end, "```\n" + begin + "\nmine\n" + end + "\n```\n" + begin + "\nNEW\n" + end},
	} {
		t.Run(name, func(t *testing.T) {
			got := message.WithBlock(tc.description, "x", "NEW")
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if again := message.WithBlock(got, "x", "NEW"); again != got {
				t.Errorf("writing the same again gives %q", again)
			}
			if inner, ok := message.Block(got, "x"); !ok || inner != "NEW" {
				t.Errorf("Block = %q, %v", inner, ok)
			}
		})
	}
}

func TestBlockAbsent(t *testing.T) {
	for _, description := range []string{"", "text", begin, end, end + "\n" + begin, "```\n" + begin + "\n" + end + "\n```", begin + " x\n" + end} {
		if inner, ok := message.Block(description, "x"); ok || inner != "" {
			t.Errorf("Block(%q) = %q, %v; want none", description, inner, ok)
		}
	}
}

func TestBlockNeverEndsEarly(t *testing.T) {
	for _, inner := range []string{end, "a\n" + end + "\nb", begin, begin + "\n" + end, `<!-- \/sluice:x -->`, `<!-- \\sluice:x -->`, "\n", "\n\n", "```", "a\n```\n"} {
		written := message.WithBlock("before", "x", inner)
		if got, ok := message.Block(written, "x"); !ok || got != inner {
			t.Errorf("wrote %q, read %q, %v from %q", inner, got, ok, written)
		}
	}
}

func FuzzBlock(f *testing.F) {
	f.Add("a\n"+begin+"\nb\n"+end+"\nc", "new")
	f.Add("```\n"+begin+"\n```\n"+end, "```\n"+end)
	f.Add(begin+"\r\n"+end+"\r\n", "a\rb\r\n")
	f.Add("~~~\n"+begin+"\n"+begin+"\n"+end+"\n~~~", `<!-- \sluice:x -->`)
	f.Fuzz(func(t *testing.T, description, inner string) {
		want := strings.ReplaceAll(strings.ReplaceAll(inner, "\r\n", "\n"), "\r", "\n")
		old, had := message.Block(description, "x")
		got := message.WithBlock(description, "x", inner)
		if read, ok := message.Block(got, "x"); !ok || read != want {
			t.Fatalf("wrote %q into %q, read %q, %v", inner, description, read, ok)
		}
		if again := message.WithBlock(got, "x", inner); again != got {
			t.Errorf("%q written again becomes %q", got, again)
		}
		if !had && !strings.HasPrefix(got, description) {
			t.Errorf("%q lost something: %q", description, got)
		}
		if !had || old == "" || strings.Contains(old, "sluice:") || strings.Contains(description, "\r") {
			return // there and back need not give the same bytes
		}
		if back := message.WithBlock(got, "x", old); back != description {
			t.Errorf("%q became %q there and back", description, back)
		}
	})
}
