package fakegitlab_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gitlab "gitlab.com/gitlab-org/api/client-go/v2"

	"github.com/sluice-gitops/sluice/internal/fakegitlab"
)

const mrPath = "/api/v4/projects/platform%2Fmono/merge_requests"

func TestCreateRefusals(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	w.open("sluice/a")
	for name, tc := range map[string]struct {
		user, source, target string
		want                 string
	}{
		"again":          {"ann", "sluice/a", "main", `409 {"message":["Another open merge request already exists for this source branch: !1"]}`},
		"onto itself":    {"ann", "main", "main", `422 {"error":["You can't use same project/branch for source and target"]}`},
		"missing branch": {"ann", "nope", "main", `400 {"message":["Source branch \"nope\" does not exist"]}`},
		"reporter":       {"reporter", "sluice/a", "main", `403 {"message":"403 Forbidden"}`},
		"no source":      {"ann", "", "main", `400 {"error":"source_branch is missing"}`},
	} {
		code, _, body := w.call("POST", mrPath, tc.user, map[string]string{"source_branch": tc.source, "target_branch": tc.target, "title": "x"})
		expect(t, name, fmt.Sprint(code, " ", body), tc.want)
	}
}

func TestMergeRequestLists(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{})
	c := w.as("sluice-bot")
	for _, b := range []string{"sluice/a", "sluice/b", "sluice/c"} {
		w.open(b)
		w.clock.move(time.Minute)
	}
	_, _, err := c.MergeRequests.UpdateMergeRequest(w.pid, 2, &gitlab.UpdateMergeRequestOptions{
		AddLabels: &gitlab.LabelOptions{"hold"}, RemoveLabels: &gitlab.LabelOptions{"sluice"}, Title: gitlab.Ptr("Draft: two"), Description: gitlab.Ptr("needle")})
	check(t, err)
	_, _, err = c.MergeRequests.UpdateMergeRequest(w.pid, 3, &gitlab.UpdateMergeRequestOptions{StateEvent: gitlab.Ptr("close")})
	check(t, err)
	for name, tc := range map[string]struct {
		o    gitlab.ListProjectMergeRequestsOptions
		want []int64
	}{
		"all, newest first": {gitlab.ListProjectMergeRequestsOptions{}, []int64{3, 2, 1}},
		"oldest first":      {gitlab.ListProjectMergeRequestsOptions{Sort: gitlab.Ptr("asc")}, []int64{1, 2, 3}},
		"last updated":      {gitlab.ListProjectMergeRequestsOptions{OrderBy: gitlab.Ptr("updated_at"), State: gitlab.Ptr("opened")}, []int64{2, 1}},
		"closed":            {gitlab.ListProjectMergeRequestsOptions{State: gitlab.Ptr("closed")}, []int64{3}},
		"label":             {gitlab.ListProjectMergeRequestsOptions{Labels: &gitlab.LabelOptions{"hold", "env::stg"}}, []int64{2}},
		"source":            {gitlab.ListProjectMergeRequestsOptions{SourceBranch: gitlab.Ptr("sluice/a")}, []int64{1}},
		"numbers":           {gitlab.ListProjectMergeRequestsOptions{IIDs: &[]int64{1, 3}}, []int64{3, 1}},
		"author":            {gitlab.ListProjectMergeRequestsOptions{AuthorID: gitlab.Ptr(w.ids["ann"])}, nil},
		"author by name":    {gitlab.ListProjectMergeRequestsOptions{AuthorUsername: gitlab.Ptr("sluice-bot"), State: gitlab.Ptr("closed")}, []int64{3}},
		"text":              {gitlab.ListProjectMergeRequestsOptions{Search: gitlab.Ptr("NEEDLE")}, []int64{2}},
		"updated":           {gitlab.ListProjectMergeRequestsOptions{UpdatedAfter: gitlab.Ptr(w.clock.now())}, []int64{3, 2}},
		"second page":       {gitlab.ListProjectMergeRequestsOptions{ListOptions: gitlab.ListOptions{Page: 2, PerPage: 2}}, []int64{1}},
	} {
		var got []int64
		for _, mr := range ok3[[]*gitlab.BasicMergeRequest](t)(c.MergeRequests.ListProjectMergeRequests(w.pid, &tc.o)) {
			got = append(got, mr.IID)
		}
		expect(t, name, got, tc.want)
	}
	_, _, err = c.MergeRequests.UpdateMergeRequest(w.pid, 3, &gitlab.UpdateMergeRequestOptions{StateEvent: gitlab.Ptr("reopen")})
	check(t, err)
	expect(t, "reopened", w.get(3).State, "opened")
}

