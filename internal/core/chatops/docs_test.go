package chatops_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/core/chatops"
)

const page = "../../../docs/chatops.md"

func TestDocumentationIsUpToDate(t *testing.T) {
	want := markdown(chatops.Verbs())
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatalf("%v: run go test ./internal/core/chatops -run TestDocumentationIsUpToDate -update", err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/chatops.md is stale, run go test ./internal/core/chatops -run TestDocumentationIsUpToDate -update (-want +got):\n%s", diff)
	}
}

// TestDocumentedExamplesAreCommands keeps the page from showing what would do
// nothing when somebody copies it into a comment.
func TestDocumentedExamplesAreCommands(t *testing.T) {
	for _, v := range chatops.Verbs() {
		got := chatops.Parse(v.Example, "")
		if len(got) != 1 || got[0].Verb != v.Name || !got[0].Known {
			t.Errorf("%q: parsed as %+v, want the command %s", v.Example, got, v.Name)
		}
	}
}

// markdown is the page of the commands.
func markdown(verbs []chatops.Verb) string {
	var b strings.Builder
	b.WriteString(head)
	for _, v := range verbs {
		fmt.Fprintf(&b, "\n## `/sluice %s`\n\n%s\n\nWho may use it: %s.\n\n```\n%s\n```\n", v.Usage, v.Description, v.Who, v.Example)
	}
	return b.String()
}

const head = `# Commands in comments

<!-- Generated from internal/core/chatops. To change this page, change Verbs there or the head in docs_test.go and run
     go test ./internal/core/chatops -run TestDocumentationIsUpToDate -update -->

Sluice reads commands in the comments of the merge requests that it opened, and nowhere else.

**Where a command may stand.** Alone on a line, from the line's first character on. A blank before it is enough to make
it plain text. In quotes, in code and in HTML it does nothing, so showing a command to somebody never gives it. The verb
may be in upper or lower case. A comment may hold several commands, each on its line, at most 20.

**How it may begin.** With ` + "`/sluice`" + `, or with a mention of Sluice's own GitLab user, such as ` + "`@sluice-bot approve`" + `.
` + "`/sluice`" + ` alone asks for help. A mention that is followed by no verb is taken for ordinary talk.

**What comes back.** A command that was accepted gets the reaction :white_check_mark:. A command that was not, or that
asks something, gets one answer in a comment. Each comment is answered once, and once more if it is edited afterwards.
Somebody without access to the project is told so. Internal comments are not read.

**Editing and deleting.** What counts is what stands in the comments now. An edited comment approves nothing and lifts no
hold; write a new one. A hold counts even if its comment was edited, from the time of the edit on: only an unhold that is
written later lifts it. Deleting a comment takes its command back; GitLab sends no webhook for that, so Sluice sees it with
the next sweep at the latest.

**How a commit is named.** By at least the first seven digits of the head of the merge request's branch.

**When a command disappears from a comment**, GitLab took the line for a quick action of its own. It does that with
` + "`/approve`" + `, ` + "`/merge`" + ` and others; it does not know ` + "`/sluice`" + `. GitLab's own approvals, by its button or ` + "`/approve`" + `, do not
count for Sluice's gates.
`
