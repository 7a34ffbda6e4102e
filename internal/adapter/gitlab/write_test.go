package gitlab_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gitops/sluice/internal/adapter/gitlab"
	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

const (
	shaA = core.SHA("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")
	shaB = core.SHA("bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb")

	createMR  = "POST projects/7/merge_requests"
	putMR     = "PUT projects/7/merge_requests/3"
	mergeMR   = "PUT projects/7/merge_requests/3/merge"
	addNote   = "POST projects/7/merge_requests/3/notes"
	editNote  = "PUT projects/7/merge_requests/3/notes/50"
	award     = "POST projects/7/merge_requests/3/notes/50/award_emoji"
	listAdopt = "GET projects/7/merge_requests?order_by=created_at&per_page=100&scope=all&sort=asc" +
		"&source_branch=sluice%2Fprd%2Fweb&state=opened&target_branch=main"
)

// wantJSON compares documents, not spellings.
func wantJSON(t *testing.T, got, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("the body %q is not JSON: %v", got, err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
}

func TestWritesSendWhatTheActionSays(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		line  string
		reply reply
		act   func(context.Context, *gitlab.Project) error
		body  string
	}{
		"edit": {putMR, reply{body: `{"iid":3}`}, func(ctx context.Context, p *gitlab.Project) error {
			return p.EditMR(ctx, plan.EditMR{MR: 3, Title: "new", Description: "", Labels: []string{"a", "b"}})
		}, `{"title":"new","description":"","add_labels":"a,b"}`},
		"edit without labels": {putMR, reply{body: `{"iid":3}`}, func(ctx context.Context, p *gitlab.Project) error {
			return p.EditMR(ctx, plan.EditMR{MR: 3, Title: "new", Description: "text"})
		}, `{"title":"new","description":"text"}`},
		"close": {putMR, reply{body: `{"iid":3,"state":"closed"}`}, func(ctx context.Context, p *gitlab.Project) error {
			return p.CloseMR(ctx, plan.CloseMR{MR: 3})
		}, `{"state_event":"close"}`},
		"merge": {mergeMR, reply{body: `{"iid":3,"state":"merged"}`}, func(ctx context.Context, p *gitlab.Project) error {
			return p.Merge(ctx, plan.MergeMR{MR: 3, SHA: shaA})
		}, `{"sha":"` + string(shaA) + `","should_remove_source_branch":true}`},
		"a new comment": {addNote, reply{201, nil, `{"id":50}`}, func(ctx context.Context, p *gitlab.Project) error {
			return p.WriteNote(ctx, plan.WriteNote{MR: 3, Body: "hello <b> & \"x\""})
		}, `{"body":"hello <b> & \"x\""}`},
		"another text": {editNote, reply{body: `{"id":50}`}, func(ctx context.Context, p *gitlab.Project) error {
			return p.WriteNote(ctx, plan.WriteNote{MR: 3, Note: 50, Body: "hello"})
		}, `{"body":"hello"}`},
		"a reaction": {award, reply{201, nil, `{"id":1,"name":"eyes"}`}, func(ctx context.Context, p *gitlab.Project) error {
			return p.React(ctx, plan.React{MR: 3, Note: 50, Emoji: "eyes"})
		}, `{"name":"eyes"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, one(tc.line, tc.reply))
			if err := tc.act(t.Context(), s.project(setup{})); err != nil {
				t.Fatal(err)
			}
			wantJSON(t, s.last().body, tc.body)
			if got := s.last().header.Get("Content-Type"); got != "application/json" {
				t.Errorf("content type is %q", got)
			}
		})
	}
}

func TestRefusedMerges(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply reply
		kind  core.Kind
		says  string
	}{
		"moved":          {reply{409, nil, `{"message":"SHA does not match HEAD of source branch"}`}, core.Conflict, "SHA does not match"},
		"not mergeable":  {reply{405, nil, `{"message":"405 Method Not Allowed"}`}, core.Conflict, "405"},
		"conflicts, old": {reply{406, nil, `{"message":"Branch cannot be merged"}`}, core.Conflict, "cannot be merged"},
		"conflicts":      {reply{422, nil, `{"message":"Branch cannot be merged"}`}, core.Conflict, "cannot be merged"},
		"no right":       {reply{401, nil, `{"message":"401 Unauthorized"}`}, core.Denied, "401"},
		"gone":           {reply{404, nil, `{"message":"404 Not found"}`}, core.NotFound, "404"},
		"no sha":         {reply{400, nil, `{"message":"SHA must be provided when merging"}`}, core.Invalid, "SHA must be provided"},
		"under way":      {reply{200, nil, `{"iid":3,"state":"locked"}`}, core.Conflict, "under way"},
		"only accepted":  {reply{200, nil, `{"iid":3,"state":"opened"}`}, core.Conflict, "it is opened"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, one(mergeMR, tc.reply))
			err := s.project(setup{}).Merge(t.Context(), plan.MergeMR{MR: 3, SHA: shaA})
			wantError(t, err, tc.kind, "merge merge request !3 at aaaaaaaa in ai/flux", tc.says)
		})
	}
	t.Run("without a sha", func(t *testing.T) {
		t.Parallel()
		s := serve(t, map[string][]reply{})
		wantError(t, s.project(setup{}).Merge(t.Context(), plan.MergeMR{MR: 3}), core.Invalid, "sha is missing")
	})
}

func TestClosingWhatCannotBeClosed(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"merged", "locked"} {
		s := serve(t, one(putMR, reply{body: `{"iid":3,"state":"` + state + `"}`}))
		wantError(t, s.project(setup{}).CloseMR(t.Context(), plan.CloseMR{MR: 3}), core.Conflict, "close merge request !3", state)
	}
}

func TestOpenMRCreates(t *testing.T) {
	t.Parallel()
	s := serve(t, one(createMR, reply{201, nil, `{"iid":12}`}))
	id, err := s.project(setup{}).OpenMR(t.Context(), plan.OpenMR{
		Branch: "sluice/prd/web", Into: "main", Title: "web: 1.2.3", Description: "why", Labels: []string{"env::prd"},
	})
	if err != nil || id != 12 {
		t.Fatalf("!%d, %v", id, err)
	}
	wantJSON(t, s.last().body, `{"source_branch":"sluice/prd/web","target_branch":"main","title":"web: 1.2.3",
		"description":"why","labels":"sluice,env::prd","remove_source_branch":true}`)
}

func TestOpenMRAdopts(t *testing.T) {
	t.Parallel()
	exists := reply{409, nil, `{"message":["Another open merge request already exists for this source branch: !3"]}`}
	mr := func(iid, source, branch, labels string) string {
		return `{"iid":` + iid + `,"state":"opened","source_project_id":` + source + `,"target_project_id":7,"source_branch":"` +
			branch + `","target_branch":"main","labels":[` + labels + `]}`
	}
	fork := mr("1", "8", "sluice/prd/web", "")
	action := plan.OpenMR{Branch: "sluice/prd/web", Into: "main", Title: "t", Labels: []string{"sluice", "x"}}
	for name, tc := range map[string]struct {
		list string
		want []string
		kind core.Kind
	}{
		"labelled":       {"[" + fork + "," + mr("3", "7", "sluice/prd/web", `"x","sluice"`) + "]", []string{createMR, listAdopt}, -1},
		"to label":       {"[" + fork + "," + mr("3", "7", "sluice/prd/web", `"sluice"`) + "]", []string{createMR, listAdopt, putMR}, -1},
		"not shown yet":  {"[" + fork + "]", []string{createMR, listAdopt}, core.Conflict},
		"another branch": {"[" + mr("4", "7", "sluice/prd/web2", "") + "]", []string{createMR, listAdopt}, core.Conflict},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, map[string][]reply{createMR: {exists}, listAdopt: {{body: tc.list}}, putMR: {{body: `{"iid":3}`}}})
			id, err := s.project(setup{}).OpenMR(t.Context(), action)
			if tc.kind == core.Conflict {
				wantError(t, err, core.Conflict, "open a merge request from sluice/prd/web into main in ai/flux", "already exists")
			} else if err != nil || id != 3 {
				t.Errorf("!%d, %v", id, err)
			}
			if diff := cmp.Diff(tc.want, s.lines()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if s.last().line == putMR {
				wantJSON(t, s.last().body, `{"add_labels":"x"}`)
			}
		})
	}
}

func TestOpenMRRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply reply
		kind  core.Kind
	}{
		"branch not visible yet": {reply{400, nil, `{"message":{"source_branch":["does not exist"]}}`}, core.Conflict},
		"the same, worded":       {reply{400, nil, `{"message":["Source branch \"sluice/prd/web\" does not exist"]}`}, core.Conflict},
		"no target":              {reply{400, nil, `{"message":["Target branch \"main\" does not exist"]}`}, core.Invalid},
		"title too long":         {reply{400, nil, `{"message":{"title":["is too long"]}}`}, core.Invalid},
		"same branch":            {reply{422, nil, `{"message":["You can't use same project/branch for source and target"]}`}, core.Invalid},
		"no right":               {reply{403, nil, `{"message":"403 Forbidden"}`}, core.Denied},
		"no answer of use":       {reply{201, nil, `{}`}, core.Internal},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, one(createMR, tc.reply))
			_, err := s.project(setup{}).OpenMR(t.Context(), plan.OpenMR{Branch: "sluice/prd/web", Into: "main", Title: "t"})
			wantError(t, err, tc.kind, "open a merge request from sluice/prd/web into main")
		})
	}
}

func TestACommentOfQuickActionsIsADefect(t *testing.T) {
	t.Parallel()
	s := serve(t, one(addNote, reply{202, nil, `{"commands_changes":{"state_event":"close"},"summary":["Closed this."]}`}))
	err := s.project(setup{}).WriteNote(t.Context(), plan.WriteNote{MR: 3, Body: "/close"})
	wantError(t, err, core.Invalid, "comment on merge request !3 in ai/flux", "quick actions")
}