func TestNewCommitsMakeVersions(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{ResetApprovalsOnPush: true})
	c := w.as("ann")
	box := newInbox(t)
	mr := w.open("sluice/a")
	_, _, err := c.MergeRequestApprovals.ApproveMergeRequest(w.pid, 1, nil)
	check(t, err)
	w.hook(box)
	first := mr.SHA
	second := w.commit("sluice-bot", "sluice/a", "apps/web/values.yaml", "tag: v3\n")
	expect(t, "sha follows", w.get(1).SHA, second)
	versions := ok3[[]*gitlab.MergeRequestDiffVersion](t)(c.MergeRequests.GetMergeRequestDiffVersions(w.pid, 1, nil))
	expect(t, "versions", []string{versions[0].HeadCommitSHA, versions[1].HeadCommitSHA}, []string{second, first})
	one := ok3[*gitlab.MergeRequestDiffVersion](t)(c.MergeRequests.GetSingleMergeRequestDiffVersion(w.pid, 1, versions[0].ID, nil))
	expect(t, "in the version", []int{len(one.Commits), len(one.Diffs)}, []int{2, 1})
	expect(t, "commits", len(ok3[[]*gitlab.Commit](t)(c.MergeRequests.GetMergeRequestCommits(w.pid, 1, nil))), 2)
	expect(t, "diffs", len(ok3[[]*gitlab.MergeRequestDiff](t)(c.MergeRequests.ListMergeRequestDiffs(w.pid, 1, nil))), 1)
	expect(t, "changes", ok3[*gitlab.MergeRequest](t)(c.MergeRequests.GetMergeRequestChanges(w.pid, 1, nil)).ChangesCount, "1")
	expect(t, "approvals are gone", len(ok3[*gitlab.MergeRequestApprovals](t)(c.MergeRequests.GetMergeRequestApprovals(w.pid, 1)).ApprovedBy), 0)
	expect(t, "of commit", len(ok3[[]*gitlab.BasicMergeRequest](t)(c.Commits.ListMergeRequestsByCommit(w.pid, second))), 1)
	var update, reset letter
	for _, l := range w.settled(box) {
		if l.field("object_attributes.oldrev") == first {
			update = l
		}
		if l.field("object_attributes.system_action") == "approvals_reset_on_push" {
			reset = l
		}
	}
	expect(t, "update hook", []string{update.field("object_attributes.action"), update.field("object_attributes.last_commit.id")}, []string{"update", second})
	expect(t, "reset hook is the pusher's", []string{reset.field("user.username"), reset.field("object_attributes.action")}, []string{"sluice-bot", "unapproved"})
	notes := ok3[[]*gitlab.Note](t)(c.Notes.ListMergeRequestNotes(w.pid, 1, nil))
	expect(t, "system note", notes[0].System && strings.HasPrefix(notes[0].Body, "added 1 commit\n"), true)
}

