package gitlab

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/sluice-gitops/sluice/internal/core"
	"github.com/sluice-gitops/sluice/internal/core/plan"
)

// Label marks the merge requests that are Sluice's. It makes them cheap to
// list and easy to filter by; it proves nothing, since anyone can set it.
const Label = plan.Label

// BranchPrefix is where all of Sluice's branches lie.
const BranchPrefix = plan.BranchPrefix

// wireMR is a merge request in a list, in a single read, and in the answer to
// a write. A list leaves out merge_error and head_pipeline, which is one reason
// why nothing from a list goes to the core.
type wireMR struct {
	IID             int64         `json:"iid"`
	WebURL          string        `json:"web_url"`
	State           string        `json:"state"`
	SourceBranch    string        `json:"source_branch"`
	TargetBranch    string        `json:"target_branch"`
	SourceProjectID int64         `json:"source_project_id"` // null once the fork is gone
	TargetProjectID int64         `json:"target_project_id"`
	SHA             string        `json:"sha"`
	MergeCommit     string        `json:"merge_commit_sha"`  // null before the merge, and after a fast-forward
	SquashCommit    string        `json:"squash_commit_sha"` // null unless squashed
	Title           string        `json:"title"`
	Description     string        `json:"description"`
	Labels          []string      `json:"labels"`
	Draft           bool          `json:"draft"`
	Author          wireUser      `json:"author"`
	ClosedBy        *wireUser     `json:"closed_by"`
	ClosedAt        *time.Time    `json:"closed_at"`
	MergedAt        *time.Time    `json:"merged_at"`
	CreatedAt       time.Time     `json:"created_at"`
	UpdatedAt       time.Time     `json:"updated_at"`
	NotesCount      int64         `json:"user_notes_count"`
	Resolved        bool          `json:"blocking_discussions_resolved"`
	PreparedAt      *time.Time    `json:"prepared_at"`
	MergeStatus     string        `json:"detailed_merge_status"`
	MergeError      string        `json:"merge_error"`
	HeadPipeline    *wirePipeline `json:"head_pipeline"`
}

// wirePipeline is a head pipeline. Its sha can be that of a merge result rather
// than of the source branch, so it is passed on as it is, for the core to judge.
type wirePipeline struct {
	ID     int64  `json:"id"`
	SHA    string `json:"sha"`
	Ref    string `json:"ref"`
	Status string `json:"status"`
	WebURL string `json:"web_url"`
}

// wireVersion is one push to the source branch as GitLab recorded it; the
// ids grow with time.
type wireVersion struct {
	ID        int64     `json:"id"`
	Head      string    `json:"head_commit_sha"`
	CreatedAt time.Time `json:"created_at"`
}

// wireApprovals leaves out "approved", which is true wherever no approval is
// required, and all that belongs to the rules of the paid editions.
type wireApprovals struct {
	ApprovedBy []struct {
		User       wireUser  `json:"user"`
		ApprovedAt time.Time `json:"approved_at"` // absent before GitLab 17
	} `json:"approved_by"`
}

// wireNote is a comment. What belongs to a diff note's position is left out on
// purpose: its form has changed often, and anybody can write one.
type wireNote struct {
	ID           int64     `json:"id"`
	Type         string    `json:"type"`
	Body         string    `json:"body"`
	Author       wireUser  `json:"author"`
	System       bool      `json:"system"`
	CreatedAt    time.Time `json:"created_at"`
	UpdatedAt    time.Time `json:"updated_at"`
	Internal     bool      `json:"internal"`
	Confidential bool      `json:"confidential"` // the name of "internal" before GitLab 15
	Resolvable   bool      `json:"resolvable"`
	Resolved     bool      `json:"resolved"`
}

// ours tells whether a merge request leads from one of our branches into the
// given one without leaving the project. A fork can name its branches as it
// likes, so the name alone says nothing.
func (p *Project) ours(mr wireMR, into string) bool {
	return mr.SourceProjectID == p.id && mr.TargetProjectID == p.id &&
		strings.HasPrefix(mr.SourceBranch, BranchPrefix) && mr.TargetBranch == into
}

