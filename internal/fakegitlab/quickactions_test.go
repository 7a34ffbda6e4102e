package fakegitlab_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

func TestWhatStaysOfAComment(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	mr := w.open("sluice/stg/web")
	for name, tc := range map[string]struct{ in, want string }{
		"known name that does not apply":   {"look\n/promote_to incident\nhere", "look\nhere"},
		"unknown name":                     {"/sluice promote web", "/sluice promote web"},
		"longer name":                      {"/promote-to prd\n/approved", "/promote-to prd\n/approved"},
		"upper case":                       {"done\n/WIP\n/Draft\n", "done\n/WIP"},
		"not at column 0":                  {" /close", "/close"},
		"not alone on its line":            {"please /close", "please /close"},
		"fenced code":                      {"```\n/close\n```", "```\n/close\n```"},
		"fence that nobody closed":         {"~~~\n/close\n", "~~~\n/close"},
		"inline code over lines":           {"see `\n/close\n` there", "see `\n/close\n` there"},
		"quote":                            {"> said\n/close", "> said\n/close"},
		"long quote":                       {">>>\n/close\n>>>", ">>>\n/close\n>>>"},
		"html":                             {"<div>\n/close\n</div>", "<div>\n/close\n</div>"},
		"list item that the line goes on":  {"- a\n/close", "- a\n/close"},
		"after a list and an empty line":   {"- a\n\n/lock\nb", "- a\n\nb"},
		"after a fence":                    {"```\nx\n```\n/lock\ny", "```\nx\n```\ny"},
		"with arguments, twice, with CRLF": {"a\r\n/estimate 1h\r\n/spend 2h\r\nb", "a\nb"},
	} {
		t.Run(name, func(t *testing.T) {
			n, _, err := w.as("ann").Notes.CreateMergeRequestNote(repoPath, mr.IID, &gitlab.CreateMergeRequestNoteOptions{Body: &tc.in})
			check(t, err)
			if diff := cmp.Diff(tc.want, strings.TrimSpace(n.Body)); diff != "" {
				t.Errorf("note (-want +got):\n%s", diff)
			}
			if got := w.get(mr.IID).State; got != "opened" {
				t.Errorf("state %q", got)
			}
		})
	}
}

func TestQuickActionsAct(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	box := newInbox(t)
	mr := w.open("sluice/stg/web")
	w.hook(box)
	say := func(user, body string) int {
		code, _, _ := w.call("POST", "/api/v4/projects/platform%2Fmono/merge_requests/1/notes", user, map[string]string{"body": body})
		return code
	}
	if got := say("ann", "/approve\n/label ~urgent ~\"needs look\"\n/unlabel ~sluice\n/assign @dev me"); got != http.StatusAccepted {
		t.Errorf("only commands: %d, want 202", got)
	}
	if got := say("reporter", "/close"); got != http.StatusBadRequest {
		t.Errorf("a reporter closes: %d, want 400", got)
	}
	if got := say("ann", "ok\n/title Better\n/draft"); got != http.StatusCreated {
		t.Errorf("text and commands: %d, want 201", got)
	}
	now := w.get(mr.IID)
	if diff := cmp.Diff(gitlab.Labels{"env::stg", "needs look", "urgent"}, now.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if now.Title != "Draft: Better" || !now.Draft || len(now.Assignees) != 2 {
		t.Errorf("title %q, draft %v, assignees %v", now.Title, now.Draft, now.Assignees)
	}
	say("ann", "/ready\n/unapprove")
	say("ann", "/close")
	if got := w.get(mr.IID); got.State != "closed" || got.Title != "Better" {
		t.Errorf("state %q, title %q", got.State, got.Title)
	}
	say("ann", "/reopen")
	count := map[string]int{}
	for _, l := range w.settled(box) {
		count[l.event()+" "+l.field("object_attributes.action")]++
	}
	for _, want := range []string{"Merge Request Hook approved", "Merge Request Hook unapproved", "Merge Request Hook close", "Merge Request Hook reopen", "Note Hook create"} {
		if count[want] != 1 {
			t.Errorf("%s: %d times, want once; all: %v", want, count[want], count)
		}
	}
}