func TestApprovals(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{ApprovalsRequired: 2})
	mr := w.open("sluice/a")
	expect(t, "status", w.get(1).DetailedMergeStatus, "not_approved")
	approve := func(user, sha string) string {
		_, r, err := w.as(user).MergeRequestApprovals.ApproveMergeRequest(w.pid, 1, &gitlab.ApproveMergeRequestOptions{SHA: gitlab.Ptr(sha)})
		return codeOf(r, err)
	}
	expect(t, "answers", []string{approve("ann", strings.Repeat("1", 40)), approve("ann", mr.SHA), approve("ann", mr.SHA), approve("reporter", mr.SHA), approve("bob", mr.SHA)},
		[]string{"409", "201", "401", "401", "201"})
	a := ok3[*gitlab.MergeRequestApprovals](t)(w.as("ann").MergeRequestApprovals.GetConfiguration(w.pid, 1))
	expect(t, "state", []any{a.Approved, a.ApprovalsLeft, a.UserHasApproved, len(a.ApprovedBy), a.ApprovedBy[0].ApprovedAt != nil}, []any{true, int64(0), true, 2, true})
	_, err := w.as("bob").MergeRequestApprovals.UnapproveMergeRequest(w.pid, 1)
	check(t, err)
	expect(t, "status again", w.get(1).DetailedMergeStatus, "not_approved")
}

func TestNotesDiscussionsAndEmoji(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{DiscussionsMustBeResolved: true})
	c := w.as("ann")
	w.open("sluice/a")
	n := ok3[*gitlab.Note](t)(c.Notes.CreateMergeRequestNote(w.pid, 1, &gitlab.CreateMergeRequestNoteOptions{Body: gitlab.Ptr("hello @bob")}))
	ok3[*gitlab.Note](t)(c.Notes.UpdateMergeRequestNote(w.pid, 1, n.ID, &gitlab.UpdateMergeRequestNoteOptions{Body: gitlab.Ptr("hello again")}))
	expect(t, "edited", ok3[*gitlab.Note](t)(c.Notes.GetMergeRequestNote(w.pid, 1, n.ID)).Body, "hello again")
	_, r, err := w.as("dev").Notes.UpdateMergeRequestNote(w.pid, 1, n.ID, &gitlab.UpdateMergeRequestNoteOptions{Body: gitlab.Ptr("mine")})
	expect(t, "somebody else's", codeOf(r, err), "403")

	d := ok3[*gitlab.Discussion](t)(c.Discussions.CreateMergeRequestDiscussion(w.pid, 1, &gitlab.CreateMergeRequestDiscussionOptions{Body: gitlab.Ptr("why?")}))
	ok3[*gitlab.Note](t)(c.Discussions.AddMergeRequestDiscussionNote(w.pid, 1, d.ID, &gitlab.AddMergeRequestDiscussionNoteOptions{Body: gitlab.Ptr("because")}))
	expect(t, "open thread", w.get(1).DetailedMergeStatus, "discussions_not_resolved")
	d = ok3[*gitlab.Discussion](t)(c.Discussions.ResolveMergeRequestDiscussion(w.pid, 1, d.ID, &gitlab.ResolveMergeRequestDiscussionOptions{Resolved: gitlab.Ptr(true)}))
	expect(t, "resolved", []any{d.Notes[0].Resolved, d.Notes[0].ResolvedBy.Username, len(d.Notes)}, []any{true, "ann", 2})
	expect(t, "no open thread", w.get(1).DetailedMergeStatus, "mergeable")
	expect(t, "discussions", len(ok3[[]*gitlab.Discussion](t)(c.Discussions.ListMergeRequestDiscussions(w.pid, 1, nil))), 2)

	on := func(name string) string {
		_, r, err := c.AwardEmoji.CreateMergeRequestAwardEmojiOnNote(w.pid, 1, n.ID, &gitlab.CreateAwardEmojiOptions{Name: name})
		return codeOf(r, err)
	}
	expect(t, "awards", []string{on("eyes"), on("eyes"), on("rocket")}, []string{"201", "404", "201"})
	awards := ok3[[]*gitlab.AwardEmoji](t)(c.AwardEmoji.ListMergeRequestAwardEmojiOnNote(w.pid, 1, n.ID, nil))
	expect(t, "listed", len(awards), 2)
	_, err = c.AwardEmoji.DeleteMergeRequestAwardEmojiOnNote(w.pid, 1, n.ID, awards[0].ID)
	check(t, err)
	ok3[*gitlab.AwardEmoji](t)(c.AwardEmoji.CreateMergeRequestAwardEmoji(w.pid, 1, &gitlab.CreateAwardEmojiOptions{Name: "thumbsup"}))
	expect(t, "upvotes", w.get(1).Upvotes, int64(1))
	_, err = c.Notes.DeleteMergeRequestNote(w.pid, 1, n.ID)
	check(t, err)
	expect(t, "notes left", w.get(1).UserNotesCount, int64(2))
}