// open counts a locked merge request in: GitLab is merging it, and if that
// fails it is opened again.
func open(mr wireMR) bool {
	return mr.State == string(plan.Opened) || mr.State == string(plan.Locked)
}

// sha is empty for whatever is not a full object name: GitLab gives none while
// it prepares a merge request, and for a branch that is gone.
func sha(text string) core.SHA {
	s, err := core.ParseSHA(text)
	if err != nil {
		return ""
	}
	return s
}

// domain passes the state and the merge status on as delivered: a value that
// a later GitLab invents is for the core to refuse, not for the adapter to hide.
func (mr wireMR) domain() plan.MergeRequest {
	out := plan.MergeRequest{
		ID:          core.MRID(mr.IID),
		URL:         mr.WebURL,
		State:       plan.MRState(mr.State),
		Source:      mr.SourceBranch,
		Target:      mr.TargetBranch,
		Head:        sha(mr.SHA),
		Title:       mr.Title,
		Description: mr.Description,
		Labels:      mr.Labels,
		Draft:       mr.Draft,
		Author:      core.UserID(mr.Author.ID),
		AuthorName:  mr.Author.Username,
		CreatedAt:   mr.CreatedAt.UTC(),
		Prepared:    mr.PreparedAt != nil,
		MergeStatus: mr.MergeStatus,
		MergeError:  mr.MergeError,
		Pipeline:    mr.HeadPipeline.domain(),
	}
	if mr.ClosedBy != nil && out.State == plan.Closed {
		out.ClosedBy = core.UserID(mr.ClosedBy.ID)
	}
	if mr.ClosedAt != nil && out.State == plan.Closed {
		out.ClosedAt, out.Ended = mr.ClosedAt.UTC(), mr.ClosedAt.UTC()
	}
	if mr.MergedAt != nil && out.State == plan.Merged {
		out.Ended = mr.MergedAt.UTC()
		out.Landed = cmp.Or(sha(mr.MergeCommit), sha(mr.SquashCommit), out.Head)
	}
	return out
}

// domain of no pipeline is nil: that is so in a project without CI, and for
// some seconds after each push in every other.
func (p *wirePipeline) domain() *plan.Pipeline {
	if p == nil {
		return nil
	}
	return &plan.Pipeline{ID: p.ID, SHA: sha(p.SHA), Ref: p.Ref, Status: p.Status, URL: p.WebURL}
}

// versions puts the newest first. A version whose head is unknown stays in,
// because it still says that something changed then.
func versions(list []wireVersion) []plan.Version {
	slices.SortFunc(list, func(a, b wireVersion) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
	var out []plan.Version
	for _, v := range list {
		out = append(out, plan.Version{Head: sha(v.Head), CreatedAt: v.CreatedAt.UTC()})
	}
	return out
}

// domain keeps GitLab's order, and the zero time where it gives none.
func (a wireApprovals) domain() []plan.Approval {
	var out []plan.Approval
	for _, by := range a.ApprovedBy {
		out = append(out, plan.Approval{User: core.UserID(by.User.ID), At: by.ApprovedAt.UTC()})
	}
	return out
}

// notes drops GitLab's own notes and puts the oldest first; ids decide between
// those of the same instant.
func notes(list []wireNote) []plan.Note {
	list = slices.DeleteFunc(list, func(n wireNote) bool { return n.System })
	slices.SortFunc(list, func(a, b wireNote) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	var out []plan.Note
	for _, n := range list {
		out = append(out, plan.Note{
			ID:        core.NoteID(n.ID),
			Author:    core.UserID(n.Author.ID),
			Body:      n.Body,
			CreatedAt: n.CreatedAt.UTC(),
			UpdatedAt: n.UpdatedAt.UTC(),
			Internal:  n.Internal || n.Confidential,
			Diff:      n.Type == "DiffNote",

			Resolvable: n.Resolvable, Resolved: n.Resolved,
		})
	}
	return out
}