func TestReactions(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reply reply
		kind  core.Kind // -1 means done
	}{
		"there already":           {reply{404, nil, `{"message":"404 Award Emoji Name has already been taken Not Found"}`}, -1},
		"there already, older":    {reply{404, nil, `{"message":"404 Award Emoji {:name=>[\"has already been taken\"]} Not Found"}`}, -1},
		"there already, conflict": {reply{409, nil, `{"message":"Name has already been taken"}`}, -1},
		"comment gone":            {reply{404, nil, `{"message":"404 Not found"}`}, core.NotFound},
		"may not":                 {reply{404, nil, `{"message":"404 Award Emoji Not Found"}`}, core.NotFound},
		"no such emoji":           {reply{404, nil, `{"message":"404 Award Emoji Name is not a valid emoji name Not Found"}`}, core.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, one(award, tc.reply))
			err := s.project(setup{}).React(t.Context(), plan.React{MR: 3, Note: 50, Emoji: "eyes"})
			if tc.kind >= 0 {
				wantError(t, err, tc.kind, "put :eyes: on comment 50 of merge request !3 in ai/flux")
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestEnsureLabel(t *testing.T) {
	t.Parallel()
	const read, create = "GET projects/7/labels/sluice", "POST projects/7/labels"
	missing := reply{404, nil, `{"message":"404 Label Not Found"}`}
	for name, tc := range map[string]struct {
		replies map[string][]reply
		want    []string
		kind    core.Kind // -1 means done
	}{
		"there":             {one(read, reply{body: `{"id":1}`}), []string{read}, -1},
		"absent":            {map[string][]reply{read: {missing}, create: {{201, nil, `{"id":1}`}}}, []string{read, create}, -1},
		"created meanwhile": {map[string][]reply{read: {missing}, create: {{409, nil, `{"message":"Label already exists"}`}}}, []string{read, create}, -1},
		"may not":           {map[string][]reply{read: {missing}, create: {{403, nil, `{"message":"403 Forbidden"}`}}}, []string{read, create}, core.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tc.replies)
			err := s.project(setup{}).EnsureLabel(t.Context())
			if tc.kind >= 0 {
				wantError(t, err, tc.kind, "create label sluice in ai/flux")
			} else if err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(tc.want, s.lines()); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
			if s.last().line == create {
				wantJSON(t, s.last().body, `{"name":"sluice","color":"#1f75cb",
					"description":"Promotions by Sluice. It is set by Sluice and needed to find them again."}`)
			}
		})
	}
}