func TestMergeMethods(t *testing.T) {
	for name, tc := range map[string]struct {
		method  string
		squash  bool
		commits int
		want    func(mr *gitlab.MergeRequest, main []string) bool // main: commits of main, newest first
	}{
		"merge commit": {"merge", false, 2, func(mr *gitlab.MergeRequest, main []string) bool {
			return mr.MergeCommitSHA == main[0] && mr.SquashCommitSHA == "" && slices.Contains(main, mr.SHA) && len(main) == 4
		}},
		"merge commit of a squash": {"merge", true, 2, func(mr *gitlab.MergeRequest, main []string) bool {
			return mr.MergeCommitSHA == main[0] && slices.Contains(main, mr.SquashCommitSHA) && !slices.Contains(main, mr.SHA) && len(main) == 3
		}},
		"semi-linear": {"rebase_merge", false, 1, func(mr *gitlab.MergeRequest, main []string) bool {
			return mr.MergeCommitSHA == main[0] && slices.Contains(main, mr.SHA) && len(main) == 3
		}},
		"fast-forward": {"ff", false, 2, func(mr *gitlab.MergeRequest, main []string) bool {
			return mr.MergeCommitSHA == "" && mr.SquashCommitSHA == "" && mr.SHA == main[0] && len(main) == 3
		}},
		"fast-forward of a squash": {"ff", true, 2, func(mr *gitlab.MergeRequest, main []string) bool {
			return mr.MergeCommitSHA == "" && mr.SquashCommitSHA == main[0] && len(main) == 2
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, fakegitlab.ProjectOptions{MergeMethod: tc.method})
			w.open("sluice/a")
			if tc.commits == 2 {
				w.commit("sluice-bot", "sluice/a", "apps/web/values.yaml", "tag: last\n")
			}
			mr := ok3[*gitlab.MergeRequest](t)(w.as("ann").MergeRequests.AcceptMergeRequest(w.pid, 1, &gitlab.AcceptMergeRequestOptions{
				SHA: gitlab.Ptr(w.head("sluice/a")), Squash: &tc.squash, ShouldRemoveSourceBranch: gitlab.Ptr(true)}))
			var main []string
			for _, c := range ok3[[]*gitlab.Commit](t)(w.as("ann").Commits.ListCommits(w.pid, nil)) {
				main = append(main, c.ID)
			}
			if mr.State != "merged" || mr.MergedAt == nil || mr.MergeUser.Username != "ann" || !tc.want(mr, main) {
				t.Errorf("state %s, sha %s, merge %s, squash %s, main %v", mr.State, mr.SHA, mr.MergeCommitSHA, mr.SquashCommitSHA, main)
			}
			_, r, err := w.as("ann").Branches.GetBranch(w.pid, "sluice/a")
			expect(t, "source branch", codeOf(r, err), "404")
		})
	}
}

func TestMergeRefusals(t *testing.T) {
	merge := func(w *world, user string, o gitlab.AcceptMergeRequestOptions) string {
		_, r, err := w.as(user).MergeRequests.AcceptMergeRequest(w.pid, 1, &o)
		return codeOf(r, err)
	}
	for name, tc := range map[string]struct {
		o      fakegitlab.ProjectOptions
		user   string
		sha    string
		before func(w *world)
		want   string
		status string
	}{
		"other sha":      {user: "ann", sha: strings.Repeat("1", 40), want: "409", status: "mergeable"},
		"developer":      {user: "dev", want: "401", status: "mergeable"},
		"draft":          {user: "ann", want: "405", status: "draft_status", before: func(w *world) { w.update("Draft: x") }},
		"no pipeline":    {user: "ann", want: "405", status: "ci_must_pass", o: fakegitlab.ProjectOptions{PipelineMustSucceed: true}},
		"conflict":       {user: "ann", want: "422", status: "conflict", before: func(w *world) { w.commit("ann", "main", "apps/web/values.yaml", "tag: other\n") }},
		"behind, ff":     {user: "ann", want: "422", status: "need_rebase", o: fakegitlab.ProjectOptions{MergeMethod: "ff"}, before: func(w *world) { w.commit("ann", "main", "README.md", "new\n") }},
		"behind, merge":  {user: "ann", want: "200", status: "mergeable", before: func(w *world) { w.commit("ann", "main", "README.md", "new\n") }},
		"no source":      {user: "ann", want: "422", status: "commits_status", before: func(w *world) { _, _ = w.as("ann").Branches.DeleteBranch(w.pid, "sluice/a") }},
		"closed":         {user: "ann", want: "405", status: "not_open", before: func(w *world) { w.call("PUT", mrPath+"/1", "ann", map[string]string{"state_event": "close"}) }},
		"merged already": {user: "ann", want: "405", status: "not_open", before: func(w *world) { w.call("PUT", mrPath+"/1/merge", "ann", nil) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := start(t, tc.o)
			w.open("sluice/a")
			if tc.before != nil {
				tc.before(w)
			}
			expect(t, "status", w.get(1).DetailedMergeStatus, tc.status)
			o := gitlab.AcceptMergeRequestOptions{}
			if tc.sha != "" {
				o.SHA = &tc.sha
			}
			expect(t, "answer", merge(w, tc.user, o), tc.want)
		})
	}
}

func (w *world) update(title string) {
	w.t.Helper()
	ok3[*gitlab.MergeRequest](w.t)(w.as("ann").MergeRequests.UpdateMergeRequest(w.pid, 1, &gitlab.UpdateMergeRequestOptions{Title: &title}))
}

func TestRebase(t *testing.T) {
	w := start(t, fakegitlab.ProjectOptions{MergeMethod: "ff"})
	c := w.as("sluice-bot")
	w.open("sluice/a")
	w.commit("sluice-bot", "sluice/a", "second.txt", "2\n")
	onto := w.commit("ann", "main", "README.md", "moved\n")
	expect(t, "behind", w.get(1).DetailedMergeStatus, "need_rebase")
	w.Faults().Update(func(p *fakegitlab.Plan) { p.RebaseDelay = time.Minute })
	_, err := c.MergeRequests.RebaseMergeRequest(w.pid, 1, nil)
	check(t, err)
	during := ok3[*gitlab.MergeRequest](t)(c.MergeRequests.GetMergeRequest(w.pid, 1, &gitlab.GetMergeRequestsOptions{IncludeRebaseInProgress: gitlab.Ptr(true)}))
	expect(t, "in progress", during.RebaseInProgress, true)
	w.clock.move(time.Minute)
	after := w.get(1)
	expect(t, "afterwards", []string{after.DetailedMergeStatus, after.DiffRefs.BaseSha, after.MergeError}, []string{"mergeable", onto, ""})
	expect(t, "both commits", len(ok3[[]*gitlab.Commit](t)(c.MergeRequests.GetMergeRequestCommits(w.pid, 1, nil))), 2)

	w.commit("ann", "main", "apps/web/values.yaml", "tag: conflict\n")
	_, err = c.MergeRequests.RebaseMergeRequest(w.pid, 1, nil)
	check(t, err)
	w.clock.move(time.Minute)
	expect(t, "failed rebase says so", strings.HasPrefix(w.get(1).MergeError, "Rebase failed"), true)
}
